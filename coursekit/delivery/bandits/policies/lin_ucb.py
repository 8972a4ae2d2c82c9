"""LinUCB: upper confidence bounds on rewards that are linear in a context."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State
from coursekit.core.validation import Count, Natural, NonNegative, Positive
from coursekit.delivery.bandits.policy import Floats, NumberOfArms, Policy

__all__ = ["LinUCB"]

_LARGEST = 1e100  # squares of larger numbers could overflow


class LinUCB(Policy):
    r"""Pull the arm with the largest upper confidence bound, given a context $x$ (disjoint models).

    Model: ridge regression for each arm, $\theta_a = A_a^{-1} b_a$ with $A_a = \lambda I + \sum x
    x^\top$ and $b_a = \sum r x$; $\arg\max_a\; \theta_a^\top x + \alpha \sqrt{x^\top A_a^{-1} x}$.

    Update: $A_a^{-1}$ by the Sherman-Morrison formula, in O(d²): with $v = A_a^{-1}x$ and $g = v /
    (1 + x^\top v)$, $A_a^{-1} \leftarrow A_a^{-1} - g v^\top$ and $\theta_a \leftarrow \theta_a + g
    (r - \theta_a^\top x)$.

    Parameters
    ----------
    n_arms : int, 2 or more
    n_features : int, 1 or more
        d, the length of a context. Include a constant 1 for an intercept.
    alpha : float, 0 or more
        $\alpha$: width of the bound in standard deviations of the noise.
    regularization : float, greater than 0
        $\lambda$.
    seed : int, 0 or more
        Unused: nothing is left to chance.

    Notes
    -----
    Rewards may be any numbers. The propensity of the chosen arm is 1. Memory is O(K d²).

    Examples
    --------
    >>> policy = LinUCB(2, n_features=2, alpha=0.5)
    >>> policy.update(0, 1.0, context=[1.0, 0.0])
    >>> policy.theta[0]
    array([0.5, 0. ])
    >>> policy.pull([1.0, 0.0]), policy.pull([0.0, 1.0])
    (0, 0)

    References
    ----------
    L. Li, W. Chu, J. Langford, R. Schapire (2010), "A contextual-bandit approach to personalized
    news article recommendation", arXiv:1003.0146, algorithm 1.
    """

    _memory_names = (*Policy._memory_names, "theta", "_inverses")

    def __init__(
        self,
        n_arms: NumberOfArms,
        n_features: Count,
        alpha: NonNegative = 1.0,
        regularization: Positive = 1.0,
        seed: Natural = 0,
    ) -> None:
        super().__init__(n_arms, seed)
        self.n_features = n_features
        self.alpha = alpha
        self.regularization = regularization
        self.theta: Floats = np.zeros((self.n_arms, self.n_features))
        identity = np.eye(self.n_features) / self.regularization
        self._inverses: Floats = np.repeat(identity[None], self.n_arms, axis=0)  # (K, d, d)

    def bounds(self, context: npt.ArrayLike | None) -> Floats:
        """Return the upper confidence bound of each arm in this context, shape (n_arms,)."""
        x = self._context(context)
        variances = (self._inverses @ x) @ x
        bounds: Floats = self.theta @ x + self.alpha * np.sqrt(variances)
        return bounds

    def pull(self, context: npt.ArrayLike | None = None) -> int:
        """Choose an arm for a context.

        Raises
        ------
        InvalidSampleError
            If the context is not n_features finite numbers.
        """
        return int(self.bounds(context).argmax())

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return 1 for the arm of the next `pull` with this context and 0 for the others."""
        propensities = np.zeros(self.n_arms)
        propensities[self.pull(context)] = 1.0
        return propensities

    def _learn(self, at: Any, reward: Any, context: Any, propensity: Any) -> None:
        inverse = self._inverses[at]
        v = inverse @ context
        scale = 1.0 + context @ v
        inverse -= v[:, None] * v / scale  # in this order it stays symmetric to the last bit
        self.theta[at] += v * ((reward - self.theta[at] @ context) / scale)

    def _context(self, context: npt.ArrayLike | None) -> Floats:
        try:
            x = np.asarray(context, dtype=np.float64)
        except (TypeError, ValueError):
            x = np.empty(0)
        if x.shape != (self.n_features,) or not -_LARGEST <= x.min() <= x.max() <= _LARGEST:
            raise InvalidSampleError(
                f"`context` must be {self.n_features} finite numbers, got {context!r}."
            )
        return x

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        for name in ("theta", "_inverses"):
            found, expected = np.shape(memory[name]), getattr(self, name).shape
            if found != expected:
                raise StateFormatError(f"`{name}` has shape {found}, expected {expected}.")
