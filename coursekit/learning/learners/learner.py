"""The base class of online learners (lesson 01).

Test, then train: `partial_fit` first predicts, then learns, and returns the loss *before* the
update. Its mean over the stream is the result of progressive validation (A. P. Dawid 1984, "the
prequential approach", doi:10.2307/2981683).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import ArithmeticOverflowError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import NonNegative, Positive, number

__all__ = ["OnlineLearner", "Performance", "refuse_overflow"]


class OnlineLearner(Stateful, ABC):
    """Learn a target from (user, item, features), one event at a time.

    Subclasses implement `partial_fit`, `predict` and their memory (see
    :class:`~coursekit.core.stateful.Stateful`), and may override `predict_then_learn_many` and
    `predict_many` by faster versions with the same results.

    Parameters
    ----------
    learning_rate : float, greater than 0
        Step size of the optimizer, if it has one.
    regularization : float, 0 or more
        L2 penalty of the parameters, if the optimizer has one.

    Attributes
    ----------
    samples_processed : int
        Events learnt from so far.
    model_version : int
        Incremented by every change of the model other than learning (a response to drift, a
        rollback).
    """

    _memory_names: ClassVar[tuple[str, ...]] = (
        "learning_rate",
        "samples_processed",
        "model_version",
    )
    samples_processed: int = 0
    model_version: int = 1

    def __init__(self, learning_rate: Positive = 0.01, regularization: NonNegative = 0.001) -> None:
        self.learning_rate, self.regularization = learning_rate, regularization
        self.performance_history: list[Performance] = []

    @property
    def learning_rate(self) -> float:
        """Step size of the optimizer. Setting it takes effect at the next event."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = number("learning_rate", value, above=0)

    @abstractmethod
    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update.

        Raises
        ------
        ArithmeticOverflowError
            If the update would leave the range of floats; nothing has changed.
        """

    @abstractmethod
    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target, also for unseen ids; changes nothing."""

    def get_model_state(self) -> State:
        """Return a copy of the state, ready for `save_state`."""
        return self.get_state()

    def set_model_state(self, state: State) -> None:
        """Restore a state that `get_model_state` returned.

        Raises
        ------
        StateFormatError
            If class, settings or shapes differ; nothing has changed.
        """
        self.set_state(state)

    def checkpoint(self, last: Any = None) -> Any:
        """Return a checkpoint for `go_back`; `last`, the one before, may make it cheaper."""
        return self.get_model_state()

    def go_back(self, checkpoint: Any) -> None:
        """Restore a checkpoint of this object; newer ones can no longer be restored."""
        self.set_model_state(checkpoint)

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).

        Equal to `predict` and `partial_fit` for each event. If event j overflows, the error names
        j, and the events before j remain learnt.
        """
        predictions = np.empty(len(chunk))
        for at, sample in enumerate(chunk):
            predictions[at] = self.predict(sample.user_id, sample.item_id, sample.features)
            try:
                self.partial_fit(sample)
            except ArithmeticOverflowError as error:
                raise ArithmeticOverflowError(f"Event {at} of the chunk: {error}", at) from error
        return predictions

    def partial_fit_many(self, chunk: Chunk) -> Floats:
        """Learn from events in order; return the squared error of each before its own update, shape
        (n,).
        """
        errors = chunk.targets - self.predict_then_learn_many(chunk)
        losses: Floats = errors * errors
        return losses

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Predict n pairs, shape (n,)."""
        sides = features if features is not None else [None] * len(user_ids)
        return np.array(
            [self.predict(*query) for query in zip(user_ids, item_ids, sides, strict=True)],
            dtype=np.float64,
        )

    def batch_update(self, samples: Iterable[OnlineSample]) -> float:
        """Learn from several samples at once and return their mean loss (0.0 for none).

        By default the samples are learnt in order; learners with mini-batch gradients override it.
        """
        chunk = Chunk.of(samples)
        return float(self.partial_fit_many(chunk).mean()) if len(chunk) else 0.0

    def predict_then_batch_update(self, chunk: Chunk) -> Floats:
        """Predict all events before learning any of them, then `batch_update`; return the
        predictions, shape (n,).

        These are the predictions on arrival of a model that learns in mini-batches.
        """
        predictions = self.predict_many(chunk.user_ids, chunk.item_ids, chunk.features)
        self.batch_update(chunk)
        return predictions

    def discount_evidence(self, keep: float) -> None:
        """Reduce the weight of past events to the share `keep`, in (0, 1]; predictions do not
        change.

        Later updates become larger: a response to drift for learners whose steps shrink with the
        evidence. Learners without such memory, such as plain SGD, do not change.
        """
        number("keep", keep, above=0, at_most=1)

    def evaluate_sample(self, sample: OnlineSample) -> float:
        """Return the squared error on a sample without learning from it."""
        return float(
            (sample.target - self.predict(sample.user_id, sample.item_id, sample.features)) ** 2
        )

    def record_performance(self, mean_loss: float) -> None:
        """Append a point to `performance_history`; called by evaluations and managers."""
        self.performance_history.append(
            Performance(samples_processed=self.samples_processed, mean_loss=mean_loss)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One point of a learning curve: mean loss since the previous point, and number of samples."""

    samples_processed: int
    mean_loss: float


def refuse_overflow(sample: OnlineSample, at: int | None = None, of: str = "chunk") -> NoReturn:
    """Raise ArithmeticOverflowError for a sample, event `at` of a chunk or batch."""
    where = "" if at is None else f"Event {at} of the {of}: "
    raise ArithmeticOverflowError(
        f"{where}learning target {sample.target!r} of user {sample.user_id!r} and item "
        f"{sample.item_id!r} would leave the range of floats; nothing was learnt from it. Use a "
        "smaller `learning_rate`, or targets of a smaller size.",
        at,
    )
