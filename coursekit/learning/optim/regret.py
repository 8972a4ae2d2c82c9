r"""Regret of online convex optimization against the best fixed weights in hindsight, and its bounds
(lesson 07).

On a stream of convex losses $\ell_t$ the weights $w_t$ are chosen before $\ell_t$ is known; the
regret after $t$ events is $R_t = \sum_{s\le t} \ell_s(w_s) - \sum_{s\le t}\ell_s(u)$, where $u$ is
the best point of the box $|w_j| \le r$ for the whole stream. $R_t/t \to 0$ means that the mean
loss converges to that of the best fixed weights. With the gradients $g_t$, the width $D = 2r$ and
$d$ weights, whatever the stream,

- projected gradient descent with decreasing rates $\eta_t$ (Zinkevich 2003):
  $R_t \le \frac{d D^2}{2\eta_t} + \frac12\sum_{s\le t} \eta_s \lVert g_s\rVert^2$;
- AdaGrad and FTRL-Proximal without penalties (Duchi et al. 2011, theorem 5; McMahan 2017, JMLR 18,
  theorem 2): with the roots
  $S_{t,j} = \sqrt{G_{t,j}}$, or $\beta + \sqrt{n_{t,j}}$, $R_t \le \sum_j \big(\frac{D^2}{2\eta} +
  \eta\big) S_{t,j}$.

Both are computed from the observed gradients, so they can be compared with the measured regret at
every event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import choice, require
from coursekit.learning.optim.adagrad import AdaGrad
from coursekit.learning.optim.adam import Adam
from coursekit.learning.optim.descent import Descent
from coursekit.learning.optim.ftrl import FTRLProximal
from coursekit.learning.optim.sgd import SGD

__all__ = ["LOSSES", "Loss", "RegretCurve", "best_fixed_weights", "measure_regret"]

Played = SGD | AdaGrad | FTRLProximal | Adam
"""Optimizers of a vector of weights in a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    r"""A convex loss of one number, the score $x^\\top w$, and its slope; both work on arrays.

    Parameters
    ----------
    value, slope : function of (scores, targets)
    curvature : float
        Maximum of the second derivative (smoothness).
    """

    value: Callable[[Floats, Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]
    curvature: float


def _sigmoid(score: Floats) -> Floats:
    half: Floats = 0.5 * (1.0 + np.tanh(0.5 * score))  # never overflows
    return half


LOSSES: dict[str, Loss] = {
    "squared": Loss(value=lambda p, y: 0.5 * (p - y) ** 2, slope=lambda p, y: p - y, curvature=1.0),
    "logistic": Loss(
        value=lambda p, y: np.logaddexp(0.0, p) - y * p,
        slope=lambda p, y: _sigmoid(p) - y,
        curvature=0.25,
    ),
}
"""Squared loss of real targets, logistic loss of targets 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegretCurve:
    """Regret along a stream, and its theoretical bound.

    Parameters
    ----------
    regret : array, shape (n,)
        After each event, against the best fixed weights of the whole stream.
    bound : array, shape (n,), or None
        Upper bound of the regret; None for an optimizer without a bound (Adam).
    losses : array, shape (n,)
        Loss of each event before its update.
    comparator : array, shape (d,)
        The best fixed weights.
    """

    regret: Floats
    bound: Floats | None
    losses: Floats
    comparator: Floats

    @property
    def mean_regret(self) -> Floats:
        """Regret per event, which should converge to 0, shape (n,)."""
        return self.regret / np.arange(1, len(self.regret) + 1)


def measure_regret(
    optimizer: Played, features: ArrayLike, targets: ArrayLike, *, loss: str = "squared"
) -> RegretCurve:
    """Run an optimizer of a linear model on a stream, and compare its losses with those of the best
    fixed weights in its box.

    Parameters
    ----------
    optimizer : SGD, AdaGrad, FTRLProximal or Adam
        With a finite `radius`; it starts from weights 0.
    features : array, shape (n, d)
    targets : array, shape (n,)
    loss : {"squared", "logistic"}

    Raises
    ------
    InvalidParameterError, UnknownNameError
        If the box is not finite, shapes do not fit, or the loss is not known.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> y = X @ [1.0, -1.0, 0.5] + rng.normal(size=1000)
    >>> curve = measure_regret(SGD(0.5, decay=0.5, radius=2.0), X, y)
    >>> bool((curve.regret <= curve.bound).all()), curve.mean_regret[[99, 999]].round(2)
    (True, array([0.13, 0.04]))
    """
    X, y = np.asarray(features, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise InvalidParameterError(
            f"`targets` must have shape ({len(X)},) like the rows of `features`, got {y.shape}."
        )
    radius = optimizer.radius
    require(np.isfinite(radius), "optimizer", "one with a finite `radius`", optimizer)
    each: Loss = LOSSES[choice("loss", loss, LOSSES)]
    weights, descent = np.zeros(X.shape[1]), Descent(optimizer)
    losses, gradients = np.empty(len(X)), np.empty_like(X)
    for t in range(len(X)):
        score = X[t] @ weights
        losses[t] = each.value(score, y[t])
        gradients[t] = each.slope(score, y[t]) * X[t]
        descent.step(weights, gradients[t])
    comparator = best_fixed_weights(X, y, radius=optimizer.radius, loss=loss)
    return RegretCurve(
        regret=np.cumsum(losses - each.value(X @ comparator, y)),
        bound=_bound(optimizer, gradients),
        losses=losses,
        comparator=comparator,
    )


def _bound(optimizer: Played, gradients: Floats) -> Floats | None:
    """Return the regret bound after each event, shape (n,)."""
    width, rate, (n, d) = 2.0 * optimizer.radius, optimizer.learning_rate, gradients.shape
    squares = np.cumsum(gradients**2, axis=0)
    bound: Floats
    if isinstance(optimizer, SGD):
        rates = rate * np.arange(1, n + 1) ** -optimizer.decay
        bound = d * width**2 / (2 * rates) + 0.5 * np.cumsum(rates * (gradients**2).sum(axis=1))
        return bound
    if isinstance(optimizer, AdaGrad):
        roots = np.sqrt(squares + optimizer.initial_memory)
    elif isinstance(optimizer, FTRLProximal) and optimizer.l1 == optimizer.l2 == 0.0:
        roots = optimizer.beta + np.sqrt(squares)
    else:
        return None
    bound = (width**2 / (2 * rate) + rate) * roots.sum(axis=1)
    return bound


def best_fixed_weights(
    features: Floats,
    targets: Floats,
    *,
    radius: float,
    loss: str = "squared",
    tolerance: float = 1e-10,
) -> Floats:
    """Return the weights in the box [-radius, radius] with minimum total loss, shape (d,).

    Found by accelerated projected gradient descent with restarts (Beck and Teboulle 2009), until no
    weight changes by more than `tolerance` in a step.
    """
    each: Loss = LOSSES[choice("loss", loss, LOSSES)]
    smoothness = each.curvature * float(np.linalg.norm(features, ord=2)) ** 2
    weights = np.zeros(features.shape[1])
    if smoothness == 0.0:
        return weights
    ahead, momentum = weights, 1.0
    for _ in range(100_000):
        gradient = features.T @ each.slope(features @ ahead, targets)
        following = np.clip(ahead - gradient / smoothness, -radius, radius)
        if np.abs(following - ahead).max() <= tolerance:
            return following
        if gradient @ (following - weights) > 0:  # the loss would increase: restart the momentum
            ahead, momentum = weights, 1.0
            continue
        faster = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = following + (momentum - 1.0) / faster * (following - weights)
        weights, momentum = following, faster
    return weights
