"""An exact always-valid test of two proportions, for blocks of outcomes that are 0 or 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError

__all__ = ["block_log_e", "two_proportion_log_e"]

_Floats = npt.NDArray[np.float64]
_PRIOR = 0.18  # of both counts of the Beta distribution, as its authors recommend


def two_proportion_log_e(control: npt.ArrayLike, treatment: npt.ArrayLike) -> _Floats:
    r"""Return the logarithm of the e-process after each block of outcomes.

    $E_b = \prod_{j \le b} \frac{p_c^{s_c} (1 - p_c)^{f_c}\, p_t^{s_t} (1 - p_t)^{f_t}}
    {p_0^{s_c + s_t} (1 - p_0)^{f_c + f_t}}$ with the successes $s$ and failures $f$ of block $j$,
    the rates $p_c, p_t$ estimated *before* the block under Beta(0.18, 0.18), and $p_0$ their mean,
    weighted by the trials of the block. If both rates are equal, $P(\max_b E_b \ge 1/\alpha) \le
    \alpha$ exactly, at any sample size.

    Parameters
    ----------
    control, treatment : array, shape (..., n_blocks, 2)
        Successes and trials of each block.

    Returns
    -------
    array, shape (..., n_blocks)

    Raises
    ------
    InvalidSampleError
        If shapes differ or not 0 <= successes <= trials.

    Examples
    --------
    >>> blocks = [[5, 50]] * 20, [[15, 50]] * 20
    >>> bool(two_proportion_log_e(*blocks)[-1] > np.log(20))
    True

    References
    ----------
    R. J. Turner, A. Ly, P. D. Grünwald (2024), "Generic E-variables for exact sequential
    k-sample tests that allow for optional stopping", arXiv:2106.02693.
    """
    c, t = _checked(control, treatment)
    c_before, t_before = np.cumsum(c, axis=-2) - c, np.cumsum(t, axis=-2) - t
    return np.cumsum(block_log_e(c_before, t_before, c, t), axis=-1)


def block_log_e(
    control_before: npt.ArrayLike,
    treatment_before: npt.ArrayLike,
    control: npt.ArrayLike,
    treatment: npt.ArrayLike,
) -> _Floats:
    """Return what one block adds; each argument is (successes, trials), shape (..., 2)."""
    c_before, t_before = _checked(control_before, treatment_before)
    c, t = _checked(control, treatment)
    p_c = (c_before[..., 0] + _PRIOR) / (c_before[..., 1] + 2 * _PRIOR)
    p_t = (t_before[..., 0] + _PRIOR) / (t_before[..., 1] + 2 * _PRIOR)
    trials = c[..., 1] + t[..., 1]
    p_0 = (c[..., 1] * p_c + t[..., 1] * p_t) / np.maximum(trials, 1)
    p_0 = np.where(trials > 0, p_0, 0.5)
    return _log_likelihood(c, p_c / p_0, (1 - p_c) / (1 - p_0)) + _log_likelihood(
        t, p_t / p_0, (1 - p_t) / (1 - p_0)
    )


def _log_likelihood(counts: _Floats, success: _Floats, failure: _Floats) -> _Floats:
    result: _Floats = counts[..., 0] * np.log(success) + (counts[..., 1] - counts[..., 0]) * np.log(
        failure
    )
    return result


def _checked(control: npt.ArrayLike, treatment: npt.ArrayLike) -> tuple[_Floats, _Floats]:
    c, t = np.asarray(control, np.float64), np.asarray(treatment, np.float64)
    for name, counts in (("control", c), ("treatment", t)):
        if counts.shape[-1:] != (2,) or counts.shape != c.shape:
            raise InvalidSampleError(
                f"`{name}` must hold successes and trials, shape (..., 2), in as many blocks as "
                f"`control`, got shape {counts.shape}."
            )
        if not np.all((counts[..., 0] >= 0) & (counts[..., 0] <= counts[..., 1])):
            raise InvalidSampleError(f"`{name}` must have successes between 0 and its trials.")
    return c, t
