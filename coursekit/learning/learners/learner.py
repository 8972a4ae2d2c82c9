"""The contract of everything that learns from a stream (lesson 01).

Test, then train: `partial_fit` first predicts, then learns, and returns the loss *before* the
update. Averaged over the stream this is progressive validation (A. P. Dawid 1984, "the prequential
approach", doi:10.2307/2981683).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import ArithmeticOverflowError, InvalidParameterError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State

__all__ = ["OnlineLearner", "Performance"]


class OnlineLearner(ABC):
    """Learn a target from (user, item, features), one event at a time.

    Subclasses give `partial_fit`, `predict`, `get_model_state` and `set_model_state`; a faster
    `partial_fit_many` or `predict_many` is welcome where it gives the same numbers.

    Parameters
    ----------
    learning_rate : float, greater than 0
        Step size of the update rule, where the rule has one.
    regularization : float, 0 or more
        Pull of every parameter towards 0, where the rule has one.

    Attributes
    ----------
    samples_processed : int
        Events learnt from so far.
    model_version : int
        Raised by whoever changes the model other than by learning (a manager after drift, a
        rollback).
    """

    def __init__(self, learning_rate: float = 0.01, regularization: float = 0.001) -> None:
        if not learning_rate > 0:
            raise InvalidParameterError(
                f"`learning_rate` must be greater than 0, got {learning_rate!r}."
            )
        if not regularization >= 0:
            raise InvalidParameterError(
                f"`regularization` must be 0 or more, got {regularization!r}."
            )
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.samples_processed = 0
        self.model_version = 1
        self.performance_history: list[Performance] = []

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
        """Return the expected target. Never changes anything; unseen ids fall back to what is
        known.
        """

    @abstractmethod
    def get_model_state(self) -> State:
        """Return a copy of everything that learning depends on, ready for `save_state`."""

    @abstractmethod
    def set_model_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between.

        Raises
        ------
        StateFormatError
            If the state is of another class or shape; nothing has changed.
        """

    def predict_then_learn_many(self, chunk: Chunk) -> npt.NDArray[np.float64]:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).

        The same numbers as `predict` and `partial_fit` one by one. If event j overflows, the error
        names j, and the events before j stay learnt.
        """
        predictions = np.empty(len(chunk))
        for at, sample in enumerate(chunk):
            predictions[at] = self.predict(sample.user_id, sample.item_id, sample.features)
            try:
                self.partial_fit(sample)
            except ArithmeticOverflowError as error:
                raise ArithmeticOverflowError(f"Event {at} of the chunk: {error}") from error
        return predictions

    def partial_fit_many(self, chunk: Chunk) -> npt.NDArray[np.float64]:
        """Learn from events in order; return the squared error of each before its own update, shape
        (n,).
        """
        errors = chunk.targets - self.predict_then_learn_many(chunk)
        losses: npt.NDArray[np.float64] = errors * errors
        return losses

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Predict n pairs, shape (n,)."""
        sides = features if features is not None else [None] * len(user_ids)
        return np.array(
            [self.predict(*query) for query in zip(user_ids, item_ids, sides, strict=True)],
            dtype=np.float64,
        )

    def batch_update(self, samples: Iterable[OnlineSample]) -> float:
        """Learn from several samples at once and return their mean loss (0.0 for none).

        A learner with a true batch gradient overrides this; by default the samples are learnt in
        order.
        """
        chunk = Chunk.of(samples)
        return float(self.partial_fit_many(chunk).mean()) if len(chunk) else 0.0

    def predict_then_batch_update(self, chunk: Chunk) -> npt.NDArray[np.float64]:
        """Predict all events as they are before any of them is learnt, then `batch_update`; return
        predictions, shape (n,).

        What a model that learns in mini-batches would have answered on arrival. A learner may
        override it to look ids up once.
        """
        predictions = self.predict_many(chunk.user_ids, chunk.item_ids, chunk.features)
        self.batch_update(chunk)
        return predictions

    def discount_evidence(self, keep: float) -> None:
        """Trust what was learnt as if only the share `keep`, in (0, 1], of its events had been
        seen; predictions stay.

        What comes next then moves the model further: the answer to drift of learners whose
        certainty sets their pace. Learners that keep no account of their evidence, such as plain
        SGD, have nothing to discount.
        """
        if not 0 < keep <= 1:
            raise InvalidParameterError(f"`keep` must be in (0, 1], got {keep!r}.")

    def evaluate_sample(self, sample: OnlineSample) -> float:
        """Return the squared error on a sample without learning from it."""
        return float(
            (sample.target - self.predict(sample.user_id, sample.item_id, sample.features)) ** 2
        )

    def record_performance(self, mean_loss: float) -> None:
        """Append a point to `performance_history`; called by evaluations and managers, at their own
        pace.
        """
        self.performance_history.append(
            Performance(samples_processed=self.samples_processed, mean_loss=mean_loss)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One point of a learning curve: the mean loss since the point before, after so many
    samples.
    """

    samples_processed: int
    mean_loss: float
