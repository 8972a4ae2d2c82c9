"""Incremental checkpoints of factor models, which copy only the changed rows (lesson 06)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from coursekit.core.ids import encode_ids
from coursekit.core.state import State
from coursekit.learning.factors.table import ChangeLog, Field, Rows

__all__ = ["TableChanges", "changes_since"]


@dataclass(slots=True, kw_only=True)
class TableChanges:
    """Rows of a table and ids of its fields: all, or those changed since a log was begun.

    Parameters
    ----------
    is_whole : bool
        Whether it is the whole table.
    rest : State
        The model's state without its fields; always whole.
    numbers : array of int, shape (n,)
        Indices of the rows.
    rows : array, shape (n, width)
        Their content. Of a whole table row r is at place r, and there may be spare rows at the end.
    ids : mapping
        Name of a field to the ids that got a row, and the numbers of their rows.
    """

    is_whole: bool
    rest: State
    numbers: npt.NDArray[np.intp]
    rows: npt.NDArray[np.float64]
    ids: dict[str, tuple[list[Any], list[int]]]

    def update(self, later: Self) -> None:
        """Apply later changes to a whole table, in place."""
        n_rows = int(later.numbers.max(initial=-1)) + 1
        if n_rows > len(self.rows):
            spare = np.zeros((n_rows - len(self.rows) + n_rows // 4, self.rows.shape[1]))
            self.rows = np.concatenate([self.rows, spare])
        self.rows[later.numbers] = later.rows
        self.rest = later.rest
        for name, (ids, rows) in later.ids.items():
            self.ids[name][0].extend(ids)
            self.ids[name][1].extend(rows)

    def followed_by(self, later: list[Self]) -> State:
        """Return the model's state: a whole table with later changes applied."""
        whole = copy.copy(self)
        whole.rows = self.rows.copy()
        whole.ids = {name: (list(ids), list(rows)) for name, (ids, rows) in self.ids.items()}
        for changes in later:
            whole.update(changes)
        fields = {
            name: {"ids": encode_ids(ids), "rows": whole.rows[np.array(rows, dtype=np.intp)]}
            for name, (ids, rows) in whole.ids.items()
        }
        return {**whole.rest, "memory": {**whole.rest["memory"], "fields": fields}}


def changes_since(
    log: ChangeLog | None, rows: Rows, fields: Mapping[str, Field], rest: State
) -> tuple[TableChanges, ChangeLog]:
    """Return the changes since a log was begun, and a new log; the whole table if it does not write
    to that log.
    """
    if log is None or log is not rows.log:
        is_whole, numbers, n_ids = True, np.arange(rows.n_rows), dict.fromkeys(fields, 0)
    else:
        is_whole, numbers, n_ids = False, log.numbers(rows.n_rows), log.n_ids
    rows.log = ChangeLog({name: len(field) for name, field in fields.items()})
    changes = TableChanges(
        is_whole=is_whole,
        rest=rest,
        numbers=numbers,
        rows=rows.array.take(numbers, axis=0),
        ids={name: _newest(field, len(field) - n_ids[name]) for name, field in fields.items()},
    )
    return changes, rows.log


def _newest(field: Field, n: int) -> tuple[list[Any], list[int]]:
    """Return the newest `n` ids and their rows, in order of arrival."""
    items = list(islice(reversed(field.items()), n))[::-1]
    return [id_ for id_, _ in items], [row for _, row in items]
