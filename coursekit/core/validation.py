"""Validation of settings, with errors that name the setting, the expected and the actual value.

>>> integer("batch_size", 32)
32
>>> number("threshold", 1.7, above=0, at_most=1)
Traceback (most recent call last):
coursekit.core.errors.InvalidParameterError: `threshold` must be in (0, 1], got 1.7.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from coursekit.core.errors import CourseKitError, InvalidParameterError, UnknownNameError

__all__ = ["choice", "integer", "number", "require"]


def require(
    holds: bool,
    name: str,
    expectation: str,
    value: object,
    error: type[CourseKitError] = InvalidParameterError,
) -> None:
    """Raise `error` unless the condition holds: "`name` must be `expectation`, got `value`."."""
    if not holds:
        raise error(f"`{name}` must be {expectation}, got {value!r}.")


def integer(name: str, value: Any, *, at_least: int = 1) -> int:
    """Return `value` as int.

    Accepts integers of numpy, but neither booleans nor floats such as 3.0.

    Raises
    ------
    InvalidParameterError
        If it is not an integer, or below `at_least`.
    """
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    holds = is_integer and int(value) >= at_least
    require(holds, name, f"an integer, {at_least} or more", value)
    return int(value)


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    error: type[CourseKitError] = InvalidParameterError,
) -> float:
    """Return a finite real number as float.

    Parameters
    ----------
    name : str
        Of the setting, for the message.
    value : object
    above, at_least : float, optional
        Lower bound, excluded or included.
    below, at_most : float, optional
        Upper bound, excluded or included.
    error : type of CourseKitError

    Raises
    ------
    InvalidParameterError
        Or `error`, if it is not a number, not finite or out of bounds.
    """
    expected = _interval(above, at_least, below, at_most)
    require(isinstance(value, Real) and not isinstance(value, bool), name, expected, value, error)
    x = _as_float(value)
    holds = (
        math.isfinite(x)
        and (above is None or x > above)
        and (at_least is None or x >= at_least)
        and (below is None or x < below)
        and (at_most is None or x <= at_most)
    )
    require(holds, name, expected, value, error)
    return x


def choice(name: str, value: Any, options: Collection[Any]) -> Any:
    """Return `value` if it is one of the options.

    Raises
    ------
    UnknownNameError
        If it is not; the message lists the options.
    """
    listed = ", ".join(map(repr, options))
    require(value in options, name, f"one of {listed}", value, UnknownNameError)
    return value


def _interval(
    above: float | None, at_least: float | None, below: float | None, at_most: float | None
) -> str:
    """Describe the accepted values, such as "in (0, 1]" or "a finite number, 0 or more"."""
    if (above, at_least) != (None, None) and (below, at_most) != (None, None):
        low = f"({above:g}" if above is not None else f"[{at_least:g}"
        high = f"{below:g})" if below is not None else f"{at_most:g}]"
        return f"in {low}, {high}"
    if above is not None:
        return f"a finite number greater than {above:g}"
    if at_least is not None:
        return f"a finite number, {at_least:g} or more"
    if below is not None:
        return f"a finite number less than {below:g}"
    if at_most is not None:
        return f"a finite number, {at_most:g} or less"
    return "a finite number"


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the range of floats
        return math.inf
