"""Base class of matrix factorization and factorization machines: learning and prediction for pairs
of user and item.

The equations are in :mod:`~coursekit.learning.factors.kernels`; this class maps ids to rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.learning.factors import kernels
from coursekit.learning.factors.parameters import FactorParameters
from coursekit.learning.learners.learner import refuse_overflow

__all__ = ["ActiveRows", "FactorModel"]


class ActiveRows(NamedTuple):
    """Rows of the known ids and then of the known features of a query, and what is unseen."""

    rows: Indices
    values: Floats
    n_ids: int
    unseen_ids: float  # sum of squared values
    unseen_features: float


class FactorModel(FactorParameters):
    """A model of users and items as rows of one table; the subclasses give the equations.

    The parameters are those of :class:`~coursekit.learning.factors.parameters.FactorParameters`.
    """

    # -- learning

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
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

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events in order; return the prediction of each before its own update, shape
        (n,).
        """
        n_rows = self._rows.n_rows
        return self._learn_pairs(chunk, *self._rows_to_learn(chunk), n_rows)

    def predict_then_batch_update(self, chunk: Chunk) -> Floats:
        """Predict all events, then learn them in order; return the predictions, shape (n,)."""
        n_rows = self._rows.n_rows
        # a new row predicts like an unseen id
        users, items = self._rows_to_learn(chunk)
        predictions = self._predict_pairs(users, items)
        self._learn_pairs(chunk, users, items, n_rows)
        return predictions

    def _rows_to_learn(self, chunk: Chunk) -> tuple[Indices, Indices]:
        """Return the rows of the users and items of a chunk, adding new ones."""
        n_rows = self._rows.n_rows
        try:
            users = self._users.numbers_of(chunk.user_ids)
            items = self._items.numbers_of(chunk.item_ids)
            self._table.start_rows()
        except TypeError:
            self._table.forget(n_rows)
            raise
        return users, items

    def _learn_pairs(self, chunk: Chunk, users: Indices, items: Indices, n_rows: int) -> Floats:
        """Learn events in order; the rows from `n_rows` on are new."""
        if self._rows.log is not None:
            self._rows.log.add_many(users, items)
        predictions = np.empty(len(chunk))
        model = self._rows.array, self._model, self._tag, self.n_factors
        columns = users, items, chunk.targets, chunk.weights_or_ones()
        n_learnt = kernels.learn_pairs(*model, *columns, predictions)
        if n_learnt < len(chunk):
            learnt = np.concatenate([users[:n_learnt], items[:n_learnt]])
            self._refuse_from(chunk, n_learnt, n_rows, learnt)
        return predictions

    def _refuse_from(self, chunk: Chunk, at: int, n_rows: int, learnt: Indices) -> NoReturn:
        """Raise the error of event `at`; remove the rows from `n_rows` on that were not learnt."""
        self._table.forget(n_rows, keep=set(learnt.tolist()))
        refuse_overflow(chunk[at], at)

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
        """Return the expected target; an unseen id contributes 0."""
        user, item = self._users.get(user_id, -1), self._items.get(item_id, -1)
        prediction: float = kernels.predict_pair(
            self._rows.array, self._model, self.n_factors, user, item
        )
        return prediction

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Predict n pairs, shape (n,)."""
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
        known = self._active(user_id, item_id, features)
        model = self._rows.array, self._model, self.n_factors
        variance: float = kernels.predict_variance(*model, *known, *self.settings.prior[1:])
        return variance

    def _active(self, user_id: Any, item_id: Any, features: Features | None) -> ActiveRows:
        """Return the known rows and values of a query, ids first."""
        found = self._users.get(user_id, -1), self._items.get(item_id, -1)
        rows = np.array([row for row in found if row >= 0], dtype=np.intp)
        return ActiveRows(rows, np.ones(len(rows)), len(rows), kernels.N_IDS - len(rows), 0.0)
