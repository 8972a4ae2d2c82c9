"""Rates, penalties and priors of a factor model, as its kernels need them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import require
from coursekit.learning.optim.adagrad import AdaGrad
from coursekit.learning.optim.gaussian_belief import GaussianBelief
from coursekit.learning.optim.optimizer import one_of
from coursekit.learning.optim.sgd import SGD

__all__ = ["FactorOptimizer", "FactorSettings"]

_RATES = {"sgd": (0.06, 0.08), "adagrad": (0.15, 0.3)}  # of factors and of biases
_PENALTIES = {"sgd": (0.05, 0.03), "adagrad": (0.01, 0.01)}  # of biases and of factors
FactorOptimizer = Annotated[
    Any, one_of(SGD(0.06), AdaGrad(0.15, initial_memory=0.2), GaussianBelief())
]
"""An optimizer of a factor model, its name or its `config()`."""
_MEANINGLESS = (
    "`{}` has no meaning for a Gaussian belief, got {!r}; pass "
    "`optimizer=GaussianBelief(bias_variance=..., factor_variance=...)`."
)


@dataclass(frozen=True, slots=True)
class FactorSettings:
    """Learning rates and penalties of biases and factors.

    Parameters
    ----------
    optimizer : Optimizer
        Its learning rate is that of the factors.
    bias_rate : float
        Learning rate of the biases beside it.
    penalties : (float, float, float, float)
        L2 penalties of the biases of users, items and side features, and of all factors.
    """

    optimizer: SGD | AdaGrad | GaussianBelief
    bias_rate: float
    penalties: tuple[float, float, float, float]

    @classmethod
    def of(cls, optimizer: SGD | AdaGrad | GaussianBelief, **given: float | None) -> FactorSettings:
        """Replace None by defaults, in `bias_rate`, `regularization`, `user_bias_reg` and
        `item_bias_reg`.
        """
        if isinstance(optimizer, GaussianBelief):
            for name, value in given.items():
                if value is not None:
                    raise InvalidParameterError(_MEANINGLESS.format(name, value))
            return cls(optimizer, 0.0, (0.0, 0.0, 0.0, 0.0))
        plain = getattr(optimizer, "decay", 0.0) == 0.0 and optimizer.radius == math.inf
        usable = plain and getattr(optimizer, "initial_memory", 1.0) > 0
        expected = "without decay and radius, and with an initial memory greater than 0"
        require(usable, "optimizer", expected, optimizer)

        def chosen(name: str, default: float) -> float:
            value = given[name]
            return default if value is None else value

        bias, factor = (chosen("regularization", each) for each in _PENALTIES[optimizer.name])
        user, item = (chosen(name, bias) for name in ("user_bias_reg", "item_bias_reg"))
        factor_rate, bias_rate = _RATES[optimizer.name]
        rate = chosen("bias_rate", bias_rate * (optimizer.learning_rate / factor_rate))
        return cls(optimizer, rate, (user, item, bias, factor))

    def for_kernels(self, learning_rate: float) -> Floats:
        """Return the part of `model` from NOISE on, at this learning rate of the factors."""
        scale = learning_rate / self.optimizer.learning_rate
        user, item, feature, factor = self.penalties
        if isinstance(self.optimizer, GaussianBelief):
            belief = self.optimizer
            noise, bias_rate, rate = belief.noise / scale, belief.bias_walk, belief.factor_walk
            feature_rates = belief.feature_walk, belief.feature_walk
        else:
            noise, bias_rate = 0.0, scale * self.bias_rate
            rate = scale * self.optimizer.learning_rate
            feature_rates = bias_rate, rate
        ids = bias_rate, user, bias_rate, item, rate, factor
        return np.array([noise, *ids, *feature_rates, feature])

    @property
    def prior(self) -> tuple[float, float, float]:
        """Initial optimizer memory of the intercept, of a bias and of a factor."""
        if isinstance(self.optimizer, GaussianBelief):
            belief = self.optimizer
            return belief.intercept_variance, belief.bias_variance, belief.factor_variance
        start = getattr(self.optimizer, "initial_memory", 0.0)
        return 0.0, start, start
