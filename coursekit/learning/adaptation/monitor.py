"""What a manager shows its drift detector, and how: every event's error, in every mode (lesson
06).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError

__all__ = [
    "Detector",
    "ErrorWatch",
    "Monitor",
    "PeriodicAlarm",
    "absolute_error",
    "signed_error",
    "squared_error",
    "zero_one_error",
]

_FloatArray = npt.NDArray[np.float64]

Monitor = Callable[[Any, Any], Any]
"""A function of targets and predictions (numbers, or arrays of shape (n,)) that a detector shall
watch.
"""


@runtime_checkable
class Detector(Protocol):
    """All that a manager asks of a drift detector; those of River have it too.

    A detector may also have `update_many(values)`, which returns the indices of the alarms, for
    speed; `warning_detected`; and `get_state` / `set_state`. Without the last two, checkpoints hold
    a deep copy.
    """

    def update(self, value: float) -> Any:
        """Take in one value."""
        ...

    @property
    def drift_detected(self) -> bool:
        """Whether the value before raised an alarm."""
        ...


def absolute_error(target: Any, prediction: Any) -> Any:
    """|error|: rises with any kind of trouble, and has lighter tails than the squared error."""
    return abs(target - prediction)


def signed_error(target: Any, prediction: Any) -> Any:
    """Error with its sign: the most sensitive to a shift of level, blind to trouble that goes both
    ways.
    """
    return target - prediction


def squared_error(target: Any, prediction: Any) -> Any:
    """error²: what is minimised; its heavy tail costs detectors false alarms."""
    error = target - prediction
    return error * error


def zero_one_error(target: Any, prediction: Any) -> Any:
    """1.0 for a wrong answer and 0.0 for a right one, where targets are 0 or 1 and predictions
    probabilities.
    """
    return abs((prediction >= 0.5) - target)


class PeriodicAlarm:
    """A detector that looks at nothing and raises an alarm after every `period` values: answers on
    a schedule.

    >>> alarm = PeriodicAlarm(period=3)
    >>> [alarm.update(0.0) or alarm.drift_detected for _ in range(7)]
    [False, False, True, False, False, True, False]
    """

    def __init__(self, period: int) -> None:
        if isinstance(period, bool) or not isinstance(period, int) or period < 1:
            raise InvalidParameterError(f"`period` must be an integer, 1 or more, got {period!r}.")
        self.period = period
        self._n = 0

    def update(self, value: float) -> None:
        """Count one value."""
        self._n += 1

    @property
    def drift_detected(self) -> bool:
        """Whether the number of values is a multiple of the period."""
        return self._n > 0 and self._n % self.period == 0


class ErrorWatch:
    """A detector, or none, and the function of targets and predictions that it watches.

    Parameters
    ----------
    detector : Detector, optional
        None watches nothing.
    monitor : Monitor
    """

    def __init__(self, detector: Detector | None, monitor: Monitor = absolute_error) -> None:
        if detector is not None and not isinstance(detector, Detector):
            raise InvalidParameterError(
                f"`detector` must have `update` and `drift_detected`, got {detector!r}."
            )
        if not callable(monitor):
            raise InvalidParameterError(
                f"`monitor` must be a function of targets and predictions, got {monitor!r}."
            )
        self.detector = detector
        self.monitor = monitor

    def update(self, target: float, prediction: float) -> tuple[bool, bool]:
        """Show one event; return whether the detector raised an alarm, and whether it warned."""
        detector = self.detector
        if detector is None:
            return False, False
        detector.update(float(self.monitor(target, prediction)))
        return bool(detector.drift_detected), bool(getattr(detector, "warning_detected", False))

    def update_many(
        self, targets: _FloatArray, predictions: _FloatArray, *, until_alarm: bool
    ) -> tuple[list[int], int]:
        """Show events in order; return where the alarms came, and how many events were shown.

        With `until_alarm`, the events after the first alarm are not shown.
        """
        if self.detector is None:
            return [], len(targets)
        values = self.monitor(targets, predictions)
        update_many = getattr(self.detector, "update_many", None)
        if update_many is not None and not until_alarm:
            return update_many(values).tolist(), len(targets)
        alarms: list[int] = []
        for at, value in enumerate(values.tolist()):
            self.detector.update(value)
            if self.detector.drift_detected:
                alarms.append(at)
                if until_alarm:
                    return alarms, at + 1
        return alarms, len(targets)

    @property
    def name(self) -> str | None:
        """The detector's class."""
        return None if self.detector is None else type(self.detector).__name__

    def get_state(self) -> Any:
        """Return a copy of the detector's memory: its own state, or the detector copied, which
        cannot be saved to disk.
        """
        get_state = getattr(self.detector, "get_state", None)
        return copy.deepcopy(self.detector) if get_state is None else get_state()

    def set_state(self, state: Any) -> None:
        """Go back to a copy."""
        set_state = getattr(self.detector, "set_state", None)
        if set_state is None:
            self.detector = copy.deepcopy(state)
        else:
            set_state(state)
