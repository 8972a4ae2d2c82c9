"""Growing tables: ids on one side, rows of parameters on the other (lesson 02).

`Rows` is the two-dimensional array that grows; a `Field` gives the ids of one kind (users, items,
features) their rows in it. Ids get a row when they are first learnt from, never when they are asked
about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import StateFormatError
from coursekit.core.state import State

__all__ = ["ChangeLog", "Field", "Rows", "decode_ids", "encode_ids"]

_FloatArray = npt.NDArray[np.float64]
_READ_AHEAD = 256
_DOUBLES_BELOW = 2**19  # entries (4 MB)


class ChangeLog:
    """Numbers of the rows that were learnt from since it was begun.

    Parameters
    ----------
    n_ids : dict
        How many ids each field had then.
    """

    def __init__(self, n_ids: dict[str, int]) -> None:
        self.n_ids = n_ids
        self._singles: list[int] = []
        self._arrays: list[npt.NDArray[np.intp]] = []

    def add(self, *numbers: int) -> None:
        """Note rows of one event."""
        self._singles.extend(numbers)

    def add_many(self, *numbers: npt.NDArray[np.intp]) -> None:
        """Note rows of a chunk."""
        self._arrays.extend(numbers)

    def numbers(self, n_rows: int) -> npt.NDArray[np.intp]:
        """Return the rows noted, of `n_rows` in all, each once and in order."""
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
        Where changes are noted, if anywhere.

    >>> rows = Rows(width=3, capacity=2)
    >>> rows.reserve(5)
    >>> rows.array.shape
    (5, 3)
    """

    def __init__(self, width: int, capacity: int = 64) -> None:
        self.array: _FloatArray = np.zeros((capacity, width))
        self.n_rows = 0
        self.log: ChangeLog | None = None

    def reserve(self, n_rows: int) -> None:
        """Make room for `n_rows` rows in all."""
        capacity, width = self.array.shape
        if n_rows > capacity:
            growth = capacity if self.array.size < _DOUBLES_BELOW else capacity // 16
            shape = (max(n_rows, capacity + growth), width)
            try:
                self.array.resize(shape)  # in place: no second copy in memory while it grows
            except ValueError:  # somebody holds a view
                self.array = np.resize(self.array, shape)


