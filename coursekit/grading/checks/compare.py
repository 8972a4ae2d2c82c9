"""Compare what a solution returned with what was expected, and say in words how they differ.

What a solution returned has been read by `coursekit.grading.protocol.codec`, so it is plain data;
it may still be of any kind, and no comparison here raises because of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.grading.errors import WrongValue
from coursekit.grading.protocol.subject import Ref

__all__ = ["Difference", "array_of", "difference", "entries_of", "number_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a value differs from the expected one.

    Parameters
    ----------
    summary : str
        In words that give away no expected value.
    detail : str
        The same with the first place that differs and both values; empty where the summary says it
        all.
    """

    summary: str
    detail: str = ""

    def __str__(self) -> str:
        """As much as can be said."""
        return self.detail or self.summary


def difference(
    got: Any, expected: Any, *, rtol: float = 0.0, atol: float = 0.0, what: str = "the value"
) -> Difference | None:
    """Return how `got` differs from `expected`, or None where it does not.

    Numbers are compared within ``atol + rtol * abs(expected)``, shapes and lengths exactly; lists,
    tuples and arrays of the same numbers count as equal, a truth value never counts as a number,
    and NaN equals only an expected NaN.

    Examples
    --------
    >>> difference([1.0, 2.0], np.array([1.0, 2.0])) is None
    True
    >>> print(difference([1.0, 2.5, 3.5], [1.0, 2.0, 3.0], what="prediction"))
    prediction[1] is 2.5, expected 2 (2 of 3 numbers differ)
    """
    if isinstance(expected, Mapping):
        return _difference_of_mappings(got, expected, rtol, atol, what)
    if isinstance(expected, list | tuple | np.ndarray) or _is_number(expected):
        wanted = np.asarray(expected)
        if wanted.dtype.kind in "biuf":
            return _difference_of_numbers(got, wanted, rtol, atol, what)
        return _difference_of_items(got, list(expected), rtol, atol, what)
    if type(got) is type(expected) and got == expected:
        return None
    return _kind_difference(got, what) or Difference(
        summary=f"{what} differs", detail=f"{what} {_both(got, expected)}"
    )


def number_of(value: Any, what: str = "the value") -> float:
    """Return a single finite number.

    Raises
    ------
    WrongValue
        If the value is anything else.
    """
    return float(array_of(value, (), what))


def array_of(
    value: Any, shape: tuple[int | None, ...] | None = None, what: str = "the value"
) -> npt.NDArray[np.float64]:
    """Return finite numbers as an array of a shape in which None stands for any length.

    Raises
    ------
    WrongValue
        If the value is anything else.
    """
    numbers = _numbers(value)
    if numbers is None or numbers.dtype.kind == "b":
        raise WrongValue(
            f"{what} {_kind(value)}, expected {'a number' if shape == () else 'numbers'}"
        )
    if shape is not None and not _fits(numbers.shape, shape):
        raise WrongValue(f"{what} has shape {numbers.shape}, expected {_shape_text(shape)}")
    if not np.isfinite(numbers).all():
        raise WrongValue(f"{what} holds a number that is not finite")
    return numbers.astype(np.float64)


def entries_of(value: Any, keys: Iterable[Any], what: str = "the value") -> list[Any]:
    """Return the entries of a dict under some keys, in the order of the keys.

    Raises
    ------
    WrongValue
        If the value is no dict or lacks a key.
    """
    if not isinstance(value, dict):
        raise WrongValue(f"{what} {_kind(value)}, expected a dict")
    wanted = list(keys)
    lacking = [key for key in wanted if key not in value]
    if lacking:
        raise WrongValue(f"{what} has no entry {_short(lacking[0])}")
    return [value[key] for key in wanted]


