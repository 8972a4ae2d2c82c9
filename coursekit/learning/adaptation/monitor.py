"""Monitoring: the function of target and prediction that the drift detector receives (lesson
06).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from coursekit.core.arrays import Floats
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count, require
from coursekit.learning.drift.detector import Detector

__all__ = [
    "ErrorMonitor",
    "Monitor",
    "PeriodicAlarm",
    "absolute_error",
    "signed_error",
    "squared_error",
    "zero_one_error",
]


Monitor = Callable[[Any, Any], Any]
"""A function of targets and predictions, numbers or arrays (n,): the input of a detector."""


def absolute_error(target: Any, prediction: Any) -> Any:
    """Return |error|, with lighter tails than the squared error."""
    return abs(target - prediction)


def signed_error(target: Any, prediction: Any) -> Any:
    """Return the error with its sign: sensitive to a change of its mean, not of its variance."""
    return target - prediction


def squared_error(target: Any, prediction: Any) -> Any:
    """Return error², the loss; its heavy tail raises the false alarm rate of detectors."""
    error = target - prediction
    return error * error


def zero_one_error(target: Any, prediction: Any) -> Any:
    """Return 1.0 for a wrong class and 0.0 for a right one; targets are 0 or 1, predictions
    probabilities.
    """
    return abs((prediction >= 0.5) - target)


class PeriodicAlarm(Stateful):
    """A detector that ignores its values and raises an alarm after every `period` of them.

    >>> alarm = PeriodicAlarm(period=3)
    >>> [alarm.update(0.0) or alarm.drift_detected for _ in range(7)]
    [False, False, True, False, False, True, False]
    """

    _memory_names = ("_n",)

    def __init__(self, period: Count) -> None:
        self.period = period
        self._n = 0

    def update(self, value: float) -> None:
        """Count one value."""
        self._n += 1

    @property
    def drift_detected(self) -> bool:
        """Whether the number of values is a multiple of the period."""
        return self._n > 0 and self._n % self.period == 0


class ErrorMonitor(Stateful):
    """A detector, or none, and the monitored function of targets and predictions.

    Parameters
    ----------
    detector : Detector, optional
        None for no detection. `update_many(values)`, which returns the indices of the alarms, makes
        chunks fast. Without `get_state` and `set_state` a detector is deep-copied into
        checkpoints, and cannot be saved to disk.
    monitor : Monitor
    """

    def __init__(self, detector: Detector | None, monitor: Monitor = absolute_error) -> None:
        expected = "an object with `update` and `drift_detected`"
        require(detector is None or isinstance(detector, Detector), "detector", expected, detector)
        expected = "a function of targets and predictions"
        require(callable(monitor), "monitor", expected, monitor)
        self.detector = detector
        self.monitor = monitor
        self._n_paused = 0

    def config(self) -> State:
        """Return the detector's class."""
        return {"detector": None if self.detector is None else type(self.detector).__name__}

    def pause(self, n_events: int) -> None:
        """Skip the next `n_events` events."""
        self._n_paused = n_events

    def check(self, target: float, prediction: float) -> None:
        """Raise the detector's error if it would refuse the event; changes nothing."""
        check = getattr(self.detector, "check", None)
        if check is not None and not self._n_paused:
            check(float(self.monitor(target, prediction)))

    def update(self, target: float, prediction: float) -> tuple[bool, bool]:
        """Update with one event; return whether the detector raised an alarm, and a warning."""
        detector = self.detector
        if detector is None:
            return False, False
        if self._n_paused:
            self._n_paused -= 1
            return False, False
        detector.update(float(self.monitor(target, prediction)))
        return bool(detector.drift_detected), bool(getattr(detector, "warning_detected", False))

    def update_many(
        self, targets: Floats, predictions: Floats, *, until_alarm: bool
    ) -> tuple[list[int], int]:
        """Update with events in order; return the indices of the alarms, and the number of events
        used.

        With `until_alarm`, it stops after the first alarm.
        """
        detector, n = self.detector, len(targets)
        if detector is None:
            return [], n
        start = min(self._n_paused, n)
        self._n_paused -= start
        values = self.monitor(targets[start:], predictions[start:])
        update_many = getattr(detector, "update_many", None)
        if update_many is not None and not until_alarm:
            return [start + at for at in update_many(values).tolist()], n
        alarms: list[int] = []
        for at, value in enumerate(values.tolist(), start):
            detector.update(value)
            if detector.drift_detected:
                alarms.append(at)
                if until_alarm:
                    return alarms, at + 1
        return alarms, n

    def _get_memory(self) -> State:
        get_state = getattr(self.detector, "get_state", None)
        detector = copy.deepcopy(self.detector) if get_state is None else get_state()
        return {"detector": detector, "n_paused": self._n_paused}

    def _set_memory(self, memory: State) -> None:
        set_state = getattr(self.detector, "set_state", None)
        if set_state is None:
            self.detector = copy.deepcopy(memory["detector"])
        else:
            set_state(memory["detector"])
        self._n_paused = memory["n_paused"]
