"""The manager's own detector: exact likelihood-ratio tests for the level of errors and for their
size (lesson 06).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State
from coursekit.learning.drift.detector import CALM, DRIFT
from coursekit.learning.drift.glr.gaussian import GaussianGLR, scan
from coursekit.learning.drift.settings import require_count

__all__ = ["LevelAndSize"]

_FloatArray = npt.NDArray[np.float64]
_LARGEST = 1e100  # squares of larger values, summed up, could leave the range of floats


@compiled
def scan_both(level, size, values):
    """Show values to both memories until one of them alarms or the end; return how many were shown,
    and the signal.
    """
    shown, signal = scan(level, values, CALM)
    shown_to_size, signal_of_size = scan(size, np.abs(values[:shown]), CALM)
    if signal_of_size == DRIFT:
        return shown_to_size, signal_of_size
    return shown, signal


class LevelAndSize:
    """Watch signed errors: alarm when their mean moves, either way, or when they grow.

    A shift of what is predicted shows in the mean of the errors long before it shows in their size;
    a change that goes both ways, such as tastes that turn, shows in their size alone. So both are
    watched, each by a :class:`~coursekit.learning.drift.glr.gaussian.GaussianGLR`. After an alarm
    both start afresh with the next value.

    Parameters
    ----------
    samples_between_false_alarms : float, greater than 10
        How many samples of an unchanged stream of independent errors either test wants between two
        false alarms. Errors of a recommender depend on each other (one user rates several items in
        a row), which makes alarms some ten times as frequent as it says: hence the large default.
    warm_up : int, 0 or more
        So many errors are let pass at the very beginning, while the model still learns its first
        things.

    Examples
    --------
    >>> errors = np.random.default_rng(7).normal(np.repeat([0.0, 0.5], 1000), 1.0)
    >>> detector = LevelAndSize()
    >>> detector.update_many(errors)
    array([1101])
    """

    def __init__(self, samples_between_false_alarms: float = 1_000_000, warm_up: int = 100) -> None:
        self.samples_between_false_alarms = samples_between_false_alarms
        self.warm_up = require_count("warm_up", warm_up, lowest=0)
        self._n_to_pass = self.warm_up
        self._level = GaussianGLR(samples_between_false_alarms, direction="both")
        self._size = GaussianGLR(samples_between_false_alarms, direction="up")
        self.drift_detected = False

    @property
    def warning_detected(self) -> bool:
        """Never: these tests know no warning."""
        return False

    def update(self, value: float) -> None:
        """Look at one more error.

        Raises
        ------
        InvalidSampleError
            If it is not a finite number; nothing has changed.
        """
        self.update_many(np.array([value]))

    def update_many(self, values: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Look at errors in order and return the indices of those that raised the alarm, exactly as
        one by one.
        """
        errors = np.ascontiguousarray(values, dtype=np.float64)
        if not np.abs(errors).max(initial=0.0) < _LARGEST:
            raise InvalidSampleError(
                f"`values` must be finite numbers below {_LARGEST:g} in size, got "
                f"{errors.tolist()}."
            )
        alarms = []
        at = min(self._n_to_pass, errors.size)
        self._n_to_pass -= at
        while at < errors.size:
            if self.drift_detected:
                self.reset_baseline()
            shown, signal = scan_both(self._level._memory, self._size._memory, errors[at:])
            at += shown
            self.drift_detected = signal == DRIFT
            if self.drift_detected:
                alarms.append(at - 1)
        return np.array(alarms, dtype=np.intp)

    def reset_baseline(self) -> None:
        """Forget everything seen."""
        self._level.reset_baseline()
        self._size.reset_baseline()
        self.drift_detected = False

    def get_state(self) -> State:
        """Return a copy of everything the next verdict depends on."""
        return {
            "class": type(self).__name__,
            "level": self._level.get_state(),
            "size": self._size.get_state(),
            "n_to_pass": self._n_to_pass,
            "drift_detected": self.drift_detected,
        }

    def set_state(self, state: State) -> None:
        """Continue from a state; one of another detector is refused and nothing changes."""
        if state.get("class") != type(self).__name__:
            raise StateFormatError(
                f"The state belongs to {state.get('class')}, expected {type(self).__name__}."
            )
        before: Any = self._level.get_state()
        self._level.set_state(state["level"])
        try:
            self._size.set_state(state["size"])
        except StateFormatError:
            self._level.set_state(before)
            raise
        self._n_to_pass = int(state["n_to_pass"])
        self.drift_detected = bool(state["drift_detected"])
