r"""Update rules: how far one coordinate moves, given the slope of the prediction along it (lessons
02, 03, 07).

Every factor model is linear in each single coordinate $\theta_j$: near the current point the
prediction moves by $s_j\,\Delta\theta_j$, where $s_j = \partial\hat y / \partial\theta_j$. With the
error $e = y - \hat y$ the three rules are

- **SGD**: $\theta_j \mathrel{+}= \eta\,(w e s_j - \lambda\theta_j)$
- **AdaGrad** (Duchi, Hazan and Singer 2011, JMLR 12): $g_j = w e s_j - \lambda\theta_j$, $G_j
  \mathrel{+}= g_j^2$,
  $\theta_j \mathrel{+}= \eta\,g_j/\sqrt{G_j}$
- **Gaussian belief**: $\theta_j \sim \mathcal N(m_j, v_j)$ on its own, an extended Kalman filter
  with a diagonal covariance
  (assumed-density filtering; AROW of Crammer, Kulesza and Dredze 2009 is its classifier). With $v_j
  \mathrel{+}= q$ (the walk) and the predictive variance $V = \sigma^2/w + \sum_j s_j^2 v_j$: $m_j
  \mathrel{+}= (v_j s_j/V)\,e$ and $v_j \mathrel{*}= 1 - s_j^2 v_j/V$. There is no learning rate to
  tune: certainty is the rate.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled
from coursekit.core.errors import InvalidParameterError, UnknownNameError

__all__ = ["SGD", "AdaGrad", "GaussianBelief", "Rule", "move", "rule_named"]

_FloatArray = npt.NDArray[np.float64]

SGD_TAG, ADAGRAD_TAG, BELIEF_TAG = 0, 1, 2


@compiled
def move(rule, row, j, slope, error, spread, rate, penalty):
    """Move coordinate j of a row in place; its memory (squared gradients or variance) lies half a
    row further on.
    """
    if rule == SGD_TAG:
        row[j] += rate * (error * slope - penalty * row[j])
        return
    m = j + row.size // 2
    if rule == ADAGRAD_TAG:
        gradient = error * slope - penalty * row[j]
        row[m] += gradient * gradient
        row[j] += rate * gradient / math.sqrt(row[m])
        return
    row[m] += rate  # the walk: what was learnt ages
    gain = row[m] * slope / spread
    row[m] *= 1.0 - gain * slope
    row[j] += gain * error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
    """What the update rules have in common: finite settings, checked when made.

    `settings` gives the kernels their numbers: noise, then (rate, penalty) of user biases, item
    biases and factors, then the rates of the biases and factors of side features.
    """

    tag: ClassVar[int]
    name: ClassVar[str]
    has_memory: ClassVar[bool] = True
    positive: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            lower = "greater than 0" if setting.name in self.positive else "0 or more"
            if (
                not math.isfinite(value)
                or value < 0
                or (value == 0 and setting.name in self.positive)
            ):
                raise InvalidParameterError(
                    f"`{setting.name}` must be a finite number {lower}, got {value!r}."
                )

    @property
    @abstractmethod
    def learning_rate(self) -> float:
        """The rate by which a learner speeds up or slows down."""

    @abstractmethod
    def settings(self, pace: float = 1.0) -> _FloatArray:
        """Numbers for the kernels, learning `pace` times as fast, shape (9,)."""

    @abstractmethod
    def with_regularization(self, penalty: float) -> Rule:
        """Return the rule with another pull towards 0."""

    def discounted(self, memory: _FloatArray, start: npt.ArrayLike, keep: float) -> _FloatArray:
        """Return memories that started at `start` as if only the share `keep` of their evidence had
        come.
        """
        begun = np.asarray(start, dtype=np.float64)
        return begun + keep * (memory - begun)

    def start_of_intercept(self) -> float:
        """Return the intercept's memory before the first event."""
        return 0.0

    def start_of_memory(self) -> tuple[float, float]:
        """Return the memory of an unseen bias and of an unseen factor."""
        return (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RateRule(Rule):
    """A rule with step sizes and penalties.

    Parameters
    ----------
    bias_rate, factor_rate : float, greater than 0
        Step sizes of biases and factors. Larger adapts faster and jitters more.
    bias_penalty, factor_penalty : float, 0 or more
        Pull towards 0 at each update of a row.
    """

    bias_rate: float
    factor_rate: float
    bias_penalty: float
    factor_penalty: float

    @property
    def learning_rate(self) -> float:
        """The step size of the factors; biases keep their proportion to it."""
        return self.factor_rate

    def settings(self, pace: float = 1.0) -> _FloatArray:
        """Numbers for the kernels, learning `pace` times as fast, shape (9,)."""
        bias = (pace * self.bias_rate, self.bias_penalty)
        factor_rate = pace * self.factor_rate
        return np.array([0.0, *bias, *bias, factor_rate, self.factor_penalty, bias[0], factor_rate])

    def with_regularization(self, penalty: float) -> Rule:
        """Return the rule with this penalty on biases and factors."""
        return replace(self, bias_penalty=penalty, factor_penalty=penalty)


@dataclass(frozen=True, slots=True, kw_only=True)
class SGD(_RateRule):
    """Plain stochastic gradient descent; the parameters are those of every rule with rates.

    >>> SGD(bias_rate=0.0)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `bias_rate` must be a finite number greater ...
    """

    tag: ClassVar[int] = SGD_TAG
    name: ClassVar[str] = "sgd"
    has_memory: ClassVar[bool] = False
    positive: ClassVar[tuple[str, ...]] = ("bias_rate", "factor_rate")

    bias_rate: float = 0.08
    factor_rate: float = 0.06
    bias_penalty: float = 0.05
    factor_penalty: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaGrad(_RateRule):
    """A step size of its own for every coordinate, shrinking with the gradients it has seen.

    Parameters
    ----------
    initial_memory : float, greater than 0
        The sum of squared gradients each coordinate starts with; larger makes the first steps
        smaller. The others are those of every rule with rates.
    """

    tag: ClassVar[int] = ADAGRAD_TAG
    name: ClassVar[str] = "adagrad"
    positive: ClassVar[tuple[str, ...]] = ("bias_rate", "factor_rate", "initial_memory")

    bias_rate: float = 0.3
    factor_rate: float = 0.15
    bias_penalty: float = 0.01
    factor_penalty: float = 0.01
    initial_memory: float = 0.2

    def start_of_memory(self) -> tuple[float, float]:
        """Return the memory of an unseen bias and of an unseen factor."""
        return (self.initial_memory, self.initial_memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianBelief(Rule):
    """A mean and a variance for every coordinate; certainty is the learning rate.

    The defaults assume targets that spread over one to a few units (stars); they are not sensitive.

    Parameters
    ----------
    noise : float
        Variance of a target around its prediction, target unit squared. Smaller trusts each event
        more.
    intercept_variance, bias_variance, factor_variance : float
        Variance of the unseen intercept and an unseen bias (target unit squared) and factor (target
        unit).
    bias_walk, factor_walk : float
        Variance that a user or an item regains at each of its events: how fast tastes may drift. 0
        never forgets.
    feature_walk : float
        The same for biases and factors of side features. Much smaller: a genre takes part in
        thousands of events, and what it means changes slowly.
    """

    tag: ClassVar[int] = BELIEF_TAG
    name: ClassVar[str] = "belief"
    positive: ClassVar[tuple[str, ...]] = (
        "noise",
        "intercept_variance",
        "bias_variance",
        "factor_variance",
    )

    noise: float = 0.2
    intercept_variance: float = 10.0
    bias_variance: float = 0.067
    factor_variance: float = 0.044
    bias_walk: float = 2.4e-4
    factor_walk: float = 1.4e-5
    feature_walk: float = 1e-7

    @property
    def learning_rate(self) -> float:
        """How many events each event counts for: 1, unless a learner says otherwise."""
        return 1.0

    def settings(self, pace: float = 1.0) -> _FloatArray:
        """Numbers for the kernels, learning `pace` times as fast, shape (9,)."""
        bias = (self.bias_walk, 0.0)
        return np.array(
            [
                self.noise / pace,
                *bias,
                *bias,
                self.factor_walk,
                0.0,
                self.feature_walk,
                self.feature_walk,
            ]
        )

    def with_regularization(self, penalty: float) -> Rule:
        """Refuse: the prior variances of a belief are its regularization."""
        raise InvalidParameterError(
            f"`regularization` has no meaning for a belief, got {penalty!r}; "
            "pass `GaussianBelief(factor_variance=...)` instead."
        )

    def discounted(self, memory: _FloatArray, start: npt.ArrayLike, keep: float) -> _FloatArray:
        """Return variances whose precision holds the prior and the share `keep` of what events
        added to it.
        """
        prior = 1.0 / np.asarray(start, dtype=np.float64)
        return 1.0 / (prior + keep * np.maximum(1.0 / memory - prior, 0.0))

    def start_of_intercept(self) -> float:
        """Return the intercept's variance before the first event."""
        return self.intercept_variance

    def start_of_memory(self) -> tuple[float, float]:
        """Return the variance of an unseen bias and of an unseen factor."""
        return (self.bias_variance, self.factor_variance)


_RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (SGD, AdaGrad, GaussianBelief)}


def rule_named(rule: str | Rule) -> Rule:
    """Return the rule of that name with its defaults; a rule is returned as it is.

    >>> rule_named("sgd").learning_rate
    0.06
    """
    if isinstance(rule, Rule):
        return rule
    if rule not in _RULES:
        raise UnknownNameError(
            f"`rule` must be one of {', '.join(_RULES)} or a rule object, got {rule!r}."
        )
    return _RULES[rule]()
