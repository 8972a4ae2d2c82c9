"""Validation of the values that a detector accepts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import Any, NoReturn

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidSampleError

__all__ = ["BINARY", "FINITE", "UNIT", "Domain"]


@compiled
def are_inside(values: Floats, lowest: float, highest: float, is_binary: bool) -> bool:
    """Return whether all `values` (n,) are accepted: without a branch, several at a time."""
    accepted = True
    for t in range(values.size):
        is_between = (values[t] > lowest) & (values[t] < highest)
        is_limit = (values[t] == lowest) | (values[t] == highest)
        accepted &= is_limit | (is_between & (not is_binary))
    return accepted


@dataclass(frozen=True, slots=True)
class Domain:
    """Numbers from `lowest` to `highest`; only these two if it is binary.

    >>> BINARY.numbers([1, 0.5])
    Traceback (most recent call last):
    coursekit.core.errors.InvalidSampleError: `values[1]` must be 0 or 1, got 0.5.
    """

    lowest: float
    highest: float
    is_binary: bool = False

    def number(self, value: Any) -> float:
        """Return an integer, a boolean or a scalar of numpy as a float."""
        if isinstance(value, Real | np.bool_):
            with suppress(OverflowError):
                return float(value)
        self.refuse(value)

    def numbers(self, values: ArrayLike) -> Floats:
        """Return values as float64, shape (n,); raise an error for the first that is outside."""
        array = np.asarray(values)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
            raise InvalidSampleError(
                f"`values` must be numbers of shape (n,), got {array.dtype} of shape {array.shape}."
            )
        numbers = np.ascontiguousarray(array, dtype=np.float64)
        if not are_inside(numbers, self.lowest, self.highest, self.is_binary):
            for at, number in enumerate(numbers.tolist()):
                self.check(number, f"values[{at}]")
        return numbers

    def check(self, value: float, name: str = "value") -> None:
        """Raise the error if a number is outside."""
        lowest, highest = self.lowest, self.highest
        if not lowest <= value <= highest or (self.is_binary and lowest < value < highest):
            self.refuse(value, name)

    def refuse(self, value: object, name: str = "value") -> NoReturn:
        """Raise InvalidSampleError for a value outside the domain."""
        expected = f"a finite number from {self.lowest:g} to {self.highest:g}"
        if self.is_binary:
            expected = f"{self.lowest:g} or {self.highest:g}"
        raise InvalidSampleError(f"`{name}` must be {expected}, got {value!r}.")


FINITE = Domain(-1e100, 1e100)  # sums of squares of larger values could overflow
UNIT = Domain(0.0, 1.0)
BINARY = Domain(0.0, 1.0, is_binary=True)
