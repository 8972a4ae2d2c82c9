r"""The manager of an online learner: when it learns, at what rate, and what happens when the world
changes (lesson 06).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import (
    ArithmeticOverflowError,
    InvalidSampleError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.learning.adaptation.buffers import (
    EventBuffer,
    Retraining,
    RetrainingWindow,
    check_count,
)
from coursekit.learning.adaptation.checkpoints import Checkpoint, Checkpointed, Snapshot
from coursekit.learning.adaptation.monitor import (
    Detector,
    ErrorWatch,
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
from coursekit.learning.drift.mean_and_scale import MeanAndScale
from coursekit.learning.learners.history import History
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.optim.learning_rate import AdaptiveLearningRate

__all__ = [
    "ChunkReport",
    "LearningMode",
    "LearningStats",
    "OnlineLearningManager",
    "Retraining",
    "StepReport",
]

_FloatArray = npt.NDArray[np.float64]

_LARGEST_ERROR = 1e100  # beyond it squares and their sums would not stay finite


@dataclass(slots=True, kw_only=True)
class _Counters:
    """What a manager counts; all of it goes back with a rollback."""

    base_rate: float
    next_checkpoint: int
    n_seen: int = 0
    n_learnt: int = 0
    n_updates: int = 0
    n_waiting: int = 0  # events since the last learning
    loss: float = 0.0
    last_time: float = 0.0
    answer_is_due: bool = False


class OnlineLearningManager(Checkpointed):
    r"""Let a learner learn from a stream, watch its errors, answer drift, keep checkpoints.

    Every event is predicted on arrival. The error of that prediction goes to the detector, in every
    mode; the event is learnt when the mode says so. An alarm is answered by `response`: by default
    the evidence is discounted and the learning rate is raised for a stated number of events, and
    `model_version` goes up. In the modes single sample and adaptive that happens at once; in
    mini-batch mode, where nothing changes inside a batch, when the batch is learnt. In batch mode
    the window is cut to the last `batch_size` events, and retraining comes when it is due.

    Parameters
    ----------
    learner : OnlineLearner
        It is learnt with, not copied. A model of River comes through
        :class:`~coursekit.learning.learners.river.FromRiver`.
    learning_mode : LearningMode or its value
        See :class:`~coursekit.learning.adaptation.reports.LearningMode`.
    batch_size : int, 1 or more
        Events of a mini-batch.
    enable_drift_detection : bool
        Whether errors are watched at all.
    detector : Detector, optional
        Anything with `update(value)` and `drift_detected`, one of River too. Default:
        `MeanAndScale()`, which watches the level of the errors and their size.
    monitor : Monitor, optional
        What of targets and predictions the detector sees. Default: the signed error for the default
        detector, the absolute error for any other.
    response : DriftResponse, optional
        What an alarm leads to. Default: `Boost()`.
    schedule : AdaptiveLearningRate, optional
        Sets the learner's rate from its losses, and starts again at an alarm. Default: the
        learner's own rate, constant.
    checkpoint_interval : int, 0 or more
        A checkpoint is made every so many events; 0 makes none on its own. It costs one copy of the
        learner's state.
    max_checkpoints : int, 1 or more
        How many of the last checkpoints are kept.
    retraining : Retraining, optional
        How batch mode retrains.

    Attributes
    ----------
    history : History
        Mean loss, rate and version along the stream, ready for a figure.
    checkpoints : tuple of Checkpoint
        From the oldest to the newest.

    Raises
    ------
    InvalidParameterError, UnknownNameError
        If a setting is out of range or a mode is not known.

    Examples
    --------
    >>> from coursekit.datasets.streams import rating_stream
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> stream = rating_stream(seed=3)  # all ratings rise by half a star half-way
    >>> manager = OnlineLearningManager(OnlineMatrixFactorization(n_factors=4), LearningMode.ADAPTIVE)
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
        check_count("batch_size", batch_size)
        super().__init__(checkpoint_interval, max_checkpoints)
        self.learner = learner
        self.learning_mode = _mode_named(learning_mode)
        self.batch_size = batch_size
        self.schedule = schedule
        self.response = Boost() if response is None else response
        self.history = History()
        self._watch = _watch(detector, monitor) if enable_drift_detection else ErrorWatch(None)
        self._buffer = EventBuffer()
        self._window = RetrainingWindow(Retraining() if retraining is None else retraining, learner)
        self._drift_at: list[int] = []
        self._newest_version = learner.model_version
        self._counters = _Counters(
            base_rate=learner.learning_rate, next_checkpoint=checkpoint_interval
        )
        self._is_batch = self.learning_mode is LearningMode.BATCH
        self.response.begin(learner)
        self._set_rate()

    # -- events
    # ------------------------------------------------------------------------------------------------------------

    def process_sample(self, sample: OnlineSample) -> StepReport:
        """Predict one event, watch the error, and learn from the event when the mode says so.

        Raises
        ------
        InvalidSampleError
            If event time goes back (0, the default, is no time); nothing has changed.
        ArithmeticOverflowError
            If the event would carry the learner out of the range of floats; nothing has changed.
        """
        counters = self._counters
        self._check_time(sample.timestamp)
        n_learnt_before = counters.n_learnt
        prediction, alarm, warning = self._step(sample)
        self._make_due_checkpoint()
        error = sample.target - prediction
        return StepReport(
            prediction=prediction,
            loss=error * error,
            n_learnt=counters.n_learnt - n_learnt_before,
            n_buffered=counters.n_waiting,
            drift_detected=alarm,
            warning_detected=warning,
            learning_rate=self.learner.learning_rate,
            model_version=self.learner.model_version,
            samples_processed=counters.n_seen,
        )

    def process_many(self, chunk: Chunk) -> ChunkReport:
        """Process events in order: the same numbers as `process_sample` one by one, faster.

        Raises
        ------
        InvalidSampleError, ArithmeticOverflowError
            As `process_sample`; nothing of the chunk has been processed.
        """
        self._check(chunk)
        counters = self._counters
        n_learnt_before, n_seen_before, n_alarms_before = (
            counters.n_learnt,
            counters.n_seen,
            len(self._drift_at),
        )
        predictions = np.empty(len(chunk))
        start = 0
        while start < len(chunk):
            stop = start + self._stretch(len(chunk) - start)
            done = self._process_part(
                chunk if stop - start == len(chunk) else chunk.slice(start, stop)
            )
            predictions[start : start + len(done)] = done
            start += len(done)
            self._make_due_checkpoint()
        errors = chunk.targets - predictions
        return ChunkReport(
            predictions=predictions,
            losses=errors * errors,
            drift_at=tuple(at - n_seen_before for at in self._drift_at[n_alarms_before:]),
            n_learnt=counters.n_learnt - n_learnt_before,
            n_buffered=counters.n_waiting,
            learning_rate=self.learner.learning_rate,
            model_version=self.learner.model_version,
            samples_processed=counters.n_seen,
        )

    def predict_then_learn_many(self, chunk: Chunk) -> _FloatArray:
        """Process events and return the predictions on arrival, so that `progressive_validation`
        can judge a manager.
        """
        return self.process_many(chunk).predictions

    def flush(self) -> int:
        """Learn what waits in the buffer, as at the end of a stream, and return how many events
        that were.
        """
        n_waiting = self._counters.n_waiting
        if n_waiting:
            self._learn_waiting()
        return n_waiting

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Ask the learner; changes nothing."""
        return self.learner.predict(user_id, item_id, features)

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> _FloatArray:
        """Ask the learner for many pairs, shape (n,)."""
        return self.learner.predict_many(user_ids, item_ids, features)

    # -- learning
    # ----------------------------------------------------------------------------------------------------------

    @property
    def _learns_at_once(self) -> bool:
        mode = self.learning_mode
        return mode is LearningMode.SINGLE_SAMPLE or (
            mode is LearningMode.ADAPTIVE and self.response.is_active
        )

    def _stretch(self, n_left: int) -> int:
        """How many events may be processed before something is due."""
        if self.checkpoint_interval:
            n_left = min(n_left, self._counters.next_checkpoint - self._counters.n_seen)
        return n_left if self._learns_at_once else min(n_left, self._batch_room)

    @property
    def _batch_room(self) -> int:
        size = self._window.plan.every if self._is_batch else self.batch_size
        return size - self._counters.n_waiting

    def _step(self, sample: OnlineSample) -> tuple[float, bool, bool]:
        """Predict, watch and learn (or keep) one event; return the prediction, and whether the
        detector alarmed and warned.
        """
        prediction = self.learner.predict(sample.user_id, sample.item_id, sample.features)
        error = sample.target - prediction
        if not abs(error) < _LARGEST_ERROR:
            _refuse_size(sample.target, prediction)
        alarm, warning = self._watch.update(
            sample.target, prediction
        )  # the last line that may refuse the event
        self._counters.last_time = max(self._counters.last_time, sample.timestamp)
        self._count(1, error * error)
        if alarm:
            self._note_alarms([self._counters.n_seen - 1])
        if self._learns_at_once:
            self.learner.partial_fit(sample)
            self._after_learning(
                1, Chunk.of([sample]) if self.response.observes else None, np.array([error])
            )
        else:
            self._wait(sample, [error], alarm)
        return prediction, alarm, warning

    def _process_part(self, part: Chunk) -> _FloatArray:
        """Process events from the front of a part, up to the first that changes how the next are
        learnt; return predictions.
        """
        if self._learns_at_once:
            return self._process_at_once(part)
        is_batch = self._counters.n_waiting == 0 and len(part) == self._batch_room
        if is_batch and self.learning_mode is LearningMode.MINI_BATCH:
            predictions = self.learner.predict_then_batch_update(part)
            errors = part.targets - predictions
            self._look_at(part, predictions, errors)
            self._after_learning(len(part), part, errors)
            return predictions
        predictions = self.learner.predict_many(part.user_ids, part.item_ids, part.features)
        errors = part.targets - predictions
        n_seen, alarm = self._look_at(part, predictions, errors)
        self._wait(
            part if n_seen == len(part) else part.slice(0, n_seen), errors[:n_seen].tolist(), alarm
        )
        return predictions[:n_seen]

    def _process_at_once(self, part: Chunk) -> _FloatArray:
        nothing_can_change = (
            self._watch.detector is None and self.schedule is None and not self.response.is_active
        )
        if nothing_can_change and not self.response.observes:
            predictions = self.learner.predict_then_learn_many(part)
            errors = part.targets - predictions
            self._look_at(part, predictions, errors)
            self._after_learning(len(part), None, errors)
            self._counters.n_updates += len(part) - 1
            return predictions
        return np.array([self._step(part[0])[0]])

    def _look_at(
        self, part: Chunk, predictions: _FloatArray, errors: _FloatArray
    ) -> tuple[int, bool]:
        """Watch and count events, up to the first alarm unless in mini-batches. Return how many,
        and whether one was raised.
        """
        until_alarm = self.learning_mode is not LearningMode.MINI_BATCH  # the others answer at once
        alarms, n = self._watch.update_many(part.targets, predictions, until_alarm=until_alarm)
        n_before = self._counters.n_seen
        if part.timestamps is not None:
            self._counters.last_time = max(self._counters.last_time, float(part.timestamps[n - 1]))
        self._count(n, float(errors[:n] @ errors[:n]), errors[:n])
        if alarms:
            self._note_alarms([n_before + at for at in alarms])
        return n, bool(alarms)

    def _count(self, n: int, loss: float, errors: _FloatArray | None = None) -> None:
        counters, learner = self._counters, self.learner
        counters.n_seen += n
        counters.loss += loss
        if errors is None or n <= self.history.room:
            self.history.add(
                loss, n, learning_rate=learner.learning_rate, model_version=learner.model_version
            )
        else:
            self.history.add_many(
                errors**2, learning_rate=learner.learning_rate, model_version=learner.model_version
            )

    def _note_alarms(self, at: list[int]) -> None:
        self._drift_at.extend(at)
        self._counters.answer_is_due = True

    def _wait(self, part: OnlineSample | Chunk, errors: list[float], alarm: bool) -> None:
        """Let events wait; learn them when a batch is full, or at once if adaptive mode has an
        alarm.
        """
        self._counters.n_waiting += len(errors)
        if self._is_batch:
            self._window.add([part] if isinstance(part, OnlineSample) else part)
            if alarm:
                self._counters.answer_is_due = False
                self._window.cut(self.batch_size)
        else:
            self._buffer.add(part, errors)
        if self._batch_room <= 0 or (alarm and self.learning_mode is LearningMode.ADAPTIVE):
            self._learn_waiting()

    def _learn_waiting(self) -> None:
        self._counters.n_waiting = 0
        if self._is_batch:
            n = self._window.retrain(self.learner)
            self._issue_version()
            self._after_learning(n, None, None)
        else:
            chunk, errors = self._buffer.take()
            self.learner.batch_update(chunk)
            self._after_learning(len(chunk), chunk, errors)

    def _after_learning(self, n: int, chunk: Chunk | None, errors: _FloatArray | None) -> None:
        self._counters.n_learnt += n
        self._counters.n_updates += 1
        if errors is not None:
            self.response.observe(n, chunk, errors)
            if self.schedule is not None:
                self.schedule.update_many(errors * errors)
        if self._counters.answer_is_due:
            self._answer()
        self._set_rate()

    def _answer(self) -> None:
        """Answer an alarm."""
        self._counters.answer_is_due = False
        changed = self.response.answer(self.learner)
        if self.schedule is not None:
            self.schedule.reset()
        if changed:
            self._issue_version()

    def _set_rate(self) -> None:
        base = self._counters.base_rate if self.schedule is None else self.schedule.learning_rate
        rate = base * self.response.rate_factor
        if rate != self.learner.learning_rate:
            self.learner.learning_rate = rate

    # -- going back
    # --------------------------------------------------------------------------------------------------------

    def _make_due_checkpoint(self) -> None:
        if self.checkpoint_interval and self._counters.n_seen >= self._counters.next_checkpoint:
            self._counters.next_checkpoint += self.checkpoint_interval
            self.learner.record_performance(self.history.recent_loss)
            self.create_checkpoint()

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            samples_processed=self._counters.n_seen,
            model_version=self.learner.model_version,
            mean_loss=self._mean_loss,
            snapshot=self._snapshot(),
        )

    def _snapshot(self) -> Snapshot:
        return {
            "settings": self._settings(),
            "learner": self.learner.get_model_state(),
            "watch": self._watch.get_state(),
            "schedule": None if self.schedule is None else self.schedule.get_state(),
            "response": self.response.get_state(),
            "history": self.history.get_state(),
            "buffer": self._buffer.get_state(),
            "window": self._window.get_state(),
            "counters": {name: getattr(self._counters, name) for name in _Counters.__slots__},
            "drift_at": tuple(self._drift_at),
            "n_performances": len(self.learner.performance_history),
        }

    def _restore(self, snapshot: Snapshot) -> None:
        if snapshot["settings"] != self._settings():
            raise StateFormatError(
                f"The state belongs to a manager with {snapshot['settings']}, expected "
                f"{self._settings()}."
            )
        self.learner.set_model_state(snapshot["learner"])
        self._watch.set_state(snapshot["watch"])
        if self.schedule is not None:
            self.schedule.set_state(snapshot["schedule"])
        self.response.set_state(snapshot["response"])
        self.history.set_state(snapshot["history"])
        self._buffer.set_state(snapshot["buffer"])
        self._window.set_state(snapshot["window"])
        self._counters = _Counters(**snapshot["counters"])
        self._drift_at = list(snapshot["drift_at"])
        del self.learner.performance_history[snapshot["n_performances"] :]
        self._newest_version = max(self._newest_version, self.learner.model_version)

    def _settings(self) -> dict[str, Any]:
        """What two managers must have in common to exchange state."""
        return {
            "learner": type(self.learner).__name__,
            "learning_mode": self.learning_mode.value,
            "batch_size": self.batch_size,
            "retraining": asdict(self._window.plan),
            "has_schedule": self.schedule is not None,
            "detector": self._watch.name,
        }

    def _issue_version(self) -> None:
        self._newest_version += 1
        self.learner.model_version = self._newest_version

    # -- numbers
    # -----------------------------------------------------------------------------------------------------------

    def get_learning_stats(self) -> LearningStats:
        """Return the numbers so far."""
        counters = self._counters
        return LearningStats(
            learning_mode=self.learning_mode,
            samples_processed=counters.n_seen,
            samples_learnt=counters.n_learnt,
            n_buffered=counters.n_waiting,
            n_updates=counters.n_updates,
            n_drifts=len(self._drift_at),
            drift_at=tuple(self._drift_at),
            n_checkpoints=len(self._checkpoints),
            n_rollbacks=self.n_rollbacks,
            mean_loss=self._mean_loss,
            recent_loss=self.history.recent_loss,
            learning_rate=self.learner.learning_rate,
            model_version=self.learner.model_version,
        )

    @property
    def _mean_loss(self) -> float:
        return self._counters.loss / self._counters.n_seen if self._counters.n_seen else math.nan

    @property
    def detector(self) -> Detector | None:
        """The detector that watches, or None."""
        return self._watch.detector

    # -- input
    # -------------------------------------------------------------------------------------------------------------

    def _check(self, chunk: Chunk) -> None:
        if len(chunk) == 0:
            return
        if chunk.timestamps is not None:
            falls = np.flatnonzero(np.diff(chunk.timestamps) < 0)
            if falls.size:
                self._refuse_time(
                    float(chunk.timestamps[falls[0] + 1]), float(chunk.timestamps[falls[0]])
                )
            self._check_time(float(chunk.timestamps[0]))
        if not np.abs(chunk.targets).max() < _LARGEST_ERROR:
            _refuse_size(float(chunk.targets[np.abs(chunk.targets).argmax()]), 0.0)

    def _check_time(self, timestamp: float) -> None:
        if (
            timestamp < self._counters.last_time and timestamp != 0.0
        ):  # 0: an event that carries no time
            self._refuse_time(timestamp, self._counters.last_time)

    def _refuse_time(self, timestamp: float, last: float) -> None:
        raise InvalidSampleError(
            f"`timestamp` must not go back: got {timestamp!r} after {last!r}. Sort the "
            f"events by their time."
        )


def _watch(detector: Detector | None, monitor: Monitor | None) -> ErrorWatch:
    if detector is None:
        return ErrorWatch(MeanAndScale(), monitor or signed_error)
    return ErrorWatch(detector, monitor or absolute_error)


def _mode_named(mode: LearningMode | str) -> LearningMode:
    try:
        return LearningMode(mode)
    except ValueError as error:
        known = ", ".join(each.value for each in LearningMode)
        raise UnknownNameError(f"`learning_mode` must be one of {known}, got {mode!r}.") from error


def _refuse_size(target: float, prediction: float) -> None:
    raise ArithmeticOverflowError(
        f"Learning target {target!r} with the prediction {prediction!r} would leave the "
        f"range of floats; nothing was learnt."
    )
