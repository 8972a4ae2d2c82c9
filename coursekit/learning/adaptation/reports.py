"""Reports of a learning manager: per event, per chunk, and statistics (lesson 06)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from coursekit.core.arrays import Floats

__all__ = ["ChunkReport", "LearningMode", "LearningStats", "StepReport"]


class LearningMode(Enum):
    """When a manager updates its learner.

    - `BATCH`: retraining from scratch on a window of the last events, at fixed intervals.
    - `MINI_BATCH`: every `batch_size` events.
    - `SINGLE_SAMPLE`: after every event.
    - `ADAPTIVE`: in mini-batches; after every event while a response to drift is in progress.
    """

    BATCH = "batch"
    MINI_BATCH = "mini_batch"
    SINGLE_SAMPLE = "single_sample"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The present state of a manager, which every report contains.

    Parameters
    ----------
    n_buffered : int
        Number of events in the buffer.
    learning_rate : float
        The learner's rate.
    model_version : int
        The learner's version.
    samples_processed : int
        Number of events processed, including the last one reported.
    """

    n_buffered: int
    learning_rate: float
    model_version: int
    samples_processed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport(Present):
    """Report of one event.

    Parameters
    ----------
    prediction : float
        Made on arrival, before anything was learnt from the event.
    loss : float
        Squared error of that prediction.
    n_learnt : int
        Number of events learnt in this step: 0 if the event was buffered.
    drift_detected, warning_detected : bool
        Whether the detector raised an alarm, or a warning, at this event.
    """

    prediction: float
    loss: float
    n_learnt: int
    drift_detected: bool
    warning_detected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReport(Present):
    """Report of a chunk of events: the numbers of its `StepReport`s, as columns.

    Parameters
    ----------
    predictions : array, shape (n,)
        Each made on arrival.
    losses : array, shape (n,)
        Squared errors of those predictions.
    drift_at : tuple of int
        Events of the chunk at which the detector raised an alarm.
    n_learnt : int
        Number of events learnt in this call.
    """

    predictions: Floats
    losses: Floats
    drift_at: tuple[int, ...]
    n_learnt: int

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def mean_loss(self) -> float:
        """Mean squared error of the chunk; 0.0 for an empty one."""
        return float(self.losses.mean()) if len(self.losses) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStats(Present):
    """Statistics of a manager since its start; a rollback restores those of the checkpoint.

    Parameters
    ----------
    learning_mode : LearningMode
    samples_learnt : int
        Number of events learnt; the rest is in the buffer. In batch mode, the sum over all
        retrainings.
    n_updates : int
        Number of updates of the learner.
    n_drifts : int
        Alarms.
    drift_at : tuple of int
        The events (counted from 0) of the alarms.
    n_checkpoints : int
        Number of checkpoints kept.
    n_rollbacks : int
        Number of rollbacks; not restored by a rollback.
    mean_loss : float
        Mean squared error on arrival over all events; NaN before the first.
    recent_loss : float
        The same over about the last 100 events.
    """

    learning_mode: LearningMode
    samples_learnt: int
    n_updates: int
    n_drifts: int
    drift_at: tuple[int, ...]
    n_checkpoints: int
    n_rollbacks: int
    mean_loss: float
    recent_loss: float
