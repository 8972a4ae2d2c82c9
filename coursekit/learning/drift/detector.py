"""What every drift detector promises: River's protocol, a chunk that equals the loop, a state that
continues exactly (lesson 05).

A detector watches one number per event, most often the error of a model, and says when it no longer
looks like it did. Each one is a small vector of numbers, its memory, and a kernel that moves the
memory on by one value. The kernels are compiled where numba is there; the same source is the
reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State

__all__ = ["CALM", "DRIFT", "WARNING", "BinaryDetector", "Detector", "DriftDetector"]

CALM, WARNING, DRIFT = 0, 1, 2
"""What a kernel returns for a value."""

N = 0
"""Where every memory keeps the number of values since the last restart."""

LARGEST = 1e100  # squares of larger values, summed up, could leave the range of floats


@runtime_checkable
class Detector(Protocol):
    """What a manager asks of a detector; every detector here and in River gives it."""

    @property
    def drift_detected(self) -> bool:
        """Whether the latest value raised the alarm."""

    def update(self, x: Any, /) -> None:
        """Look at one more value."""


class DriftDetector:
    """Watch a stream of numbers and say when it has changed.

    After an alarm a detector starts afresh with the next value, as River's do.

    Attributes
    ----------
    drift_detected : bool
        Whether the latest value raised the alarm.
    warning_detected : bool
        Whether the latest value looks suspicious without being an alarm; always False for detectors
        that know no warning.
    n_samples : int
        Values since the last restart: what the verdict rests on.
    n_since_change : int
        How many of the latest values the alarm attributes to the new world; 0 while there is no
        alarm.
    """

    __slots__ = ("_at_start", "_memory", "_parameters", "_signal")

    _state_keys: ClassVar[frozenset[str]] = frozenset({"class", "parameters", "memory", "signal"})
    _lowest: ClassVar[float] = -LARGEST
    _highest: ClassVar[float] = LARGEST
    _step: ClassVar[Callable[..., int]]
    """Kernel: (memory, value) -> CALM, WARNING or DRIFT."""
    _scan: ClassVar[Callable[..., tuple[int, int]]]
    """Kernel: (memory, values, signal) -> (values used up, signal of the last); stops after an
    alarm.
    """

    def __init__(self, parameters: Mapping[str, Any], memory: npt.NDArray[np.float64]) -> None:
        self._parameters = dict(parameters)
        self._at_start = memory
        self._memory = memory.copy()
        self._signal = CALM
        self._memory_changed()

    # -- watching
    # ----------------------------------------------------------------------------------------------------------

    def update(self, value: float) -> None:
        """Look at one more value.

        Raises
        ------
        InvalidSampleError
            If the value is not a finite number in the detector's range; nothing has changed.
        """
        if value.__class__ is not float:
            value = self._number(value)
        if not self._lowest <= value <= self._highest:
            self._refuse(value)
        if self._signal == DRIFT:
            self._restart()
        self._signal = self._step(self._memory, value)

    def update_many(self, values: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Look at the values in order and return the indices of those that raised the alarm,
        exactly as one by one.

        Parameters
        ----------
        values : array, shape (n,)

        Raises
        ------
        InvalidSampleError
            If one of the values could not be looked at; then none has been.
        """
        numbers = self._numbers(values)
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
        self._memory_changed()
        return np.array(alarms, dtype=np.intp)

    def add_error(self, error: float) -> bool:
        """Look at one more value and return whether it raised the alarm."""
        self.update(error)
        return self.drift_detected

    def reset_baseline(self) -> None:
        """Forget everything seen."""
        self._memory[...] = self._at_start
        self._signal = CALM
        self._memory_changed()

    def _settle(self) -> None:
        """Put values that wait outside into the memory; for detectors whose `update` lets harmless
        values wait.
        """

    def _memory_changed(self) -> None:
        """Forget values that wait outside the memory: it has been replaced."""

    def _restart(self) -> None:
        """Make ready for the first value after an alarm."""
        self.reset_baseline()

    # -- asking
    # ------------------------------------------------------------------------------------------------------------

    @property
    def drift_detected(self) -> bool:
        """Whether the latest value raised the alarm."""
        return self._signal == DRIFT

    @property
    def warning_detected(self) -> bool:
        """Whether the latest value looks suspicious without being an alarm."""
        return self._signal == WARNING

    @property
    def n_samples(self) -> int:
        """Values since the last restart."""
        self._settle()
        return int(self._memory.flat[N])

    @property
    def n_since_change(self) -> int:
        """How many of the latest values the alarm attributes to the new world; 0 while there is no
        alarm.
        """
        return self._n_since_change() if self.drift_detected else 0

    def _n_since_change(self) -> int:
        return 1

    def __repr__(self) -> str:
        """Write the detector as the call that makes it."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self._parameters.items())
        return f"{type(self).__name__}({settings})"

    # -- keeping
    # -----------------------------------------------------------------------------------------------------------

    def clone(self) -> Self:
        """Return a detector with the same settings that has seen nothing."""
        return type(self)(**self._parameters)

    def get_state(self) -> State:
        """Return a copy of everything the next verdict depends on, ready for `save_state`."""
        self._settle()
        return {
            "class": type(self).__name__,
            "parameters": dict(self._parameters),
            "memory": self._memory.copy(),
            "signal": self._signal,
        }

    def set_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between.

        Raises
        ------
        StateFormatError
            If the state is of another class or of other settings; nothing has changed.
        """
        memory = self._checked(state)["memory"]
        self._memory = memory.astype(np.float64)
        self._signal = int(state["signal"])
        self._memory_changed()

    def _checked(self, state: State) -> State:
        """Return the state, or refuse it."""
        missing = self._state_keys - state.keys()
        if missing:
            raise StateFormatError(
                f"This is no state of {type(self).__name__}: {', '.join(sorted(missing))} missing."
            )
        theirs, ours = (
            (state["class"], state["parameters"]),
            (type(self).__name__, self._parameters),
        )
        if theirs != ours:
            raise StateFormatError(
                f"The state is of {theirs[0]} with {theirs[1]}, expected {ours[0]} with {ours[1]}."
            )
        if np.shape(state["memory"]) != self._memory.shape:
            raise StateFormatError(
                f"The state's memory has shape {np.shape(state['memory'])}, expected "
                f"{self._memory.shape}."
            )
        return state

    # -- refusing
    # ----------------------------------------------------------------------------------------------------------

    @classmethod
    def _number(cls, value: Any) -> float:
        """Return an integer, a truth value or a number of numpy as a float."""
        if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
            cls._refuse(value)
        if isinstance(value, int) and abs(value) > LARGEST:  # perhaps too long for a float
            cls._refuse(value)
        return float(value)

    @classmethod
    def _numbers(cls, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return values as float64, shape (n,), or name the first that cannot be looked at."""
        array = np.asarray(values)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
            raise InvalidSampleError(
                f"`values` must be numbers of shape (n,), got {array.dtype} of shape {array.shape}."
            )
        numbers = np.ascontiguousarray(array, dtype=np.float64)
        refused = np.flatnonzero(~cls._accepts(numbers))
        if refused.size:
            raise InvalidSampleError(
                f"`values[{refused[0]}]` must be {cls._expected()}, got {numbers[refused[0]]}."
            )
        return numbers

    @classmethod
    def _accepts(cls, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return (numbers >= cls._lowest) & (numbers <= cls._highest)

    @classmethod
    def _expected(cls) -> str:
        return f"a finite number from {cls._lowest:g} to {cls._highest:g}"

    @classmethod
    def _refuse(cls, value: object) -> NoReturn:
        raise InvalidSampleError(f"`value` must be {cls._expected()}, got {value!r}.")


class BinaryDetector(DriftDetector):
    """A detector of errors: each value is 1 for a wrong answer or 0 for a right one."""

    __slots__ = ()
    _lowest, _highest = 0.0, 1.0

    def update(self, value: float) -> None:
        """Look at one more value, 0 or 1.

        Raises
        ------
        InvalidSampleError
            If the value is neither; nothing has changed.
        """
        if value == 0:
            value = 0.0
        elif value == 1:
            value = 1.0
        else:
            self._refuse(value)
        if self._signal == DRIFT:
            self._restart()
        self._signal = self._step(self._memory, value)

    @classmethod
    def _accepts(cls, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        is_binary: npt.NDArray[np.bool_] = (numbers == 0) | (numbers == 1)
        return is_binary

    @classmethod
    def _expected(cls) -> str:
        return "0 or 1"
