"""An embedding table with a bounded vocabulary and the memory of AdaGrad (lesson 04)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coursekit.core.arrays import AnyArray, Indices
from coursekit.core.errors import StateFormatError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.learning.neural.vocabulary import BoundedVocabulary

__all__ = ["Embedding"]


class Embedding(Stateful):
    """Embeddings of the users, or the items, of a network.

    The table has one row more than the vocabulary: the last one, row -1, is the embedding of
    unknown ids, and the initial embedding of a new id. So the prediction for an unknown id does not
    change when it gets a row.

    Parameters
    ----------
    size : int
        Of the vocabulary.
    unknown : array, shape (dim,)
        The row of an unknown id.
    initial_memory : float
        Initial sum of squared gradients of each number (AdaGrad).
    to_array, to_numpy : function
        Convert a numpy array to the array type of the network, and back.

    Attributes
    ----------
    table, memory : array or tensor, shape (size + 1, dim)
    """

    def __init__(
        self,
        size: int,
        unknown: AnyArray,
        initial_memory: float,
        to_array: Callable[[AnyArray], Any] = np.array,
        to_numpy: Callable[[Any], AnyArray] = np.array,
    ) -> None:
        self.vocabulary = BoundedVocabulary(size)
        self.initial_memory = initial_memory
        self._to_array, self._to_numpy = to_array, to_numpy
        self.unknown = to_array(unknown)
        self.table = to_array(np.tile(unknown, (size + 1, 1)))
        self.memory = to_array(np.full((size + 1, len(unknown)), initial_memory, unknown.dtype))

    def config(self) -> State:
        """Return size and dimension."""
        return {"size": self.vocabulary.size, "dim": len(self.unknown)}

    def take_row(self, id_: Any) -> int:
        """Return the row of an id to be learnt; the row of a new id is initialized."""
        row, is_new = self.vocabulary.learn(id_)
        if is_new:
            self.table[row] = self.unknown
            self.memory[row] = self.initial_memory
        return row

    def take_rows(self, ids: Sequence[Any]) -> Indices:
        """Return the rows of the ids of a batch; known ids first, so that new ones do not evict
        them.
        """
        for id_ in sorted(dict.fromkeys(ids), key=lambda id_: id_ not in self.vocabulary):
            self.take_row(id_)
        return self.vocabulary.rows_of(ids)

    def stop_of_batch(self, ids: Sequence[Any], start: int, stop: int) -> int:
        """Return the end of the longest batch from `start` whose ids fit into the vocabulary."""
        size, distinct = self.vocabulary.size, set[Any]()
        for at in range(start, stop) if stop - start > size else ():
            distinct.add(ids[at])
            if len(distinct) > size:
                return at
        return stop

    def discount(self, keep: float) -> None:
        """Reduce the sums of squared gradients to the share `keep`."""
        self.memory[:] = self.initial_memory + keep * (self.memory - self.initial_memory)

    def _get_memory(self) -> State:
        rows = self.vocabulary.rows
        parts = {"table": self.table, "memory": self.memory}
        state = {name: self._to_numpy(part[rows]) for name, part in parts.items()}
        return {"vocabulary": self.vocabulary.get_state(), **state}

    def _set_memory(self, memory: State) -> None:
        self.vocabulary.set_state(memory["vocabulary"])
        rows = self.vocabulary.rows
        self.table[:], self.memory[:] = self.unknown, self.initial_memory
        self.table[rows] = self._to_array(memory["table"])
        self.memory[rows] = self._to_array(memory["memory"])

    def _check_memory(self, memory: State) -> None:
        missing = {"vocabulary", "table", "memory"} - memory.keys()
        if missing:
            raise StateFormatError(
                f"The state of an embedding has no {', '.join(sorted(missing))}."
            )
        self.vocabulary._check_state(memory["vocabulary"])
