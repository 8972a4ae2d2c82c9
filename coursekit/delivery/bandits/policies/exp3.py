"""EXP3: exponential weights for rewards that an adversary may choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import Natural, Share
from coursekit.delivery.bandits.policy import ArmPolicy, At, Floats, NumberOfArms

__all__ = ["EXP3"]


class EXP3(ArmPolicy):
    r"""Pull each arm with a probability that grows with its estimated total reward.

    Model: $P(a) = (1 - \gamma)\,w_a / \sum_b w_b + \gamma / K$.

    Update: $w_a \leftarrow w_a \exp\big(\gamma\, r / (K\,P(a))\big)$ for the pulled arm, where
    $P(a)$ is its propensity; $r/P(a)$ is an unbiased estimate of what the arm gives at every step.

    Parameters
    ----------
    n_arms : int, 2 or more
    gamma : float, in (0, 1]
        $\gamma$: share of uniform exploration, and learning rate. For a known horizon T the paper
        has $\sqrt{K \ln K / ((e - 1) T)}$.
    seed : int, 0 or more

    Notes
    -----
    Rewards must be in [0, 1]. The regret against the best fixed arm is of order
    $\sqrt{T K \ln K}$ whatever the rewards are; where arms have fixed means, Thompson sampling is
    far better.
    With delayed rewards pass `propensity`, that of the decision: today's would bias the estimate.

    Examples
    --------
    >>> policy = EXP3(2, gamma=0.2)
    >>> policy.update(0, 1.0, propensity=0.5)
    >>> policy.propensities()  # weights exp(0.2) and 1
    array([0.54, 0.46])

    References
    ----------
    P. Auer, N. Cesa-Bianchi, Y. Freund, R. Schapire (2002), "The nonstochastic multiarmed bandit
    problem", doi:10.1137/S0097539701398375.
    """

    _reward_range = (0.0, 1.0)
    _n_rows = 1  # the logarithms of the weights, the largest of them 0

    def __init__(self, n_arms: NumberOfArms, gamma: Share = 0.1, seed: Natural = 0) -> None:
        super().__init__(n_arms, seed)
        self.gamma = gamma

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, exactly."""
        weights = np.exp(self._memory[0])
        shares: Floats = weights / weights.sum(axis=-1, keepdims=True)
        return (1.0 - self.gamma) * shares + self.gamma / self.n_arms

    def _select(self) -> Any:
        ladder = self.propensities().cumsum(axis=-1)
        drawn = self._rng.random(self._runs)
        arms = (ladder <= np.expand_dims(drawn, -1)).sum(axis=-1)
        return np.minimum(arms, self.n_arms - 1)  # the last step may be 1 - 1e-16

    def _shares(self, at: At) -> Any:
        return self.propensities()[at]

    def _learn(self, at: At, reward: Any, context: Any, propensity: Any) -> None:
        if propensity is None:
            propensity = self._shares(at)
        logs = self._memory[0]
        logs[at] += self.gamma * reward / (self.n_arms * propensity)
        logs -= logs.max(axis=-1, keepdims=True)
