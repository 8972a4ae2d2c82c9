r"""Robust learning under data poisoning: gradient clipping, trimming, and a simulated push attack
(lesson 07).

Squared loss is not robust: one event with an error of 10 has the gradient of a hundred with an
error of 0.1. Two methods, for any learner:

- **Clipping** the norm of a gradient. For a gradient $g = -e\,s$ it is enough to bound the
  error: an event with $|e| > c\,\hat\sigma$ is learnt with the weight $c\,\hat\sigma/|e|$, which
  clips its gradient.
- **Trimming** a mini-batch: the share of its events with the largest losses is not learnt,
  because forged events are more frequent there (Shen and Sanghavi 2019,
  arXiv:1810.11874).

`trimmed_mean` trims each coordinate of the gradients (Yin et al. 2018,
arXiv:1803.01498).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np

from coursekit.core.arrays import ArrayLike, Bools, Floats
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.validation import Positive, number, validated
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["RobustLearner", "clipped", "push_attack", "trimmed_mean"]


_QUARTILE = 0.6745  # |error| / sigma is below it for half of all normal errors
_Minority = Annotated[float, partial(number, at_least=0, below=0.5)]


@validated
def clipped(gradient: ArrayLike, max_norm: Positive) -> Floats:
    """Return a gradient, scaled down to `max_norm` if its norm is larger.

    >>> clipped([3.0, 4.0], max_norm=1.0)
    array([0.6, 0.8])
    """
    vector = np.asarray(gradient, dtype=np.float64)
    norm = float(np.linalg.norm(vector))
    return vector if norm <= max_norm else vector * (max_norm / norm)


@validated
def trimmed_mean(gradients: ArrayLike, trim: _Minority) -> Floats:
    """Return the mean gradient, in each coordinate without the share `trim` at either end, shape
    (d,).

    >>> trimmed_mean([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0], [1000.0, -1000.0]], trim=0.25)
    array([2.5, 0.5])
    """
    ordered = np.sort(np.asarray(gradients, dtype=np.float64), axis=0)
    n_cut = math.floor(trim * len(ordered))
    mean: Floats = ordered[n_cut : len(ordered) - n_cut].mean(axis=0)
    return mean


class RobustLearner(OnlineLearner):
    r"""Bound the influence of outliers and forged events on a learner, by clipping and trimming.

    Update: with the running estimate $\hat\sigma$ of the standard deviation of errors, an event
    with the error $e$ is learnt with the weight $w\min(1, c\,\hat\sigma/|e|)$, $c$ = `clip`. In
    `batch_update` the share `trim` of the events, those with the largest errors, is left out
    as well. $\hat\sigma$ is the running median of $|e|$ divided by 0.6745. It changes by a constant
    factor per event, so the influence of one outlier is bounded.

    Parameters
    ----------
    learner : OnlineLearner
        Updated in place, not copied.
    clip : float, greater than 0
        $c$: errors beyond $c\,\hat\sigma$ are clipped. Smaller is more robust, and adapts to drift
        more slowly.
    trim : float, in [0, 0.5)
        The share of each mini-batch that is left out.

    Examples
    --------
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> plain, robust = OnlineMatrixFactorization(2), RobustLearner(OnlineMatrixFactorization(2))
    >>> targets = [3.0 + 0.1 * (-1) ** t for t in range(500)] + [100.0]
    >>> for learner in (plain, robust):
    ...     for target in targets:
    ...         loss = learner.partial_fit(OnlineSample(user_id=0, item_id=0, target=target))
    >>> plain.predict(0, 0) > 5, abs(robust.predict(0, 0) - 3.0) < 0.1
    (True, True)
    """

    _memory_names = ("samples_processed", "model_version", "learner", "_median", "_n")

    def __init__(
        self, learner: OnlineLearner, *, clip: Positive = 3.0, trim: _Minority = 0.1
    ) -> None:
        self.learner, self.clip, self.trim = learner, clip, trim
        self._median = 0.0
        self._n = 0
        super().__init__(learner.learning_rate, learner.regularization)

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event with its clipped weight; return the squared error
        before the update.
        """
        error = sample.target - self.predict(sample.user_id, sample.item_id, sample.features)
        share = self._trust(error)
        self.learner.partial_fit(
            sample if share == 1.0 else replace(sample, weight=share * sample.weight)
        )
        self._notice(error)
        self.samples_processed += 1
        return error * error

    def batch_update(self, samples: Iterable[OnlineSample]) -> float:
        """Learn from a trimmed and clipped batch; return the mean loss of all samples before the
        update.
        """
        chunk = Chunk.of(samples)
        if not len(chunk):
            return 0.0
        errors = chunk.targets - self.predict_many(chunk.user_ids, chunk.item_ids, chunk.features)
        weights = np.ones(len(chunk)) if chunk.weights is None else chunk.weights.copy()
        weights *= [self._trust(error) for error in errors.tolist()]
        n_left_out = math.floor(self.trim * len(chunk))
        weights[np.argsort(-np.abs(errors), kind="stable")[:n_left_out]] = 0.0
        self.learner.batch_update(replace(chunk, weights=weights))
        for error in errors.tolist():
            self._notice(error)
        self.samples_processed += len(chunk)
        return float(np.mean(errors**2))

    def _trust(self, error: float) -> float:
        bound = self.clip * self.error_size
        return 1.0 if abs(error) <= bound or self._n < 10 else bound / abs(error)

    def _notice(self, error: float) -> None:
        """Update the running median of |error| by stochastic approximation (Robbins and Monro
        1951).
        """
        self._n += 1
        size = abs(error)
        if self._n <= 10:
            self._median += (size - self._median) / self._n
        else:
            self._median *= 1.0 + 0.02 * math.copysign(1.0, size - self._median)

    @property
    def error_size(self) -> float:
        r"""Robust estimate $\hat\sigma$ of the standard deviation of errors, in target units."""
        return self._median / _QUARTILE

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the prediction of the learner."""
        return self.learner.predict(user_id, item_id, features)

    def predict_many(self, user_ids: Any, item_ids: Any, features: Any = None) -> Floats:
        """Return the predictions of the learner for n pairs, shape (n,)."""
        return self.learner.predict_many(user_ids, item_ids, features)

    def discount_evidence(self, keep: float) -> None:
        """Discount the evidence of the learner."""
        self.learner.discount_evidence(keep)

    @property
    def learning_rate(self) -> float:
        """Learning rate of the learner."""
        return self.learner.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.learner.learning_rate = value


@validated
def push_attack(
    stream: Chunk, *, item_id: Any, target: float, share: _Minority, seed: int
) -> tuple[Chunk, Bools]:
    """Insert forged events into a stream: fake users rate one item, all with the same target.

    Parameters
    ----------
    stream : Chunk
        The honest events.
    item_id
        The attacked item: pushed by a high target, nuked by a low one.
    target : float
    share : float, in [0, 0.5)
        Share of all events that is forged.
    seed : int

    Returns
    -------
    stream, forged : Chunk, array of bool
        All events in order, and which are forged.

    Examples
    --------
    >>> honest = Chunk(user_ids=[1] * 90, item_ids=[2] * 90, targets=[3.0] * 90)
    >>> attacked, forged = push_attack(honest, item_id=2, target=5.0, share=0.1, seed=0)
    >>> len(attacked), int(forged.sum()), set(attacked.targets[forged].tolist())
    (100, 10, {5.0})
    """
    rng = np.random.default_rng(seed)
    n_forged = round(len(stream) * share / (1.0 - share))
    # index of the honest event that follows each forged one, (n_forged,)
    before = np.sort(rng.integers(0, len(stream) + 1, n_forged))
    places = before + np.arange(n_forged)
    forged = np.zeros(len(stream) + n_forged, dtype=np.bool_)
    forged[places] = True
    honest = iter(stream)
    times = np.zeros(len(stream)) if stream.timestamps is None else stream.timestamps
    fakes = (
        OnlineSample(
            user_id=f"forged {number}",
            item_id=item_id,
            target=target,
            timestamp=float(times[min(at, len(times) - 1)]),
        )
        for number, at in enumerate(before.tolist())
    )
    return Chunk.of(
        [next(fakes) if is_forged else next(honest) for is_forged in forged.tolist()]
    ), forged
