"""What the kernels of drift detectors have in common: signals, the beginning of the memory, and the
loop over a chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Annotated, Any

from coursekit.core.compiled import compiled
from coursekit.core.validation import require

__all__ = ["CHANGE", "DRIFT", "IN_CONTROL", "WARNING", "Direction", "N", "scan_of", "watched"]

IN_CONTROL, WARNING, DRIFT = 0, 1, 2
"""Signals of a kernel."""

N, CHANGE = 0, 1
"""The first two numbers of every memory: values since the last restart, and, at an alarm, those up
to the estimated change point.
"""

_WATCHED = {"up": (1.0, 0.0), "down": (0.0, 1.0), "both": (1.0, 1.0)}


def _direction(name: str, value: str) -> str:
    require(value in _WATCHED, name, "'up', 'down' or 'both'", value)
    return value


Direction = Annotated[str, _direction]
"""Which changes raise alarms: "up", "down" or "both"."""


def scan_of(step: Callable[..., int]) -> Callable[..., tuple[int, int]]:
    """Compile the loop over a chunk for the kernel `step` of a detector's module.

    numba caches machine code by file, line and name of a function, and does not cache closures. So
    the loop gets the globals and the file of `step`, and no closure.
    """
    source: Any = getattr(step, "py_func", step)
    place = source.__code__
    code = _scan.__code__.replace(
        co_filename=place.co_filename, co_firstlineno=place.co_firstlineno
    )
    scan: Callable[..., tuple[int, int]] = compiled(FunctionType(code, source.__globals__))
    return scan


def _scan(memory, values, signal):  # type: ignore[no-untyped-def]
    for t in range(values.size):
        signal = step(memory, values[t])  # type: ignore[name-defined]  # noqa: F821
        if signal == DRIFT:
            return t + 1, signal
    return values.size, signal


def watched(direction: str) -> tuple[float, float]:
    """Return whether a direction includes increases, and decreases, as 1.0 or 0.0.

    >>> watched("up"), watched("both")
    ((1.0, 0.0), (1.0, 1.0))
    """
    return _WATCHED[direction]
