"""The exposure log: which unit saw which variant, and when first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError, StateFormatError, UnknownNameError
from coursekit.core.ids import decode_ids, encode_ids
from coursekit.core.state import State
from coursekit.core.stateful import Stateful

__all__ = ["ExposureLog", "grown"]

_CHUNK = 262_144


class ExposureLog(Stateful):
    """One row for each unit that was exposed, in the order of the first exposure.

    Memory is constant for each unit, however often it returns.

    Examples
    --------
    >>> log = ExposureLog()
    >>> log.expose("ada", 1, at=60.0), log.expose("bob", 0, at=61.0), log.expose("ada", 1, at=99.0)
    (0, 1, 0)
    >>> log.counts(2).tolist(), log.first_exposed_at.tolist()
    ([1, 1], [60.0, 61.0])
    """

    def __init__(self) -> None:
        self._rows: dict[Any, int] = {}
        self._variants = np.empty(0, np.int64)
        self._times = np.empty(0, np.float64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def variants(self) -> npt.NDArray[np.int64]:
        """The variant of each unit, shape (n_units,)."""
        return self._variants[: len(self)]

    @property
    def first_exposed_at(self) -> npt.NDArray[np.float64]:
        """When each unit was first exposed, seconds since 1970-01-01 UTC, shape (n_units,)."""
        return self._times[: len(self)]

    def counts(self, n_variants: int) -> npt.NDArray[np.int64]:
        """Return how many units were exposed to each variant."""
        return np.bincount(self.variants, minlength=n_variants)

    def expose(self, unit: Any, variant: int, *, at: float) -> int:
        """Log an exposure and return the unit's row.

        Raises
        ------
        InvalidSampleError
            If the unit was exposed to another variant before.
        """
        row = self._rows.setdefault(unit, len(self._rows))
        if row >= len(self._variants):
            size = max(2 * row, 1024)
            self._variants, self._times = grown(self._variants, size, -1), grown(self._times, size)
        known = int(self._variants[row])
        if known == -1:
            self._variants[row], self._times[row] = variant, at
        elif known != variant:
            raise InvalidSampleError(
                f"Unit {unit!r} was exposed to variant {known} before, got {variant}."
            )
        return row

    def expose_many(
        self, units: Sequence[Any] | npt.NDArray[Any], variants: npt.NDArray[np.int64], *, at: float
    ) -> None:
        """Log many exposures; all or, if a unit was exposed to another variant, none."""
        known, n_before = self._rows, len(self)
        listed = _listed(units)
        rows = np.fromiter((known.setdefault(u, len(known)) for u in listed), np.int64, len(listed))
        size = len(self) if len(self) <= len(self._variants) else max(len(self), 2 * n_before)
        self._variants, self._times = grown(self._variants, size, -1), grown(self._times, size)
        is_new = rows >= n_before
        self._variants[rows[is_new]], self._times[rows[is_new]] = variants[is_new], at
        wrong = np.flatnonzero(self._variants[rows] != variants)
        if len(wrong):
            self._variants[n_before:] = -1
            self._rows = dict(islice(known.items(), n_before))
            raise InvalidSampleError(
                f"Unit {listed[wrong[0]]!r} was exposed to another variant before, got "
                f"{variants[wrong[0]]}."
            )

    def row_of(self, unit: Any) -> int:
        """Return the row of a unit.

        Raises
        ------
        UnknownNameError
            If it was never exposed.
        """
        try:
            return self._rows[unit]
        except KeyError:
            raise UnknownNameError(
                f"Unit {unit!r} was never exposed; assign it before its outcomes."
            ) from None

    def rows_of(self, units: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the rows of many units, shape (n,)."""
        rows, row_of = np.empty(len(units), np.int64), self._rows.__getitem__
        for start in range(0, len(units), _CHUNK):  # few Python objects at a time
            part, order = units[start : start + _CHUNK], None
            if isinstance(part, np.ndarray) and part.dtype.kind in "iu":
                # equal and close ids after one another: their rows are in the processor's cache
                part, order = np.unique(part, return_inverse=True)
            try:
                found = np.fromiter(map(row_of, _listed(part)), np.int64, len(part))
            except KeyError as error:
                self.row_of(error.args[0])  # raises
            rows[start : start + _CHUNK] = found if order is None else found[order]
        return rows

    def _get_memory(self) -> State:
        return {
            "units": encode_ids(self._rows),
            "variants": self.variants.copy(),
            "times": self.first_exposed_at.copy(),
        }

    def _set_memory(self, memory: State) -> None:
        units = decode_ids(memory["units"])
        self._rows = {unit: row for row, unit in enumerate(units)}
        self._variants, self._times = memory["variants"].copy(), memory["times"].copy()

    def _check_memory(self, memory: State) -> None:
        sizes = {len(memory.get(name, ())) for name in ("variants", "times")}
        if "units" not in memory or sizes != {len(decode_ids(memory["units"]))}:
            raise StateFormatError("The state of ExposureLog has columns of different lengths.")


def _listed(units: Sequence[Any] | npt.NDArray[Any]) -> Sequence[Any]:
    return units.tolist() if isinstance(units, np.ndarray) else units


def grown(array: npt.NDArray[Any], size: int, fill: float = 0) -> npt.NDArray[Any]:
    """Return an array with the same beginning and at least `size` entries."""
    if size <= len(array):
        return array
    return np.concatenate([array, np.full(size - len(array), fill, array.dtype)])
