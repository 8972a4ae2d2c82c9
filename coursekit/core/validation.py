"""Validation of settings, with errors that name the setting, the expected and the actual value.

A parameter's type states its range; `validated` checks it at every call:

>>> @validated
... def learn(rate: Positive, n_epochs: Count = 1):
...     return rate, n_epochs
>>> learn(1)
(1.0, 1)
>>> learn(0.1, n_epochs=0)
Traceback (most recent call last):
coursekit.core.errors.InvalidParameterError: `n_epochs` must be an integer, 1 or more, got 0.
>>> number("threshold", 1.7, above=0, at_most=1)
Traceback (most recent call last):
coursekit.core.errors.InvalidParameterError: `threshold` must be in (0, 1], got 1.7.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from functools import cache, partial, wraps
from numbers import Integral, Real
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from coursekit.core.errors import CourseKitError, InvalidParameterError, UnknownNameError

__all__ = [
    "Count",
    "Natural",
    "NonNegative",
    "Positive",
    "Proportion",
    "Share",
    "bind",
    "choice",
    "integer",
    "number",
    "require",
    "validated",
]

_Callable = TypeVar("_Callable", bound=Callable[..., Any])


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


Count = Annotated[int, integer]
"""An integer, 1 or more."""
Natural = Annotated[int, partial(integer, at_least=0)]
"""An integer, 0 or more."""
Positive = Annotated[float, partial(number, above=0)]
"""A finite number greater than 0."""
NonNegative = Annotated[float, partial(number, at_least=0)]
"""A finite number, 0 or more."""
Proportion = Annotated[float, partial(number, above=0, below=1)]
"""A number in (0, 1)."""
Share = Annotated[float, partial(number, above=0, at_most=1)]
"""A number in (0, 1]."""


def validated(target: _Callable) -> _Callable:
    """Check the arguments of a function, or of a dataclass, by the types of its parameters.

    The types that count are `Annotated` with a check: a function of name and value that returns the
    value to use or raises the error. None is accepted where the type has `| None`.
    """
    if isinstance(target, type):
        target.__init__ = validated(target.__init__)  # type: ignore[misc]
        return target

    @wraps(target)
    def checking(*args: Any, **kwargs: Any) -> Any:
        bound = bind(target, args, kwargs)
        return target(*bound.args, **bound.kwargs)

    return checking  # type: ignore[return-value]


def bind(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments:
    """Return the checked arguments of a call, with defaults."""
    signature, checks = _checks(function)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    for name, (check, may_be_none) in checks.items():
        value = bound.arguments[name]
        if value is not None or not may_be_none:
            bound.arguments[name] = check(name, value)
    return bound


@cache
def _checks(
    function: Callable[..., Any],
) -> tuple[inspect.Signature, dict[str, tuple[Callable[[str, Any], Any], bool]]]:
    """Return the signature of a function, and of its parameters the check and whether None is
    accepted.
    """
    checks = {}
    for name, hint in get_type_hints(function, include_extras=True).items():
        for type_ in (hint, *get_args(hint)):
            for check in getattr(type_, "__metadata__", ()):
                checks[name] = (check, type(None) in get_args(hint))
    return inspect.signature(function), checks


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
