r"""Adam (Kingma and Ba 2015, arXiv:1412.6980): lesson 07.

With $m_j \leftarrow \beta_1 m_j + (1-\beta_1) g_j$ and $v_j \leftarrow \beta_2 v_j + (1-\beta_2)
g_j^2$, both bias-corrected after $t$ steps: $w_j \leftarrow w_j - \eta\,\hat
m_j/(\sqrt{\hat v_j} + \epsilon)$. It has no regret bound: there are convex streams on which it
fails (Reddi, Kale and Kumar 2018, arXiv:1904.09237).
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Annotated, ClassVar

from coursekit.core.compiled import compiled
from coursekit.core.validation import Positive, number, validated
from coursekit.learning.optim.optimizer import Optimizer, Radius

__all__ = ["ADAM_TAG", "Adam", "adam"]

ADAM_TAG = 3
_Decay = Annotated[float, partial(number, at_least=0, below=1)]


@compiled
def adam(weights, j, memory, rate, beta1, beta2, epsilon, gradient):
    """Update weight j in place; memory[:, j] is its $m_j$, $v_j$ and number of steps $t$."""
    memory[0, j] += (1.0 - beta1) * (gradient - memory[0, j])
    memory[1, j] += (1.0 - beta2) * (gradient * gradient - memory[1, j])
    memory[2, j] += 1.0
    mean = memory[0, j] / (1.0 - beta1 ** memory[2, j])
    square = memory[1, j] / (1.0 - beta2 ** memory[2, j])
    weights[j] -= rate * mean / (math.sqrt(square) + epsilon)


@validated
@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """Adam: steps along the mean gradient divided by its root mean square.

    Parameters
    ----------
    learning_rate : float, greater than 0
    beta1, beta2 : float, in [0, 1)
        Decay rates of the means of gradients and of their squares.
    epsilon : float, greater than 0
        Keeps the division finite.
    radius : float, greater than 0
        As in :class:`~coursekit.learning.optim.optimizer.Optimizer`.
    """

    name: ClassVar[str] = "adam"
    tag: ClassVar[int] = ADAM_TAG
    n_memories: ClassVar[int] = 3

    learning_rate: Positive = 0.01
    _: KW_ONLY
    beta1: _Decay = 0.9
    beta2: _Decay = 0.999
    epsilon: Positive = 1e-8
    radius: Radius = math.inf
