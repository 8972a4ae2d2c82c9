"""Tests for one look at a sample size fixed in advance: Welch's t-test and two proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from coursekit.core.validation import number
from coursekit.evaluation.statistics.effects import Effect, difference
from coursekit.evaluation.statistics.moments import Moments, Values, plain

__all__ = ["Inference", "fixed_test", "inference", "two_proportion_test", "welch_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """What a test says about an effect; numbers may be arrays.

    Parameters
    ----------
    method : str
        The test.
    level : float
        Probability of rejecting a true null hypothesis; the interval covers with 1 - level.
    estimate, standard_error : the effect, treatment minus control
    p_value : of the hypothesis that the effect is 0, two-sided
    low, high : ends of the interval
    """

    method: str
    level: float
    estimate: Values
    standard_error: Values
    p_value: Values
    low: Values
    high: Values

    @property
    def rejected(self) -> bool:
        """Whether the p-value is at most the level."""
        return bool(np.all(self.p_value <= self.level))


def welch_test(control: Moments, treatment: Moments, *, level: float = 0.05) -> Inference:
    r"""Test the difference of two means with Welch's t-test.

    $t = (\bar y_t - \bar y_c) / \sqrt{s_c^2/n_c + s_t^2/n_t}$; no assumption of equal variances.

    >>> result = welch_test(Moments.of([1.0, 2.0, 3.0]), Moments.of([3.0, 4.0, 5.0]))
    >>> round(result.p_value, 4), round(result.low, 2), round(result.high, 2)
    (0.0705, -0.27, 4.27)

    References
    ----------
    B. L. Welch (1947), doi:10.1093/biomet/34.1-2.28.
    """
    return fixed_test(difference(control, treatment), level=level, method="Welch's t-test")


def fixed_test(effect: Effect, *, level: float = 0.05, method: str = "z-test") -> Inference:
    """Test an effect with Student's t at its degrees of freedom, or the normal distribution.

    An effect of variance 0 has p-value 0, or 1 if it is 0.
    """
    level = number("level", level, above=0, below=1)
    error = effect.standard_error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(np.divide(effect.estimate, error))
    t = np.where(np.equal(effect.estimate, 0), 0.0, t)
    dof = np.asarray(effect.degrees_of_freedom, dtype=np.float64)
    is_normal = ~np.isfinite(dof)
    finite = np.where(is_normal, 1.0, dof)
    p_value = 2 * np.where(is_normal, special.ndtr(-t), special.stdtr(finite, -t))
    quantile = np.where(is_normal, -special.ndtri(level / 2), -special.stdtrit(finite, level / 2))
    width = quantile * error
    return inference(
        method, level, effect, p_value, effect.estimate - width, effect.estimate + width
    )


def two_proportion_test(
    control: tuple[Values, Values], treatment: tuple[Values, Values], *, level: float = 0.05
) -> Inference:
    r"""Test the difference of two proportions: pooled z-test, Newcombe's interval.

    $z = (\hat p_t - \hat p_c) / \sqrt{\hat p (1 - \hat p)(1/n_c + 1/n_t)}$ with the rate $\hat p$
    of both together; the interval combines Wilson's intervals of each and stays within [-1, 1].

    Parameters
    ----------
    control, treatment : (successes, trials)
    level : float, in (0, 1)

    Raises
    ------
    InvalidSampleError
        If there are fewer than two trials, or not 0 <= successes <= trials.

    Examples
    --------
    >>> result = two_proportion_test((100, 1000), (130, 1000))
    >>> round(result.estimate, 3), round(result.p_value, 4)
    (0.03, 0.0355)

    References
    ----------
    R. G. Newcombe (1998), "Interval estimation for the difference between independent
    proportions", method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    level = number("level", level, above=0, below=1)
    c, t = Moments.of_counts(*control), Moments.of_counts(*treatment)
    rate = (c.mean * c.n + t.mean * t.n) / (c.n + t.n)
    effect = Effect(estimate=t.mean - c.mean, variance=rate * (1 - rate) * (1 / c.n + 1 / t.n))
    p_value = fixed_test(effect, level=level).p_value
    quantile = -special.ndtri(level / 2)
    (c_low, c_high), (t_low, t_high) = (_wilson(each, quantile) for each in (c, t))
    low = effect.estimate - np.hypot(t.mean - t_low, c_high - c.mean)
    high = effect.estimate + np.hypot(t_high - t.mean, c.mean - c_low)
    return inference("two-proportion z-test", level, effect, p_value, low, high)


def _wilson(sample: Moments, quantile: float) -> tuple[Values, Values]:
    """Return Wilson's score interval of a proportion."""
    square = quantile**2
    centre = sample.mean + square / (2 * sample.n)
    spread = quantile * np.sqrt(
        sample.mean * (1 - sample.mean) / sample.n + square / (4 * sample.n**2)
    )
    scale = 1 + square / sample.n
    return (centre - spread) / scale, (centre + spread) / scale


def inference(
    method: str, level: float, effect: Effect, p_value: Values, low: Values, high: Values
) -> Inference:
    """Return the record of a test of an effect."""
    return Inference(
        method=method,
        level=level,
        estimate=effect.estimate,
        standard_error=plain(effect.standard_error),
        p_value=plain(p_value),
        low=plain(low),
        high=plain(high),
    )
