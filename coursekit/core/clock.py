"""Clocks: code that needs the time receives a :class:`Clock` and never reads the system clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Protocol of a source of time, in seconds since 1970-01-01 UTC."""

    def now(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return datetime.now(UTC).timestamp()


class ManualClock:
    """A clock that is advanced by hand, for tests and replays.

    >>> clock = ManualClock(start=100.0)
    >>> clock.advance(hours=1)
    >>> clock.now()
    3700.0
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = float(start)

    def now(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return self._now

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Advance the clock."""
        self._now += timedelta(seconds=seconds, minutes=minutes, hours=hours).total_seconds()