class Field(dict[Any, int]):
    """The ids of one kind and their rows: `field[id]` gives a new id a row, `field.get(id, -1)`
    never does.

    New rows are numbered one by one and filled all at once, by `start_rows`: that is what makes
    chunks fast.

    The factors of the n-th id of a field start as uniform noise of standard deviation `scale`,
    drawn from the counter-based generator Philox at a place that depends on (seed, n) alone. So a
    model depends neither on how many predictions were asked nor on how the stream was cut into
    chunks.

    Parameters
    ----------
    rows : Rows
        Where the rows live; several fields may share it.
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
        self, rows: Rows, *, start: _FloatArray, n_factors: int, scale: float, seed: tuple[int, int]
    ) -> None:
        super().__init__()
        self._rows = rows
        self._start = start
        self._n_factors = n_factors
        self._half_width = scale * np.sqrt(3.0)
        self._key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
        self._drawn: _FloatArray = np.empty(
            (0, start.size)
        )  # starting rows at hand, from id number `_drawn_from` on
        self._drawn_from = 0
        self._n_started = 0
        self._newest_row = -1

    def __missing__(self, id_: Any) -> int:
        """Give a new id its row; `start_rows` has to fill it before anybody looks."""
        rows = self._rows
        self[id_] = self._newest_row = number = rows.n_rows
        rows.n_rows = number + 1
        return number

    def numbers_of(self, ids: Sequence[Any]) -> npt.NDArray[np.intp]:
        """Rows of `ids`, giving new ids rows, which `start_rows` has to fill."""
        return np.fromiter(map(self.__getitem__, ids), np.intp, len(ids))

    def start_rows(self) -> None:
        """Fill the rows given since the last call; they must be consecutive, no other field's among
        them.
        """
        n, n_started = len(self), self._n_started
        if n == n_started:
            return
        rows, stop = self._rows, self._newest_row + 1
        if stop > len(rows.array):
            rows.reserve(stop)
        at = n_started - self._drawn_from
        if at + n - n_started > len(self._drawn) or at < 0:
            self._drawn, self._drawn_from, at = (
                self._draw(n_started, max(n - n_started, _READ_AHEAD)),
                n_started,
                0,
            )
        rows.array[stop - (n - n_started) : stop] = self._drawn[at : at + n - n_started]
        self._n_started = n

    def _draw(self, first: int, n: int) -> _FloatArray:
        """Starting rows, a function of the seed and the id's number alone: id number m starts at
        counter m * stride.
        """
        stride = -(-self._n_factors // 4)  # Philox gives 4 numbers a count
        philox = np.random.Philox(key=self._key, counter=[first * stride, 0, 0, 0])
        noise = np.random.Generator(philox).uniform(
            -self._half_width, self._half_width, (n, 4 * stride)
        )
        starts = np.empty((n, self._start.size))
        starts[:] = self._start
        starts[:, 1 : self._n_factors + 1] = noise[:, : self._n_factors]
        return starts

    def known_numbers_of(self, ids: Sequence[Any]) -> npt.NDArray[np.intp]:
        """Rows of `ids`, -1 for an id without one; changes nothing."""
        return np.fromiter(map(self.get, ids, repeat(-1)), np.intp, len(ids))

    def forget_newest(self, forgets: Callable[[int], bool]) -> None:
        """Forget ids from the newest back, for as long as `forgets(row)`."""
        while self and forgets(next(reversed(self.values()))):
            self.popitem()
        self._n_started = min(self._n_started, len(self))

    def state(self) -> State:
        """Ids and their rows in the order in which they came."""
        rows = np.fromiter(self.values(), np.intp, len(self))
        return {"ids": encode_ids(self), "rows": self._rows.array[rows]}

    def load(self, state: State) -> None:
        """Take over ids and rows; the field must be empty."""
        ids, rows = decode_ids(state["ids"]), state["rows"]
        if rows.shape != (len(ids), self._rows.array.shape[1]):
            raise StateFormatError(
                f"The state has rows of shape {rows.shape}, expected ({len(ids)}, "
                f"{self._rows.array.shape[1]})."
            )
        first = self._rows.n_rows
        self._rows.reserve(first + len(ids))
        self._rows.array[first : first + len(ids)] = rows
        self._rows.n_rows = first + len(ids)
        self.update(zip(ids, range(first, first + len(ids)), strict=True))
        self._n_started = len(self)


def encode_ids(ids: Iterable[Any]) -> npt.NDArray[Any]:
    """Ids as an array: int64 if they all are, JSON text otherwise (strings, integers, and tuples of
    them).
    """
    ids = list(ids)
    if all(type(id_) is int and -(2**63) <= id_ < 2**63 for id_ in ids):
        return np.array(ids, dtype=np.int64)
    for id_ in ids:
        if not _is_plain(id_):
            raise StateFormatError(
                f"State on disk keeps ids that are strings or integers, got {id_!r} of type "
                f"{type(id_).__name__}."
            )
    return np.frombuffer(json.dumps(ids, separators=(",", ":")).encode(), dtype=np.uint8)


def decode_ids(array: npt.NDArray[Any]) -> list[Any]:
    """Ids as they were before `encode_ids`."""
    if array.dtype == np.int64:
        ids: list[Any] = array.tolist()
        return ids
    return [tuple(id_) if isinstance(id_, list) else id_ for id_ in json.loads(array.tobytes())]


def _is_plain(id_: Any) -> bool:
    return type(id_) in (str, int) or (
        type(id_) is tuple and all(type(part) in (str, int) for part in id_)
    )
