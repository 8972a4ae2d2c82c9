"""Drifts of known shape for simulated streams (lessons 05 and 07).

A drift is one number per event: 0 for the old concept, `size` for the new one. The four shapes are
those of J. Gama et al. (2014), "A survey on concept drift adaptation", doi:10.1145/2523813::

    abrupt         ____|▔▔▔▔      the concept changes at one event
    gradual        __|_|▔|▔▔      the probability of the new concept rises
    incremental    ___/▔▔▔▔▔      the concept changes in small steps
    recurring      __|▔|__|▔      the old concept returns
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.validation import Count, Natural, require, validated

__all__ = ["AbruptDrift", "Drift", "GradualDrift", "IncrementalDrift", "RecurringDrift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(ABC):
    """A change of known shape.

    Parameters
    ----------
    size : float
        How large the change is once it is complete, in units of what drifts (rating points, error
        rate). May be negative.
    """

    size: float = 0.5

    @abstractmethod
    def share(self, n_samples: int) -> Floats:
        """Return the completed share of the change at each event, in [0, 1], shape (n_samples,)."""

    @abstractmethod
    def change_points(self, n_samples: int) -> tuple[int, ...]:
        """Return the events at which a change begins."""

    def magnitude(self, n_samples: int) -> Floats:
        """Return the expected change at each event, `size * share`, shape (n_samples,)."""
        return self.size * self.share(n_samples)

    def draw(self, n_samples: int, rng: np.random.Generator) -> Floats:
        """Return the change at each event, shape (n_samples,); random for gradual drift."""
        return self.magnitude(n_samples)


@validated
@dataclass(frozen=True, slots=True, kw_only=True)
class AbruptDrift(Drift):
    """From event `at` on, the level has changed by `size`.

    Parameters
    ----------
    at : int, optional
        First event of the new concept; half-way through the stream by default.
    size : float

    Examples
    --------
    >>> AbruptDrift(at=2, size=0.5).magnitude(4)
    array([0. , 0. , 0.5, 0.5])
    """

    at: Natural | None = None

    def share(self, n_samples: int) -> Floats:
        """Return 0 before `at` and 1 from there on."""
        return np.where(np.arange(n_samples) >= self._at(n_samples), 1.0, 0.0)

    def change_points(self, n_samples: int) -> tuple[int, ...]:
        """Return the one change point."""
        return _inside([self._at(n_samples)], n_samples)

    def _at(self, n_samples: int) -> int:
        return n_samples // 2 if self.at is None else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transition(Drift):
    """A change that begins at the event `start` and is complete at `stop`."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        require(0 <= self.start < self.stop, "start", f"in [0, {self.stop})", self.start)

    def share(self, n_samples: int) -> Floats:
        """Return 0 until `start`, rising linearly, 1 from `stop` on."""
        return np.clip((np.arange(n_samples) - self.start) / (self.stop - self.start), 0.0, 1.0)

    def change_points(self, n_samples: int) -> tuple[int, ...]:
        """Return `start`."""
        return _inside([self.start], n_samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncrementalDrift(_Transition):
    """Between the events `start` and `stop` the level changes linearly by `size`.

    Examples
    --------
    >>> IncrementalDrift(start=1, stop=5, size=1.0).magnitude(7)
    array([0.  , 0.  , 0.25, 0.5 , 0.75, 1.  , 1.  ])
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GradualDrift(_Transition):
    """Between `start` and `stop`, each event is of the old or the new concept; the probability of
    the new one rises linearly.

    Examples
    --------
    >>> GradualDrift(start=0, stop=8, size=1.0).draw(10, np.random.default_rng(7))
    array([0., 0., 0., 1., 1., 0., 1., 1., 1., 1.])
    """

    def draw(self, n_samples: int, rng: np.random.Generator) -> Floats:
        """Return 0 or `size` for each event, drawn independently."""
        return np.where(rng.random(n_samples) < self.share(n_samples), self.size, 0.0)


@validated
@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringDrift(Drift):
    """From event `start` on, the new and the old concept alternate every `period` events.

    Examples
    --------
    >>> drift = RecurringDrift(start=2, period=2, size=1.0)
    >>> drift.magnitude(8)
    array([0., 0., 1., 1., 0., 0., 1., 1.])
    >>> drift.change_points(8)
    (2, 4, 6)
    """

    start: Natural
    period: Count

    def share(self, n_samples: int) -> Floats:
        """Return 0 until `start`, then 1 and 0 alternately."""
        turn = (np.arange(n_samples) - self.start) // self.period  # negative before the first turn
        return np.where((turn >= 0) & (turn % 2 == 0), 1.0, 0.0)

    def change_points(self, n_samples: int) -> tuple[int, ...]:
        """Return the first event of every turn."""
        return _inside(range(self.start, n_samples, self.period), n_samples)


def _inside(points: range | list[int], n_samples: int) -> tuple[int, ...]:
    return tuple(point for point in points if point < n_samples)
