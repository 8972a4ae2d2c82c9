"""Base class of matrix factorization and factorization machines: learning and prediction.

The equations are in :mod:`~coursekit.learning.factors.kernels`; this class maps ids, and the side
features that a model reads, to rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.learning.factors import kernels
from coursekit.learning.factors.parameters import FactorParameters
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow

__all__ = ["FactorModel", "Sides"]

Sides = list[tuple[Any, float]]
"""Names and values of the active side features of an event."""


class FactorModel(FactorParameters):
    """A model of users, items and side features as rows of one table.

    The parameters are those of :class:`~coursekit.learning.factors.parameters.FactorParameters`. A
    subclass that reads side features overrides `_read` and has the field "feature". Events without
    them, pairs of user and item, have faster kernels.
    """

    def _read(self, features: Features | None) -> Sides | None:
        """Return the active side features; None without any, or if the model does not read them."""
        return None

    def _reads(self, features: object) -> bool:
        return features is not None and "feature" in self.field_names

    # -- learning

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if sample.features is not None and self._reads(sample.features):
            return self._partial_fit_rows(sample)
        rows = self._rows
        n_rows = rows.n_rows
        target = sample.target
        user = self._users[sample.user_id]
        item = self._items[sample.item_id]
        if rows.n_rows != n_rows:
            self._table.start_rows()
        prediction = kernels.learn_pair(
            rows.array, self._model, self._tag, self.n_factors, user, item, target, sample.weight
        )
        if prediction != prediction:  # NaN
            self._table.forget(n_rows)
            refuse_overflow(sample)
        if rows.log is not None:
            rows.log.add(user, item)
        error: float = target - prediction
        return error * error

    def _partial_fit_rows(self, sample: OnlineSample) -> float:
        """Learn from one event with side features."""
        sides, n_rows = self._read(sample.features) or [], self._rows.n_rows
        ids = self._users[sample.user_id], self._items[sample.item_id]
        rows = np.array([*ids, *(self._features[name] for name, _ in sides)], dtype=np.intp)
        values = np.array([1.0, 1.0, *(value for _, value in sides)])
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
        sides, n_rows = None, self._rows.n_rows
        if self._reads(chunk.features):
            sides = [self._read(features) or [] for features in chunk.features or ()]
        return self._learn(chunk, self._rows_to_learn(chunk, sides), n_rows)

    def predict_then_batch_update(self, chunk: Chunk) -> Floats:
        """Predict all events, then learn them in order; return the predictions, shape (n,)."""
        if self._reads(chunk.features):
            return OnlineLearner.predict_then_batch_update(self, chunk)
        n_rows = self._rows.n_rows
        pairs = self._rows_to_learn(chunk, None)  # a new row predicts like an unseen id
        predictions = self._predict_pairs(*pairs)
        self._learn(chunk, pairs, n_rows)
        return predictions

    def _rows_to_learn(self, chunk: Chunk, sides: list[Sides] | None) -> tuple[Any, ...]:
        """Return the rows of users and of items, shape (n,) each, adding new ones. With side
        features return all active rows, the start of each event among them, shape (n + 1,), and the
        values of the rows (compressed sparse rows).
        """
        n_rows = self._rows.n_rows
        try:
            users = self._users.numbers_of(chunk.user_ids)
            items = self._items.numbers_of(chunk.item_ids)
            if sides is not None:
                others = self._features.numbers_of([name for side in sides for name, _ in side])
            self._table.start_rows()
        except TypeError:
            self._table.forget(n_rows)
            raise
        if sides is None:
            return users, items
        lengths = [2 + len(side) for side in sides]
        starts = np.fromiter(accumulate(lengths, initial=0), np.intp, len(lengths) + 1)
        rows, values = np.empty(starts[-1], dtype=np.intp), np.ones(starts[-1])
        is_side = np.ones(starts[-1], dtype=bool)
        is_side[starts[:-1]] = is_side[starts[:-1] + 1] = False
        rows[starts[:-1]], rows[starts[:-1] + 1], rows[is_side] = users, items, others
        values[is_side] = [value for side in sides for _, value in side]
        return rows, starts, values

    def _learn(self, chunk: Chunk, columns: tuple[Any, ...], n_rows: int) -> Floats:
        """Learn the events of `_rows_to_learn` in order; the rows from `n_rows` on are new."""
        is_pairs = len(columns) == 2
        kernel = kernels.learn_pairs if is_pairs else kernels.learn_rows_many
        if self._rows.log is not None:
            self._rows.log.add_many(*(columns if is_pairs else columns[:1]))
        predictions = np.empty(len(chunk))
        model = self._rows.array, self._model, self._tag, self.n_factors
        events = *columns, chunk.targets, chunk.weights_or_ones()
        n = kernel(*model, *events, predictions)
        if n < len(chunk):
            learnt = [each[:n] for each in columns] if is_pairs else [columns[0][: columns[1][n]]]
            self._table.forget(n_rows, keep=set(np.concatenate(learnt).tolist()))
            refuse_overflow(chunk[n], n)
        return predictions

    def discount_evidence(self, keep: float) -> None:
        """Reduce the weight of past events to the share `keep`, in (0, 1]; predictions do not
        change.
        """
        super().discount_evidence(keep)
        prior, width = self.settings.prior, self.n_factors + 1
        at = kernels.INTERCEPT_MEMORY
        if self.optimizer.name == "belief":
            self._model[at] = self.optimizer.discounted(self._model[at], prior[0], keep)
        else:
            self._model[at] *= keep  # the weight of the events behind a running mean
        if self.optimizer.n_memories:
            start = np.repeat(prior[1:], [1, self.n_factors])
            memory = self._rows.array[: self._rows.n_rows, width:]
            memory[:] = self.optimizer.discounted(memory, start, keep)
        self._rows.log = None  # every row has changed

    # -- asking

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target; unseen ids and features contribute 0."""
        table, model, k = self._rows.array, self._model, self.n_factors
        prediction: float
        if self._reads(features):
            rows, values, *_ = self._active(user_id, item_id, self._read(features) or [])
            prediction = kernels.predict_rows(table, model, k, rows, values)
        else:
            user, item = self._users.get(user_id, -1), self._items.get(item_id, -1)
            prediction = kernels.predict_pair(table, model, k, user, item)
        return prediction

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Predict n pairs with their features, shape (n,)."""
        if self._reads(features):
            return OnlineLearner.predict_many(self, user_ids, item_ids, features)
        users = self._users.known_numbers_of(list(user_ids))
        return self._predict_pairs(users, self._items.known_numbers_of(list(item_ids)))

    def _predict_pairs(self, users: Indices, items: Indices) -> Floats:
        """Predict pairs of rows, -1 for an id without one, shape (n,)."""
        predictions = np.empty(len(users))
        model = self._rows.array, self._model, self.n_factors
        kernels.predict_pairs(*model, users, items, predictions)
        return predictions

    def predict_variance(
        self, user_id: Any, item_id: Any, features: Features | None = None
    ) -> float:
        """Return the variance of the target around its prediction, noise included; needs
        `optimizer="belief"`.

        It is large for ids with few events: use it for exploration and to detect outliers.
        """
        if self.optimizer.name != "belief":
            raise InvalidParameterError(
                f'`predict_variance` needs `optimizer="belief"`, got {self.optimizer.name!r}.'
            )
        known = self._active(user_id, item_id, self._read(features) or [])
        model = self._rows.array, self._model, self.n_factors
        variance: float = kernels.predict_variance(*model, *known, *self.settings.prior[1:])
        return variance

    def _active(
        self, user_id: Any, item_id: Any, sides: Sides
    ) -> tuple[Indices, Floats, int, float, float]:
        """Return rows and values of the known ids and then of the known features of a query, the
        number of these ids, and the sums of squared values of what is unseen: ids, features.
        """
        pair = self._users.get(user_id, -1), self._items.get(item_id, -1)
        ids = [row for row in pair if row >= 0]
        found = [(self._features.get(name, -1), value) for name, value in sides]
        known = [(row, value) for row, value in found if row >= 0]
        rows = np.array([*ids, *(row for row, _ in known)], dtype=np.intp)
        values = np.array([*[1.0] * len(ids), *(value for _, value in known)])
        unseen = math.fsum(value * value for row, value in found if row < 0)
        return rows, values, len(ids), kernels.N_IDS - len(ids), unseen
