"""Bandits: choose an arm, learn from its reward, log the propensity; off-policy evaluation
(lesson 10).

>>> from coursekit.delivery import bandits
>>> policy = bandits.BernoulliThompson(3, seed=1)
>>> decision = policy.decide()
>>> policy.update(decision.arm, 1.0)
>>> round(decision.propensity, 3)
0.333

The classes are imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from coursekit.core.validation import choice

if TYPE_CHECKING:
    from coursekit.delivery.bandits.policies.bernoulli_thompson import BernoulliThompson
    from coursekit.delivery.bandits.policies.epsilon_greedy import EpsilonGreedy
    from coursekit.delivery.bandits.policies.exp3 import EXP3
    from coursekit.delivery.bandits.policies.gaussian_thompson import GaussianThompson
    from coursekit.delivery.bandits.policies.kl_ucb import KLUCB
    from coursekit.delivery.bandits.policies.lin_ucb import LinUCB
    from coursekit.delivery.bandits.policies.ucb1 import UCB1
    from coursekit.delivery.bandits.policy import Decision, Policy

__all__ = [
    "EXP3",
    "KLUCB",
    "POLICIES",
    "UCB1",
    "BernoulliThompson",
    "Decision",
    "EpsilonGreedy",
    "GaussianThompson",
    "LinUCB",
    "Policy",
    "policy_named",
]

POLICIES: Mapping[str, str] = {
    "EpsilonGreedy": "policies.epsilon_greedy",
    "UCB1": "policies.ucb1",
    "KLUCB": "policies.kl_ucb",
    "BernoulliThompson": "policies.bernoulli_thompson",
    "GaussianThompson": "policies.gaussian_thompson",
    "LinUCB": "policies.lin_ucb",
    "EXP3": "policies.exp3",
}
"""Name of every policy -> its module, in the order of lesson 10."""


def policy_named(name: str, n_arms: int, **settings: Any) -> Policy:
    """Create a policy by its name.

    Raises
    ------
    UnknownNameError
        If there is no such policy; the message lists the known ones.
    InvalidParameterError
        If a setting is outside its range.

    Examples
    --------
    >>> policy_named("UCB1", 10)
    UCB1(n_arms=10, exploration=2.0, discount=1.0, seed=0)
    """
    policy: Policy = __getattr__(choice("name", name, POLICIES))(n_arms, **settings)
    return policy


def __getattr__(name: str) -> Any:
    file = "policy" if name in {"Decision", "Policy"} else POLICIES.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{file}"), name)
