r"""Neural collaborative filtering with hand-written gradients, equal to the PyTorch version and
some thirty times faster one event at a time (lesson 04).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.core.arrays import AnyArray, Bools, Floats, Indices
from coursekit.core.events import Chunk, OnlineSample
from coursekit.learning.learners.learner import refuse_overflow
from coursekit.learning.neural import kernels
from coursekit.learning.neural.model import LARGEST, NeuralModel

__all__ = ["CompiledNeuralCollaborativeFiltering"]


class CompiledNeuralCollaborativeFiltering(NeuralModel):
    r"""Neural collaborative filtering with hand-written gradients, compiled by numba.

    Model, update, vocabulary and parameters are those of
    :class:`~coursekit.learning.learners.neural_cf.OnlineNeuralCollaborativeFiltering`, without a
    device; the two can exchange states. It is faster one event at a time, where most of a step of
    PyTorch is overhead. It runs on the CPU, without numba as (slow) plain Python.

    Examples
    --------
    >>> from coursekit.core.events import OnlineSample
    >>> model = CompiledNeuralCollaborativeFiltering(embedding_dim=4, hidden_dims=(8, 4), seed=1)
    >>> loves = OnlineSample(user_id="ada", item_id="Metropolis", target=5.0)
    >>> losses = [model.partial_fit(loves) for _ in range(50)]
    >>> losses[0], round(losses[-1], 1), model.predict("bob", "Solaris")
    (25.0, 0.0, 5.0)
    """

    _to_array = staticmethod(kernels.aligned)

    def __init__(self, *sizes: Any, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        n_scratch = 4 * self.embedding_dim + 2 * sum(self.hidden_dims)
        self._scratch = kernels.aligned(np.empty(n_scratch, self.dtype))

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if not abs(sample.target) < LARGEST:
            refuse_overflow(sample)
        u = self._users.vocabulary.row_of(sample.user_id)
        i = self._items.vocabulary.row_of(sample.item_id)
        before, nothing_known = self.mean, u < 0 and i < 0
        if sample.weight > 0.0:
            u, i = self._users.take_row(sample.user_id), self._items.take_row(sample.item_id)
        output = kernels.learn_one(u, i, sample.target, sample.weight, *self._for_learning())
        if math.isnan(output):
            refuse_overflow(sample)
        self.samples_processed += 1
        error: float = sample.target - (before if nothing_known else before + output)
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events one after the other; return the prediction of each before its own
        update, shape (n,).
        """
        too_large = np.flatnonzero(~(np.abs(chunk.targets) < LARGEST))
        n = int(too_large[0]) if too_large.size else len(chunk)
        weights = chunk.weights_or_ones()
        predictions = np.empty(len(chunk))
        start = 0
        while start < n:
            users, items, unknown = self._take_rows_in_order(chunk, weights, start, n)
            part = slice(start, start + len(users))
            columns = users, items, chunk.targets[part], weights[part], unknown
            n_learnt = kernels.learn_many(*columns, *self._for_learning(), predictions[part])
            self.samples_processed += n_learnt
            start += n_learnt
            if n_learnt < len(users):
                n = start
        if n < len(chunk):
            refuse_overflow(chunk[n], n)
        return predictions

    def _take_rows_in_order(
        self, chunk: Chunk, weights: Floats, start: int, stop: int
    ) -> tuple[Indices, Indices, Bools]:
        """Return the rows of events from `start` to the first that would evict an id used since,
        and whether both ids were unknown.
        """
        users, items = self._users.vocabulary, self._items.vocabulary
        used_users: set[int] = set()
        used_items: set[int] = set()
        rows, unknown = [], []
        columns = (chunk.user_ids, chunk.item_ids, weights.tolist())
        for user_id, item_id, weight in zip(*(each[start:stop] for each in columns), strict=True):
            u, i = users.row_of(user_id), items.row_of(item_id)
            both_unknown = u < 0 and i < 0
            if weight > 0.0:
                if (
                    users.row_to_reuse(user_id) in used_users
                    or items.row_to_reuse(item_id) in used_items
                ):
                    break
                u, i = self._users.take_row(user_id), self._items.take_row(item_id)
            used_users.add(u)
            used_items.add(i)
            rows.append((u, i))
            unknown.append(both_unknown)
        found = np.array(rows, dtype=np.intp).reshape(-1, 2).T.copy()
        return found[0], found[1], np.array(unknown, dtype=np.bool_)

    def _for_learning(self) -> tuple[Any, ...]:
        """Return the arguments of the kernels after the events."""
        rates = self.learning_rate, self.row_rate, self.regularization, self.max_error
        memories = self._users.memory, self._items.memory
        return self._running, rates, self._tables, memories, tuple(self._layers), self._scratch

    @property
    def _tables(self) -> tuple[AnyArray, AnyArray]:
        return self._users.table, self._items.table

    def _forward(self, users: Indices, items: Indices) -> tuple[Floats, Any]:
        n, layers = len(users), tuple(self._layers)
        widths = 2 * self.embedding_dim, *self.hidden_dims
        trace = [np.empty((n, width), self.dtype) for width in widths]  # X, H1, H2
        outputs = np.empty(n)
        kernels.forward_many(users, items, self._tables, layers, *trace, outputs)
        return outputs, trace

    def _step(
        self, errors: Floats, trace: Any, counts: Indices, to_users: Indices, to_items: Indices
    ) -> None:
        X, H1, H2 = (part if len(counts) == len(part) else part[counts] for part in trace)
        before, layers = tuple(map(kernels.aligned, self._layers)), tuple(self._layers)
        single = np.dtype(self.dtype).type
        DX = np.empty_like(X)
        rate = single(self.learning_rate)
        kernels.step_many(rate, errors.astype(self.dtype), X, before, layers, H1, H2, DX)
        halves = np.split(DX, 2, axis=1)
        for side, rows, half in zip(
            (self._users, self._items), (to_users, to_items), halves, strict=True
        ):
            distinct, place, n_times = np.unique(rows, return_inverse=True, return_counts=True)
            penalties = (self.regularization / len(errors) * n_times).astype(self.dtype)
            adding = distinct, place, half, penalties, single(self.row_rate)
            kernels.step_rows(side.table, side.memory, *adding)
