r"""FTRL-Proximal (McMahan et al. 2013, doi:10.1145/2487575.2488200): lesson 07.

$n_j \leftarrow n_j + g_j^2$ and $z_j \leftarrow z_j + g_j - \sigma_j w_j$ with
$\sigma_j = (\sqrt{n_j} - \sqrt{n_j - g_j^2})/\eta$; then $w_j = 0$ if $|z_j| \le \lambda_1$, else
$w_j = -(z_j - \operatorname{sign}(z_j)\lambda_1)\,/\,((\beta + \sqrt{n_j})/\eta + \lambda_2)$:
the rates of AdaGrad, with sparse weights.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.compiled import compiled
from coursekit.core.validation import NonNegative, Positive, validated
from coursekit.learning.optim.optimizer import Optimizer, Radius

__all__ = ["FTRL_TAG", "FTRLProximal", "ftrl"]


FTRL_TAG = 2


@compiled
def ftrl(weights, j, memory, rate, beta, l1, l2, gradient):
    """Update weight j in place; memory[0, j] is its $n_j$ and memory[1, j] its $z_j$."""
    before = math.sqrt(memory[0, j])
    memory[0, j] += gradient * gradient
    root = math.sqrt(memory[0, j])
    memory[1, j] += gradient - (root - before) / rate * weights[j]  # z += g - sigma w
    excess = abs(memory[1, j]) - l1
    weights[j] = 0.0
    if excess > 0.0:
        weights[j] = -math.copysign(excess, memory[1, j]) / ((beta + root) / rate + l2)


@validated
@dataclass(frozen=True, slots=True)
class FTRLProximal(Optimizer):
    """FTRL-Proximal: follow the regularized leader, with the rates of AdaGrad and sparse weights.

    Parameters
    ----------
    learning_rate : float, greater than 0
        Called alpha in the paper.
    beta : float, 0 or more
        Makes the first steps smaller.
    l1, l2 : float, 0 or more
        L1 and L2 penalties; larger `l1` sets more weights to exactly 0.
    radius : float, greater than 0
        As in :class:`~coursekit.learning.optim.optimizer.Optimizer`.
    """

    name: ClassVar[str] = "ftrl"
    tag: ClassVar[int] = FTRL_TAG
    n_memories: ClassVar[int] = 2

    learning_rate: Positive = 0.2
    _: KW_ONLY
    beta: NonNegative = 1.0
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    radius: Radius = math.inf

    def discounted(self, memory: Floats, start: ArrayLike, keep: float) -> Floats:
        """Return memory with the share `keep` of the squared gradients, for the same weights."""
        return self._restated(memory, keep * memory[0], self)

    def at_rate(self, memory: Floats, before: float) -> Floats:
        """Return memory for the present rate with the same weights as at the rate `before`."""
        return self._restated(memory, memory[0], replace(self, learning_rate=before))

    def _restated(self, memory: Floats, squares: Floats, before: FTRLProximal) -> Floats:
        """Return memory with other squared gradients or another rate: $z$ is scaled, so that every
        weight that follows from it and is not 0 stays.
        """
        z = memory[1]
        excess = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0.0)
        scale = self._stiffness(squares) / before._stiffness(memory[0])
        restated = np.where(excess != 0.0, np.sign(z) * self.l1 + excess * scale, z)
        return np.stack([squares, restated])

    def _stiffness(self, squares: Floats) -> Floats:
        """Return the denominator of the weights, (beta + sqrt(n)) / eta + l2."""
        stiffness: Floats = (self.beta + np.sqrt(squares)) / self.learning_rate + self.l2
        return stiffness
