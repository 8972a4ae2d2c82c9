"""Which values a detector accepts, and the errors for all others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError

__all__ = ["BINARY", "FINITE", "UNIT", "Domain"]


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
        """Return an integer, a truth value or a scalar of numpy as a float."""
        if isinstance(value, Real | np.bool_):
            with suppress(OverflowError):
                return float(value)
        self.refuse(value)

    def numbers(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return values as float64, shape (n,), or name the first that is outside."""
        array = np.asarray(values)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
            raise InvalidSampleError(
                f"`values` must be numbers of shape (n,), got {array.dtype} of shape {array.shape}."
            )
        numbers = np.ascontiguousarray(array, dtype=np.float64)
        if self.is_binary:
            accepted = (numbers == self.lowest) | (numbers == self.highest)
        else:
            accepted = (numbers >= self.lowest) & (numbers <= self.highest)
        refused = np.flatnonzero(~accepted)
        if refused.size:
            self.refuse(numbers[refused[0]].item(), f"values[{refused[0]}]")
        return numbers

    def refuse(self, value: object, name: str = "value") -> NoReturn:
        """Raise the error for a value that is outside."""
        expected = f"a finite number from {self.lowest:g} to {self.highest:g}"
        if self.is_binary:
            expected = f"{self.lowest:g} or {self.highest:g}"
        raise InvalidSampleError(f"`{name}` must be {expected}, got {value!r}.")


FINITE = Domain(-1e100, 1e100)  # sums of squares of larger values could overflow
UNIT = Domain(0.0, 1.0)
BINARY = Domain(0.0, 1.0, is_binary=True)
