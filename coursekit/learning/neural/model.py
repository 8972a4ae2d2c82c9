r"""Base class of both implementations of neural collaborative filtering: ids, batches and state
(lesson 04).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import numpy as np

from coursekit.core.arrays import AnyArray, Floats, Indices
from coursekit.core.errors import StateFormatError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State
from coursekit.core.validation import (
    Count,
    Natural,
    NonNegative,
    Positive,
    integer,
    number,
    require,
)
from coursekit.learning.learners.learner import OnlineLearner, refuse_overflow
from coursekit.learning.neural.embedding import Embedding

__all__ = ["LARGEST", "LAYERS", "NeuralModel"]


LAYERS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")
LARGEST = 1e15  # squares of larger numbers, summed up, could leave the range of single precision


def _two_widths(name: str, value: Sequence[int]) -> tuple[int, ...]:
    require(len(value) == 2, name, "two widths", value)
    return tuple(integer(name, width) for width in value)


def _float_type(name: str, value: str) -> str:
    require(value in ("float32", "float64"), name, "'float32' or 'float64'", value)
    return value


def _limit(name: str, value: float | None) -> float | None:
    return None if value in (None, math.inf) else number(name, value, above=0)


class NeuralModel(OnlineLearner):
    """A network on the embeddings of user and item, plus the running mean of the targets;
    subclasses compute it.
    """

    _to_array: ClassVar[Callable[..., Any]] = np.array  # to the array type of the network
    _to_numpy: ClassVar[Callable[..., AnyArray]] = np.array
    _state_name = "NeuralModel"  # both implementations can exchange states
    _memory_names = (
        "learning_rate", "samples_processed", "model_version", "_running", "_users", "_items"
    )  # fmt: skip

    def __init__(
        self,
        embedding_dim: Count = 64,
        hidden_dims: Annotated[Sequence[int], _two_widths] = (128, 64),
        user_vocab_size: Count = 10_000,
        item_vocab_size: Count = 10_000,
        *,
        learning_rate: Positive = 0.003,
        embedding_rate: Positive = 0.1,
        regularization: NonNegative = 0.0,
        initial_memory: Positive = 0.1,
        max_error: Annotated[float | None, _limit] = 3.0,
        dtype: Annotated[str, _float_type] = "float32",
        seed: Natural = 0,
    ) -> None:
        self.embedding_dim, self.hidden_dims, self.dtype = embedding_dim, hidden_dims, dtype
        self.max_error = math.inf if max_error is None else max_error
        self._network_rate, self._row_rate = learning_rate, embedding_rate
        self._running = np.zeros(2)  # mean of the targets, and the weight of the events in it
        unknown, layers = _start(embedding_dim, hidden_dims, dtype, seed)
        self._users, self._items = (
            Embedding(size, row, initial_memory, self._to_array, self._to_numpy)
            for size, row in zip((user_vocab_size, item_vocab_size), unknown, strict=True)
        )
        self._layers = [self._to_array(layer) for layer in layers]
        super().__init__(learning_rate, regularization)

    # -- learning

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        prediction = math.nan
        if abs(sample.target) < LARGEST:
            prediction = float(self._learn_batch(Chunk.of([sample]))[0])
        if not math.isfinite(prediction):
            refuse_overflow(sample)
        error = sample.target - prediction
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> Floats:
        """Learn from events one after the other; return the prediction of each before its own
        update, shape (n,).
        """
        predictions = np.full(len(chunk), math.nan)
        for at in range(len(chunk)):
            if abs(chunk.targets[at]) < LARGEST:
                predictions[at] = self._learn_batch(chunk.slice(at, at + 1))[0]
            if not math.isfinite(predictions[at]):
                refuse_overflow(chunk[at], at)
        return predictions

    def batch_update(self, samples: Iterable[OnlineSample]) -> float:
        """Take one step down the gradient of the mean loss of all samples; return that mean loss
        (0.0 for none).

        All predictions are made before the step, and each of `n` samples has the weight 1/n. A
        batch with more users (or items) than the vocabulary has rows is split.

        Raises
        ------
        ArithmeticOverflowError
            If an update would exceed the range of floats; the error names the sample, and nothing
            has changed.
        """
        chunk = Chunk.of(samples)
        if not len(chunk):
            return 0.0
        return float(np.mean((chunk.targets - self.predict_then_batch_update(chunk)) ** 2))

    def predict_then_batch_update(self, chunk: Chunk) -> Floats:
        """Predict all events, then take one step for all of them; return the predictions, shape
        (n,).
        """
        too_large = np.flatnonzero(~(np.abs(chunk.targets) < LARGEST))
        if too_large.size:
            refuse_overflow(chunk[int(too_large[0])], int(too_large[0]), of="batch")
        predictions = np.empty(len(chunk))
        start = 0
        while start < len(chunk):
            stop = self._users.stop_of_batch(chunk.user_ids, start, len(chunk))
            stop = self._items.stop_of_batch(chunk.item_ids, start, stop)
            predictions[start:stop] = self._learn_batch(chunk.slice(start, stop))
            broken = start + np.flatnonzero(~np.isfinite(predictions[start:stop]))
            if broken.size:
                refuse_overflow(chunk[int(broken[0])], int(broken[0]), of="batch")
            start = stop
        return predictions

    def _learn_batch(self, chunk: Chunk) -> Floats:
        """Take one step for a batch; return the predictions before it. If one is NaN, nothing has
        changed.
        """
        predictions, outputs, trace = self._answer(chunk.user_ids, chunk.item_ids)
        if not np.isfinite(outputs).all():
            return np.where(np.isfinite(outputs), predictions, np.nan)
        y, w = chunk.targets, chunk.weights_or_ones()
        counts = np.flatnonzero(w)
        if counts.size:
            to_users = self._users.take_rows([chunk.user_ids[at] for at in counts.tolist()])
            to_items = self._items.take_rows([chunk.item_ids[at] for at in counts.tolist()])
            mean, weight = self._running
            errors = np.clip(y - mean - outputs, -self.max_error, self.max_error) * w / len(y)
            self._step(errors[counts], trace, counts, to_users, to_items)
            weight += float(w.sum())
            self._running[:] = mean + float(w @ (y - mean)) / weight, weight
        self.samples_processed += len(y)
        return predictions

    @property
    def row_rate(self) -> float:
        """The present step size of the embeddings, in proportion to the learning rate."""
        return self._row_rate * self.learning_rate / self._network_rate

    # -- asking

    def predict(self, user_id: Any, item_id: Any, features: Features | None = None) -> float:
        """Return the expected target; the running mean if neither id is known. Side features are
        not used.
        """
        return float(self.predict_many([user_id], [item_id])[0])

    def predict_many(
        self,
        user_ids: Sequence[Any],
        item_ids: Sequence[Any],
        features: Sequence[Features | None] | None = None,
    ) -> Floats:
        """Predict n pairs, shape (n,)."""
        return self._answer(user_ids, item_ids)[0]

    def _answer(
        self, user_ids: Sequence[Any], item_ids: Sequence[Any]
    ) -> tuple[Floats, Floats, Any]:
        """Return predictions, outputs of the network, and the trace for `_step`; if both ids are
        unknown, the prediction is the running mean.
        """
        users = self._users.vocabulary.rows_of(user_ids)
        items = self._items.vocabulary.rows_of(item_ids)
        outputs, trace = self._forward(users, items)
        return self.mean + np.where((users < 0) & (items < 0), 0.0, outputs), outputs, trace

    @property
    def mean(self) -> float:
        """The running mean of the targets: the prediction if both ids are unknown."""
        return float(self._running[0])

    @property
    def users(self) -> list[Any]:
        """The users with a row, from the least to the most recently learnt."""
        return self._users.vocabulary.ids

    @property
    def items(self) -> list[Any]:
        """The items with a row, from the least to the most recently learnt."""
        return self._items.vocabulary.ids

    def discount_evidence(self, keep: float) -> None:
        """Reduce the sums of squared gradients of the embeddings to the share `keep`, in (0, 1]."""
        super().discount_evidence(keep)
        self._users.discount(keep)
        self._items.discount(keep)

    # -- state

    def _get_memory(self) -> State:
        layers = zip(LAYERS, map(self._to_numpy, self._layers), strict=True)
        return {**super()._get_memory(), "layers": dict(layers)}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._layers = [self._to_array(memory["layers"][name]) for name in LAYERS]

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        found = {name: np.shape(layer) for name, layer in memory.get("layers", {}).items()}
        expected = {name: layer.shape for name, layer in zip(LAYERS, self._layers, strict=True)}
        if found != expected:
            raise StateFormatError(f"The state has layers {found}, expected {expected}.")

    # -- the arithmetic

    @abstractmethod
    def _forward(self, users: Indices, items: Indices) -> tuple[Floats, Any]:
        """Return the outputs for pairs of rows, -1 for unknown, shape (n,), and the trace for
        `_step`, such as hidden layers.
        """

    @abstractmethod
    def _step(
        self, errors: Floats, trace: Any, counts: Indices, to_users: Indices, to_items: Indices
    ) -> None:
        """Update layers and rows.

        Parameters
        ----------
        errors : array, shape (m,)
            Minus the gradient of the mean loss with respect to the outputs.
        trace
            Of `_forward`, for n >= m events.
        counts : array of int, shape (m,)
            Indices of the events with a weight greater than 0.
        to_users, to_items : array of int, shape (m,)
            Rows to update.
        """


def _start(
    dim: int, hidden_dims: Sequence[int], dtype: str, seed: int
) -> tuple[list[AnyArray], list[AnyArray]]:
    """Draw the embeddings of an unknown user and item, and the layers in the order of `LAYERS`."""
    rng = np.random.Generator(np.random.Philox(seed))
    unknown = [rng.normal(0.0, 0.1, dim).astype(dtype) for _ in range(2)]
    layers: list[AnyArray] = []
    for n_in, n_out in pairwise((2 * dim, *hidden_dims, 1)):
        limit = math.sqrt((6.0 if n_out > 1 else 1.5) / n_in)
        layers += [rng.uniform(-limit, limit, (n_in, n_out)), np.zeros(n_out)]
    layers[4] = layers[4][:, 0]
    return unknown, [np.ascontiguousarray(layer, dtype=dtype) for layer in layers]
