"""Group sequential tests: a plan of looks that shares one level among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import choice, number

__all__ = ["SPENDING", "group_sequential_bounds", "level_spent"]

_Floats = npt.NDArray[np.float64]
SPENDING = ("obrien_fleming", "pocock")
Spending = str | float
"""The name of a spending function, or the exponent of a power of the fraction."""

_NODES_PER_STEP = 12  # of the quadrature, in one standard deviation of a step
_REACH = 9.0  # standard deviations of the statistic that the quadrature covers


def level_spent(
    fractions: npt.ArrayLike, *, level: float = 0.05, spending: Spending = SPENDING[0]
) -> _Floats:
    r"""Return the probability of a false rejection that may be spent up to each look.

    For one of two sides, with $a = \alpha / 2$: O'Brien-Fleming $2 - 2 \Phi(\Phi^{-1}(1 - a/2) /
    \sqrt t)$ spends little early, Pocock $a \ln(1 + (e - 1) t)$ spreads evenly, a number $\phi$ is
    $a t^\phi$. Both sides together spend twice that, $\alpha$ at $t = 1$.

    Parameters
    ----------
    fractions : array, shape (n_looks,)
        $t$, the share of the planned units at each look, increasing, in (0, 1].
    level : float, in (0, 1)
    spending : {"obrien_fleming", "pocock"}, or a number greater than 0

    Examples
    --------
    >>> level_spent([0.5, 1.0]).round(4).tolist()
    [0.0031, 0.05]
    >>> level_spent([0.5, 1.0], spending="pocock").round(4).tolist()
    [0.031, 0.05]
    """
    t = np.asarray(fractions, dtype=np.float64)
    if t.ndim != 1 or not len(t) or t[0] <= 0 or t[-1] > 1 or not np.all(np.diff(t) > 0):
        raise InvalidParameterError(
            f"`fractions` must increase within (0, 1], one for each look, got {fractions!r}."
        )
    side = number("level", level, above=0, below=1) / 2
    spent: _Floats
    if not isinstance(spending, str):
        spent = 2 * side * t ** number("spending", spending, above=0)
        return spent
    if choice("spending", spending, SPENDING) == "pocock":
        return 2 * side * np.log1p((math.e - 1) * t)
    spent = 4 * special.ndtr(special.ndtri(side / 2) / np.sqrt(t))
    return spent


def group_sequential_bounds(
    fractions: Sequence[float] | _Floats, *, level: float = 0.05, spending: Spending = SPENDING[0]
) -> _Floats:
    r"""Return the bound of $|z|$ at each look of a two-sided test that keeps the level.

    The score $B_k = z_k \sqrt{t_k}$ is a Brownian motion if nothing has an effect. Its density
    among the experiments that still run follows look by look (Armitage, McPherson and Rowe):
    $g_k(s) = \int_{|u| < b_{k-1}} g_{k-1}(u)\, \varphi\!\left(\frac{s - u}{\sqrt{t_k - t_{k-1}}}
    \right) \frac{du}{\sqrt{t_k - t_{k-1}}}$, and $b_k$ is where the probability outside equals what
    Lan and DeMets' spending function allows.

    Parameters
    ----------
    fractions : array, shape (n_looks,)
        The share of the planned units at each look; they need not be planned, only not chosen by
        looking at the outcomes.
    level : float, in (0, 1)
    spending : {"obrien_fleming", "pocock"}, or a number greater than 0

    Returns
    -------
    array, shape (n_looks,)

    Examples
    --------
    >>> group_sequential_bounds([0.2, 0.4, 0.6, 0.8, 1.0]).round(3).tolist()
    [4.877, 3.357, 2.68, 2.29, 2.031]

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), doi:10.2307/2343787. K. K. G. Lan, D. L.
    DeMets (1983), "Discrete sequential boundaries for clinical trials",
    doi:10.1093/biomet/70.3.659.
    """
    spent = np.diff(level_spent(fractions, level=level, spending=spending), prepend=0.0)
    times = np.asarray(fractions, dtype=np.float64)
    bounds, at, mass = np.empty(len(times)), np.zeros(1), np.ones(1)  # B_0 = 0
    for k, step in enumerate(np.diff(times, prepend=0.0)):
        scale = math.sqrt(step)
        bound = _bound_spending(spent[k] / 2, at, mass, scale)
        bounds[k] = bound / math.sqrt(times[k])
        reach = min(bound, _REACH * math.sqrt(times[k]))
        nodes, weights = _quadrature(max(2, math.ceil(_NODES_PER_STEP * reach / scale / 32)))
        grid = reach * nodes
        steps = (grid[:, None] - at) / scale  # (next, now)
        density = np.exp(-0.5 * steps**2) @ mass / (scale * math.sqrt(2 * math.pi))
        at, mass = grid, density * weights * reach
    return bounds


@cache
def _quadrature(n_blocks: int) -> tuple[_Floats, _Floats]:
    """Return nodes and weights of Gauss and Legendre, 32 for each block."""
    return np.polynomial.legendre.leggauss(32 * n_blocks)


def _bound_spending(side: float, at: _Floats, mass: _Floats, scale: float) -> float:
    """Return b with P(B > b) = `side`, by bisection; B = a point of `at`, plus a normal step."""
    low, high = 0.0, float(at.max()) + 40 * scale
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        beyond = float(special.ndtr((at - middle) / scale) @ mass)
        low, high = (middle, high) if beyond > side else (low, middle)
    return high
