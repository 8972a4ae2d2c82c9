"""Events of a stream: one observed sample, and a chunk of samples as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidSampleError

__all__ = ["Chunk", "Features", "OnlineSample"]

Features = Mapping[str, float | str] | Floats
"""Side features of one event: names to numbers (or categories), or a dense vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSample:
    """One observed event: a user, an item and the outcome.

    Parameters
    ----------
    user_id, item_id : str or int
        Any hashable ids; saved state supports strings and integers only.
    target : float
        The observed outcome: a rating, or 1.0 for a click and 0.0 for none. Finite.
    features : mapping or array, optional
        Side features: ``{"age": 0.3, "genre": "comedy"}`` (a category counts as a one-hot
        feature) or a dense vector.
    timestamp : float
        Event time in seconds since 1970-01-01 UTC.
    weight : float
        Sample weight, 0 or more; every learner uses it.
    metadata : mapping, optional
        Anything else; no learner reads it.

    Raises
    ------
    InvalidSampleError
        If the target or timestamp is not a finite number, or the weight is negative or not finite.

    Examples
    --------
    >>> OnlineSample(user_id="ada", item_id=7, target=4.0).weight
    1.0
    >>> OnlineSample(user_id="ada", item_id=7, target=float("nan"))
    Traceback (most recent call last):
    coursekit.core.errors.InvalidSampleError: `target` must be a finite number, got nan (user ...
    """

    user_id: Any
    item_id: Any
    target: float
    features: Features | None = None
    timestamp: float = 0.0
    weight: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("target", "timestamp", "weight"):
            value = getattr(self, name)
            if not _is_finite(value):
                raise InvalidSampleError(
                    f"`{name}` must be a finite number, got {value!r} (user "
                    f"{self.user_id!r}, item {self.item_id!r})."
                )
            if type(value) is not float:
                object.__setattr__(self, name, float(value))
        for name in ("user_id", "item_id"):
            if getattr(self, name).__hash__ is None:
                raise InvalidSampleError(f"`{name}` must be hashable, got {getattr(self, name)!r}.")
        if self.weight < 0:
            raise InvalidSampleError(
                f"`weight` must be 0 or more, got {self.weight!r} (user {self.user_id!r}, "
                f"item {self.item_id!r})."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive events as columns, in event order: the input of the compiled learners.

    Parameters
    ----------
    user_ids, item_ids : sequence of length n
        Ids, one per event (lists of Python ids, or arrays).
    targets : array, shape (n,)
    weights : array, shape (n,), optional
        All 1 when left out.
    features : sequence of n features, optional
    timestamps : array, shape (n,), optional

    Raises
    ------
    InvalidSampleError
        If columns differ in length, or a target, weight or timestamp is invalid; the message names
        the first such event.

    Examples
    --------
    >>> chunk = Chunk(user_ids=["ada", "bob"], item_ids=[7, 7], targets=[4.0, 3.0])
    >>> len(chunk), chunk[1].user_id
    (2, 'bob')
    """

    user_ids: Sequence[Any]
    item_ids: Sequence[Any]
    targets: Floats
    weights: Floats | None = None
    features: Sequence[Features | None] | None = None
    timestamps: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("user_ids", "item_ids"):
            column = getattr(self, name)
            # Python ids hash faster than numpy scalars, and compare equal to them
            if isinstance(column, np.ndarray):
                object.__setattr__(self, name, column.tolist())
        n = len(self.user_ids)
        for name in ("item_ids", "features"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise InvalidSampleError(
                    f"`{name}` must have {n} entries like `user_ids`, got {len(column)}."
                )
        for name in ("targets", "weights", "timestamps"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, self._finite_column(name, n))
        if self.weights is not None and n and self.weights.min() < 0:
            at = int(np.flatnonzero(self.weights < 0)[0])
            raise InvalidSampleError(f"`weights[{at}]` must be 0 or more, got {self.weights[at]}.")

    def _finite_column(self, name: str, n: int) -> Floats:
        try:
            column = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidSampleError(f"`{name}` must be numbers: {error}.") from error
        if column.shape != (n,):
            raise InvalidSampleError(
                f"`{name}` must have shape ({n},) like `user_ids`, got {column.shape}."
            )
        finite = np.isfinite(column)
        if not finite.all():
            at = int(np.flatnonzero(~finite)[0])
            raise InvalidSampleError(f"`{name}[{at}]` must be a finite number, got {column[at]}.")
        return column

    @classmethod
    def of(cls, samples: Iterable[OnlineSample]) -> Chunk:
        """Return samples as columns; a chunk is returned unchanged."""
        if isinstance(samples, Chunk):
            return samples
        samples = list(samples)
        has_features = any(sample.features is not None for sample in samples)
        return cls(
            user_ids=[sample.user_id for sample in samples],
            item_ids=[sample.item_id for sample in samples],
            targets=np.array([sample.target for sample in samples], dtype=np.float64),
            weights=np.array([sample.weight for sample in samples], dtype=np.float64),
            features=[sample.features for sample in samples] if has_features else None,
            timestamps=np.array([sample.timestamp for sample in samples], dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.user_ids)

    def __getitem__(self, at: int) -> OnlineSample:
        """Return event number `at` as a sample."""
        return OnlineSample(
            user_id=self.user_ids[at],
            item_id=self.item_ids[at],
            target=float(self.targets[at]),
            features=None if self.features is None else self.features[at],
            timestamp=0.0 if self.timestamps is None else float(self.timestamps[at]),
            weight=1.0 if self.weights is None else float(self.weights[at]),
        )

    def __iter__(self) -> Iterator[OnlineSample]:
        return (self[at] for at in range(len(self)))

    def weights_or_ones(self) -> Floats:
        """Return the weights, all 1 if the chunk has none, shape (n,)."""
        return np.ones(len(self)) if self.weights is None else self.weights

    def slice(self, start: int, stop: int) -> Chunk:
        """Return the events start, start + 1, ..., stop - 1 as a chunk."""
        part: Chunk = object.__new__(Chunk)  # the columns have been validated
        for name in _COLUMNS:
            column = getattr(self, name)
            object.__setattr__(part, name, None if column is None else column[start:stop])
        return part

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Cut into consecutive chunks of `size` events; the last one holds the rest."""
        return (self.slice(start, start + size) for start in range(0, len(self), size))


_COLUMNS = ("user_ids", "item_ids", "targets", "weights", "features", "timestamps")


def _is_finite(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False
