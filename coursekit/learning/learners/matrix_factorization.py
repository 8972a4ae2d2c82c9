r"""Online matrix factorization with biases (lesson 02)."""

from __future__ import annotations

from typing import Any

from coursekit.learning.factors.model import FactorModel

__all__ = ["OnlineMatrixFactorization"]


class OnlineMatrixFactorization(FactorModel):
    r"""Predict a rating from a user's and an item's bias and factors, learnt one event at a time.

    Model:  $\hat y_{ui} = w_0 + b_u + c_i + \langle p_u, q_i\rangle$, where $w_0$ is `intercept`,
    $b_u$ `bias("user", u)`, $c_i$ `bias("item", i)`, $p_u$ `factors("user", u)` and $q_i$
    `factors("item", i)`, both of shape (n_factors,).

    Update: with the slopes $\partial\hat y/\partial b_u = \partial\hat y/\partial c_i = 1$,
    $\partial\hat y/\partial p_u = q_i$ and $\partial\hat y/\partial q_i = p_u$, every coordinate
    is updated by the optimizer (:mod:`coursekit.learning.optim`). The intercept is updated with
    the residual (see :mod:`coursekit.learning.factors.kernels`).

    Parameters
    ----------
    n_factors : int, 0 or more
        Length of each factor vector; 0 for a model of biases only.
    **settings
        `optimizer` ("belief", "adagrad", "sgd", or an object), `learning_rate`, `bias_rate`,
        `regularization`, `user_bias_reg`, `item_bias_reg`, `initial_scale` and `seed`, as
        explained in :class:`~coursekit.learning.factors.parameters.FactorParameters`.

    Raises
    ------
    InvalidParameterError
        If a setting is out of range, or does not apply to the optimizer.

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

    def __init__(self, n_factors: int = 50, **settings: Any) -> None:
        super().__init__(n_factors, **settings)
