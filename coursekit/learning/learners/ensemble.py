r"""Prediction with expert advice: an ensemble weighted by exponential weights (lesson 07)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.validation import number, require
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow

__all__ = ["WeightedEnsemble"]

_LARGEST = 1e100  # squares of larger targets, summed up, could leave the range of floats


@compiled
def mix(shares, predictions, targets, weights, sharpness, share, mixed):  # type: ignore[no-untyped-def]
    """Fill `mixed` with the weighted mean of each row of predictions; update the shares after each
    event.

    Shapes, with n events and N members: shares (N,), predictions (n, N); targets, weights and mixed
    (n,).
    """
    n_members = shares.size
    for t in range(targets.size):
        total = 0.0
        for i in range(n_members):
            total += shares[i] * predictions[t, i]
        mixed[t] = total
        if weights[t] == 0.0:
            continue
        least = math.inf
        for i in range(n_members):
            least = min(least, (targets[t] - predictions[t, i]) ** 2)
        total = 0.0
        for i in range(n_members):
            shares[i] *= math.exp(
                -sharpness * weights[t] * ((targets[t] - predictions[t, i]) ** 2 - least)
            )
            total += shares[i]
        for i in range(n_members):
            shares[i] = (1.0 - share) * shares[i] / total + share / n_members


class WeightedEnsemble(OnlineLearner):
    r"""Predict the weighted mean of several learners, with weights that decrease with recent loss.

    Model:  $\hat y = \sum_i p_i\,\hat y_i$, each $\hat y_i$ clipped to `target_range` $[a, b]$.

    Update: every member learns, and $p_i \leftarrow (1 - \alpha)\,\frac{p_i e^{-\eta(y - \hat
    y_i)^2}}{\sum_j p_j e^{-\eta(y - \hat y_j)^2}} + \frac{\alpha}{N}$ with $\eta = \frac{1}{2(b -
    a)^2}$ and $\alpha$ = `share`: exponential weights (Hedge) with a fixed share, which lets the
    weight of a member recover within few events.

    Bound: for targets in $[a, b]$ and weights of events up to 1, whatever the stream, the total
    squared error is at most that of the best sequence of members with $S$ switches plus
    $\frac1\eta\big[(S+1)\ln N + S\ln\frac1\alpha + (T-1-S)\ln\frac{1}{1-\alpha}\big]$. With $\alpha
    = 0$ and $S = 0$ that is $2(b-a)^2\ln N$, however long the stream: squared loss is exp-concave.
    `regret_bound` computes it.

    Parameters
    ----------
    learners : sequence of OnlineLearner, 1 or more
        Updated in place, not copied.
    target_range : (lowest, highest)
        Between which targets lie. For targets outside the bound does not hold.
    share : float, in [0, 1)
        $\alpha$. Best about one over the number of events between changes; 0 competes with the best
        single member.

    Examples
    --------
    >>> from coursekit.datasets.streams import rating_stream
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> names = ("sgd", "adagrad", "belief")
    >>> members = [OnlineMatrixFactorization(n_factors=3, optimizer=name) for name in names]
    >>> ensemble = WeightedEnsemble(members, target_range=(1, 5))
    >>> stream = rating_stream(seed=7, rating_range=(1, 5))
    >>> loss = ensemble.partial_fit_many(stream).sum()
    >>> bool(abs(ensemble.shares.sum() - 1) < 1e-12)
    True

    References
    ----------
    N. Cesa-Bianchi and G. Lugosi (2006), Prediction, Learning, and Games, sections 3.3 and 5.2.
    M. Herbster and M. K. Warmuth (1998), Tracking the best expert, doi:10.1023/A:1007424614876.
    """

    _memory_names = ("learning_rate", "samples_processed", "model_version", "_shares", "learners")

    def __init__(
        self,
        learners: Sequence[OnlineLearner],
        *,
        target_range: tuple[float, float],
        share: Annotated[float, partial(number, at_least=0, below=1)] = 0.001,
    ) -> None:
        lowest, highest = target_range
        if not learners:
            raise InvalidParameterError("`learners` must hold at least one learner, got none.")
        ordered = math.isfinite(lowest) and math.isfinite(highest) and lowest < highest
        require(ordered, "target_range", "(lowest, highest), finite", target_range)
        self.learners = tuple(learners)
        self.target_range = (float(lowest), float(highest))
        self.share = share
        self._sharpness = 1.0 / (2.0 * (self.target_range[1] - self.target_range[0]) ** 2)
        self._shares = np.full(len(learners), 1.0 / len(learners))
        self._rates = [learner.learning_rate for learner in learners]
        super().__init__(learning_rate=1.0, regularization=0.0)

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then let every member learn; return the squared error before the update."""
        if not abs(sample.target) < _LARGEST:
            refuse_overflow(sample)
        # raises the errors of the members before any of them learns
        predictions = self._members_predict(sample.user_id, sample.item_id, sample.features)
        for learner in self.learners:
            learner.partial_fit(sample)
        mixed = np.empty(1)
        columns = np.array([sample.target]), np.array([sample.weight])
        mix(self._shares, predictions[None, :], *columns, self._sharpness, self.share, mixed)
        self.samples_processed += 1
        return float((sample.target - mixed[0]) ** 2)

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).
        """
        broken = np.flatnonzero(~(np.abs(chunk.targets) < _LARGEST))
        if broken.size:
            at = int(broken[0])
            self.predict_then_learn_many(chunk.slice(0, at))
            refuse_overflow(chunk[at], at)
        if chunk.features is not None:
            for learner in self.learners:  # raise an error of any of them before one learns
                learner.predict_many(chunk.user_ids, chunk.item_ids, chunk.features)
        predictions = np.column_stack(
            [learner.predict_then_learn_many(chunk) for learner in self.learners]
        )
        mixed = np.empty(len(chunk))
        weights = chunk.weights_or_ones()
        clipped = np.ascontiguousarray(np.clip(predictions, *self.target_range))
        mix(self._shares, clipped, chunk.targets, weights, self._sharpness, self.share, mixed)
        self.samples_processed += len(chunk)
        return mixed

    def discount_evidence(self, keep: float) -> None:
        """Discount the evidence of every member."""
        super().discount_evidence(keep)
        for learner in self.learners:
            learner.discount_evidence(keep)

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the weighted mean of the members' predictions."""
        return _weighted_mean(self._shares, self._members_predict(user_id, item_id, features))

    def _members_predict(self, user_id: Any, item_id: Any, features: Features | None) -> Floats:
        predictions = [learner.predict(user_id, item_id, features) for learner in self.learners]
        clipped: Floats = np.clip(predictions, *self.target_range)
        return clipped

    @property
    def shares(self) -> Floats:
        """A copy of the weights of the members, which sum to 1, shape (n_members,)."""
        return self._shares.copy()

    def regret_bound(self, n_samples: int, n_switches: int = 0) -> float:
        r"""Return the regret bound against the best sequence of members with `n_switches` switches.

        Infinite if `share` is 0 and there are switches.
        """
        n_members, share = len(self.learners), self.share
        stays = max(n_samples - 1 - n_switches, 0)
        price = (n_switches + 1) * math.log(n_members) - stays * math.log1p(-share)
        if n_switches:
            price += n_switches * -math.log(share) if share else math.inf
        return price / self._sharpness

    @property
    def learning_rate(self) -> float:
        """Factor of the members' initial learning rates; 1 at the start."""
        return self._rate_factor

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rate_factor = number("learning_rate", value, above=0)
        for learner, rate in zip(self.learners, self._rates, strict=True):
            learner.learning_rate = value * rate


def _weighted_mean(shares: Floats, predictions: Floats) -> float:
    """Return the weighted mean, summed in the order of `mix` for equal rounding."""
    total = 0.0
    for share, prediction in zip(shares.tolist(), predictions.tolist(), strict=True):
        total += share * prediction
    return total
