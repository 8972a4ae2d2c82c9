"""What a learning manager reports: one record per event, one per chunk, and statistics (lesson
06).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

__all__ = ["ChunkReport", "LearningMode", "LearningStats", "StepReport"]

_FloatArray = npt.NDArray[np.float64]


class LearningMode(Enum):
    """When a manager lets its learner learn.

    - `BATCH`: from scratch, at fixed intervals, on the last events: retraining as it is done
      without online learning.
    - `MINI_BATCH`: whenever `batch_size` events have come.
    - `SINGLE_SAMPLE`: at once.
    - `ADAPTIVE`: in mini-batches while all is calm, at once while drift is being answered.
    """

    BATCH = "batch"
    MINI_BATCH = "mini_batch"
    SINGLE_SAMPLE = "single_sample"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What happened to one event: the same record in every mode.

    Parameters
    ----------
    prediction : float
        Made on arrival, before anything was learnt from the event.
    loss : float
        Squared error of that prediction.
    n_learnt : int
        How many events the learner learnt in this step: 0 when the event went into the buffer.
    n_buffered : int
        How many events wait in the buffer after this step.
    drift_detected, warning_detected : bool
        What the detector said to this event's error.
    learning_rate : float
        The learner's rate after this step.
    model_version : int
        The learner's version after this step.
    samples_processed : int
        Events that the manager has seen, this one included.
    """

    prediction: float
    loss: float
    n_learnt: int
    n_buffered: int
    drift_detected: bool
    warning_detected: bool
    learning_rate: float
    model_version: int
    samples_processed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReport:
    """What happened to a chunk of events: the same numbers as one `StepReport` after the other, as
    columns.

    Parameters
    ----------
    predictions : array, shape (n,)
        Each made on arrival.
    losses : array, shape (n,)
        Squared errors of those predictions.
    drift_at : tuple of int
        Events of the chunk at which the detector raised an alarm.
    n_learnt : int
        How many events the learner learnt in this call.
    n_buffered, learning_rate, model_version, samples_processed
        As in `StepReport`, after the last event.
    """

    predictions: _FloatArray
    losses: _FloatArray
    drift_at: tuple[int, ...]
    n_learnt: int
    n_buffered: int
    learning_rate: float
    model_version: int
    samples_processed: int

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def mean_loss(self) -> float:
        """Mean squared error of the chunk; 0.0 for an empty one."""
        return float(self.losses.mean()) if len(self.losses) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStats:
    """A manager's numbers since its start (or since the checkpoint it went back to).

    Parameters
    ----------
    learning_mode : LearningMode
    samples_processed : int
        Events seen.
    samples_learnt : int
        Events learnt from; the rest waits in the buffer. In batch mode, events learnt in all
        retrainings together.
    n_buffered : int
        Events in the buffer.
    n_updates : int
        Times that the learner was changed by learning.
    n_drifts : int
        Alarms.
    drift_at : tuple of int
        The events (counted from 0) at which the alarms came.
    n_checkpoints : int
        Checkpoints that one can go back to.
    n_rollbacks : int
        Times that one went back; never rolled back itself.
    mean_loss : float
        Mean squared error on arrival over all events; NaN before the first.
    recent_loss : float
        The same over about the last 100 events.
    learning_rate : float
        The learner's present rate.
    model_version : int
        The learner's present version.
    """

    learning_mode: LearningMode
    samples_processed: int
    samples_learnt: int
    n_buffered: int
    n_updates: int
    n_drifts: int
    drift_at: tuple[int, ...]
    n_checkpoints: int
    n_rollbacks: int
    mean_loss: float
    recent_loss: float
    learning_rate: float
    model_version: int
