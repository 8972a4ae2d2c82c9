"""Stopping rules: when an experiment may be concluded, and with which test."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy import special

from coursekit.core.stateful import Stateful
from coursekit.core.validation import choice, integer
from coursekit.evaluation.statistics import (
    Effect,
    Inference,
    always_valid_test,
    fixed_test,
    group_sequential_bounds,
    mixture_variance,
)
from coursekit.evaluation.statistics.fixed import inference
from coursekit.evaluation.statistics.group_sequential import SPENDING

__all__ = ["AlwaysValid", "FixedSample", "GroupSequential", "StoppingRule"]


class StoppingRule(Stateful, ABC):
    """When to conclude: `look` counts a look at the results, `test` tests an effect at that look.

    Parameters
    ----------
    n_units : int, 2 or more
        Units in all variants together at which the plan ends.
    """

    def __init__(self, n_units: int) -> None:
        self.n_units = integer("n_units", n_units, at_least=2)

    @abstractmethod
    def look(self, n_units: int) -> bool:
        """Count a look at so many units; return whether the test may conclude the experiment."""

    @abstractmethod
    def test(self, effect: Effect, n_units: int, level: float) -> Inference:
        """Test an effect that was estimated from so many units, at the latest look."""

    @abstractmethod
    def is_last(self, n_units: int) -> bool:
        """Return whether nothing can be found after so many units any more."""


class FixedSample(StoppingRule):
    """One look, when the planned units are there: Welch's t-test has its highest power.

    >>> rule = FixedSample(n_units=1000)
    >>> rule.look(999), rule.look(1000)
    (False, True)
    """

    def look(self, n_units: int) -> bool:
        """Return whether the planned units are there."""
        return n_units >= self.n_units

    def test(self, effect: Effect, n_units: int, level: float) -> Inference:
        """Test with Student's t at Welch's degrees of freedom."""
        return fixed_test(effect, level=level, method="Welch's t-test")

    def is_last(self, n_units: int) -> bool:
        """Return whether the planned units are there."""
        return n_units >= self.n_units


class GroupSequential(StoppingRule):
    """A few planned looks that share the level; nearly the power of one, often with fewer units.

    A look is taken when a further `n_units / n_looks` units are there; between looks nothing can
    be concluded. The interval is the repeated confidence interval, the p-value the smallest level
    whose bound the effect would reach at this look.

    Parameters
    ----------
    n_units : int, 2 or more
    n_looks : int, 1 or more
    spending : {"obrien_fleming", "pocock"}, or a number greater than 0

    Examples
    --------
    >>> rule = GroupSequential(n_units=1000, n_looks=5)
    >>> rule.look(150), rule.look(230), rule.look(250), rule.look(1000)
    (False, True, False, True)
    >>> rule.fractions
    [0.23, 1.0]

    References
    ----------
    C. Jennison, B. W. Turnbull (2000), "Group sequential methods", chapter 9.
    """

    _memory_names = ("fractions",)

    def __init__(
        self, n_units: int, n_looks: int = 10, spending: str | float = SPENDING[0]
    ) -> None:
        super().__init__(n_units)
        self.n_looks = integer("n_looks", n_looks)
        self.spending = spending
        if isinstance(spending, str):
            choice("spending", spending, SPENDING)
        self.fractions: list[float] = []

    def look(self, n_units: int) -> bool:
        """Take a look if one is due."""
        fraction = min(n_units / self.n_units, 1.0)
        taken = int(self.n_looks * self.fractions[-1] + 1e-9) if self.fractions else 0
        if int(self.n_looks * fraction + 1e-9) <= taken:
            return False
        self.fractions.append(fraction)
        return True

    def test(self, effect: Effect, n_units: int, level: float) -> Inference:
        """Test at the bound of the latest look; before the first one, nothing is known."""
        error = float(effect.standard_error)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = float(np.nan_to_num(np.abs(np.divide(effect.estimate, error)), nan=0.0))
        width = self._bound(level) * error if self.fractions else np.inf
        method = f"group sequential test, look {len(self.fractions)} of {self.n_looks}"
        low, high = effect.estimate - width, effect.estimate + width
        return inference(method, level, effect, self._p_value(z), low, high)

    def is_last(self, n_units: int) -> bool:
        """Return whether the planned units are there."""
        return n_units >= self.n_units

    def _bound(self, level: float) -> float:
        bounds = group_sequential_bounds(self.fractions, level=level, spending=self.spending)
        return float(bounds[-1])

    def _p_value(self, z: float) -> float:
        """Return the level whose bound at the latest look is z, by bisection of its logit."""
        low, high = -30.0, 7.0
        if not self.fractions or self._bound(float(special.expit(high))) > z:
            return 1.0
        while high - low > 1e-3:
            middle = (low + high) / 2
            rejected = self._bound(float(special.expit(middle))) <= z
            low, high = (low, middle) if rejected else (middle, high)
        return float(special.expit(high))


class AlwaysValid(StoppingRule):
    """Any number of looks at any time: the normal-mixture test (mSPRT), or asymptotic confidence
    sequence.

    It needs more units than a plan of looks; its interval is narrowest at `n_units`.

    >>> rule = AlwaysValid(n_units=1000)
    >>> rule.look(10), rule.is_last(5000)
    (True, False)
    """

    def look(self, n_units: int) -> bool:
        """Return True: every look may conclude."""
        return True

    def test(self, effect: Effect, n_units: int, level: float) -> Inference:
        """Test with the mixture that is tuned to the planned units."""
        if not effect.variance:
            return fixed_test(effect, level=level, method="always-valid normal mixture")
        planned = float(effect.variance) * n_units / self.n_units  # the variance at the end
        mixture = mixture_variance(planned, level=level)
        return always_valid_test(effect, mixture=mixture, level=level)

    def is_last(self, n_units: int) -> bool:
        """Return False: the test never ends by itself."""
        return False
