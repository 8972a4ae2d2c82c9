"""Moments of a sample: number, mean and variance, all that the tests of this package need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError

__all__ = ["Moments", "Values", "columns", "plain"]

Values = float | npt.NDArray[np.float64]
"""A number, or an array of them: one for each experiment, metric or look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Number, mean and unbiased variance of independent units; each may be an array.

    Parameters
    ----------
    n : number of units, 2 or more for a variance
    mean : their mean
    variance : their variance with divisor n - 1, of one unit

    Examples
    --------
    >>> Moments.of([1.0, 2.0, 3.0])
    Moments(n=3.0, mean=2.0, variance=1.0)
    >>> round(Moments.of_counts(30, 100).variance, 6)
    0.212121
    """

    n: Values
    mean: Values
    variance: Values

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Moments:
        """Return the moments of an array, shape (..., n), over its last axis.

        Raises
        ------
        InvalidSampleError
            If there are fewer than two values, or one is not finite.
        """
        (array,) = columns(values=values)
        mean, variance = array.mean(axis=-1), array.var(axis=-1, ddof=1)
        return cls(n=float(array.shape[-1]), mean=plain(mean), variance=plain(variance))

    @classmethod
    def of_counts(cls, successes: npt.ArrayLike, n: npt.ArrayLike) -> Moments:
        r"""Return the moments of `n` outcomes of which `successes` are 1 and the others 0.

        $\hat p = s/n$ and the variance $\hat p (1 - \hat p)\, n / (n - 1)$.

        Raises
        ------
        InvalidSampleError
            If there are fewer than two outcomes, or not 0 <= successes <= n.
        """
        s, total = np.asarray(successes, np.float64), np.asarray(n, np.float64)
        if not (np.all(s >= 0) and np.all(s <= total) and np.all(total >= 2)):
            raise InvalidSampleError(
                f"`successes` must be between 0 and `n`, and `n` 2 or more, got {successes!r} "
                f"of {n!r}."
            )
        rate = s / total
        variance = rate * (1 - rate) * total / (total - 1)
        return cls(n=plain(total), mean=plain(rate), variance=plain(variance))

    @property
    def squared_error(self) -> Values:
        """The variance of the mean: the square of its standard error."""
        return self.variance / self.n


def columns(**named: npt.ArrayLike) -> list[npt.NDArray[np.float64]]:
    """Return arrays of finite numbers with the same shape, with at least two along the last axis.

    Raises
    ------
    InvalidSampleError
        If they are not; the message names the array.
    """
    arrays: list[npt.NDArray[np.float64]] = []
    for name, values in named.items():
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidSampleError(f"`{name}` must be numbers: {error}.") from error
        if array.ndim == 0 or array.shape[-1] < 2:
            raise InvalidSampleError(f"`{name}` must be 2 values or more, got shape {array.shape}.")
        if not np.isfinite(array).all():
            raise InvalidSampleError(f"`{name}` must be finite numbers.")
        if arrays and array.shape != arrays[0].shape:
            raise InvalidSampleError(
                f"`{name}` must have shape {arrays[0].shape} like `{next(iter(named))}`, got "
                f"{array.shape}."
            )
        arrays.append(array)
    return arrays


def plain(values: npt.ArrayLike) -> Values:
    """Return an array, or a float for one without dimensions."""
    array = np.asarray(values, dtype=np.float64)
    return float(array) if array.ndim == 0 else array
