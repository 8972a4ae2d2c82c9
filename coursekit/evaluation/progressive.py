"""Progressive (prequential) validation: test on every event, then train on it (lesson 01).

Every event is predicted before the learner learns from it, so each error is made on an unseen event
and no hold-out set is needed.

References
----------
A. P. Dawid (1984), "Present position and potential developments: the prequential approach",
doi:10.2307/2981683. A. Blum, A. Kalai, J. Langford (1999), "Beating the hold-out: bounds for k-fold
and progressive cross-validation", doi:10.1145/307400.307439.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats, Ints
from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.core.events import Chunk
from coursekit.evaluation.metrics import mae, rmse

__all__ = [
    "AgeSlice",
    "Evaluation",
    "LearningCurve",
    "PredictsThenLearns",
    "ages",
    "error_by_age",
    "learning_curve",
    "progressive_validation",
    "rmse_of_running_mean",
]


class PredictsThenLearns(Protocol):
    """What progressive validation needs of a learner."""

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Return the prediction of each event, made after learning from all earlier events."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Error along a stream, in blocks of (almost) equal length.

    Parameters
    ----------
    n_seen : array of int, shape (n_points,)
        Events up to the end of each block.
    rmse : array, shape (n_points,)
        Error within each block.
    cumulative_rmse : array, shape (n_points,)
        Error over all events up to the end of each block.
    """

    n_seen: Ints
    rmse: Floats
    cumulative_rmse: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Results of progressive validation.

    Parameters
    ----------
    rmse, mae : float
        Errors over the whole stream, in the unit of the target; weighted where the events are.
    n_samples : int
    predictions : array, shape (n_samples,)
        Each made before learning from its event.
    curve : LearningCurve
    cpu_seconds : float
        Processor time that the learner took, both for predicting and for learning.
    """

    rmse: float
    mae: float
    n_samples: int
    predictions: Floats
    curve: LearningCurve
    cpu_seconds: float

    @property
    def samples_per_second(self) -> float:
        """Events per second of processor time."""
        return self.n_samples / max(self.cpu_seconds, 1e-9)


def progressive_validation(
    learner: PredictsThenLearns,
    stream: Chunk,
    *,
    chunk_size: int = 256,
    clip: tuple[float, float] | None = None,
    n_points: int = 50,
    on_progress: Callable[[int], None] | None = None,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Evaluation:
    """Predict and then learn every event of a stream, and measure the errors.

    Parameters
    ----------
    learner : PredictsThenLearns
        Updated in place.
    stream : Chunk
        Events in the order in which they happened.
    chunk_size : int, 1 or more
        Events per call of the learner. It changes the speed, not the result.
    clip : (lowest, highest), optional
        Range of possible targets, to which predictions are clipped before errors are computed;
        the learner is not affected.
    n_points : int, 1 or more
        Number of points of the learning curve.
    on_progress : callable, optional
        Called with the number of events done after each chunk.
    cpu_clock : callable
        Processor time in seconds.

    Raises
    ------
    InvalidParameterError
        If a setting is outside its range, or the stream is empty.

    Examples
    --------
    >>> class LastTarget:
    ...     last = 3.0
    ...     def predict_then_learn_many(self, chunk):
    ...         predictions = np.r_[self.last, chunk.targets[:-1]]
    ...         self.last = chunk.targets[-1]
    ...         return predictions
    >>> stream = Chunk(user_ids="aabb", item_ids="xyxy", targets=[3.0, 4.0, 4.0, 2.0])
    >>> result = progressive_validation(LastTarget(), stream, n_points=2)
    >>> result.predictions
    array([3., 3., 4., 4.])
    >>> result.mae, result.curve.rmse.round(3)
    (0.75, array([0.707, 1.414]))
    """
    if len(stream) == 0:
        raise InvalidParameterError("`stream` must hold at least one event, got none.")
    if chunk_size < 1:
        raise InvalidParameterError(f"`chunk_size` must be 1 or more, got {chunk_size}.")
    if clip is not None and not clip[0] < clip[1]:
        raise InvalidParameterError(f"`clip` must be (lowest, highest), got {clip}.")
    predictions = np.empty(len(stream))
    cpu_seconds, done = 0.0, 0
    for chunk in stream.chunks(chunk_size):
        began = cpu_clock()
        predicted = learner.predict_then_learn_many(chunk)
        cpu_seconds += cpu_clock() - began
        predictions[done : done + len(chunk)] = _one_per_event(predicted, chunk)
        done += len(chunk)
        if on_progress is not None:
            on_progress(done)
    if clip is not None:
        predictions = np.clip(predictions, *clip)
    return Evaluation(
        rmse=rmse(stream.targets, predictions, stream.weights),
        mae=mae(stream.targets, predictions, stream.weights),
        n_samples=len(stream),
        predictions=predictions,
        curve=learning_curve(stream, predictions, n_points=n_points),
        cpu_seconds=cpu_seconds,
    )


def _one_per_event(predictions: Floats, chunk: Chunk) -> Floats:
    wanted, found = (len(chunk),), np.shape(predictions)
    if found != wanted:
        raise InvalidSampleError(
            f"`predict_then_learn_many` must return one prediction per event, shape "
            f"{wanted}, got {found}."
        )
    return predictions


def learning_curve(stream: Chunk, predictions: ArrayLike, *, n_points: int = 50) -> LearningCurve:
    """Return the error in each of `n_points` blocks of a stream (at most one per event).

    The error of a block without weight is NaN.
    """
    if n_points < 1:
        raise InvalidParameterError(f"`n_points` must be 1 or more, got {n_points}.")
    edges = np.linspace(0, len(stream), min(n_points, len(stream)) + 1).astype(np.int64)
    weights = np.ones(len(stream)) if stream.weights is None else stream.weights
    losses = np.add.reduceat(weights * (stream.targets - np.asarray(predictions)) ** 2, edges[:-1])
    weight = np.add.reduceat(weights, edges[:-1])
    with np.errstate(invalid="ignore"):  # 0 / 0: a block without weight
        block, so_far = np.sqrt(losses / weight), np.sqrt(np.cumsum(losses) / np.cumsum(weight))
    return LearningCurve(n_seen=edges[1:], rmse=block, cumulative_rmse=so_far)


def rmse_of_running_mean(stream: Chunk) -> float:
    """Return the error of predicting the mean of all earlier targets: the baseline of a learner.

    >>> stream = Chunk(user_ids="ab", item_ids="xy", targets=[3.0, 5.0])
    >>> rmse_of_running_mean(stream)
    2.0
    """
    means = np.cumsum(stream.targets) / np.arange(1, len(stream) + 1)
    return rmse(stream.targets[1:], means[:-1])


def ages(ids: Iterable[Hashable]) -> Ints:
    """Return the number of earlier occurrences of each id, shape (n,).

    >>> ages(["ada", "bob", "ada", "ada"])
    array([0, 0, 1, 2])
    """
    seen: defaultdict[Hashable, int] = defaultdict(int)
    counts = []
    for each in ids:
        counts.append(seen[each])
        seen[each] += 1
    return np.array(counts, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeSlice:
    """The error on events whose user (or item) had been seen at least `start` and less than `stop`
    times.

    Parameters
    ----------
    start : int
    stop : int, optional
        None for no upper end.
    n_samples : int
    rmse : float
        NaN for a slice without events.
    """

    start: int
    stop: int | None
    n_samples: int
    rmse: float

    @property
    def label(self) -> str:
        """The slice in words: "0", "1-4", "20+"."""
        if self.stop is None:
            return f"{self.start}+"
        return str(self.start) if self.stop == self.start + 1 else f"{self.start}-{self.stop - 1}"


def error_by_age(
    stream: Chunk,
    predictions: ArrayLike,
    *,
    of: Literal["user", "item"] = "user",
    starts: Sequence[int] = (0, 1, 5, 20),
) -> tuple[AgeSlice, ...]:
    """Return the error by the number of earlier events of the user (or item): the cold start.

    Parameters
    ----------
    stream : Chunk
    predictions : array, shape (n,)
        From `progressive_validation` on the same stream.
    of : {"user", "item"}
    starts : sequence of int, rising
        Where each slice starts; the last one has no end.

    Examples
    --------
    >>> stream = Chunk(user_ids=["ada", "bob", "ada"], item_ids=[1, 2, 3], targets=[3.0, 4.0, 5.0])
    >>> slices = error_by_age(stream, [3.0, 2.0, 4.5], starts=(0, 1))
    >>> [(each.label, each.n_samples, each.rmse) for each in slices]
    [('0', 2, 1.4142...), ('1+', 1, 0.5)]
    """
    if any(late <= early for early, late in pairwise(starts)):
        raise InvalidParameterError(f"`starts` must rise, got {tuple(starts)}.")
    age = ages(stream.user_ids if of == "user" else stream.item_ids)
    predictions = np.asarray(predictions, dtype=np.float64)
    slices = []
    for start, stop in zip(starts, [*starts[1:], None], strict=True):
        inside = (age >= start) & (age < (np.inf if stop is None else stop))
        weights = None if stream.weights is None else stream.weights[inside]
        error = rmse(stream.targets[inside], predictions[inside], weights)
        slices.append(AgeSlice(start=start, stop=stop, n_samples=int(inside.sum()), rmse=error))
    return tuple(slices)
