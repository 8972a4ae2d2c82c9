"""Learning policies: one object per learning mode says when the manager's learner learns
(lesson 06).
"""

from __future__ import annotations

from abc import ABC
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import choice, integer
from coursekit.learning.adaptation.buffers import EventBuffer
from coursekit.learning.adaptation.reports import LearningMode
from coursekit.learning.learners.learner import OnlineLearner

__all__ = [
    "Adaptive",
    "Batch",
    "LearningPolicy",
    "MiniBatch",
    "Retraining",
    "SingleSample",
    "policy_of",
]

_FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """How batch mode retrains: every `every` events, from scratch, on the last `window` events,
    `n_epochs` times over them.
    """

    every: int = 1000
    window: int = 10_000
    n_epochs: int = 1

    def __post_init__(self) -> None:
        for name in ("every", "window", "n_epochs"):
            integer(name, getattr(self, name))


class LearningPolicy(Stateful, ABC):
    """When a manager learns. The defaults are those of mini-batches.

    Parameters
    ----------
    batch_size : int, 1 or more
    """

    is_retraining: ClassVar[bool] = False
    """Whether learning makes a new model from old events. Then the response observes events when
    they arrive, and an alarm is answered before the next learning."""
    stops_at_alarm: ClassVar[bool] = True
    """Whether an alarm changes how the very next event is learnt."""

    _memory_names: ClassVar[tuple[str, ...]] = ("_buffer",)

    def __init__(self, batch_size: int) -> None:
        self.batch_size = integer("batch_size", batch_size)
        self._buffer = EventBuffer()

    def config(self) -> State:
        """Return the settings."""
        return {"batch_size": self.batch_size}

    @property
    def n_waiting(self) -> int:
        """Events since the last learning."""
        return len(self._buffer)

    @property
    def room(self) -> int:
        """Events until the next learning."""
        return self.batch_size - self.n_waiting

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return whether the next event is learnt without waiting."""
        return False

    def is_due(self, has_alarm: bool) -> bool:
        """Return whether the events that wait are to be learnt now."""
        return self.room <= 0

    def add(self, part: OnlineSample | Chunk, errors: _FloatArray) -> None:
        """Let one event or several wait."""
        self._buffer.add(part, errors)

    def learn(self, learner: OnlineLearner) -> tuple[Chunk, _FloatArray, int]:
        """Let the learner learn what waits; return the events, their errors and how many events
        were learnt in all.
        """
        events, errors = self._buffer.take()
        learner.batch_update(events)
        return events, errors, len(events)

    def forget_past(self) -> None:
        """Drop past events: the response to an alarm has changed the model."""


class MiniBatch(LearningPolicy):
    """Learn whenever `batch_size` events have come; an alarm waits for the end of its batch."""

    stops_at_alarm = False


class SingleSample(LearningPolicy):
    """Learn each event at once."""

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return True."""
        return True


class Adaptive(LearningPolicy):
    """Learn in mini-batches while there is no drift, each event at once while an alarm is answered.

    An alarm cuts the batch short.
    """

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return whether an alarm is being answered."""
        return is_answering

    def is_due(self, has_alarm: bool) -> bool:
        """Return whether the batch is full or cut short."""
        return has_alarm or self.room <= 0


class Batch(LearningPolicy):
    """Retrain from scratch on a window of the last events, at fixed intervals.

    Parameters
    ----------
    batch_size : int, 1 or more
        How many events the window keeps when the past is dropped.
    retraining : Retraining
    learner : OnlineLearner
        Its present state is where each retraining starts from.
    """

    is_retraining = True
    _memory_names = ("_buffer", "_n_waiting")

    def __init__(self, batch_size: int, retraining: Retraining, learner: OnlineLearner) -> None:
        super().__init__(batch_size)
        self.retraining = retraining
        self._first_state = learner.get_model_state()
        self._buffer = EventBuffer(max_size=retraining.window)
        self._n_waiting = 0

    def config(self) -> State:
        """Return the settings."""
        return {**super().config(), "retraining": asdict(self.retraining)}

    @property
    def n_waiting(self) -> int:
        """Events since the last retraining."""
        return self._n_waiting

    @property
    def room(self) -> int:
        """Events until the next retraining."""
        return self.retraining.every - self._n_waiting

    def add(self, part: OnlineSample | Chunk, errors: _FloatArray) -> None:
        """Put one event or several into the window."""
        super().add(part, errors)
        self._n_waiting += len(errors)

    def learn(self, learner: OnlineLearner) -> tuple[Chunk, _FloatArray, int]:
        """Let the learner start again and learn the window."""
        learner.set_model_state(self._first_state)
        window, errors = self._buffer.contents()
        for _ in range(self.retraining.n_epochs):
            learner.partial_fit_many(window)
        self._n_waiting = 0
        return window, errors, self.retraining.n_epochs * len(window)

    def forget_past(self) -> None:
        """Keep only the newest `batch_size` events of the window."""
        self._buffer.keep_newest(self.batch_size)

    def _get_memory(self) -> State:
        return {**super()._get_memory(), "first_state": self._first_state}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._first_state = memory["first_state"]


def policy_of(
    mode: LearningMode | str, batch_size: int, retraining: Retraining, learner: OnlineLearner
) -> LearningPolicy:
    """Return the policy of a mode.

    Raises
    ------
    UnknownNameError
        If there is no such mode.
    """
    name = mode.value if isinstance(mode, LearningMode) else mode
    if choice("learning_mode", name, [each.value for each in LearningMode]) == "batch":
        return Batch(batch_size, retraining, learner)
    return _ONLINE[LearningMode(name)](batch_size)


_ONLINE = {
    LearningMode.MINI_BATCH: MiniBatch,
    LearningMode.SINGLE_SAMPLE: SingleSample,
    LearningMode.ADAPTIVE: Adaptive,
}
