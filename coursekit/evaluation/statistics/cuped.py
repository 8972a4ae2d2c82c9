"""CUPED: less variance by subtracting what a measurement before the experiment predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError
from coursekit.evaluation.statistics.moments import columns

__all__ = ["cuped", "cuped_coefficient"]

_Floats = npt.NDArray[np.float64]


def cuped(outcomes: Sequence[npt.ArrayLike], before: Sequence[npt.ArrayLike]) -> list[_Floats]:
    r"""Return the outcomes of each variant, adjusted for a measurement before the experiment.

    $y_i - \theta (x_i - \bar x)$ with the mean $\bar x$ over all variants, and $\theta$ of
    `cuped_coefficient`. The mean of the difference between variants does not change, because the
    randomisation makes $x$ the same in all of them; its variance falls by the factor
    $1 - \rho^2$ with the correlation $\rho$ of $x$ and $y$.

    Parameters
    ----------
    outcomes, before : sequences of arrays
        One of shape (n_units,) for each variant; `before` must not depend on the treatment.

    Raises
    ------
    InvalidSampleError
        If shapes differ or a value is not finite.

    Examples
    --------
    >>> control, treatment = cuped([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]], [[1, 2, 3], [2, 3, 4]])
    >>> control.tolist(), treatment.tolist()
    ([2.5, 2.5, 2.5], [3.5, 3.5, 3.5])

    References
    ----------
    A. Deng, Y. Xu, R. Kohavi, T. Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", doi:10.1145/2433396.2433413.
    """
    theta, centre = cuped_coefficient(outcomes, before), float(np.mean(np.concatenate(before)))
    return [
        np.asarray(y, np.float64) - theta * (np.asarray(x, np.float64) - centre)
        for y, x in zip(outcomes, before, strict=True)
    ]


def cuped_coefficient(outcomes: Sequence[npt.ArrayLike], before: Sequence[npt.ArrayLike]) -> float:
    r"""Return the slope of outcomes on `before` within variants.

    $\theta = \sum_v \sum_{i \in v} (x_i - \bar x_v)(y_i - \bar y_v) / \sum_v \sum_{i \in v}
    (x_i - \bar x_v)^2$, the slope of the analysis of covariance; 0 for a constant `before`.
    """
    if len(outcomes) != len(before) or not len(outcomes):
        raise InvalidSampleError(
            f"`before` must have one array for each of {len(outcomes)} variants, got {len(before)}."
        )
    covariance = variance = 0.0
    for of_variant, was in zip(outcomes, before, strict=True):
        y, x = columns(outcomes=of_variant, before=was)
        deviations = x - x.mean()
        covariance += float(deviations @ (y - y.mean()))
        variance += float(deviations @ deviations)
    return covariance / variance if variance > 0 else 0.0
