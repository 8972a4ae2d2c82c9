"""The p-value of Student's t as a kernel, without a statistics library."""

from __future__ import annotations

import math

from coursekit.core.compiled import compiled

__all__ = ["two_sided_p_value"]


@compiled
def two_sided_p_value(t, freedom):
    r"""Probability that Student's t with `freedom` degrees of freedom lies at least as far from 0
    as `t`.

    This is the regularised incomplete beta function $I_x(\nu/2, 1/2)$ at $x = \nu / (\nu + t^2)$.

    >>> round(two_sided_p_value(2.0, 10.0), 6)
    0.073388
    """
    x = freedom / (freedom + t * t)
    a, b = freedom / 2.0, 0.5
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log_front) * _continued_fraction(a, b, x) / a
    return 1.0 - math.exp(log_front) * _continued_fraction(b, a, 1.0 - x) / b


@compiled
def _continued_fraction(a, b, x):
    """The continued fraction of the incomplete beta function, evaluated forwards (W. J. Lentz
    1976).
    """
    ratio_c, ratio_d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    value = ratio_d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        before = value
        for term in (even, odd):
            ratio_d = 1.0 / _not_zero(1.0 + term * ratio_d)
            ratio_c = _not_zero(1.0 + term / ratio_c)
            value *= ratio_c * ratio_d
        if abs(value - before) < 1e-15 * abs(value):
            break
    return value


@compiled
def _not_zero(value):
    return value if abs(value) > 1e-300 else 1e-300
