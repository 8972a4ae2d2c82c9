r"""The probability that each of K independent draws is the largest, by quadrature.

Thompson sampling pulls the arm whose draw from its posterior is the largest, so these are its
propensities: $P(a) = \int f_a(x) \prod_{b \ne a} F_b(x)\,dx$ with the densities $f$ and the
distribution functions $F$ of the posteriors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from coursekit.delivery.bandits.policy import Floats

__all__ = ["chances_of_being_largest"]

_N_NODES = 16  # in each panel
_EDGES = np.array([0.5, 1.25, 2.25, 3.5, 5.0, 7.0, 10.0, 16.0])  # of panels, in spreads


@cache
def _quadrature() -> tuple[Floats, Floats, Floats]:
    r"""Return Gauss-Legendre nodes and weights on [0, 1], shape (n,), and the matrix A, shape
    (n, n), with $\int_0^{x_i} f = \sum_j A_{ij} f(x_j)$ for polynomials of degree below n.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    degrees = np.arange(_N_NODES)
    values = np.polynomial.legendre.legvander(nodes, _N_NODES)  # P_k(x_i)
    # the integral of P_k from -1 to x is (P_{k+1}(x) - P_{k-1}(x)) / (2k + 1)
    integrals = np.empty((_N_NODES, _N_NODES))
    integrals[:, 0] = nodes + 1.0
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degrees[1:] + 1)
    matrix = integrals @ np.linalg.inv(values[:, :-1])
    return (nodes + 1.0) / 2.0, weights / 2.0, matrix / 2.0


def chances_of_being_largest(
    log_density: Callable[[Floats], Floats],
    centres: Floats,
    spreads: Floats,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Floats:
    """Return the probability that each draw is the largest, shape (K,); they sum to 1.

    Parameters
    ----------
    log_density : function
        Points of shape (n,) -> the log densities of the K distributions, shape (K, n), each up to
        a constant.
    centres, spreads : arrays, shape (K,)
        About the means and the standard deviations; the panels of the quadrature follow them.
    limits : (lowest, highest)
        Outside of these all densities are 0.

    Notes
    -----
    Gauss-Legendre quadrature with 16 nodes in each panel. For smooth unimodal densities the
    absolute error is below 1e-9 (tested against adaptive quadrature).

    Examples
    --------
    >>> log_normal = lambda x: -0.5 * np.stack([x, x - 1.0]) ** 2
    >>> chances_of_being_largest(log_normal, np.array([0.0, 1.0]), np.ones(2)).round(6)
    array([0.23975, 0.76025])
    """
    offsets = np.concatenate([-_EDGES[::-1], [0.0], _EDGES])
    edges = (centres[:, None] + spreads[:, None] * offsets).ravel()
    edges = np.unique(np.append(np.clip(edges, *limits), [x for x in limits if np.isfinite(x)]))
    nodes, weights, matrix = _quadrature()
    widths = np.diff(edges)  # (n_panels,)
    points = edges[:-1, None] + widths[:, None] * nodes  # (n_panels, n_nodes)
    logs = log_density(points.ravel()).reshape(-1, *points.shape)  # (K, n_panels, n_nodes)
    densities = np.exp(logs - logs.max(axis=(1, 2), keepdims=True))
    masses = densities @ weights * widths  # (K, n_panels)
    totals = masses.sum(axis=1)
    before = np.cumsum(masses, axis=1) - masses
    inside = densities @ matrix.T * widths[:, None]
    below = ((before[..., None] + inside) / totals[:, None, None]).clip(0.0, 1.0)  # F
    ones = np.ones_like(below[:1])
    smaller = np.concatenate([ones, below[:-1]]).cumprod(axis=0)  # of the arms before
    smaller *= np.concatenate([ones, below[:0:-1]]).cumprod(axis=0)[::-1]  # and after
    chances = (smaller * densities @ weights * widths).sum(axis=1) / totals
    shares: Floats = chances / chances.sum()
    return shares