def _difference_of_numbers(
    got: Any, expected: npt.NDArray[Any], rtol: float, atol: float, what: str
) -> Difference | None:
    numbers = _numbers(got)
    if numbers is None or (numbers.dtype.kind == "b") != (expected.dtype.kind == "b"):
        wanted = (
            "a truth value"
            if expected.dtype.kind == "b"
            else "a number"
            if expected.ndim == 0
            else "numbers"
        )
        return Difference(summary=f"{what} {_kind(got)}, expected {wanted}")
    if numbers.shape != expected.shape:
        return Difference(summary=f"{what} has shape {numbers.shape}, expected {expected.shape}")
    with np.errstate(all="ignore"):
        same = np.isclose(
            numbers.astype(np.float64),
            expected.astype(np.float64),
            rtol=rtol,
            atol=atol,
            equal_nan=True,
        )
    if same.all():
        return None
    if expected.ndim == 0:
        return Difference(
            summary=f"{what} differs", detail=f"{what} {_both(numbers.item(), expected.item())}"
        )
    at = tuple(int(i) for i in np.argwhere(~same)[0])
    place = f"{what}[{', '.join(map(str, at))}]"
    count = f"{int((~same).sum())} of {same.size} numbers differ"
    both = _both(numbers[at].item(), expected[at].item())
    return Difference(summary=f"{count} in {what}", detail=f"{place} {both} ({count})")


def _difference_of_items(
    got: Any, expected: list[Any], rtol: float, atol: float, what: str
) -> Difference | None:
    if not isinstance(got, list | tuple):
        return Difference(summary=f"{what} {_kind(got)}, expected a list")
    if len(got) != len(expected):
        return Difference(summary=f"{what} has {len(got)} entries, expected {len(expected)}")
    pairs = zip(got, expected, strict=True)
    found = (
        difference(one, other, rtol=rtol, atol=atol, what=f"{what}[{at}]")
        for at, (one, other) in enumerate(pairs)
    )
    return next((each for each in found if each is not None), None)


def _difference_of_mappings(
    got: Any, expected: Mapping[Any, Any], rtol: float, atol: float, what: str
) -> Difference | None:
    if not isinstance(got, dict):
        return Difference(summary=f"{what} {_kind(got)}, expected a dict")
    if set(got) != set(expected):
        lacking, extra = len(set(expected) - set(got)), len(set(got) - set(expected))
        return Difference(
            summary=f"{what} lacks {lacking} of {len(expected)} keys and has {extra} too many"
        )
    found = (
        difference(got[key], expected[key], rtol=rtol, atol=atol, what=f"{what}[{key!r}]")
        for key in expected
    )
    return next((each for each in found if each is not None), None)


def _numbers(value: Any) -> npt.NDArray[Any] | None:
    """Return numbers or truth values as an array, None for anything else."""
    if not (isinstance(value, list | tuple | np.ndarray) or _is_number(value)):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):  # lists of unequal length
        return None
    return array if array.dtype.kind in "biuf" else None


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float | np.generic)


def _kind_difference(got: Any, what: str) -> Difference | None:
    return (
        Difference(summary=f"{what} {_kind(got)}") if got is None or isinstance(got, Ref) else None
    )


def _kind(value: Any) -> str:
    """Say what a value is, as the end of a sentence."""
    if value is None:
        return "is None (is a `return` missing?)"
    if isinstance(value, Ref):
        return f"is an object of type {value.type_name}"
    if isinstance(value, bool | str):
        return f"is {_short(value)}"
    if isinstance(value, np.ndarray):
        return f"is an array of {value.dtype}"
    if isinstance(value, list | tuple):
        return f"is a {type(value).__name__} that does not hold numbers in rows of one length"
    return f"is a {type(value).__name__}"


def _both(got: Any, expected: Any) -> str:
    one, other = _short(got), _short(expected)
    if one == other:
        one, other = repr(got), repr(expected)
    return f"is {one}, expected {other}"


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want is None or have == want for have, want in zip(shape, wanted, strict=True)
    )


def _shape_text(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("any" if size is None else str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
