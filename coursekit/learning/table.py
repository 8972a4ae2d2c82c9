"""Growing tables: ids on one side, rows of parameters on the other (lesson 02).

`Rows` is the two-dimensional array that grows; a `Field` gives the ids of one kind (users, items, features) their rows in it.
Ids get a row when they are first learnt from, never when they are asked about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import StateFormatError
from coursekit.core.state import State

__all__ = ["Field", "Rows"]

_FloatArray = npt.NDArray[np.float64]
_NOISE_BLOCK = 256


class Rows:
    """A table of float64 rows that grows in place by an eighth at a time.

    Attributes
    ----------
    array : array, shape (capacity, width)
        Rows 0 to `n_rows` - 1 are in use. Do not keep a view of it: growing moves it.

    >>> rows = Rows(width=3)
    >>> rows.extend(2), rows.extend(1), rows.n_rows
    (0, 2, 3)
    """

    def __init__(self, width: int, capacity: int = 64) -> None:
        self.array: _FloatArray = np.zeros((capacity, width))
        self.n_rows = 0

    def extend(self, n: int) -> int:
        """Add `n` rows, their content still to be written, and return the number of the first."""
        first = self.n_rows
        self.reserve(first + n)
        self.n_rows = first + n
        return first

    def reserve(self, n_rows: int) -> None:
        """Make room for `n_rows` rows in all."""
        capacity, width = self.array.shape
        if n_rows > capacity:
            shape = (max(n_rows, capacity + capacity // 8 + 64), width)
            try:
                self.array.resize(shape)  # in place: no second copy in memory while it grows
            except ValueError:  # somebody holds a view
                self.array = np.resize(self.array, shape)


class Field(dict[Any, int]):
    """The ids of one kind and their rows: `field[id]` gives a new id a row, `field.get(id, -1)` never does.

    The factors of the n-th id of a field start as uniform noise of standard deviation `scale`, drawn from the counter-based
    generator Philox at a place that depends on (seed, n) alone. So a model depends neither on how many predictions were
    asked nor on how the stream was cut into chunks.

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

    def __init__(self, rows: Rows, *, start: _FloatArray, n_factors: int, scale: float, seed: tuple[int, int]) -> None:
        super().__init__()
        self._rows = rows
        self._start = start
        self._n_factors = n_factors
        self._half_width = scale * np.sqrt(3.0)
        self._key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
        self._block: _FloatArray = np.empty((0, n_factors))  # noise kept at hand, from id number `_block_start` on
        self._block_start = 0

    def __missing__(self, id_: Any) -> int:
        """Give a new id its row."""
        return self._add([id_])

    def numbers_of(self, ids: Sequence[Any]) -> npt.NDArray[np.intp]:
        """Rows of `ids`, giving new ids rows."""
        numbers = self.known_numbers_of(ids)
        unknown = np.flatnonzero(numbers < 0).tolist()
        if unknown:
            new_ids = [ids[at] for at in unknown]
            self._add(dict.fromkeys(new_ids))
            numbers[unknown] = [self[id_] for id_ in new_ids]
        return numbers

    def _add(self, new_ids: Collection[Any]) -> int:
        """Give each of the new ids a row and return the first."""
        n, n_known = len(new_ids), len(self)
        first = self._rows.extend(n)
        table = self._rows.array[first : first + n]
        table[:] = self._start
        table[:, 1 : self._n_factors + 1] = self._noise(n_known, n)
        self.update(zip(new_ids, range(first, first + n), strict=True))
        return first

    def _noise(self, first: int, n: int) -> _FloatArray:
        """Starting factors of the ids number `first` to `first + n - 1` of this field, shape (n, n_factors)."""
        at = first - self._block_start
        if not 0 <= at <= len(self._block) - n:
            block_number, at = divmod(first, _NOISE_BLOCK)
            self._block_start = block_number * _NOISE_BLOCK
            n_blocks = -(-(at + n) // _NOISE_BLOCK)
            self._block = np.concatenate([self._draw(block_number + b) for b in range(n_blocks)])
        return self._block[at : at + n]

    def _draw(self, block_number: int) -> _FloatArray:
        """One block of noise, a function of the seed and the block's number alone."""
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, block_number, 0]))
        return generator.uniform(-self._half_width, self._half_width, (_NOISE_BLOCK, self._n_factors))

    def known_numbers_of(self, ids: Sequence[Any]) -> npt.NDArray[np.intp]:
        """Rows of `ids`, -1 for an id without one; changes nothing."""
        return np.fromiter(map(self.get, ids, repeat(-1)), np.intp, len(ids))

    def forget_newest(self, forgets: Callable[[int], bool]) -> None:
        """Forget ids from the newest back, for as long as `forgets(row)`."""
        while self and forgets(next(reversed(self.values()))):
            self.popitem()

    def state(self) -> State:
        """Ids and their rows in the order in which they came."""
        rows = np.fromiter(self.values(), np.intp, len(self))
        return {"ids": _encode_ids(self), "rows": self._rows.array[rows]}

    def load(self, state: State) -> None:
        """Take over ids and rows; the field must be empty."""
        ids, rows = _decode_ids(state["ids"]), state["rows"]
        if rows.shape != (len(ids), self._rows.array.shape[1]):
            raise StateFormatError(
                f"The state has rows of shape {rows.shape}, expected ({len(ids)}, {self._rows.array.shape[1]})."
            )
        first = self._rows.n_rows
        self._rows.reserve(first + len(ids))
        self._rows.array[first : first + len(ids)] = rows
        self._rows.n_rows = first + len(ids)
        self.update(zip(ids, range(first, first + len(ids)), strict=True))


def _encode_ids(ids: Iterable[Any]) -> npt.NDArray[Any]:
    """Ids as an array: int64 if they all are, JSON text otherwise (strings, integers, and tuples of them)."""
    ids = list(ids)
    if all(type(id_) is int and -(2**63) <= id_ < 2**63 for id_ in ids):
        return np.array(ids, dtype=np.int64)
    for id_ in ids:
        if not _is_plain(id_):
            raise StateFormatError(
                f"State on disk keeps ids that are strings or integers, got {id_!r} of type {type(id_).__name__}."
            )
    return np.frombuffer(json.dumps(ids, separators=(",", ":")).encode(), dtype=np.uint8)


def _decode_ids(array: npt.NDArray[Any]) -> list[Any]:
    if array.dtype == np.int64:
        ids: list[Any] = array.tolist()
        return ids
    return [tuple(id_) if isinstance(id_, list) else id_ for id_ in json.loads(array.tobytes())]


def _is_plain(id_: Any) -> bool:
    return type(id_) in (str, int) or (type(id_) is tuple and all(type(part) in (str, int) for part in id_))
