"""Epsilon-greedy: the arm with the largest mean, or sometimes any arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.state import State
from coursekit.core.validation import number
from coursekit.delivery.bandits.policy import ArmPolicy, Floats

__all__ = ["EpsilonGreedy"]


class EpsilonGreedy(ArmPolicy):
    r"""Pull the arm with the largest mean reward; with probability $\epsilon$ a random arm.

    Model: $P(a) = \epsilon/K + (1 - \epsilon)\,[a = \arg\max_b S_b/N_b]$. Arms without rewards
    have the mean $\infty$, so each is tried.

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
        self, n_arms: int, epsilon: float = 0.1, discount: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(n_arms, seed, discount)
        self.epsilon = number("epsilon", epsilon, at_least=0, at_most=1)

    def config(self) -> State:
        """Return the settings by name."""
        names = ("n_arms", "epsilon", "discount")
        return {name: getattr(self, name) for name in names} | {"seed": self._seed}

    def _means(self) -> Floats:
        """Return the mean reward of each arm, infinite for arms without rewards."""
        sums, counts = self._memory
        means: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.inf), where=counts > 0)
        return means

    def _select(self) -> Any:
        best = self._means().argmax(axis=-1)
        if self.epsilon == 0:
            return best
        drawn = self._rng.random(self._runs)
        # below epsilon, drawn / epsilon is uniform again: one draw for both choices
        return np.where(drawn < self.epsilon, (drawn / self.epsilon * self.n_arms) // 1, best)

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, exactly."""
        best = self._certain(int(self._means().argmax()))
        return self.epsilon / self.n_arms + (1.0 - self.epsilon) * best
