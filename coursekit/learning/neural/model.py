r"""What the two implementations of neural collaborative filtering share: ids, running mean,
batches, state (lesson 04).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import ArithmeticOverflowError, InvalidParameterError, StateFormatError
from coursekit.core.events import Chunk, Features, OnlineSample
from coursekit.core.state import State
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.neural.vocabulary import BoundedVocabulary

__all__ = ["NeuralModel"]

_FloatArray = npt.NDArray[np.float64]
_Array = npt.NDArray[Any]
_RowNumbers = npt.NDArray[np.intp]

_LARGEST = 1e15  # squares of larger numbers, summed up, could leave the range of single precision


class NeuralModel(OnlineLearner):
    """A network over a user's and an item's row, around the running mean; the subclasses do the
    arithmetic.

    Tables have one row more than the vocabulary: the last one is what an unknown id looks like, and
    every new id starts as a copy of it. So a prediction for an unknown id is the same before and
    after it is given a row.
    """

    def __init__(
        self,
        embedding_dim: int,
        hidden_dims: Sequence[int],
        user_vocab_size: int,
        item_vocab_size: int,
        *,
        learning_rate: float,
        embedding_rate: float,
        regularization: float,
        initial_memory: float,
        max_error: float,
        dtype: str,
        seed: int,
    ) -> None:
        widths = tuple(hidden_dims)
        counts = [("embedding_dim", embedding_dim), *(("hidden_dims", width) for width in widths)]
        for name, count in [
            *counts,
            ("user_vocab_size", user_vocab_size),
            ("item_vocab_size", item_vocab_size),
        ]:
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise InvalidParameterError(
                    f"`{name}` must be an integer, 1 or more, got {count!r}."
                )
        if len(widths) != 2:
            raise InvalidParameterError(f"`hidden_dims` must be two widths, got {hidden_dims!r}.")
        positive = (
            ("embedding_rate", embedding_rate),
            ("initial_memory", initial_memory),
            ("max_error", max_error),
        )
        for name, value in positive:
            if not (value > 0 and (math.isfinite(value) or name == "max_error")):
                raise InvalidParameterError(f"`{name}` must be greater than 0, got {value!r}.")
        if dtype not in ("float32", "float64"):
            raise InvalidParameterError(f"`dtype` must be 'float32' or 'float64', got {dtype!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InvalidParameterError(f"`seed` must be an integer, 0 or more, got {seed!r}.")
        self.embedding_dim = embedding_dim
        self.hidden_dims = (widths[0], widths[1])
        self.embedding_rate = float(embedding_rate)
        self.initial_memory = float(initial_memory)
        self.max_error = float(max_error)
        self.dtype = dtype
        self.seed = seed
        self._network_rate = float(learning_rate)
        self._users, self._items = (
            BoundedVocabulary(user_vocab_size),
            BoundedVocabulary(item_vocab_size),
        )
        self._mean = 0.0
        self._mean_weight = 0.0
        super().__init__(learning_rate, regularization)

    # -- learning
    # ----------------------------------------------------------------------------------------------------------

    def partial_fit(self, sample: OnlineSample) -> float:
        """Predict, then learn from one event; return the squared error before the update."""
        if not abs(sample.target) < _LARGEST:
            self._refuse(sample)
        prediction = float(
            self._learn_columns(
                [sample.user_id], [sample.item_id], [sample.target], [sample.weight]
            )[0]
        )
        if not math.isfinite(prediction):
            self._refuse(sample)
        error = sample.target - prediction
        return error * error

    def predict_then_learn_many(self, chunk: Chunk) -> _FloatArray:
        """Learn from events one after the other; return the prediction of each before its own
        update, shape (n,).
        """
        n = self._n_in_range(chunk)
        weights = np.ones(len(chunk)) if chunk.weights is None else chunk.weights
        predictions = np.empty(len(chunk))
        for at in range(n):
            event = (
                [chunk.user_ids[at]],
                [chunk.item_ids[at]],
                [float(chunk.targets[at])],
                [float(weights[at])],
            )
            predictions[at] = self._learn_columns(*event)[0]
            if not math.isfinite(predictions[at]):
                n = at
                break
        if n < len(chunk):
            self._refuse(chunk[n], where=f"Event {n} of the chunk: ")
        return predictions

    def batch_update(self, samples: Iterable[OnlineSample]) -> float:
        """Take one step down the gradient of the mean loss of all samples; return that mean loss
        (0.0 for none).

        All predictions are made before the step, so a batch is not the same as its samples one by
        one, and of `n` samples each moves the network only a share of 1/n. A batch with more users
        (or items) than the vocabulary has rows is cut.

        Raises
        ------
        ArithmeticOverflowError
            If a sample would carry the model out of the range of floats; the error names it, and
            nothing has changed.
        """
        chunk = Chunk.of(samples)
        if not len(chunk):
            return 0.0
        return float(np.mean((chunk.targets - self.predict_then_batch_update(chunk)) ** 2))

    def predict_then_batch_update(self, chunk: Chunk) -> _FloatArray:
        """Predict all events, then take one step for all of them; return the predictions, shape
        (n,).
        """
        n = self._n_in_range(chunk)
        if n < len(chunk):
            self._refuse(chunk[n], where=f"Event {n} of the batch: ")
        predictions = np.empty(len(chunk))
        weights = np.ones(len(chunk)) if chunk.weights is None else chunk.weights
        start = 0
        while start < len(chunk):
            stop = self._stop_of_batch(chunk, start)
            part = slice(start, stop)
            columns = chunk.user_ids[part], chunk.item_ids[part], chunk.targets[part], weights[part]
            predictions[part] = self._learn_columns(*columns)
            broken = np.flatnonzero(~np.isfinite(predictions[part]))
            if broken.size:
                self._refuse(
                    chunk[start + int(broken[0])],
                    where=f"Event {start + int(broken[0])} of the batch: ",
                )
            start = stop
        return predictions

    def _learn_columns(
        self, user_ids: Sequence[Any], item_ids: Sequence[Any], targets: Any, weights: Any
    ) -> _FloatArray:
        """Take one step for events; return the predictions before it. NaN among them: refused,
        nothing has changed.
        """
        y, w = np.asarray(targets, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        users, items = self._users.rows_of(user_ids), self._items.rows_of(item_ids)
        outputs = self._forward(users, items)
        predictions = self._around_mean(users, items, outputs)
        if not np.isfinite(outputs).all():
            return np.where(np.isfinite(outputs), predictions, np.nan)
        counts = np.flatnonzero(w)
        if counts.size:
            to_users = self._take_rows(self._users, "user", user_ids, counts)
            to_items = self._take_rows(self._items, "item", item_ids, counts)
            errors = np.clip(y - self._mean - outputs, -self.max_error, self.max_error) * w / len(y)
            self._backward(errors[counts], users[counts], items[counts], to_users, to_items)
            self._mean_weight += float(w.sum())
            self._mean += float(w @ (y - self._mean)) / self._mean_weight
        self.samples_processed += len(y)
        return predictions

    def _take_rows(
        self, vocabulary: BoundedVocabulary, side: str, ids: Sequence[Any], counts: _RowNumbers
    ) -> _RowNumbers:
        """Rows of the ids that count, new ones started. Known ids come first, so that no new one
        takes their rows.
        """
        counting = [ids[at] for at in counts]
        for id_ in sorted(dict.fromkeys(counting), key=lambda id_: id_ not in vocabulary):
            row, is_new = vocabulary.learn(id_)
            if is_new:
                self._start_row(side, row)
        return vocabulary.rows_of(counting)

    def _around_mean(
        self, users: _RowNumbers, items: _RowNumbers, outputs: _FloatArray
    ) -> _FloatArray:
        """The network's outputs around the running mean; where nothing is known, the mean alone."""
        predictions: _FloatArray = self._mean + np.where((users < 0) & (items < 0), 0.0, outputs)
        return predictions

    def _n_in_range(self, chunk: Chunk) -> int:
        broken = np.flatnonzero(~(np.abs(chunk.targets) < _LARGEST))
        return int(broken[0]) if broken.size else len(chunk)

    def _stop_of_batch(self, chunk: Chunk, start: int) -> int:
        """Where a batch from `start` has to end, so that each of its ids can have a row."""
        stop = len(chunk)
        for vocabulary, ids in ((self._users, chunk.user_ids), (self._items, chunk.item_ids)):
            distinct: set[Any] = set()
            for at in range(start, stop) if stop - start > vocabulary.size else ():
                distinct.add(ids[at])
                if len(distinct) > vocabulary.size:
                    stop = at
                    break
        return stop

    def _refuse(self, sample: OnlineSample, where: str = "") -> NoReturn:
        raise ArithmeticOverflowError(
            f"{where}learning target {sample.target!r} of user {sample.user_id!r} and item "
            f"{sample.item_id!r} would leave the "
            "range of floats; nothing was learnt from it. Use a smaller `learning_rate`, or "
            "targets of a smaller size."
        )

    # -- asking
    # ------------------------------------------------------------------------------------------------------------

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
    ) -> _FloatArray:
        """Predict n pairs, shape (n,)."""
        users, items = self._users.rows_of(user_ids), self._items.rows_of(item_ids)
        return self._around_mean(users, items, self._forward(users, items))

    @property
    def mean(self) -> float:
        """The running mean of the targets: what is predicted when nothing is known."""
        return self._mean

    @property
    def users(self) -> list[Any]:
        """The users that have a row, from the least to the most recently learnt."""
        return self._users.ids

    @property
    def items(self) -> list[Any]:
        """The items that have a row, from the least to the most recently learnt."""
        return self._items.ids

    # -- pace
    # --------------------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """Step size of the network; the embeddings keep their proportion to it."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0):
            raise InvalidParameterError(
                f"`learning_rate` must be a finite number greater than 0, got {value!r}."
            )
        self._learning_rate = float(value)

    @property
    def _row_rate(self) -> float:
        return self.embedding_rate * self._learning_rate / self._network_rate

    def discount_evidence(self, keep: float) -> None:
        """Remember the squared gradients of the embeddings as if only the share `keep`, in (0, 1],
        had been seen.
        """
        super().discount_evidence(keep)
        self._discount(keep)

    # -- state
    # -------------------------------------------------------------------------------------------------------------

    def get_model_state(self) -> State:
        """Return a copy of everything that learning depends on, the optimiser's memory included;
        rows in use only.
        """
        return {
            "signature": self._signature(),
            "learning_rate": self.learning_rate,
            "model_version": self.model_version,
            "samples_processed": self.samples_processed,
            "mean": self._mean,
            "mean_weight": self._mean_weight,
            "network": {name: np.array(value) for name, value in self._network().items()},
            "users": {**self._users.get_state(), **self._rows_state("user", self._users.rows)},
            "items": {**self._items.get_state(), **self._rows_state("item", self._items.rows)},
        }

    def set_model_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between; a state of another model is
        refused.
        """
        if state.get("signature") != self._signature():
            raise StateFormatError(
                f"The state belongs to {state.get('signature')}, expected {self._signature()}."
            )
        shapes = {name: value.shape for name, value in self._network().items()}
        found = {name: np.shape(value) for name, value in state["network"].items()}
        if found != shapes:
            raise StateFormatError(f"The state's network has shapes {found}, expected {shapes}.")
        before = self._users.get_state()
        self._users.set_state(state["users"])
        try:
            self._items.set_state(state["items"])
        except StateFormatError:
            self._users.set_state(before)
            raise
        self._load_network(state["network"])
        self._load_rows("user", self._users.rows, state["users"])
        self._load_rows("item", self._items.rows, state["items"])
        self._mean, self._mean_weight = float(state["mean"]), float(state["mean_weight"])
        self.learning_rate = state["learning_rate"]
        self.model_version = state["model_version"]
        self.samples_processed = state["samples_processed"]

    def _signature(self) -> dict[str, Any]:
        """What two models must have in common to exchange state; the implementation is not part of
        it.
        """
        return {
            "class": "NeuralModel",
            "embedding_dim": self.embedding_dim,
            "hidden_dims": list(self.hidden_dims),
            "user_vocab_size": self._users.size,
            "item_vocab_size": self._items.size,
            "embedding_rate": self.embedding_rate,
            "network_rate": self._network_rate,
            "regularization": self.regularization,
            "initial_memory": self.initial_memory,
            "max_error": None if math.isinf(self.max_error) else self.max_error,
            "dtype": self.dtype,
            "seed": self.seed,
        }

    # -- where a network begins
    # --------------------------------------------------------------------------------------------

    def _initial_network(self) -> dict[str, _Array]:
        """Weights of the two hidden layers and the output, and what an unknown user and item look
        like.
        """
        rng = np.random.Generator(np.random.Philox(self.seed))
        widths = (2 * self.embedding_dim, *self.hidden_dims, 1)
        network: dict[str, _Array] = {
            name: rng.normal(0.0, 0.1, self.embedding_dim)
            for name in ("unknown_user", "unknown_item")
        }
        for layer, (n_in, n_out) in enumerate(pairwise(widths), start=1):
            limit = math.sqrt(6.0 / n_in) if n_out > 1 else math.sqrt(1.5 / n_in)
            network[f"weight{layer}"] = rng.uniform(-limit, limit, (n_in, n_out))
            network[f"bias{layer}"] = np.zeros(n_out)
        network["weight3"] = network["weight3"][:, 0]
        return {name: value.astype(self.dtype) for name, value in network.items()}

    # -- the arithmetic
    # ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _forward(self, users: _RowNumbers, items: _RowNumbers) -> _FloatArray:
        """The network's output for pairs of rows, -1 for unknown, shape (n,)."""

    @abstractmethod
    def _backward(
        self,
        errors: _FloatArray,
        users: _RowNumbers,
        items: _RowNumbers,
        to_users: _RowNumbers,
        to_items: _RowNumbers,
    ) -> None:
        """Move the network and the rows `to_*`; `errors` are minus the slopes of the loss at the
        outputs.
        """

    @abstractmethod
    def _start_row(self, side: str, row: int) -> None:
        """Make a row of a table ("user" or "item") look unknown, its optimiser's memory at the
        start.
        """

    @abstractmethod
    def _discount(self, keep: float) -> None:
        """Discount the optimiser's memory of all rows."""

    @abstractmethod
    def _network(self) -> dict[str, _Array]:
        """The weights of the network by name, as arrays; not a copy where that can be avoided."""

    @abstractmethod
    def _load_network(self, network: dict[str, _Array]) -> None:
        """Take over weights."""

    @abstractmethod
    def _rows_state(self, side: str, rows: _RowNumbers) -> dict[str, _Array]:
        """A copy of the rows of a table, and of their optimiser's memory: "table" and "memory"."""

    @abstractmethod
    def _load_rows(self, side: str, rows: _RowNumbers, state: State) -> None:
        """Make all rows look unknown, but for these."""
