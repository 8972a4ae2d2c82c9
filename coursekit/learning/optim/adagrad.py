r"""AdaGrad (Duchi, Hazan and Singer 2011, JMLR 12): lessons 02 and 07.

$G_j \leftarrow G_j + g_j^2$ and $w_j \leftarrow w_j - \eta\,g_j/\sqrt{G_j}$: a learning rate per
weight, which decreases with its past gradients.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.compiled import compiled
from coursekit.core.validation import NonNegative, Positive, validated
from coursekit.learning.optim.optimizer import Optimizer, Radius

__all__ = ["ADAGRAD_TAG", "AdaGrad", "adagrad"]

ADAGRAD_TAG = 1


@compiled
def adagrad(weights, j, squares, m, rate, gradient):
    """Update weight j in place; squares[m] is its $G_j$, which must not stay 0."""
    squares[m] += gradient * gradient
    weights[j] -= rate * gradient / math.sqrt(squares[m])


@validated
@dataclass(frozen=True, slots=True)
class AdaGrad(Optimizer):
    """AdaGrad: a learning rate per weight, which decreases with its past gradients.

    Parameters
    ----------
    learning_rate : float, greater than 0
    initial_memory : float, 0 or more
        Initial sum of squared gradients of each weight; larger makes the first steps smaller.
        Greater than 0 in factor models.
    radius : float, greater than 0
        As in :class:`~coursekit.learning.optim.optimizer.Optimizer`.
    """

    name: ClassVar[str] = "adagrad"
    tag: ClassVar[int] = ADAGRAD_TAG
    n_memories: ClassVar[int] = 1

    learning_rate: Positive = 0.2
    _: KW_ONLY
    initial_memory: NonNegative = 0.1
    radius: Radius = math.inf

    def discounted(self, memory: Floats, start: ArrayLike, keep: float) -> Floats:
        """Return `start` plus the share `keep` of the sums of squares accumulated since."""
        begun = np.asarray(start, dtype=np.float64)
        return begun + keep * (memory - begun)
