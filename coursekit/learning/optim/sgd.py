r"""Stochastic gradient descent (lessons 02 and 07).

$w_j \leftarrow w_j - \eta_t\,g_j$ with the rate $\eta_t = \eta\,t^{-p}$ at step $t$.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from coursekit.core.compiled import compiled
from coursekit.core.validation import NonNegative, Positive, validated
from coursekit.learning.optim.optimizer import Optimizer, Radius

__all__ = ["SGD", "SGD_TAG", "sgd"]

SGD_TAG = 0


@compiled
def sgd(weights, j, rate, gradient):
    """Update weight j in place."""
    weights[j] -= rate * gradient


@validated
@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Stochastic gradient descent with the rate `learning_rate` * t ** -`decay`.

    Parameters
    ----------
    learning_rate : float, greater than 0
        Larger adapts faster and is noisier.
    decay : float, 0 or more
        0 for a constant rate (which goes on adapting), 1/2 for the rate of the regret bound
        (Zinkevich 2003). Factor models use a constant rate.
    radius : float, greater than 0
        As in :class:`~coursekit.learning.optim.optimizer.Optimizer`.

    >>> SGD(-0.1)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `learning_rate` must be a finite number greater ...
    """

    name: ClassVar[str] = "sgd"
    tag: ClassVar[int] = SGD_TAG
    n_memories: ClassVar[int] = 0

    learning_rate: Positive = 0.05
    _: KW_ONLY
    decay: NonNegative = 0.0
    radius: Radius = math.inf
