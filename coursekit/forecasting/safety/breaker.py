"""Circuit breaker: after repeated failures updates pause, then one is tried again (lesson 18)."""

from __future__ import annotations

from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import integer, number

__all__ = ["CircuitBreaker"]


class CircuitBreaker(Stateful):
    """Open for `pause_hours` of event time after `max_failures` refused updates in a row.

    After the pause one update is allowed (*half-open*): if it is accepted the circuit closes, else
    it opens again.

    Parameters
    ----------
    max_failures : int
    pause_hours : float, greater than 0

    Examples
    --------
    >>> breaker = CircuitBreaker(max_failures=2, pause_hours=1)
    >>> for now in (0.0, 60.0):
    ...     breaker.record(False, now)
    >>> breaker.state(100.0), breaker.allows(100.0), breaker.state(3660.0), breaker.allows(3660.0)
    ('open', False, 'half-open', True)
    >>> breaker.record(True, 3660.0)
    >>> breaker.state(3660.0)
    'closed'

    References
    ----------
    M. Nygard (2018), "Release It!", second edition, chapter 5.
    """

    _memory_names = ("n_failures", "opened_at")

    def __init__(self, max_failures: int = 5, pause_hours: float = 24.0) -> None:
        self.max_failures = integer("max_failures", max_failures)
        self.pause_hours = number("pause_hours", pause_hours, above=0)
        self.n_failures = 0
        self.opened_at: float | None = None

    def config(self) -> State:
        """Return the settings."""
        return {"max_failures": self.max_failures, "pause_hours": self.pause_hours}

    def state(self, now: float) -> str:
        """Return "closed", "open" or "half-open".

        Parameters
        ----------
        now : float
            Event time in seconds.
        """
        if self.opened_at is None:
            return "closed"
        return "open" if now < self.opened_at + 3600 * self.pause_hours else "half-open"

    def allows(self, now: float) -> bool:
        """Return whether an update may be tried."""
        return self.state(now) != "open"

    def record(self, succeeded: bool, now: float) -> None:
        """Record the outcome of an update."""
        if succeeded:
            self.n_failures, self.opened_at = 0, None
            return
        self.n_failures += 1
        if self.n_failures >= self.max_failures:
            self.opened_at = now
