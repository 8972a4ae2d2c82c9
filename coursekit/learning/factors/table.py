"""Growing tables of parameters with a row per id (lesson 02).

`Rows` is the two-dimensional array that grows; a `Field` maps the ids of one kind (users,
items, features) to its rows; a `FactorTable` holds all fields of a model. An id gets a row when it
is first learnt, never by a prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.errors import StateFormatError
from coursekit.core.ids import decode_ids, encode_ids
from coursekit.core.state import State
from coursekit.core.validation import choice

__all__ = ["ChangeLog", "FactorTable", "Field", "Rows"]

_READ_AHEAD = 256
_DOUBLES_BELOW = 2**19  # entries (4 MB)


class ChangeLog:
    """Indices of the rows updated since the log was begun."""

    def __init__(self) -> None:
        self._singles: list[int] = []
        self._arrays: list[Indices] = []

    def add(self, *numbers: int) -> None:
        """Add the rows of one event."""
        self._singles.extend(numbers)

    def add_many(self, *numbers: Indices) -> None:
        """Add the rows of a chunk."""
        self._arrays.extend(numbers)

    def numbers(self, n_rows: int) -> Indices:
        """Return the distinct logged rows, of `n_rows` in all, in order."""
        is_noted = np.zeros(n_rows, dtype=np.bool_)
        is_noted[np.concatenate([np.array(self._singles, dtype=np.intp), *self._arrays])] = True
        return np.flatnonzero(is_noted)


class Rows:
    """A table of float64 rows that grows in place: it doubles while small, then grows by a
    sixteenth at a time.

    Attributes
    ----------
    array : array, shape (capacity, width)
        Rows 0 to `n_rows` - 1 are in use. Do not keep a view of it: growing moves it.
    log : ChangeLog or None
        Log of updated rows, if any.

    >>> rows = Rows(width=3, capacity=2)
    >>> rows.reserve(5)
    >>> rows.array.shape
    (5, 3)
    """

    def __init__(self, width: int, capacity: int = 64) -> None:
        self.array: Floats = np.zeros((capacity, width))
        self.n_rows = 0
        self.log: ChangeLog | None = None

    def reserve(self, n_rows: int) -> None:
        """Ensure capacity for `n_rows` rows."""
        capacity, width = self.array.shape
        if n_rows > capacity:
            growth = capacity if self.array.size < _DOUBLES_BELOW else capacity // 16
            shape = (max(n_rows, capacity + growth), width)
            try:
                self.array.resize(shape)  # in place: no second copy in memory while it grows
            except ValueError:  # a view exists
                self.array = np.resize(self.array, shape)


class Field(dict[Any, int]):
    """The ids of one kind and their rows: `field[id]` gives a new id a row, `field.get(id, -1)`
    never does.

    New rows are numbered one by one and initialized together, by `start_rows`, which is faster.

    The factors of the n-th id of a field start as uniform noise of standard deviation `scale`,
    drawn from the counter-based generator Philox at a counter that depends on (seed, n) alone. So a
    model depends neither on predictions nor on the division of the stream into chunks.

    Parameters
    ----------
    rows : Rows
        The table; several fields may share it.
    start : array, shape (width,)
        A row as it starts, but for the noise in its factors.
    n_factors : int
        Noise goes to entries 1 to `n_factors`.
    scale : float
        Standard deviation of the noise.
    seed : (int, int)
        The model's seed and the field's number.
    """

    def __init__(
        self, rows: Rows, *, start: Floats, n_factors: int, scale: float, seed: tuple[int, int]
    ) -> None:
        super().__init__()
        self._rows = rows
        self._start = start
        self._n_factors = n_factors
        self._half_width = scale * np.sqrt(3.0)
        self._key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
        # starting rows at hand, from id number `_drawn_from` on
        self._drawn: Floats = np.empty((0, start.size))
        self._drawn_from = 0
        self._n_started = 0
        self._newest_row = -1

    def __missing__(self, id_: Any) -> int:
        """Assign a row to a new id; `start_rows` must initialize it before use."""
        rows = self._rows
        self[id_] = self._newest_row = number = rows.n_rows
        rows.n_rows = number + 1
        return number

    def numbers_of(self, ids: Sequence[Any]) -> Indices:
        """Return the rows of `ids`; `start_rows` must initialize those of new ids."""
        return np.fromiter(map(self.__getitem__, ids), np.intp, len(ids))

    def start_rows(self) -> None:
        """Initialize the rows assigned since the last call, which must be consecutive."""
        n, n_started = len(self), self._n_started
        if n == n_started:
            return
        rows, stop = self._rows, self._newest_row + 1
        if stop > len(rows.array):
            rows.reserve(stop)
        at = n_started - self._drawn_from
        if at + n - n_started > len(self._drawn) or at < 0:
            self._drawn = self._draw(n_started, max(n - n_started, _READ_AHEAD))
            self._drawn_from, at = n_started, 0
        rows.array[stop - (n - n_started) : stop] = self._drawn[at : at + n - n_started]
        self._n_started = n

    def _draw(self, first: int, n: int) -> Floats:
        """Draw initial rows: id number m starts at counter m * stride of Philox."""
        stride = -(-self._n_factors // 4)  # Philox gives 4 numbers a count
        philox = np.random.Philox(key=self._key, counter=[first * stride, 0, 0, 0])
        noise = np.random.Generator(philox).uniform(
            -self._half_width, self._half_width, (n, 4 * stride)
        )
        starts = np.empty((n, self._start.size))
        starts[:] = self._start
        starts[:, 1 : self._n_factors + 1] = noise[:, : self._n_factors]
        return starts

    def known_numbers_of(self, ids: Sequence[Any]) -> Indices:
        """Return the rows of `ids`, -1 for an unseen id; changes nothing."""
        return np.fromiter(map(self.get, ids, repeat(-1)), np.intp, len(ids))

    def forget_newest(self, forgets: Callable[[int], bool]) -> None:
        """Remove ids, newest first, while `forgets(row)`."""
        while self and forgets(next(reversed(self.values()))):
            self.popitem()
        self._n_started = min(self._n_started, len(self))

    def keep_oldest(self, n: int) -> None:
        """Remove all ids but the first `n`."""
        self.forget_newest(lambda _: len(self) > n)

    def get_state(self) -> State:
        """Return ids and their rows in order of arrival."""
        rows = np.fromiter(self.values(), np.intp, len(self))
        return {"ids": encode_ids(self), "rows": self._rows.array[rows]}

    def set_state(self, state: State) -> None:
        """Restore ids and rows that `check_state` has accepted; the field must be empty."""
        ids, rows = decode_ids(state["ids"]), state["rows"]
        first = self._rows.n_rows
        self._rows.reserve(first + len(ids))
        self._rows.array[first : first + len(ids)] = rows
        self._rows.n_rows = first + len(ids)
        self.update(zip(ids, range(first, first + len(ids)), strict=True))
        self._n_started = len(self)

    def check_state(self, state: State) -> None:
        """Raise StateFormatError if ids and rows differ in number, or rows in width."""
        expected = (len(decode_ids(state["ids"])), self._rows.array.shape[1])
        found = np.shape(state["rows"])
        if found != expected:
            raise StateFormatError(f"The state has rows of shape {found}, expected {expected}.")


class FactorTable:
    """The rows of all fields of a model, in one array.

    Parameters
    ----------
    names : sequence of str
        Of the fields.
    start : array, shape (width,)
        A row as it starts, but for the noise in its factors.
    n_factors, scale, seed
        As in :class:`Field`; each field has a seed of its own.
    capacity : int
        Initial number of rows.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        start: Floats,
        n_factors: int,
        scale: float,
        seed: int,
        capacity: int = 64,
    ) -> None:
        self.rows = Rows(start.size, max(capacity, 64))
        self.fields = {
            name: Field(self.rows, start=start, n_factors=n_factors, scale=scale, seed=(seed, at))
            for at, name in enumerate(names)
        }

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return self.fields[choice("field", name, self.fields)]

    def row(self, name: str, id_: Any) -> Floats:
        """Return a copy of the row of an id of a field, zeros if it has none, shape (width,)."""
        at = self.field(name).get(id_, -1)
        return self.rows.array[at].copy() if at >= 0 else np.zeros(self.rows.array.shape[1])

    def start_rows(self) -> None:
        """Initialize the rows assigned since the last call."""
        for field in self.fields.values():
            field.start_rows()

    def forget(self, n_rows: int, keep: Collection[int] = ()) -> None:
        """Remove the ids with rows from `n_rows` on, unless their row is in `keep`."""
        for field in self.fields.values():
            field.forget_newest(lambda row: row >= n_rows and row not in keep)

    def go_back(self, n_ids: Mapping[str, int], rows: Floats) -> None:
        """Keep the first `n_ids` ids of each field and set all `rows`."""
        for name, field in self.fields.items():
            field.keep_oldest(n_ids[name])
        self.rows.n_rows = len(rows)
        self.rows.array[: len(rows)] = rows

    def get_state(self) -> State:
        """Return ids and rows of every field."""
        return {name: field.get_state() for name, field in self.fields.items()}

    def set_state(self, state: State) -> None:
        """Restore a state that `check_state` has accepted; the table must be new."""
        for name, field in self.fields.items():
            field.set_state(state[name])

    def check_state(self, state: State) -> None:
        """Raise StateFormatError for other fields or rows of another width."""
        if state.keys() != self.fields.keys():
            raise StateFormatError(f"The state has fields {[*state]}, expected {[*self.fields]}.")
        for name, field in self.fields.items():
            field.check_state(state[name])
