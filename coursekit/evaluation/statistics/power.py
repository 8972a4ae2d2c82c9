"""Power, sample size and the smallest effect that an experiment can find."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import number

__all__ = [
    "detectable_effect",
    "power_of_means",
    "power_of_proportions",
    "proportion_effect_size",
    "sample_size_of_means",
    "sample_size_of_proportions",
]


def power_of_means(
    effect_size: float, n_control: float, *, ratio: float = 1.0, level: float = 0.05
) -> float:
    r"""Return the power of a two-sided t-test of two means.

    $P(|T| > t_{1-\alpha/2,\nu})$ for the noncentral t distribution with $\nu = n_c + n_t - 2$ and
    noncentrality $d \sqrt{n_c n_t / (n_c + n_t)}$.

    Parameters
    ----------
    effect_size : float
        Cohen's d, the difference in standard deviations.
    n_control : float, greater than 1
    ratio : float, greater than 0
        Units of the treatment for each unit of the control.
    level : float, in (0, 1)

    Examples
    --------
    >>> round(power_of_means(0.2, 393.4), 3)
    0.8

    References
    ----------
    J. Cohen (1988), "Statistical power analysis for the behavioral sciences".
    """
    n_control, ratio, level = _checked(n_control, ratio, level)
    dof = n_control * (1 + ratio) - 2
    shift = effect_size * math.sqrt(n_control * ratio / (1 + ratio))
    quantile = -special.stdtrit(dof, level / 2)
    upper, lower = special.nctdtr(dof, shift, quantile), special.nctdtr(dof, shift, -quantile)
    return float(1 - upper + (lower if np.isfinite(lower) else 0.0))  # NaN where it underflows


def sample_size_of_means(
    effect_size: float, *, power: float = 0.8, ratio: float = 1.0, level: float = 0.05
) -> float:
    """Return the units in the control that give a t-test this power.

    >>> round(sample_size_of_means(0.2), 1)
    393.4
    """
    _check_effect(effect_size)
    return _solved(lambda n: power_of_means(effect_size, n, ratio=ratio, level=level), power, 1.5)


def detectable_effect(
    n_control: float, *, power: float = 0.8, ratio: float = 1.0, level: float = 0.05
) -> float:
    """Return the smallest effect size, in standard deviations, found with this power.

    >>> round(detectable_effect(393.4), 3)
    0.2
    """
    return _solved(lambda d: power_of_means(d, n_control, ratio=ratio, level=level), power, 1e-9)


def proportion_effect_size(control: float, treatment: float) -> float:
    r"""Return Cohen's h, $2 \arcsin \sqrt{p_t} - 2 \arcsin \sqrt{p_c}$.

    >>> round(proportion_effect_size(0.10, 0.11), 4)
    0.0326
    """
    low, high = (
        number(name, rate, at_least=0, at_most=1)
        for name, rate in (("control", control), ("treatment", treatment))
    )
    return 2 * (math.asin(math.sqrt(high)) - math.asin(math.sqrt(low)))


def power_of_proportions(
    control: float, treatment: float, n_control: float, *, ratio: float = 1.0, level: float = 0.05
) -> float:
    """Return the power of a two-sided test of two proportions, by Cohen's h.

    >>> round(power_of_proportions(0.10, 0.11, 14744), 3)
    0.8
    """
    n_control, ratio, level = _checked(n_control, ratio, level)
    shift = proportion_effect_size(control, treatment) * math.sqrt(n_control * ratio / (1 + ratio))
    quantile = special.ndtri(level / 2)
    return float(special.ndtr(quantile - shift) + special.ndtr(quantile + shift))


def sample_size_of_proportions(
    control: float, treatment: float, *, power: float = 0.8, ratio: float = 1.0, level: float = 0.05
) -> float:
    """Return the units in the control that give a test of two proportions this power.

    >>> round(sample_size_of_proportions(0.10, 0.11))
    14744
    """
    _check_effect(treatment - control)
    return _solved(
        lambda n: power_of_proportions(control, treatment, n, ratio=ratio, level=level), power, 1.5
    )


def _checked(n_control: float, ratio: float, level: float) -> tuple[float, float, float]:
    return (
        number("n_control", n_control, above=1),
        number("ratio", ratio, above=0),
        number("level", level, above=0, below=1),
    )


def _check_effect(effect: float) -> None:
    if effect == 0:
        raise InvalidParameterError("The effect must differ from 0: no sample size finds none.")


def _solved(rising: Callable[[float], float], power: float, low: float) -> float:
    """Return where an increasing function reaches `power`, by bisection to relative 1e-13."""
    number("power", power, above=0, below=1)
    if rising(low) >= power:
        return low
    high = 2 * low + 1
    while rising(high) < power:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if rising(middle) < power else (low, middle)
    return high
