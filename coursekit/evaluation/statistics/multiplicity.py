"""Many tests at once: Holm, Benjamini-Hochberg, and the latter for e-values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError

__all__ = ["benjamini_hochberg", "e_benjamini_hochberg", "holm"]

_Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> _Floats:
    r"""Return adjusted p-values: rejecting those at most $\alpha$ keeps the probability of one or
    more false rejections at most $\alpha$.

    $\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})$ for the sorted p-values.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]

    References
    ----------
    S. Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    p, order = _sorted(p_values)
    factors = np.arange(len(p), 0, -1)
    return _restored(np.maximum.accumulate(np.minimum(factors * p, 1.0)), order)


def benjamini_hochberg(p_values: npt.ArrayLike) -> _Floats:
    r"""Return adjusted p-values: rejecting those at most $q$ keeps the expected share of false
    rejections among all rejections at most $q$, for independent tests.

    $\tilde p_{(i)} = \min_{j \ge i} \min(1, m\, p_{(j)} / j)$ for the sorted p-values.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]

    References
    ----------
    Y. Benjamini, Y. Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    p, order = _sorted(p_values)
    scaled = np.minimum(p * len(p) / np.arange(1, len(p) + 1), 1.0)
    return _restored(np.minimum.accumulate(scaled[::-1])[::-1], order)


def e_benjamini_hochberg(e_values: npt.ArrayLike) -> _Floats:
    r"""Return adjusted p-values from e-values; valid under any dependence and at any time.

    The same procedure on the p-values $1 / e$.

    >>> e_benjamini_hochberg([100.0, 2.0, 40.0]).round(4).tolist()
    [0.03, 0.5, 0.0375]

    References
    ----------
    R. Wang, A. Ramdas (2022), "False discovery rate control with e-values", arXiv:2009.02824.
    """
    values = np.asarray(e_values, dtype=np.float64)
    if values.ndim != 1 or not np.all(values >= 0):
        raise InvalidSampleError(f"`e_values` must be numbers, 0 or more, got {e_values!r}.")
    with np.errstate(divide="ignore"):
        return benjamini_hochberg(np.minimum(1.0 / values, 1.0))


def _sorted(p_values: npt.ArrayLike) -> tuple[_Floats, npt.NDArray[np.intp]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise InvalidSampleError(f"`p_values` must be numbers in [0, 1], got {p_values!r}.")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _restored(values: _Floats, order: npt.NDArray[np.intp]) -> _Floats:
    restored = np.empty_like(values)
    restored[order] = values
    return restored
