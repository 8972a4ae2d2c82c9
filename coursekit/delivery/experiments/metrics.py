"""Metrics of an experiment, and their outcomes as two sums for each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError
from coursekit.core.stateful import Stateful
from coursekit.core.validation import choice, number
from coursekit.delivery.experiments.exposures import grown
from coursekit.evaluation.statistics import Moments, ratio_moments

__all__ = ["KINDS", "Metric", "UnitOutcomes"]

_Floats = npt.NDArray[np.float64]

KINDS = ("total", "conversion", "per_event")
"""total: the sum of a unit's outcomes; conversion: whether one of its outcomes, 0 or 1, is 1;
per_event: the mean over events, the ratio of two sums over units (delta method)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is measured of each unit.

    Parameters
    ----------
    name : str
    kind : {"total", "conversion", "per_event"}
    better : {"higher", "lower"}
    tolerance : float, 0 or more
        For a guardrail: the relative harm that is accepted, a share of the control's mean.

    Examples
    --------
    >>> Metric(name="latency_ms", kind="per_event", better="lower", tolerance=0.02).tolerance
    0.02
    """

    name: str
    kind: str = "total"
    better: str = "higher"
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        choice("kind", self.kind, KINDS)
        choice("better", self.better, ("higher", "lower"))
        number("tolerance", self.tolerance, at_least=0)

    def checked(self, values: npt.ArrayLike) -> _Floats:
        """Return outcomes of this metric.

        Raises
        ------
        InvalidSampleError
            If one is not a finite number, or neither 0 nor 1 for a conversion.
        """
        try:
            array = np.asarray(values, np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidSampleError(f"`{self.name}` must be numbers: {error}.") from error
        if not np.isfinite(array).all():
            raise InvalidSampleError(f"`{self.name}` must be finite numbers, got {values!r}.")
        if self.kind == "conversion" and not np.isin(array, (0.0, 1.0)).all():
            raise InvalidSampleError(f"`{self.name}` is a conversion: 0 or 1, got {values!r}.")
        return array


class UnitOutcomes(Stateful):
    """Sum and number of the outcomes of each unit, by its row in the exposure log.

    Units without outcomes count as 0: they were exposed.

    Examples
    --------
    >>> outcomes = UnitOutcomes()
    >>> outcomes.add(1, 2.5)
    >>> outcomes.add_many(np.array([0, 1]), np.array([1.0, 0.5]))
    >>> outcomes.sums(3).tolist(), outcomes.numbers(3).tolist()
    ([1.0, 3.0, 0.0], [1.0, 2.0, 0.0])
    """

    _memory_names = ("_sums", "_numbers")

    def __init__(self) -> None:
        self._sums = np.zeros(0)
        self._numbers = np.zeros(0)

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return int(self._numbers.sum())

    def add(self, row: int, value: float) -> None:
        """Add one outcome of the unit in this row."""
        self._grow(row + 1)
        self._sums[row] += value
        self._numbers[row] += 1

    def add_many(self, rows: npt.NDArray[np.int64], values: _Floats) -> None:
        """Add many outcomes at once, shapes (n,)."""
        if len(rows):
            self._grow(int(rows.max()) + 1)
            np.add.at(self._sums, rows, values)
            np.add.at(self._numbers, rows, 1.0)

    def sums(self, n_units: int) -> _Floats:
        """Return the sum of each unit's outcomes, shape (n_units,)."""
        self._grow(n_units)
        return self._sums[:n_units]

    def numbers(self, n_units: int) -> _Floats:
        """Return the number of each unit's outcomes, shape (n_units,)."""
        self._grow(n_units)
        return self._numbers[:n_units]

    def values(self, metric: Metric, n_units: int) -> _Floats:
        """Return the value of each unit for a metric of kind total or conversion."""
        sums = self.sums(n_units)
        return (sums > 0).astype(np.float64) if metric.kind == "conversion" else sums

    def moments(self, metric: Metric, units: npt.NDArray[Any], n_units: int) -> Moments:
        """Return the moments over some units, a mask of shape (n_units,)."""
        if metric.kind == "per_event":
            return ratio_moments(self.sums(n_units)[units], self.numbers(n_units)[units])
        values = self.values(metric, n_units)[units]
        if metric.kind == "conversion":
            return Moments.of_counts(float(values.sum()), len(values))
        return Moments.of(values)

    def _grow(self, size: int) -> None:
        if size > len(self._sums):
            size = max(size, 2 * len(self._sums), 1024)
            self._sums, self._numbers = grown(self._sums, size), grown(self._numbers, size)
