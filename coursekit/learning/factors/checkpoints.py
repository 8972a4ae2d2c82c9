"""Incremental checkpoints of factor models, which copy only the changed rows (lesson 06)."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.learning.factors.table import ChangeLog, FactorTable

__all__ = ["TableCheckpoint"]


class TableCheckpoint:
    """The rows of a table at one time.

    The newest checkpoint holds a copy of all rows. When the next one is made, it takes over that
    copy, and this one keeps the rows that have changed in between as they were before. So making a
    checkpoint copies only changed rows, and an old one can be dropped without touching the others.

    Parameters
    ----------
    table : FactorTable
    last : TableCheckpoint, optional
        The newest one; without it, or if it is not the newest of this table, all rows are copied.

    Attributes
    ----------
    numbers : array of int, or None
        Indices of the rows held; None for all.
    rows : array, shape (n, width)
        Their content; there may be spare rows at the end.
    newer : TableCheckpoint or None
        The checkpoint that has taken over the copy of all rows.
    """

    def __init__(self, table: FactorTable, last: TableCheckpoint | None = None) -> None:
        rows, n = table.rows, table.rows.n_rows
        self.table, self.n_rows = table, n
        self.n_ids = {name: len(field) for name, field in table.fields.items()}
        self.numbers: Indices | None = None
        self.newer: TableCheckpoint | None = None
        self.log = ChangeLog()
        if last is None or rows.log is None or last.log is not rows.log:
            self.rows: Floats = rows.array[:n].copy()
        else:
            changed = rows.log.numbers(n)
            self.rows = last._hand_over(self, changed)
            self.rows[changed] = rows.array[changed]
        rows.log = self.log

    def _hand_over(self, newer: TableCheckpoint, changed: Indices) -> Floats:
        """Keep only the rows that have changed since; return the copy of all, with enough rows."""
        whole, self.numbers, self.newer = self.rows, changed[changed < self.n_rows], newer
        self.rows = whole[self.numbers]
        n_missing = newer.n_rows - len(whole)
        if n_missing <= 0:
            return whole
        spare = np.zeros((n_missing + newer.n_rows // 4, whole.shape[1]))
        return np.concatenate([whole, spare])

    def restore(self) -> FactorTable:
        """Restore the table and return it; newer checkpoints can no longer be restored."""
        chain = [self]
        while chain[-1].newer is not None:
            chain.append(chain[-1].newer)
        newest = chain.pop()
        for older in reversed(chain):
            newest.rows[older.numbers] = older.rows
        self.rows, self.numbers, self.newer = newest.rows, None, None
        self.table.go_back(self.n_ids, self.rows[: self.n_rows])
        self.log = self.table.rows.log = ChangeLog()
        return self.table
