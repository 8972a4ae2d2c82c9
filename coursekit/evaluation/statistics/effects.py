"""Effects: the difference and the lift of a treatment, each with the variance of its estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coursekit.evaluation.statistics.moments import Moments, Values, plain

__all__ = ["Effect", "difference", "effect_size", "lift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An estimate and its precision; each may be an array.

    Parameters
    ----------
    estimate : the estimated effect
    variance : of the estimate, its squared standard error
    degrees_of_freedom : of the variance; infinite where it counts as known
    """

    estimate: Values
    variance: Values
    degrees_of_freedom: Values = math.inf

    @property
    def standard_error(self) -> Values:
        """The square root of the variance."""
        return np.sqrt(self.variance)


def difference(control: Moments, treatment: Moments) -> Effect:
    r"""Return the difference of two means, treatment minus control, with unequal variances.

    $V = s_c^2/n_c + s_t^2/n_t$, with the degrees of freedom of Welch and Satterthwaite,
    $\nu = V^2 / \left(\frac{(s_c^2/n_c)^2}{n_c - 1} + \frac{(s_t^2/n_t)^2}{n_t - 1}\right)$.

    >>> effect = difference(Moments.of([1.0, 2.0, 3.0]), Moments.of([3.0, 4.0, 5.0]))
    >>> effect.estimate, round(effect.variance, 4), round(effect.degrees_of_freedom, 4)
    (2.0, 0.6667, 4.0)

    References
    ----------
    B. L. Welch (1947), doi:10.1093/biomet/34.1-2.28.
    """
    c, t = control.squared_error, treatment.squared_error
    with np.errstate(divide="ignore", invalid="ignore"):
        dof = np.square(c + t) / (c**2 / (control.n - 1) + t**2 / (treatment.n - 1))
    return Effect(
        estimate=treatment.mean - control.mean, variance=c + t, degrees_of_freedom=plain(dof)
    )


def lift(control: Moments, treatment: Moments) -> Effect:
    r"""Return the relative difference $\bar y_t / \bar y_c - 1$, by the delta method.

    $V = \frac{V_t}{\bar y_c^2} + \frac{\bar y_t^2 V_c}{\bar y_c^4}$ with the squared standard
    errors $V$ of the means. NaN where the mean of the control is 0.

    >>> round(lift(Moments.of_counts(100, 1000), Moments.of_counts(120, 1000)).estimate, 3)
    0.2
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(treatment.mean, control.mean)
        variance = np.divide(
            treatment.squared_error + ratio**2 * control.squared_error, np.square(control.mean)
        )
    ok = np.not_equal(control.mean, 0)
    return Effect(
        estimate=plain(np.where(ok, ratio - 1, np.nan)),
        variance=plain(np.where(ok, variance, np.nan)),
    )


def effect_size(control: Moments, treatment: Moments) -> Values:
    """Return Cohen's d: the difference in units of the pooled standard deviation.

    >>> effect_size(Moments.of([1.0, 2.0, 3.0]), Moments.of([3.0, 4.0, 5.0]))
    2.0
    """
    n_c, n_t = control.n - 1, treatment.n - 1
    pooled = (n_c * control.variance + n_t * treatment.variance) / (n_c + n_t)
    with np.errstate(divide="ignore", invalid="ignore"):
        return plain(np.divide(treatment.mean - control.mean, np.sqrt(pooled)))
