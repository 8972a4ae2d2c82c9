"""Epsilon-greedy: the arm with the largest mean, or sometimes any arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import Natural, Share
from coursekit.delivery.bandits.policy import ArmPolicy, Chance, Floats, NumberOfArms

__all__ = ["EpsilonGreedy"]


class EpsilonGreedy(ArmPolicy):
    r"""Pull the arm with the largest mean reward; with probability $\epsilon$ a random arm.

    Model: $P(a) = \epsilon/K + (1 - \epsilon)\,[a \in B] / |B|$ with the arms $B$ of the largest
    mean $S_b/N_b$. Arms without rewards have the mean $\infty$, so each is tried.

    Parameters
    ----------
    n_arms : int, 2 or more
    epsilon : float, in [0, 1]
        With 0 the policy is greedy and can stay with a bad arm for ever; with 1 it is uniform.
    discount : float, in (0, 1]
        Weight of a reward after one more reward; see `ArmPolicy`.
    seed : int, 0 or more

    Notes
    -----
    With a constant $\epsilon$ the regret grows by $\epsilon$ times the mean gap at every step, for
    ever. Rewards may be any numbers.

    Examples
    --------
    >>> policy = EpsilonGreedy(3, epsilon=0.3)
    >>> policy.update_many([0, 1, 2], [0.0, 1.0, 0.0])
    >>> policy.propensities()
    array([0.1, 0.8, 0.1])

    References
    ----------
    R. Sutton, A. Barto (2018), "Reinforcement learning: an introduction", 2nd edition, section 2.2.
    """

    def __init__(
        self, n_arms: NumberOfArms, epsilon: Chance = 0.1, discount: Share = 1.0, seed: Natural = 0
    ) -> None:
        super().__init__(n_arms, seed, discount)
        self.epsilon = epsilon

    def _means(self) -> Floats:
        """Return the mean reward of each arm, infinite for arms without rewards."""
        sums, counts = self._memory
        means: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.inf), where=counts > 0)
        return means

    def _best(self) -> npt.NDArray[np.bool_]:
        """Return which arms have the largest mean, at least one."""
        means = self._means()
        best: npt.NDArray[np.bool_] = means == means.max(axis=-1, keepdims=True)
        return best

    def _select(self) -> Any:
        best = self._best()
        drawn = self._rng.random(self._runs)
        if self.epsilon == 1.0:
            return (drawn * self.n_arms) // 1
        # on either side of epsilon the draw is uniform again: it also chooses the arm
        rank = (drawn - self.epsilon) / (1.0 - self.epsilon) * best.sum(axis=-1) // 1
        greedy = (best.cumsum(axis=-1) > np.expand_dims(rank, -1)).argmax(axis=-1)
        if self.epsilon == 0.0:
            return greedy
        return np.where(drawn < self.epsilon, drawn / self.epsilon * self.n_arms // 1, greedy)

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, exactly."""
        best = self._best()
        shares: Floats = self.epsilon / self.n_arms + (1.0 - self.epsilon) * best / best.sum()
        return shares
