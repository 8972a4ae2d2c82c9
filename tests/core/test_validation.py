from __future__ import annotations

import inspect
import math
from dataclasses import FrozenInstanceError, dataclass
from fractions import Fraction

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, UnknownNameError
from coursekit.core.validation import (
    Count,
    Natural,
    NonNegative,
    Positive,
    Proportion,
    Share,
    choice,
    integer,
    number,
    require,
    validated,
)


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(9)])
def test_integers_of_any_kind_become_int(value: object) -> None:
    assert integer("n", value) == value
    assert type(integer("n", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None, np.float64(2), np.bool_(True)])
def test_what_is_no_integer_of_1_or_more_is_named(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        integer("n", value)
    assert str(caught.value) == f"`n` must be an integer, 1 or more, got {value!r}."


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.25), Fraction(1, 3)])
def test_real_numbers_of_any_kind_become_float(value: object) -> None:
    got = number("x", value, above=0, at_most=1)
    assert type(got) is float
    assert got == float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, 1j, [1.0]])
def test_what_is_no_finite_number_is_named(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        number("x", value)
    assert str(caught.value) == f"`x` must be a finite number, got {value!r}."


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "expected"),
    [
        ({"above": 0, "at_most": 1}, 1, 0, "in (0, 1]"),
        ({"at_least": 0, "below": 0.5}, 0, 0.5, "in [0, 0.5)"),
        ({"above": 0}, 1e-300, 0, "a finite number greater than 0"),
        ({"at_least": 0}, 0, -1e-300, "a finite number, 0 or more"),
        ({"below": 2}, 1, 2, "a finite number less than 2"),
        ({"at_most": 2}, 2, 3, "a finite number, 2 or less"),
    ],
)
def test_bounds_hold_and_are_said(
    bounds: dict[str, float], inside: float, outside: float, expected: str
) -> None:
    assert number("x", inside, **bounds) == inside
    with pytest.raises(InvalidSampleError) as caught:
        number("x", outside, **bounds, error=InvalidSampleError)
    assert str(caught.value) == f"`x` must be {expected}, got {outside!r}."


def test_an_unknown_choice_lists_the_known_ones() -> None:
    assert choice("mode", "batch", ("batch", "single")) == "batch"
    with pytest.raises(UnknownNameError) as caught:
        choice("mode", "bach", ("batch", "single"))
    assert str(caught.value) == "`mode` must be one of 'batch', 'single', got 'bach'."


def test_a_condition_that_holds_raises_nothing() -> None:
    require(True, "x", "anything", None)


@validated
def call(n: Count, *rest: int, rate: Positive | None = None, name: str = "x", **others: float):
    return n, rest, rate, name, others


@validated
@dataclass(frozen=True, slots=True)
class Settings:
    size: Count
    share: Share = 1.0


def test_arguments_are_checked_by_their_types_and_passed_on_as_plain_numbers() -> None:
    got = call(np.int64(3), 7, rate=2, other=1)
    assert got == (3, (7,), 2.0, "x", {"other": 1})
    assert [type(value) for value in got[:3:2]] == [int, float]
    with pytest.raises(InvalidParameterError, match="`n` must be an integer, 1 or more, got 0"):
        call(0)
    with pytest.raises(InvalidParameterError, match=r"`rate` must be .* greater than 0, got 0"):
        call(1, rate=0)


def test_none_is_accepted_only_where_the_type_says_so() -> None:
    assert call(1, rate=None)[2] is None
    with pytest.raises(InvalidParameterError, match="`n` must be an integer, 1 or more, got None"):
        call(None)


def test_defaults_are_checked_too_and_a_wrong_call_is_a_type_error() -> None:
    @validated
    def wrong(n: Count = 0) -> int:
        return n

    with pytest.raises(InvalidParameterError, match="`n`"):
        wrong()
    with pytest.raises(TypeError, match="'n'"):
        call()


def test_the_fields_of_a_dataclass_are_checked() -> None:
    assert Settings(np.int8(2)) == Settings(size=2, share=1.0)
    for bad in ({"size": 0}, {"size": 1, "share": 0.0}, {"size": 1, "share": 1.1}):
        with pytest.raises(InvalidParameterError):
            Settings(**bad)
    with pytest.raises(FrozenInstanceError):
        Settings(1).size = 2  # type: ignore[misc]


def test_signature_and_documentation_stay() -> None:
    assert list(inspect.signature(call).parameters) == ["n", "rest", "rate", "name", "others"]
    assert list(inspect.signature(Settings).parameters) == ["size", "share"]


@pytest.mark.parametrize(
    ("type_", "inside", "outside"),
    [
        (Natural, [0, 5], [-1, 0.5, True]),
        (NonNegative, [0, 1e9], [-1e-9, math.inf]),
        (Proportion, [0.5], [0, 1]),
        (Share, [1e-9, 1], [0, 1.1]),
    ],
)
def test_the_named_ranges(type_: object, inside: list[float], outside: list[float]) -> None:
    def same(x):  # type: ignore[no-untyped-def]
        return x

    same.__annotations__["x"] = type_
    for value in inside:
        assert validated(same)(value) == value
    for value in outside:
        with pytest.raises(InvalidParameterError, match="`x` must be"):
            validated(same)(value)
