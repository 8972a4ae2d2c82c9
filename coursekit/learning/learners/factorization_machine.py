r"""Online factorization machines over users, items and side features (lesson 03)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from coursekit.core.errors import InvalidSampleError
from coursekit.core.events import Features
from coursekit.core.validation import Count, Natural
from coursekit.learning.factors.model import FactorModel, Sides

__all__ = ["OnlineFactorizationMachine"]


class OnlineFactorizationMachine(FactorModel):
    r"""Predict a rating from user, item and side features, with factorized pairwise interactions.

    Model:  $\hat y = w_0 + \sum_r x_r w_r + \sum_{q<r} x_q x_r\langle v_q, v_r\rangle$ over the
    active features $r$: the user (value 1), the item (value 1) and each side feature with its
    value. $w_0$ is `intercept`, $w_r$ `bias(field, id)`, $v_r$ `factors(field, id)` of shape
    (n_factors,), with the fields "user", "item" and "feature". The pairwise sum costs
    $O(k\,\mathrm{nnz})$ by Rendle's identity. Without side features this *is* biased matrix
    factorization.

    Update: with $s_v = \sum_r x_r v_r$ the slopes are $\partial\hat y/\partial w_r = x_r$ and
    $\partial\hat y/\partial v_r = x_r(s_v - x_r v_r)$; the optimizer updates active rows
    only.

    Side features come as a mapping, where a number is a value and a text a category (``{"genre":
    "comedy"}`` is the one-hot feature ``genre=comedy``), or as a dense vector whose entries are
    features 0, 1, 2, ... Zeros are not active. A feature is added when it is first learnt;
    unseen features add nothing to a prediction.

    Parameters
    ----------
    n_factors : int, 0 or more
        Length of each factor vector; 0 leaves a linear model.
    feature_dim : int, 1 or more, optional
        Length that dense feature vectors must have; default: any.
    **settings
        As in :class:`~coursekit.learning.learners.matrix_factorization.OnlineMatrixFactorization`.

    Raises
    ------
    InvalidParameterError
        If a setting is out of range, or does not apply to the optimizer.

    Examples
    --------
    >>> from coursekit.core.events import OnlineSample
    >>> model = OnlineFactorizationMachine(n_factors=2, seed=1)
    >>> for user in range(30):
    ...     for genre, stars in (("comedy", 5.0), ("horror", 1.0)):
    ...         film, side = f"{genre}-{user}", {"genre": genre}
    ...         sample = OnlineSample(user_id=user, item_id=film, features=side, target=stars)
    ...         loss = model.partial_fit(sample)
    >>> comedy, horror = (model.predict("new", "new", {"genre": g}) for g in ("comedy", "horror"))
    >>> comedy > horror
    True

    References
    ----------
    S. Rendle (2010), Factorization machines, ICDM, doi:10.1109/ICDM.2010.127.
    """

    field_names = ("user", "item", "feature")

    def __init__(
        self, n_factors: Natural = 10, feature_dim: Count | None = None, **settings: Any
    ) -> None:
        self.feature_dim = feature_dim
        super().__init__(n_factors, **settings)

    def _read(self, features: Features | None) -> Sides | None:
        """Return names and values of the features that are not 0; None without features."""
        if features is None:
            return None
        if isinstance(features, Mapping):
            return [pair for name, value in features.items() for pair in _read_entry(name, value)]
        vector = np.asarray(features, dtype=np.float64)
        if vector.ndim != 1 or (self.feature_dim is not None and vector.size != self.feature_dim):
            expected = "1 dimension" if self.feature_dim is None else f"shape ({self.feature_dim},)"
            raise InvalidSampleError(
                f"A dense `features` vector must have {expected}, got shape {vector.shape}."
            )
        if not np.isfinite(vector).all():
            at = int(np.flatnonzero(~np.isfinite(vector))[0])
            raise InvalidSampleError(f"`features[{at}]` must be a finite number, got {vector[at]}.")
        return [(int(at), float(vector[at])) for at in np.flatnonzero(vector)]


def _read_entry(name: str, value: float | str | Iterable[str]) -> Sides:
    """Return the features of one entry: a number, a category, or several categories."""
    if isinstance(value, str):
        return [(f"{name}={value}", 1.0)]
    if isinstance(value, Iterable):
        return [(f"{name}={category}", 1.0) for category in dict.fromkeys(value)]
    if not math.isfinite(value):
        raise InvalidSampleError(
            f"Feature {name!r} must be a finite number or a category, got {value!r}."
        )
    return [(name, float(value))] if value else []
