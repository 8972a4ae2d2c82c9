"""Off-policy evaluation: what a policy would have earned, from the log of another (lesson 10).

>>> from coursekit.delivery.bandits import off_policy
>>> log = off_policy.LoggedRewards(
...     actions=[0, 0, 1, 1], rewards=[0.0, 1.0, 1.0, 1.0], propensities=[0.5] * 4
... )
>>> off_policy.inverse_propensity(log, [0.1, 0.1, 0.9, 0.9]).value
0.95
"""

from coursekit.delivery.bandits.off_policy.estimators import (
    PolicyValue,
    direct_method,
    doubly_robust,
    gain_over_the_log,
    inverse_propensity,
    self_normalized,
)
from coursekit.delivery.bandits.off_policy.logged import LoggedRewards, mean_rewards
from coursekit.delivery.bandits.off_policy.weights import WeightSummary, summarize_weights

__all__ = [
    "LoggedRewards",
    "PolicyValue",
    "WeightSummary",
    "direct_method",
    "doubly_robust",
    "gain_over_the_log",
    "inverse_propensity",
    "mean_rewards",
    "self_normalized",
    "summarize_weights",
]
