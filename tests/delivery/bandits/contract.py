"""What every bandit policy promises, checked on every policy unasked.

A policy of the package without an entry in `SETTINGS` is tested with its defaults.
"""

from collections.abc import Callable
from functools import partial

from coursekit.delivery import bandits

N_ARMS, N_FEATURES = 4, 3

SETTINGS: dict[str, Callable[[], bandits.Policy]] = {
    "epsilon-greedy": lambda: bandits.EpsilonGreedy(N_ARMS, epsilon=0.3, seed=5),
    "greedy, discounted": lambda: bandits.EpsilonGreedy(N_ARMS, epsilon=0.0, discount=0.9),
    "UCB1": lambda: bandits.UCB1(N_ARMS),
    "UCB1, discounted": lambda: bandits.UCB1(N_ARMS, exploration=0.5, discount=0.95),
    "KL-UCB": lambda: bandits.KLUCB(N_ARMS),
    "KL-UCB, discounted": lambda: bandits.KLUCB(N_ARMS, exploration=3.0, discount=0.95),
    "Bernoulli Thompson": lambda: bandits.BernoulliThompson(N_ARMS, seed=2),
    "Bernoulli Thompson, discounted": lambda: bandits.BernoulliThompson(
        N_ARMS, prior=(0.5, 2.0), discount=0.9, seed=2
    ),
    "Gaussian Thompson": lambda: bandits.GaussianThompson(N_ARMS, reward_std=0.5, seed=3),
    "Gaussian Thompson, discounted": lambda: bandits.GaussianThompson(
        N_ARMS, prior_mean=1.0, prior_std=2.0, discount=0.9, seed=3
    ),
    "LinUCB": lambda: bandits.LinUCB(N_ARMS, N_FEATURES, alpha=0.7, regularization=2.0),
    "EXP3": lambda: bandits.EXP3(N_ARMS, gamma=0.2, seed=4),
}

_WITH_SETTINGS = {type(make()).__name__ for make in SETTINGS.values()}
POLICIES = SETTINGS | {
    name: partial(bandits.policy_named, name, N_ARMS)
    for name in bandits.POLICIES
    if name not in _WITH_SETTINGS
}
