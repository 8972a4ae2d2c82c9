r"""Online matrix factorization with biases (lesson 02)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.learning.factors import kernels
from coursekit.learning.factors.model import FactorModel
from coursekit.learning.optim.rules import Rule

__all__ = ["OnlineMatrixFactorization"]


class OnlineMatrixFactorization(FactorModel):
    r"""Predict a rating from a user's and an item's bias and factors, learnt one event at a time.

    Model:  $\hat y_{ui} = w_0 + b_u + c_i + \langle p_u, q_i\rangle$, where $w_0$ is `intercept`, $b_u$ `bias("user", u)`,
    $c_i$ `bias("item", i)`, $p_u$ `factors("user", u)` and $q_i$ `factors("item", i)`, both of shape (n_factors,).

    Update: with the slopes $\partial\hat y/\partial b_u = \partial\hat y/\partial c_i = 1$,
    $\partial\hat y/\partial p_u = q_i$ and $\partial\hat y/\partial q_i = p_u$, every coordinate
    moves by the chosen rule (:mod:`coursekit.learning.optim.rules`). The intercept follows what the
    biases leave unexplained, so it does not move under them.

    Parameters
    ----------
    n_factors : int, 0 or more
        Length of each factor vector; 0 leaves biases alone.
    rule : "belief", "adagrad", "sgd" or Rule
        How parameters move; a rule object carries its own settings.
    learning_rate, regularization : float, optional
        Step size and pull towards 0, for the rules that have them; default: the rule's own.
    user_bias_reg, item_bias_reg : float, 0 or more, optional
        Pull of user and item biases towards 0, in place of the rule's penalty.
    initial_scale : float, 0 or more
        Standard deviation of the random start of the factors.
    seed : int, 0 or more
        Where the random start comes from.

    Raises
    ------
    InvalidParameterError
        If a setting is out of range, or the rule has no use for it.

    Examples
    --------
    >>> from coursekit.core.events import OnlineSample
    >>> model = OnlineMatrixFactorization(n_factors=2, seed=1)
    >>> loves = OnlineSample(user_id="ada", item_id="Metropolis", target=5.0)
    >>> losses = [model.partial_fit(loves) for _ in range(20)]
    >>> round(losses[0], 2), round(losses[-1], 2)
    (25.0, 0.0)
    >>> round(model.predict("bob", "Metropolis"), 1)  # bob is unseen: intercept and the film's bias
    5.0

    References
    ----------
    Y. Koren, R. Bell and C. Volinsky (2009), Matrix factorization techniques for recommender
    systems, Computer 42(8), doi:10.1109/MC.2009.263.
    """

    def __init__(
        self,
        n_factors: int = 50,
        *,
        rule: str | Rule = "belief",
        learning_rate: float | None = None,
        regularization: float | None = None,
        user_bias_reg: float | None = None,
        item_bias_reg: float | None = None,
        initial_scale: float = 0.0225,
        seed: int = 0,
    ) -> None:
        self.user_bias_reg = user_bias_reg
        self.item_bias_reg = item_bias_reg
        super().__init__(
            n_factors,
            rule=rule,
            learning_rate=learning_rate,
            regularization=regularization,
            initial_scale=initial_scale,
            seed=seed,
        )

    def _settings(self, pace: float) -> npt.NDArray[np.float64]:
        settings = super()._settings(pace)
        for name, at in (
            ("user_bias_reg", kernels.USER_PENALTY),
            ("item_bias_reg", kernels.ITEM_PENALTY),
        ):
            penalty = getattr(self, name)
            if penalty is None:
                continue
            if self.rule.name == "belief":
                raise InvalidParameterError(
                    f"`{name}` has no meaning for a belief; pass "
                    f"`GaussianBelief(bias_variance=...)` instead."
                )
            if not (np.isfinite(penalty) and penalty >= 0):
                raise InvalidParameterError(
                    f"`{name}` must be a finite number, 0 or more, got {penalty!r}."
                )
            settings[at - kernels.NOISE] = penalty
        return settings

    def _signature(self) -> dict[str, Any]:
        return {
            **super()._signature(),
            "user_bias_reg": self.user_bias_reg,
            "item_bias_reg": self.item_bias_reg,
        }
