"""A bounded vocabulary: ids mapped to a fixed number of rows, with LRU eviction (lesson 04)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from coursekit.core.arrays import Indices
from coursekit.core.errors import StateFormatError
from coursekit.core.ids import decode_ids, encode_ids
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count

__all__ = ["BoundedVocabulary"]


class BoundedVocabulary(Stateful):
    """Map each id to a row of its own; when all are in use, evict the least recently learnt id.

    No two ids share a row: an evicted id is unknown, and new when it returns. Only learning counts
    as use, a look-up (`row_of`) does not.

    Parameters
    ----------
    size : int, 1 or more
        Number of rows.

    Examples
    --------
    >>> vocabulary = BoundedVocabulary(size=2)
    >>> [vocabulary.learn(id_) for id_ in ("ada", "bob", "ada", "eve")]  # eve takes the row of bob
    [(0, True), (1, True), (0, False), (1, True)]
    >>> vocabulary.row_of("bob"), vocabulary.row_of("ada")
    (-1, 0)
    """

    def __init__(self, size: Count) -> None:
        self.size = size
        # from the least to the most recently learnt
        self._rows: OrderedDict[Any, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, id_: Any) -> bool:
        return id_ in self._rows

    def row_of(self, id_: Any) -> int:
        """Return the row of an id, -1 without one; changes nothing."""
        return self._rows.get(id_, -1)

    def rows_of(self, ids: Sequence[Any]) -> Indices:
        """Return the rows of ids, -1 for those without one; changes nothing."""
        return np.fromiter(map(self._rows.get, ids, repeat(-1)), np.intp, len(ids))

    def learn(self, id_: Any) -> tuple[int, bool]:
        """Return the row of an id to be learnt, and whether it is new and must be initialized."""
        row = self._rows.get(id_, -1)
        if row >= 0:
            self._rows.move_to_end(id_)
            return row, False
        row = len(self._rows) if len(self._rows) < self.size else self._rows.popitem(last=False)[1]
        self._rows[id_] = row
        return row, True

    def row_to_reuse(self, id_: Any) -> int:
        """Return the row of the id that learning this one would evict, -1 if none; changes
        nothing.
        """
        if id_ in self._rows or len(self._rows) < self.size:
            return -1
        return next(iter(self._rows.values()))

    @property
    def ids(self) -> list[Any]:
        """The ids with a row, from the least to the most recently learnt."""
        return list(self._rows)

    @property
    def rows(self) -> Indices:
        """The rows of `ids`, in the same order."""
        return np.fromiter(self._rows.values(), np.intp, len(self._rows))

    def _get_memory(self) -> State:
        return {"ids": encode_ids(self._rows), "rows": self.rows}

    def _set_memory(self, memory: State) -> None:
        ids = decode_ids(memory["ids"])
        self._rows = OrderedDict(zip(ids, np.asarray(memory["rows"]).tolist(), strict=True))

    def _check_memory(self, memory: State) -> None:
        n_ids, rows = len(decode_ids(memory["ids"])), np.asarray(memory["rows"]).tolist()
        if len(set(rows)) != n_ids or not set(rows) <= set(range(self.size)):
            raise StateFormatError(
                f"The state holds {n_ids} ids in the rows {rows}, expected each its own of "
                f"{self.size}."
            )
