"""Positions of units: a keyed hash that is uniform, and independent from salt to salt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import IS_COMPILED
from coursekit.core.errors import InvalidSampleError
from coursekit.core.validation import require
from coursekit.delivery.experiments import blake2b

__all__ = ["SaltedHash", "Texts", "texts_of"]

Texts = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Ids one after the other as UTF-8 text, and where each begins, shape (n + 1,)."""

_KEY_SIZE = 32  # bytes


class SaltedHash:
    r"""A pseudo-random position of every unit, an integer in $[0, 2^{64})$.

    The first 8 bytes, little-endian, of BLAKE2b-64 of the unit's id as UTF-8 text, under the key
    BLAKE2b-256 of the salt. A keyed hash mixes salt and id: positions under two salts are
    independent. With a checksum such as CRC-32 they are not, as a salt only flips the same bits of
    every position, nor with a hash without a salt.

    Parameters
    ----------
    salt : str
        Not empty; usually the id of an experiment.

    Notes
    -----
    The integer 7 and the text "7" are the same unit. Other languages compute the same positions
    from the definition above; `tests/delivery/experiments/test_hashing.py` has examples.

    Examples
    --------
    >>> position = SaltedHash("new-ranking")
    >>> position("ada"), position.many(["ada", "bob"]).tolist()
    (10069267835036461420, [10069267835036461420, 16468640646125462972])

    References
    ----------
    M.-J. Saarinen, J.-P. Aumasson (2015), "The BLAKE2 cryptographic hash", RFC 7693.
    """

    __slots__ = ("_keyed", "_state", "salt")

    def __init__(self, salt: str) -> None:
        require(isinstance(salt, str) and salt != "", "salt", "text, not empty", salt)
        self.salt = salt
        key = hashlib.blake2b(salt.encode(), digest_size=_KEY_SIZE).digest()
        self._state = hashlib.blake2b(key=key, digest_size=8)
        self._keyed = blake2b.keyed_state(np.frombuffer(key, np.uint8)) if IS_COMPILED else None

    def __call__(self, unit: Any) -> int:
        """Return the position of one unit.

        Raises
        ------
        InvalidSampleError
            If the id is neither text, not empty, nor an integer.
        """
        return self._of_bytes(_encoded(unit))

    def many(self, units: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
        """Return the positions of many units, shape (n,): equal to one call for each.

        Arrays of integers are the fastest, at millions per second.
        """
        return self.of_texts(texts_of(units))

    def of_texts(self, texts: Texts) -> npt.NDArray[np.uint64]:
        """Return the positions of units whose ids `texts_of` has encoded, shape (n,)."""
        text, starts = texts
        if self._keyed is not None:
            found: npt.NDArray[np.uint64] = blake2b.positions_of(text, starts, self._keyed)
            return found
        units = (text[start:stop].tobytes() for start, stop in pairwise(starts.tolist()))
        return np.fromiter(map(self._of_bytes, units), np.uint64, len(starts) - 1)

    def _of_bytes(self, unit: bytes) -> int:
        state = self._state.copy()
        state.update(unit)
        return int.from_bytes(state.digest(), "little")


def texts_of(units: Sequence[Any] | npt.NDArray[Any]) -> Texts:
    """Return the ids as one text and where each begins, shape (n + 1,)."""
    if IS_COMPILED and isinstance(units, np.ndarray) and units.dtype.kind == "i":
        text, starts = blake2b.digits_of(units.astype(np.int64))
        return text, starts
    encoded = list(map(_encoded, units.tolist() if isinstance(units, np.ndarray) else units))
    starts = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=starts[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), starts


def _encoded(unit: Any) -> bytes:
    if type(unit) is str and unit:
        return unit.encode()
    if isinstance(unit, int | np.integer) and not isinstance(unit, bool):
        return b"%d" % int(unit)
    raise InvalidSampleError(f"A unit's id must be text, not empty, or an integer, got {unit!r}.")
