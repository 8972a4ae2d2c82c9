r"""The manager of an online learner: learning mode, learning rate and response to drift (lesson
06).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State
from coursekit.learning.adaptation.checkpoints import Checkpoint, Checkpointed
from coursekit.learning.adaptation.history import History
from coursekit.learning.adaptation.inputs import check_chunk, check_time
from coursekit.learning.adaptation.loop import LearningLoop
from coursekit.learning.adaptation.modes import Retraining, policy_of
from coursekit.learning.adaptation.monitor import (
    ErrorMonitor,
    Monitor,
    absolute_error,
    signed_error,
)
from coursekit.learning.adaptation.reports import (
    ChunkReport,
    LearningMode,
    LearningStats,
    StepReport,
)
from coursekit.learning.adaptation.responses import Boost, DriftResponse
from coursekit.learning.drift.detector import Detector
from coursekit.learning.drift.mean_and_scale import MeanAndScale
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.optim.learning_rate import AdaptiveLearningRate

__all__ = ["LearningMode", "OnlineLearningManager", "Retraining"]


class OnlineLearningManager(Checkpointed):
    r"""Train a learner on a stream, monitor its errors, respond to drift and keep checkpoints.

    In every mode each event is predicted on arrival, and the detector receives the error of that
    prediction; the mode decides when the event is learnt. After an alarm `response` changes the
    learner (default: the evidence is discounted and the learning rate is raised for a number of
    events) and `model_version` is incremented. In the modes single sample, adaptive and batch that
    happens right after the event, in mini-batch mode after the update with the batch. In batch mode
    a response that changes the model also truncates the window to the last `batch_size` events; as
    each retraining starts from the initial state, learning rate included, `Boost` has no other
    effect there.

    Cost, CPU time per event on one core (matrix factorization with 10 factors in mini-batches of
    32, `process_many`): 0.3 us for the learner, 0.2 us for the manager, 0.4 us for the default
    detector. Event by event (`process_sample`) it is 8 us in all. A checkpoint takes 0.1 to 0.3 ms.

    Parameters
    ----------
    learner : OnlineLearner
        Updated in place, not copied. For a model of River, use
        :class:`~coursekit.learning.learners.river.FromRiver`.
    learning_mode : LearningMode or its value
        See :class:`~coursekit.learning.adaptation.reports.LearningMode`.
    batch_size : int, 1 or more
        Events of a mini-batch.
    enable_drift_detection : bool
        Whether errors are monitored at all.
    detector : Detector, optional
        Any object with `update(value)` and `drift_detected`, such as River's. Default:
        `MeanAndScale()`, which tests the mean and the scale of the errors.
    monitor : Monitor, optional
        Input of the detector, a function of targets and predictions. Default: the signed error for
        the default detector, the absolute error for any other.
    response : DriftResponse, optional
        What to do after an alarm. Default: `Boost()`.
    schedule : AdaptiveLearningRate, optional
        Sets the learning rate from the losses, and is reset at an alarm. Default: the constant
        rate of the learner.
    checkpoint_interval : int, 0 or more
        Number of events between two checkpoints; 0 for none. A checkpoint of a factor model copies
        only the rows changed since the last one, that of another learner its whole state.
    max_checkpoints : int, 1 or more
        Number of checkpoints to keep.
    retraining : Retraining, optional
        Settings of batch mode.

    Attributes
    ----------
    history : History
        Mean loss, learning rate and model version along the stream.
    detector : Detector or None
    checkpoints : tuple of Checkpoint, the newest last

    Raises
    ------
    InvalidParameterError, UnknownNameError
        If a setting is out of range or a mode is not known.

    Examples
    --------
    >>> from coursekit.datasets.streams import rating_stream
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> stream = rating_stream(seed=3)  # all ratings rise by half a star half-way
    >>> manager = OnlineLearningManager(OnlineMatrixFactorization(n_factors=4), "adaptive")
    >>> report = manager.process_many(stream)
    >>> stats = manager.get_learning_stats()
    >>> stats.n_drifts, 2500 < stats.drift_at[0] < 2600, stats.model_version, stats.n_checkpoints
    (1, True, 2, 5)
    """

    def __init__(
        self,
        learner: OnlineLearner,
        learning_mode: LearningMode | str = LearningMode.MINI_BATCH,
        batch_size: int = 32,
        enable_drift_detection: bool = True,
        *,
        detector: Detector | None = None,
        monitor: Monitor | None = None,
        response: DriftResponse | None = None,
        schedule: AdaptiveLearningRate | None = None,
        checkpoint_interval: int = 1000,
        max_checkpoints: int = 5,
        retraining: Retraining | None = None,
    ) -> None:
        super().__init__(learner, checkpoint_interval, max_checkpoints)
        policy = policy_of(learning_mode, batch_size, retraining or Retraining(), learner)
        default = absolute_error
        if detector is None:
            detector, default = MeanAndScale(), signed_error
        watch = ErrorMonitor(detector, monitor or default)
        self.learning_mode = LearningMode(learning_mode)
        self._loop = LearningLoop(
            learner,
            policy=policy,
            monitor=watch if enable_drift_detection else ErrorMonitor(None),
            response=response or Boost(),
            schedule=schedule,
        )
        self._next_checkpoint = checkpoint_interval

    @property
    def history(self) -> History:
        """Mean loss, learning rate and model version along the stream."""
        return self._loop.counters.history

    @property
    def detector(self) -> Detector | None:
        """The drift detector, or None."""
        return self._loop.monitor.detector

    def process_sample(self, sample: OnlineSample) -> StepReport:
        """Predict one event, monitor the error, and learn from the event as the mode requires.

        Raises
        ------
        InvalidSampleError
            If event time decreases (0, the default, is no time); nothing has changed.
        ArithmeticOverflowError
            If the event's own update would exceed the range of floats; nothing has changed. If it
            is the update with a mini-batch, the event that causes it is dropped, and the events
            that have not been learnt wait for the next update.
        """
        counters = self._loop.counters
        check_time(sample.timestamp, counters.last_time)
        n_learnt = counters.n_learnt
        prediction, alarm, warning = self._loop.process_one(sample)
        self._make_due_checkpoint()
        return StepReport(
            prediction=prediction,
            loss=(sample.target - prediction) ** 2,
            n_learnt=counters.n_learnt - n_learnt,
            drift_detected=alarm,
            warning_detected=warning,
            **self._present(),
        )

    def process_many(self, chunk: Chunk) -> ChunkReport:
        """Process events in order: the same numbers as `process_sample` one by one, faster.

        Raises
        ------
        InvalidSampleError
            If event time decreases; nothing of the chunk has been processed.
        ArithmeticOverflowError
            If a target is too large; nothing of the chunk has been processed. If an update would
            exceed the range of floats: `samples_processed` of `get_learning_stats` counts the
            events that have been processed; those before the named one may have been learnt as
            well. To continue from a state without them, roll back to a checkpoint.
        """
        counters = self._loop.counters
        check_chunk(chunk, counters.last_time)
        n_learnt, n_seen, n_alarms = counters.n_learnt, counters.n_seen, len(counters.drift_at)
        predictions = np.empty(len(chunk))
        start = 0
        while start < len(chunk):
            stop = start + self._n_until_something_is_due(len(chunk) - start)
            is_all = stop - start == len(chunk)
            done = self._loop.process_part(chunk if is_all else chunk.slice(start, stop))
            predictions[start : start + len(done)] = done
            start += len(done)
            self._make_due_checkpoint()
        errors = chunk.targets - predictions
        return ChunkReport(
            predictions=predictions,
            losses=errors * errors,
            drift_at=tuple(at - n_seen for at in counters.drift_at[n_alarms:]),
            n_learnt=counters.n_learnt - n_learnt,
            **self._present(),
        )

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Process events; return their predictions on arrival, for `progressive_validation`."""
        return self.process_many(chunk).predictions

    def flush(self) -> int:
        """Learn the buffered events, as at the end of a stream; return their number."""
        n_waiting = self._loop.policy.n_waiting
        if n_waiting:
            self._loop.learn_waiting()
            self._loop.answer_open_alarm()
        return n_waiting

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the prediction of the learner; changes nothing."""
        return self.learner.predict(user_id, item_id, features)

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Return the predictions of the learner for n pairs, shape (n,)."""
        return self.learner.predict_many(user_ids, item_ids, features)

    def get_learning_stats(self) -> LearningStats:
        """Return statistics of the stream so far."""
        counters = self._loop.counters
        return LearningStats(
            learning_mode=self.learning_mode,
            samples_learnt=counters.n_learnt,
            n_updates=counters.n_updates,
            n_drifts=len(counters.drift_at),
            drift_at=tuple(counters.drift_at),
            n_checkpoints=len(self._checkpoints),
            n_rollbacks=self.n_rollbacks,
            mean_loss=counters.mean_loss,
            recent_loss=self.history.recent_loss,
            **self._present(),
        )

    def _present(self) -> dict[str, Any]:
        """Return the fields that all reports have in common."""
        return {
            "n_buffered": self._loop.policy.n_waiting,
            "learning_rate": self.learner.learning_rate,
            "model_version": self.learner.model_version,
            "samples_processed": self._loop.counters.n_seen,
        }

    # -- checkpoints

    def _n_until_something_is_due(self, n_left: int) -> int:
        """Return the number of events until the next update or checkpoint, at most `n_left`."""
        if self.checkpoint_interval:
            n_left = min(n_left, self._next_checkpoint - self._loop.counters.n_seen)
        return n_left if self._loop.learns_at_once else min(n_left, self._loop.policy.room)

    def _make_due_checkpoint(self) -> None:
        if self.checkpoint_interval and self._loop.counters.n_seen >= self._next_checkpoint:
            self._next_checkpoint += self.checkpoint_interval
            self.learner.record_performance(self.history.recent_loss)
            self.create_checkpoint()

    def _checkpoint(self, learner_state: Any) -> Checkpoint:
        return Checkpoint(
            samples_processed=self._loop.counters.n_seen,
            model_version=self.learner.model_version,
            mean_loss=self._loop.counters.mean_loss,
            manager_state=self._get_state(),
            learner_state=learner_state,
        )

    def _get_state(self) -> State:
        return {
            "loop": self._loop.get_state(),
            "next_checkpoint": self._next_checkpoint,
            "n_performances": len(self.learner.performance_history),
        }

    def _set_state(self, state: State) -> None:
        self._loop.set_state(state["loop"])
        self._next_checkpoint = state["next_checkpoint"]
        del self.learner.performance_history[state["n_performances"] :]

    def _issue_version(self) -> None:
        self._loop.issue_version()
