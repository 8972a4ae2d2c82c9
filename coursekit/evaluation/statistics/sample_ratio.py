"""Sample ratio check: did the variants get the shares of units that were planned?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from coursekit.core.errors import InvalidSampleError
from coursekit.core.validation import number

__all__ = ["sample_ratio_log_e", "sample_ratio_p_value"]

_Floats = npt.NDArray[np.float64]


def sample_ratio_p_value(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    r"""Return the p-value of Pearson's chi-square test, for one look.

    $\chi^2 = \sum_v (n_v - n w_v)^2 / (n w_v)$ with as many degrees of freedom as variants, less 1.

    Parameters
    ----------
    counts : array, shape (n_variants,)
        Units assigned to each variant.
    shares : array, shape (n_variants,)
        The planned shares, in any unit.

    Raises
    ------
    InvalidSampleError
        If shapes differ, a count is negative or a share is not positive.

    Examples
    --------
    >>> round(sample_ratio_p_value([5100, 4900], [1, 1]), 4)
    0.0455
    """
    n, w = _checked(counts, shares)
    expected = n.sum() * w
    if n.sum() == 0:
        return 1.0
    return float(special.chdtrc(len(n) - 1, ((n - expected) ** 2 / expected).sum()))


def sample_ratio_log_e(
    counts: npt.ArrayLike, shares: npt.ArrayLike, *, concentration: float = 1000.0
) -> _Floats:
    r"""Return the logarithm of the e-value against the planned shares, valid at every look.

    $E = \frac{\Gamma(k)}{\Gamma(k + n)} \prod_v \frac{\Gamma(k w_v + n_v)}{\Gamma(k w_v)} \Big/
    \prod_v w_v^{n_v}$: the likelihood of the sequence of assignments under a Dirichlet
    distribution around the shares, relative to the shares themselves. $1/E$ is a p-value at any
    stopping time (Ville's inequality).

    Parameters
    ----------
    counts : array, shape (..., n_variants)
        Units assigned so far, one row for each look.
    shares : array, shape (n_variants,)
    concentration : float, greater than 0
        $k$; larger finds smaller deviations, later.

    Examples
    --------
    >>> log_e = sample_ratio_log_e([[510, 490], [51000, 49000]], [1, 1])
    >>> (log_e > np.log(1000)).tolist()
    [False, True]

    References
    ----------
    M. Lindon, A. Malek (2022), "Anytime-valid inference for multinomial count data",
    arXiv:2011.03567.
    """
    k = number("concentration", concentration, above=0)
    n, w = _checked(counts, shares)
    total, prior = n.sum(axis=-1), k * w
    log_evidence: _Floats = (
        special.gammaln(k)
        - special.gammaln(k + total)
        + (special.gammaln(prior + n) - special.gammaln(prior) - n * np.log(w)).sum(axis=-1)
    )
    return log_evidence


def _checked(counts: npt.ArrayLike, shares: npt.ArrayLike) -> tuple[_Floats, _Floats]:
    n, w = np.asarray(counts, np.float64), np.asarray(shares, np.float64)
    if w.ndim != 1 or len(w) < 2 or not np.all(np.isfinite(w) & (w > 0)):
        raise InvalidSampleError(f"`shares` must be 2 or more positive numbers, got {shares!r}.")
    if n.shape[-1:] != w.shape or not np.all(np.isfinite(n) & (n >= 0)):
        raise InvalidSampleError(
            f"`counts` must be {len(w)} numbers, 0 or more, as there are shares, got {counts!r}."
        )
    return n, w / w.sum()
