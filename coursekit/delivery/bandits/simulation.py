"""Simulated bandits with known means: the regret of a policy, and the Lai-Robbins constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import integer, require
from coursekit.delivery.bandits.policies.kl_ucb import bernoulli_kl
from coursekit.delivery.bandits.policy import ArmPolicy, Floats

__all__ = ["TEN_ARMS", "Simulation", "lai_robbins_constant", "simulate"]

TEN_ARMS = (0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01)
"""Success probabilities of the test bed of Garivier and Cappé (2011), such as click rates."""


def lai_robbins_constant(means: Sequence[float]) -> float:
    r"""Return $\sum_{a:\,\mu_a < \mu^*} (\mu^* - \mu_a) / \mathrm{kl}(\mu_a, \mu^*)$.

    The regret of every policy that is good on all Bernoulli bandits is at least this constant times
    $\ln T$, as $T \to \infty$ (Lai, Robbins 1985). It bounds the slope, not the regret at a finite
    T.

    >>> round(lai_robbins_constant(TEN_ARMS), 2)
    17.45
    """
    best = max(means)
    return sum((best - mean) / float(bernoulli_kl(mean, best)) for mean in means if mean < best)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What independent runs of a policy did on one bandit.

    Parameters
    ----------
    means : array, shape (n_steps, n_arms)
        The true success probabilities.
    arms : array of int, shape (n_runs, n_steps)
    rewards : array of bool, shape (n_runs, n_steps)
    """

    means: Floats
    arms: npt.NDArray[np.int16]
    rewards: npt.NDArray[np.bool_]

    @property
    def regret(self) -> Floats:
        """Cumulative regret after each step, shape (n_runs, n_steps): the mean of the best arm of
        the step minus that of the chosen arm, summed.
        """
        gaps = self.means.max(axis=1, keepdims=True) - self.means
        regret: Floats = np.cumsum(gaps[np.arange(gaps.shape[0]), self.arms], axis=1)
        return regret

    @property
    def best_arm_share(self) -> float:
        """Share of steps in which the best arm was pulled."""
        return float(np.mean(self.arms == self.means.argmax(axis=1)))


def simulate(
    policy: ArmPolicy,
    means: npt.ArrayLike,
    n_steps: int,
    *,
    n_runs: int = 1,
    update_every: int = 1,
    seed: int = 0,
) -> Simulation:
    """Let independent copies of a policy play a Bernoulli bandit, side by side.

    Parameters
    ----------
    policy : ArmPolicy
        Its memory is where every run begins; it does not change.
    means : array, shape (n_arms,) or (n_steps, n_arms)
        Success probabilities, in [0, 1]; with two dimensions they change over time.
    n_steps : int, 1 or more
    n_runs : int, 1 or more
    update_every : int, 1 or more
        Rewards arrive in batches of so many; those of the last, incomplete batch never do.
    seed : int
        Of the rewards; the policy has its own.

    Notes
    -----
    One run is exactly the loop of `pull` and `update`; several runs share one sequence of random
    numbers.

    Raises
    ------
    InvalidParameterError
        If means are not probabilities, or of another shape.

    Examples
    --------
    >>> from coursekit.delivery.bandits.policies.ucb1 import UCB1
    >>> runs = simulate(UCB1(2), [0.9, 0.1], n_steps=100, n_runs=50)
    >>> round(float(runs.regret[:, -1].mean()), 1), runs.rewards.shape
    (6.4, (50, 100))
    """
    integer("n_steps", n_steps), integer("n_runs", n_runs), integer("update_every", update_every)
    truth = _probabilities(means, n_steps, policy.n_arms)
    # a stream of its own, so that a policy with the same seed does not draw the same numbers
    sequence = np.random.SeedSequence(integer("seed", seed, at_least=0), spawn_key=(1,))
    rng = np.random.default_rng(sequence)
    players = policy.widened(n_runs)
    runs = np.arange(n_runs)
    arms = np.empty((n_steps, n_runs), dtype=np.int16)
    rewards = np.empty((n_steps, n_runs), dtype=np.bool_)
    waiting = []
    for step in range(n_steps):
        pulled = players._select().astype(np.intp)
        won = rng.random(n_runs) < truth[step, pulled]
        arms[step], rewards[step] = pulled, won
        pairs = (runs, pulled)
        waiting.append((pairs, won.astype(np.float64), None, players._shares(pairs)))
        if len(waiting) == update_every:
            for each in waiting:
                players._learn(*each)
            waiting.clear()
    return Simulation(means=truth, arms=arms.T, rewards=rewards.T)


def _probabilities(means: npt.ArrayLike, n_steps: int, n_arms: int) -> Floats:
    truth = np.asarray(means, dtype=np.float64)
    if truth.shape not in {(n_arms,), (n_steps, n_arms)}:
        raise InvalidParameterError(
            f"`means` must have shape ({n_arms},) or ({n_steps}, {n_arms}), got {truth.shape}."
        )
    inside = bool(((truth >= 0) & (truth <= 1)).all())
    require(inside, "means", "probabilities in [0, 1]", truth[~((truth >= 0) & (truth <= 1))][:1])
    return np.broadcast_to(truth, (n_steps, n_arms))
