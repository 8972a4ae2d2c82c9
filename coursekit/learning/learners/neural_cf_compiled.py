r"""Neural collaborative filtering by hand: the same model and the same numbers, some fifty times
faster (lesson 04).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import State
from coursekit.learning.neural import kernels as kernels
from coursekit.learning.neural.model import _LARGEST, NeuralModel
from coursekit.learning.neural.vocabulary import BoundedVocabulary

__all__ = ["CompiledNeuralCollaborativeFiltering"]

_FloatArray = npt.NDArray[np.float64]
_Array = npt.NDArray[Any]
_RowNumbers = npt.NDArray[np.intp]

_LAYERS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")


class CompiledNeuralCollaborativeFiltering(NeuralModel):
    r"""The twin of
    :class:`~coursekit.learning.learners.neural_cf.OnlineNeuralCollaborativeFiltering`, with its
    gradients by hand.

    Model, update, vocabulary and parameters are those of the twin, without a device; the two can
    exchange states. One event at a time is its strength: a step of PyTorch on one event is nearly
    all overhead. It runs on the CPU, and as plain Python where there is no compiler (then slowly).

    Examples
    --------
    >>> from coursekit.core.events import OnlineSample
    >>> model = CompiledNeuralCollaborativeFiltering(embedding_dim=4, hidden_dims=(8, 4), seed=1)
    >>> loves = OnlineSample(user_id="ada", item_id="Metropolis", target=5.0)
    >>> losses = [model.partial_fit(loves) for _ in range(50)]
    >>> losses[0], round(losses[-1], 1), model.predict("bob", "Solaris")
    (25.0, 0.0, 5.0)
    """

    def __init__(
        self,
        embedding_dim: int = 64,
        hidden_dims: Sequence[int] = (128, 64),
        user_vocab_size: int = 10_000,
        item_vocab_size: int = 10_000,
        *,
        learning_rate: float = 0.003,
        embedding_rate: float = 0.1,
        regularization: float = 0.0,
        initial_memory: float = 0.1,
        max_error: float = 3.0,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        super().__init__(
            embedding_dim,
            hidden_dims,
            user_vocab_size,
            item_vocab_size,
            learning_rate=learning_rate,
            embedding_rate=embedding_rate,
            regularization=regularization,
            initial_memory=initial_memory,
            max_error=max_error,
            dtype=dtype,
            seed=seed,
        )
        self._weights = self._initial_network()
        sizes = {"user": user_vocab_size, "item": item_vocab_size}
        self._tables = {
            side: np.tile(self._weights[f"unknown_{side}"], (size + 1, 1))
            for side, size in sizes.items()
        }
        self._memories = {
            side: np.full_like(table, self.initial_memory) for side, table in self._tables.items()
        }
        self._scratch = np.empty(4 * embedding_dim + 2 * sum(self.hidden_dims), self.dtype)
        self._running = np.zeros(2)
        self._settings = np.zeros(4)
        self._set_settings()
        self._collect()

    def _collect(self) -> None:
        """Put the arrays in the order in which the kernels want them."""
        tables = (self._tables["user"], self._tables["item"])
        layers = tuple(self._weights[name] for name in _LAYERS)
        self._for_forward = (*tables, *layers)
        self._for_learning = (
            *tables,
            self._memories["user"],
            self._memories["item"],
            *layers,
            self._scratch,
        )

    # -- one after the other
    # -----------------------------------------------------------------------------------------------

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if not abs(sample.target) < _LARGEST:
            self._refuse(sample)
        users, items = self._users, self._items
        u, i = users.row_of(sample.user_id), items.row_of(sample.item_id)
        before, nothing_known = self._mean, u < 0 and i < 0
        if sample.weight > 0.0:
            u, i = (
                self._take_row(users, "user", sample.user_id),
                self._take_row(items, "item", sample.item_id),
            )
        output = kernels.learn_one(
            u, i, sample.target, sample.weight, *self._in_step(), *self._for_learning
        )
        if math.isnan(output):
            self._refuse(sample)
        self._step_done(1)
        error: float = sample.target - (before if nothing_known else before + output)
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> _FloatArray:
        """Learn from events one after the other; return the prediction of each before its own
        update, shape (n,).
        """
        n = self._n_in_range(chunk)
        weights = chunk.weights_or_ones()
        predictions = np.empty(len(chunk))
        start = 0
        while start < n:
            users, items, nothing_known = self._take_rows_in_order(chunk, weights, start, n)
            part = slice(start, start + len(users))
            columns = users, items, chunk.targets[part], weights[part], nothing_known
            learnt = kernels.learn_many(
                *columns, *self._in_step(), *self._for_learning, predictions[part]
            )
            self._step_done(learnt)
            start += learnt
            if learnt < len(users):
                n = start
        if n < len(chunk):
            self._refuse(chunk[n], where=f"Event {n} of the chunk: ")
        return predictions

    def _take_row(self, vocabulary: BoundedVocabulary, side: str, id_: Any) -> int:
        row, is_new = vocabulary.learn(id_)
        if is_new:
            self._start_row(side, row)
        return row

    def _take_rows_in_order(
        self, chunk: Chunk, weights: _FloatArray, start: int, stop: int
    ) -> tuple[_RowNumbers, _RowNumbers, npt.NDArray[np.bool_]]:
        """Rows of events from `start` on, up to the first that would take a row used since; and
        where nothing was known.
        """
        users, items, nothing_known = [], [], []
        used_users: set[int] = set()
        used_items: set[int] = set()
        for user_id, item_id, weight in zip(
            chunk.user_ids[start:stop],
            chunk.item_ids[start:stop],
            weights[start:stop].tolist(),
            strict=True,
        ):
            u, i = self._users.row_of(user_id), self._items.row_of(item_id)
            nothing_known.append(u < 0 and i < 0)
            if weight > 0.0:
                if (
                    self._users.row_to_reuse(user_id) in used_users
                    or self._items.row_to_reuse(item_id) in used_items
                ):
                    nothing_known.pop()
                    break
                u, i = (
                    self._take_row(self._users, "user", user_id),
                    self._take_row(self._items, "item", item_id),
                )
            users.append(u)
            items.append(i)
            used_users.add(u)
            used_items.add(i)
        return (
            np.array(users, dtype=np.intp),
            np.array(items, dtype=np.intp),
            np.array(nothing_known),
        )

    def _in_step(self) -> tuple[_FloatArray, _FloatArray]:
        """Running mean and settings, as the kernels want them."""
        self._running[0], self._running[1] = self._mean, self._mean_weight
        return self._running, self._settings

    def _step_done(self, n: int) -> None:
        self._mean, self._mean_weight = self._running.tolist()
        self.samples_processed += n

    @property
    def learning_rate(self) -> float:
        """Step size of the network; the embeddings keep their proportion to it."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        NeuralModel.learning_rate.fset(self, value)  # type: ignore[attr-defined]
        if hasattr(self, "_settings"):
            self._set_settings()

    def _set_settings(self) -> None:
        self._settings[:] = self._learning_rate, self._row_rate, self.regularization, self.max_error

    # -- the arithmetic of batches
    # -----------------------------------------------------------------------------------------

    def _forward(self, users: _RowNumbers, items: _RowNumbers) -> _FloatArray:
        outputs = np.empty(len(users))
        kernels.forward_many(users, items, *self._for_forward, outputs)
        return outputs

    def _backward(
        self,
        errors: _FloatArray,
        users: _RowNumbers,
        items: _RowNumbers,
        to_users: _RowNumbers,
        to_items: _RowNumbers,
    ) -> None:
        d, weights = self.embedding_dim, self._weights
        x = np.concatenate(
            [self._tables["user"][users], self._tables["item"][items]], axis=1
        )  # (n, 2 d)
        h1 = np.maximum(x @ weights["weight1"] + weights["bias1"], 0)  # (n, hidden_dims[0])
        h2 = np.maximum(h1 @ weights["weight2"] + weights["bias2"], 0)  # (n, hidden_dims[1])
        e = errors.astype(self.dtype)
        d2 = np.outer(e, weights["weight3"]) * (h2 > 0)
        d1 = (d2 @ weights["weight2"].T) * (h1 > 0)
        dx = d1 @ weights["weight1"].T - np.asarray(self.regularization / len(e), self.dtype) * x
        rate = np.asarray(self._learning_rate, self.dtype)
        moves = {
            "weight1": x.T @ d1, "bias1": d1.sum(axis=0), "weight2": h1.T @ d2, "bias2": d2.sum(axis=0),
            "weight3": e @ h2, "bias3": e.sum(keepdims=True),
        }  # fmt: skip
        for name, move in moves.items():
            weights[name] += rate * move
        self._move_rows("user", to_users, dx[:, :d])
        self._move_rows("item", to_items, dx[:, d:])

    def _move_rows(self, side: str, rows: _RowNumbers, slopes: _Array) -> None:
        """AdaGrad on the rows given, the slopes of a row that occurs several times added up."""
        distinct, place = np.unique(rows, return_inverse=True)
        totals = np.zeros((len(distinct), slopes.shape[1]), self.dtype)
        np.add.at(totals, place, slopes)
        memory = self._memories[side][distinct] + totals * totals
        self._memories[side][distinct] = memory
        self._tables[side][distinct] += (
            np.asarray(self._row_rate, self.dtype) * totals / np.sqrt(memory)
        )

    # -- rows and state
    # ----------------------------------------------------------------------------------------------------

    def _start_row(self, side: str, row: int) -> None:
        self._tables[side][row] = self._weights[f"unknown_{side}"]
        self._memories[side][row] = self.initial_memory

    def _discount(self, keep: float) -> None:
        for memory in self._memories.values():
            memory[:] = self.initial_memory + keep * (memory - self.initial_memory)

    def _network(self) -> dict[str, _Array]:
        return self._weights

    def _load_network(self, network: dict[str, _Array]) -> None:
        self._weights = {name: np.array(network[name], dtype=self.dtype) for name in self._weights}
        self._collect()

    def _rows_state(self, side: str, rows: _RowNumbers) -> dict[str, _Array]:
        return {"table": self._tables[side][rows], "memory": self._memories[side][rows]}

    def _load_rows(self, side: str, rows: _RowNumbers, state: State) -> None:
        self._tables[side][:] = self._weights[f"unknown_{side}"]
        self._memories[side][:] = self.initial_memory
        self._tables[side][rows] = state["table"]
        self._memories[side][rows] = state["memory"]
