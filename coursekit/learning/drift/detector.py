"""Protocol and base class of drift detectors (lesson 05).

A detector monitors one number per event, usually the error of a model, and raises an alarm when its
distribution has changed. A `DriftDetector` consists of an array, its memory, and a kernel
`step(memory, value)` that updates the memory with one value. Kernels are compiled if numba is
installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats, Indices
from coursekit.core.errors import StateFormatError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.learning.drift.domain import BINARY, FINITE, Domain
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, WARNING, N, scan_of

__all__ = ["BinaryDetector", "Detector", "DriftDetector"]


@runtime_checkable
class Detector(Protocol):
    """Interface of a drift detector, also that of River's.

    Optional: `update_many(values)`, which returns the indices of the alarms; `check(value)`, which
    raises the error of an `update` that would reject the value;
    `warning_detected`; `n_since_change`; and `get_state` / `set_state`.
    """

    @property
    def drift_detected(self) -> bool:
        """Whether the latest value raised an alarm."""

    def update(self, x: Any, /) -> object:
        """Update with one value."""


class DriftDetector(Stateful):
    """Monitor a stream of numbers and raise an alarm when its distribution has changed.

    After an alarm a detector restarts with the next value, as River's do.

    Parameters
    ----------
    memory : array
        Initial memory; it begins with `N` and `CHANGE` (see
        :mod:`~coursekit.learning.drift.kernels`).
    step : function, of a subclass
        Kernel: (memory, value) -> signal.
    scan : function, of a subclass
        Kernel: (memory, values, signal) -> (number of values used, signal of the last one); returns
        at the first alarm. Default: `step` for each value.

    Attributes
    ----------
    drift_detected : bool
        Whether the latest value raised an alarm.
    warning_detected : bool
        Whether the latest value raised a warning; always False for detectors without warnings.
    n_samples : int
        Values since the last restart.
    n_since_change : int
        Number of latest values after the estimated change point; 0 while there is no alarm.
    """

    __slots__ = ("_at_start", "_memory", "_signal")  # read a twentieth faster than from a dict

    _memory_names: ClassVar[tuple[str, ...]] = ("_memory", "_signal")
    _domain: ClassVar[Domain] = FINITE
    _step: ClassVar[Callable[..., int]]
    _scan: ClassVar[Callable[..., tuple[int, int]]]

    def __init_subclass__(
        cls, step: Callable[..., Any] | None = None, scan: Callable[..., Any] | None = None
    ) -> None:
        super().__init_subclass__()
        if step is not None:
            cls._step, cls._scan = staticmethod(step), staticmethod(scan or scan_of(step))

    def __init__(self, memory: Floats) -> None:
        self._at_start = memory
        self._memory = memory.copy()
        self._signal = IN_CONTROL

    def check(self, value: float) -> None:
        """Raise InvalidSampleError if `update` would refuse the number; changes nothing."""
        self._domain.check(value)

    def update(self, value: float) -> None:
        """Update with one value.

        Raises
        ------
        InvalidSampleError
            If the value is not a number in the detector's range; nothing has changed.
        """
        domain = self._domain
        if value.__class__ is not float:
            value = domain.number(value)
        if not domain.lowest <= value <= domain.highest:
            domain.refuse(value)
        if self._signal == DRIFT:
            self._restart()
        self._signal = self._step(self._memory, value)

    def update_many(self, values: ArrayLike) -> Indices:
        """Update with values in order and return the indices of those that raised an alarm.

        Equal to `update` with each value.

        Parameters
        ----------
        values : array, shape (n,)

        Raises
        ------
        InvalidSampleError
            If a value is not a number in the detector's range; nothing has changed.
        """
        numbers = self._domain.numbers(values)
        self._settle()
        alarms = []
        at = 0
        while at < numbers.size:
            if self._signal == DRIFT:
                self._restart()
            used, self._signal = self._scan(self._memory, numbers[at:], self._signal)
            at += used
            if self._signal == DRIFT:
                alarms.append(at - 1)
        return np.array(alarms, dtype=np.intp)

    def add_error(self, error: float) -> bool:
        """Update with one value and return whether it raised an alarm."""
        self.update(error)
        return self.drift_detected

    def reset_baseline(self) -> None:
        """Return to the initial state."""
        self._settle()
        self._memory[...] = self._at_start
        self._signal = IN_CONTROL

    def _settle(self) -> None:
        """Update the memory with values that `update` has deferred, if any."""

    def _restart(self) -> None:
        """Prepare for the first value after an alarm."""
        self.reset_baseline()

    @property
    def drift_detected(self) -> bool:
        """Whether the latest value raised an alarm."""
        return self._signal == DRIFT

    @property
    def warning_detected(self) -> bool:
        """Whether the latest value raised a warning."""
        return self._signal == WARNING

    @property
    def n_samples(self) -> int:
        """Values since the last restart."""
        self._settle()
        return int(self._memory.flat[N])

    @property
    def n_since_change(self) -> int:
        """Number of latest values after the estimated change point; 0 while there is no alarm."""
        return int(self._memory.flat[N] - self._memory.flat[CHANGE]) if self.drift_detected else 0

    def __repr__(self) -> str:
        """Return the expression that creates the detector."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        return f"{type(self).__name__}({settings})"

    def _get_memory(self) -> State:
        self._settle()
        return super()._get_memory()

    def _set_memory(self, memory: State) -> None:
        self._settle()
        super()._set_memory(memory)

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        found, expected = np.shape(memory["_memory"]), self._memory.shape
        if found != expected:
            raise StateFormatError(f"The state's memory has shape {found}, expected {expected}.")


class BinaryDetector(DriftDetector):
    """A detector for errors of a classifier: 1 for a wrong answer, 0 for a right one."""

    _domain = BINARY

    def update(self, value: float) -> None:
        """Update with one value, 0 or 1.

        Raises
        ------
        InvalidSampleError
            If the value is neither; nothing has changed.
        """
        if value == 0.0:
            value = 0.0
        elif value == 1.0:
            value = 1.0
        else:
            self._domain.refuse(value)
        if self._signal == DRIFT:
            self._restart()
        self._signal = self._step(self._memory, value)
