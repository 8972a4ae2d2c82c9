"""Ratio metrics, such as clicks per view: the delta method on the units that were randomised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError
from coursekit.evaluation.statistics.moments import Moments, Values, columns, plain

__all__ = ["ratio_moments", "ratio_of_moments"]


def ratio_moments(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Moments:
    r"""Return the moments of a ratio of sums over units, shapes (..., n_units).

    $R = \sum_i x_i / \sum_i y_i$; its variance counts units, because events of one unit depend on
    each other. As mean and variance of a `Moments`, any test of means takes it:
    $\frac{s_x^2 - 2 R s_{xy} + R^2 s_y^2}{\bar y^2}$ is the variance of one unit.

    Raises
    ------
    InvalidSampleError
        If the shapes differ, a value is not finite, or the denominators sum to 0 or less.

    Examples
    --------
    >>> clicks_per_view = ratio_moments([1.0, 0.0, 3.0], [10.0, 5.0, 15.0])
    >>> round(clicks_per_view.mean, 4), round(clicks_per_view.variance, 5)
    (0.1333, 0.00778)

    References
    ----------
    A. Deng, U. Knoblich, J. Lu (2018), "Applying the delta method in metric analytics",
    arXiv:1803.06336.
    """
    x, y = columns(numerators=numerators, denominators=denominators)
    x_mean, y_mean = x.mean(axis=-1), y.mean(axis=-1)
    n = x.shape[-1]
    covariance = ((x - x_mean[..., None]) * (y - y_mean[..., None])).sum(axis=-1) / (n - 1)
    return ratio_of_moments(
        Moments(n=float(n), mean=x_mean, variance=x.var(axis=-1, ddof=1)),
        Moments(n=float(n), mean=y_mean, variance=y.var(axis=-1, ddof=1)),
        covariance,
    )


def ratio_of_moments(numerator: Moments, denominator: Moments, covariance: Values) -> Moments:
    """Return the moments of a ratio from those of both sides and their covariance."""
    if not np.all(np.asarray(denominator.mean) > 0):
        raise InvalidSampleError("`denominators` must sum to more than 0.")
    ratio = numerator.mean / denominator.mean
    spread = numerator.variance - 2 * ratio * covariance + ratio**2 * denominator.variance
    variance = np.maximum(spread, 0.0) / np.square(denominator.mean)  # rounding may leave -1e-18
    return Moments(n=numerator.n, mean=plain(ratio), variance=plain(variance))
