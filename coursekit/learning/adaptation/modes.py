"""Learning policies, one class per learning mode: when the learner is updated (lesson 06)."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from coursekit.core.arrays import Floats
from coursekit.core.errors import ArithmeticOverflowError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count, choice, validated
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


@validated
@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Settings of batch mode: retrain every `every` events, from scratch, on the last `window`
    events, for `n_epochs` epochs.
    """

    every: Count = 1000
    window: Count = 10_000
    n_epochs: Count = 1


class LearningPolicy(Stateful, ABC):
    """When the learner is updated. The defaults are those of mini-batches.

    Parameters
    ----------
    batch_size : int, 1 or more
    """

    is_retraining: ClassVar[bool] = False
    """Whether an update retrains from scratch. Then the response observes events when they arrive,
    and responds to an alarm before the next update."""
    stops_at_alarm: ClassVar[bool] = True
    """Whether an alarm changes how the next event is learnt."""

    _memory_names: ClassVar[tuple[str, ...]] = ("_buffer",)

    def __init__(self, batch_size: Count) -> None:
        self.batch_size = batch_size
        self._buffer = EventBuffer()

    @property
    def n_waiting(self) -> int:
        """Number of events since the last update."""
        return len(self._buffer)

    @property
    def room(self) -> int:
        """Number of events until the next update."""
        return self.batch_size - self.n_waiting

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return whether the next event is learnt immediately."""
        return False

    def is_due(self, has_alarm: bool) -> bool:
        """Return whether the buffered events are to be learnt now."""
        return self.room <= 0

    def add(self, part: OnlineSample | Chunk, errors: Floats) -> None:
        """Buffer one event or several."""
        self._buffer.add(part, errors)

    def learn(self, learner: OnlineLearner) -> tuple[Chunk, Floats, int]:
        """Learn the buffered events; return them, their errors and the number of events learnt.

        If the update with an event overflows, that event is dropped, and those that have not been
        learnt go on waiting.
        """
        events, errors = self._buffer.take()
        n_before = learner.samples_processed
        try:
            learner.batch_update(events)
        except ArithmeticOverflowError as error:
            n_learnt = learner.samples_processed - n_before
            at = n_learnt if error.at is None else error.at
            for start, stop in ((n_learnt, at), (at + 1, len(events))):
                self._buffer.add(events.slice(start, stop), errors[start:stop])
            raise
        return events, errors, len(events)

    def forget_past(self) -> None:
        """Drop past events, after a response that has changed the model."""


class MiniBatch(LearningPolicy):
    """Learn every `batch_size` events; the response to an alarm follows at the end of the batch."""

    stops_at_alarm = False


class SingleSample(LearningPolicy):
    """Learn each event immediately."""

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return True."""
        return True


class Adaptive(LearningPolicy):
    """Learn in mini-batches, and each event immediately while a response to drift is in progress.

    An alarm ends the current batch.
    """

    def learns_at_once(self, is_answering: bool) -> bool:
        """Return whether a response is in progress."""
        return is_answering

    def is_due(self, has_alarm: bool) -> bool:
        """Return whether the batch is full or ended by an alarm."""
        return has_alarm or self.room <= 0


class Batch(LearningPolicy):
    """Retrain from scratch on a window of the last events, at fixed intervals.

    Parameters
    ----------
    batch_size : int, 1 or more
        Number of events that `forget_past` keeps.
    retraining : Retraining
    learner : OnlineLearner
        Each retraining starts from its present state.
    """

    is_retraining = True
    _memory_names = ("_buffer", "_n_waiting")

    def __init__(self, batch_size: int, retraining: Retraining, learner: OnlineLearner) -> None:
        super().__init__(batch_size)
        self.retraining = retraining
        self._first_state = learner.get_model_state()
        self._buffer = EventBuffer(max_size=retraining.window)
        self._n_waiting = 0

    @property
    def n_waiting(self) -> int:
        """Events since the last retraining."""
        return self._n_waiting

    @property
    def room(self) -> int:
        """Events until the next retraining."""
        return self.retraining.every - self._n_waiting

    def add(self, part: OnlineSample | Chunk, errors: Floats) -> None:
        """Add one event or several to the window."""
        super().add(part, errors)
        self._n_waiting += len(errors)

    def learn(self, learner: OnlineLearner) -> tuple[Chunk, Floats, int]:
        """Retrain from the initial state on the window."""
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
