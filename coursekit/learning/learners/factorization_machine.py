r"""Online factorization machines over users, items and side features (lesson 03)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.errors import InvalidSampleError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.validation import Count, Natural
from coursekit.learning.factors import kernels
from coursekit.learning.factors.model import ActiveRows, FactorModel
from coursekit.learning.factors.table import FactorTable
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow

__all__ = ["OnlineFactorizationMachine"]

_ActiveFeatures = list[tuple[Any, float]]


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

    def _use(self, table: FactorTable) -> None:
        super()._use(table)
        self._features = table.fields["feature"]

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if sample.features is None:
            return super().partial_fit(sample)
        features = self._read(sample.features)
        n_rows = self._rows.n_rows
        ids = self._users[sample.user_id], self._items[sample.item_id]
        rows = np.array([*ids, *(self._features[name] for name, _ in features)], dtype=np.intp)
        values = np.array([1.0, 1.0, *(value for _, value in features)])
        self._table.start_rows()
        model = self._rows.array, self._model, self._tag, self.n_factors
        prediction = kernels.learn_rows(*model, rows, values, sample.target, sample.weight)
        if math.isnan(prediction):
            self._table.forget(n_rows)
            refuse_overflow(sample)
        if self._rows.log is not None:
            self._rows.log.add_many(rows)
        error: float = sample.target - prediction
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).
        """
        if chunk.features is None:
            return super().predict_then_learn_many(chunk)
        features = [self._read(side) for side in chunk.features]
        n_rows = self._rows.n_rows
        starts, rows, values = self._columns(chunk, features)
        if self._rows.log is not None:
            self._rows.log.add_many(rows)
        predictions = np.empty(len(chunk))
        model = self._rows.array, self._model, self._tag, self.n_factors
        columns = starts, rows, values, chunk.targets, chunk.weights_or_ones()
        n_learnt = kernels.learn_rows_many(*model, *columns, predictions)
        if n_learnt < len(chunk):
            self._refuse_from(chunk, n_learnt, n_rows, rows[: starts[n_learnt]])
        return predictions

    def predict_then_batch_update(self, chunk: Chunk) -> Floats:
        """Predict all events, then learn them in order; return the predictions, shape (n,)."""
        if chunk.features is None:
            return super().predict_then_batch_update(chunk)
        return OnlineLearner.predict_then_batch_update(self, chunk)

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target; unseen ids and features contribute 0."""
        if features is None:
            return super().predict(user_id, item_id)
        rows, values, *_ = self._active(user_id, item_id, features)
        prediction: float = kernels.predict_rows(
            self._rows.array, self._model, self.n_factors, rows, values
        )
        return prediction

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Predict n pairs with their features, shape (n,)."""
        if features is None:
            return super().predict_many(user_ids, item_ids)
        return OnlineLearner.predict_many(self, user_ids, item_ids, features)

    def _active(self, user_id: Any, item_id: Any, features: Features | None) -> ActiveRows:
        ids = super()._active(user_id, item_id, features)
        sides = [(self._features.get(name, -1), value) for name, value in self._read(features)]
        known = [side for side in sides if side[0] >= 0]
        return ids._replace(
            rows=np.concatenate([ids.rows, np.array([row for row, _ in known], dtype=np.intp)]),
            values=np.concatenate([ids.values, np.array([value for _, value in known])]),
            unseen_features=math.fsum(value * value for row, value in sides if row < 0),
        )

    def _columns(
        self, chunk: Chunk, features: list[_ActiveFeatures]
    ) -> tuple[Indices, Indices, Floats]:
        """Return the start of each event, shape (n + 1,), and the active rows and values of all
        events, concatenated (compressed sparse rows).
        """
        lengths = [2 + len(side) for side in features]
        starts = np.fromiter(accumulate(lengths, initial=0), np.intp, len(lengths) + 1)
        rows = np.empty(starts[-1], dtype=np.intp)
        values = np.ones(starts[-1])
        is_side = np.ones(starts[-1], dtype=bool)
        users_at, items_at = starts[:-1], starts[:-1] + 1
        is_side[users_at] = is_side[items_at] = False
        rows[users_at] = self._users.numbers_of(chunk.user_ids)
        rows[items_at] = self._items.numbers_of(chunk.item_ids)
        rows[is_side] = self._features.numbers_of([name for side in features for name, _ in side])
        self._table.start_rows()
        values[is_side] = [value for side in features for _, value in side]
        return starts, rows, values

    def _read(self, features: Features | None) -> _ActiveFeatures:
        """Return names and values of the features that are not 0."""
        if features is None:
            return []
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


def _read_entry(name: str, value: float | str | Iterable[str]) -> _ActiveFeatures:
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
