from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, UnknownNameError
from coursekit.core.validation import choice, integer, number, require


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
