"""KL-UCB: upper confidence bounds by the Kullback-Leibler divergence of Bernoulli distributions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled
from coursekit.core.validation import Natural, NonNegative, Share
from coursekit.delivery.bandits.policy import ArmPolicy, Floats, NumberOfArms

__all__ = ["KLUCB", "bernoulli_kl"]


@compiled
def bernoulli_kl(p: float, q: float) -> float:
    r"""Return $p \ln\frac pq + (1-p)\ln\frac{1-p}{1-q}$, the divergence of two probabilities.

    >>> round(bernoulli_kl(0.05, 0.1), 6)
    0.016707
    """
    divergence = 0.0
    if p > 0.0:
        divergence = p * math.log(p / q) if q > 0.0 else math.inf
    if p < 1.0:
        divergence += (1.0 - p) * math.log((1.0 - p) / (1.0 - q)) if q < 1.0 else math.inf
    return divergence


@compiled
def upper_bounds(means, levels):
    """Return for each mean p the largest q with kl(p, q) <= level; arrays of shape (n,).

    Newton's method from the right: kl(p, .) is convex and increasing on [p, 1], so every step
    stays at or above the root.
    """
    bounds = np.empty(means.size)
    for at in range(means.size):
        p, level = means[at], levels[at]
        if p >= 1.0 or level <= 0.0:
            bounds[at] = min(p, 1.0)
            continue
        entropy = -(1.0 - p) * math.log(1.0 - p) - (p * math.log(p) if p > 0.0 else 0.0)
        # two upper bounds of the root: Pinsker's inequality, and kl without its term p ln(1/q) >= 0
        q = min(
            p + math.sqrt(0.5 * level), 1.0 - math.exp(-(level + entropy) / (1.0 - p)), 1.0 - 2**-53
        )
        for _ in range(60):
            slope = (q - p) / (q * (1.0 - q))  # of kl(p, .)
            if slope <= 0.0:
                break
            step = (bernoulli_kl(p, q) - level) / slope
            if step <= 1e-15 * q:
                break
            q = max(q - step, p)
        bounds[at] = q
    return bounds


class KLUCB(ArmPolicy):
    r"""Pull the arm with the largest upper confidence bound (Chernoff).

    Model: $\arg\max_a\; \max\{q : N_a\,\mathrm{kl}(S_a/N_a, q) \le \ln n + c \ln\ln n\}$ with $n =
    \sum_b N_b$; arms without rewards come first.

    Parameters
    ----------
    n_arms : int, 2 or more
    exploration : float, 0 or more
        $c$; 3 in the proof, 0 in practice (the authors' advice).
    discount : float, in (0, 1]
        Weight of a reward after one more reward; see `ArmPolicy`.
    seed : int, 0 or more
        Unused: nothing is left to chance.

    Notes
    -----
    Rewards must be in [0, 1]. For rewards 0 and 1 the regret reaches the Lai-Robbins bound
    asymptotically. The propensity of the chosen arm is 1.

    Examples
    --------
    >>> policy = KLUCB(2)
    >>> policy.update_many([0, 0, 0, 1], [1.0, 1.0, 0.0, 0.0])
    >>> policy.bounds().round(3)
    array([0.96, 0.75])

    References
    ----------
    A. Garivier, O. Cappé (2011), "The KL-UCB algorithm for bounded stochastic bandits and beyond",
    arXiv:1102.2490.
    """

    _reward_range = (0.0, 1.0)

    def __init__(
        self,
        n_arms: NumberOfArms,
        exploration: NonNegative = 0.0,
        discount: Share = 1.0,
        seed: Natural = 0,
    ) -> None:
        super().__init__(n_arms, seed, discount)
        self.exploration = exploration

    def bounds(self) -> Floats:
        """Return the upper confidence bound of each arm, infinite without rewards."""
        sums, counts = self._memory
        level = np.log(counts.sum(axis=-1, keepdims=True).clip(1.0))
        if self.exploration:
            level = level + self.exploration * np.log(level.clip(1.0))
        least = counts.clip(1e-300)
        bounds = upper_bounds((sums / least).ravel(), (level / least).ravel())
        return np.where(counts > 0, bounds.reshape(counts.shape), np.inf)

    def _select(self) -> Any:
        return self.bounds().argmax(axis=-1)

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return 1 for the arm of the next `pull` and 0 for the others."""
        return self._certain(int(self._select()))
