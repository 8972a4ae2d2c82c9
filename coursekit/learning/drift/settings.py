"""Settings of detectors, checked: a wrong one is named, with what it should have been."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from coursekit.core.errors import InvalidParameterError

__all__ = ["DIRECTIONS", "require", "require_count", "require_direction"]

DIRECTIONS: Mapping[str, tuple[bool, bool]] = {
    "up": (True, False),
    "down": (False, True),
    "both": (True, True),
}
"""Name of a direction to (does a rise count, does a fall count)."""


def require(holds: bool, name: str, expectation: str, value: object) -> None:
    """Refuse a setting that is outside its range."""
    if not holds:
        raise InvalidParameterError(f"`{name}` must be {expectation}, got {value!r}.")


def require_count(name: str, value: object, lowest: int = 1) -> int:
    """Return a count as int, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < lowest:
        raise InvalidParameterError(
            f"`{name}` must be an integer, {lowest} or more, got {value!r}."
        )
    return int(value)


def require_direction(direction: str) -> tuple[float, float]:
    """Return whether a rise and whether a fall counts, as numbers for a memory."""
    require(direction in DIRECTIONS, "direction", "'up', 'down' or 'both'", direction)
    rise, fall = DIRECTIONS[direction]
    return float(rise), float(fall)
