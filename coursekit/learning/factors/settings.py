"""Rates, penalties and priors of a factor model, as its kernels need them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.state import State
from coursekit.core.validation import number, require
from coursekit.learning.optim.adagrad import AdaGrad
from coursekit.learning.optim.gaussian_belief import GaussianBelief
from coursekit.learning.optim.optimizer import Optimizer, optimizer_named
from coursekit.learning.optim.sgd import SGD

__all__ = ["FactorSettings"]

_KNOWN = (SGD(0.06), AdaGrad(0.15, initial_memory=0.2), GaussianBelief())
_BIAS_RATES = {"sgd": 0.08, "adagrad": 0.3}  # beside the learning rates of `_KNOWN`
_PENALTIES = {"sgd": (0.05, 0.03), "adagrad": (0.01, 0.01)}  # of biases and of factors
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
    def of(
        cls,
        optimizer: str | Optimizer | State,
        *,
        bias_rate: float | None,
        regularization: float | None,
        user_bias_reg: float | None,
        item_bias_reg: float | None,
    ) -> FactorSettings:
        """Validate settings of a model, and replace None by defaults."""
        chosen = optimizer_named(optimizer, _KNOWN)
        given = {
            "regularization": regularization,
            "user_bias_reg": user_bias_reg,
            "item_bias_reg": item_bias_reg,
        }
        if isinstance(chosen, GaussianBelief):
            for name, value in {**given, "bias_rate": bias_rate}.items():
                if value is not None:
                    raise InvalidParameterError(_MEANINGLESS.format(name, value))
            return cls(chosen, 0.0, (0.0, 0.0, 0.0, 0.0))
        plain = getattr(chosen, "decay", 0.0) == 0.0 and chosen.radius == math.inf
        expected = "without decay and radius, and with an initial memory greater than 0"
        require(plain and getattr(chosen, "initial_memory", 1.0) > 0, "optimizer", expected, chosen)
        for name, value in given.items():
            if value is not None:
                number(name, value, at_least=0)
        bias, factor = _PENALTIES[chosen.name]
        if regularization is not None:
            bias = factor = regularization
        user, item = (bias if own is None else own for own in (user_bias_reg, item_bias_reg))
        if bias_rate is None:
            default = optimizer_named(chosen.name, _KNOWN)
            bias_rate = _BIAS_RATES[chosen.name] * (chosen.learning_rate / default.learning_rate)
        return cls(chosen, number("bias_rate", bias_rate, above=0), (user, item, bias, factor))

    def for_kernels(self, learning_rate: float) -> npt.NDArray[np.float64]:
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
