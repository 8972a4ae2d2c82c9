"""Detectors beside people: change points of real series, and how well two segmentations cover each
other (lesson 05).

The Turing Change Point Dataset has series in which five people each marked the changes. They
disagree, and so a detector is held against each of them: G. van den Burg, C. Williams (2020), "An
evaluation of change point detection algorithms", arXiv:2003.06222.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.learning.drift.detector import Detector

__all__ = ["MarkedSeries", "change_points_of", "covering", "covering_score", "read_marked_series"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedSeries:
    """A real series, with the changes that people saw in it.

    Parameters
    ----------
    name : str
    values : array, shape (n_dimensions, n)
        Each dimension with mean 0 and standard deviation 1; missing values filled in along a line.
    marks : mapping
        Person -> the values at which each new part begins, as that person saw it.
    """

    name: str
    values: _Floats
    marks: Mapping[str, tuple[int, ...]]


def read_marked_series(folder: str | Path) -> tuple[MarkedSeries, ...]:
    """Read the series of the Turing Change Point Dataset that are in a folder, in the order of
    their names.
    """
    folder = Path(folder)
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    found = []
    for name in sorted(annotations):
        path = folder / f"{name}.json"
        if path.is_file():
            series = json.loads(path.read_text(encoding="utf-8"))["series"]
            raw = np.array(
                [[np.nan if value is None else value for value in each["raw"]] for each in series],
                dtype=np.float64,
            )
            marks = {person: tuple(marked) for person, marked in annotations[name].items()}
            found.append(
                MarkedSeries(
                    name=name, values=np.array([_standardized(each) for each in raw]), marks=marks
                )
            )
    return tuple(found)


def change_points_of(
    make_detector: Callable[[], Detector], series: MarkedSeries
) -> tuple[int, ...]:
    """Return the values at which a detector believes that a new part begins: a detector for each
    dimension, all it finds together.

    The begin is where the detector puts it (`n_since_change`), or the alarm itself if it does not
    say.
    """
    found = set()
    for values in series.values:
        detector = make_detector()
        for t, value in enumerate(values.tolist()):
            detector.update(value)
            if detector.drift_detected:
                found.add(t + 1 - int(getattr(detector, "n_since_change", 1)))
    return tuple(sorted(found - {0}))


def covering(true: Iterable[int], found: Iterable[int], n_samples: int) -> float:
    r"""How well the parts that were found cover the true ones, in (0, 1].

    Model: each true part A counts by its length with its best match, $\frac1n \sum_A |A| \max_B
    \frac{|A\cap B|}{|A\cup B|}$.

    Parameters
    ----------
    true, found : iterable of int, in (0, n_samples)
        Where new parts begin.
    n_samples : int, 1 or more

    Raises
    ------
    InvalidParameterError
        If a begin is outside the series.

    Examples
    --------
    >>> covering([50], [50], 100), covering([50], [], 100), covering([], [50], 100)
    (1.0, 0.5, 0.5)
    """
    begins = _parts(found, n_samples)
    total = 0.0
    for start, stop in _parts(true, n_samples):
        total += (stop - start) * max(_overlap(start, stop, *part) for part in begins)
    return total / n_samples


def covering_score(series: MarkedSeries, found: Iterable[int]) -> float:
    """Return the mean covering of what each person marked by what was found."""
    found = tuple(found)
    n = series.values.shape[1]
    return float(
        np.mean(
            [
                covering([begin for begin in marks if begin > 0], found, n)
                for marks in series.marks.values()
            ]
        )
    )


def _parts(begins: Iterable[int], n_samples: int) -> list[tuple[int, int]]:
    """Return start and stop of every part."""
    inner = sorted(set(begins))
    if inner and not 0 < inner[0] <= inner[-1] < n_samples:
        raise InvalidParameterError(f"Parts must begin in (0, {n_samples}), got {inner}.")
    return list(pairwise([0, *inner, n_samples]))


def _overlap(start: int, stop: int, other_start: int, other_stop: int) -> float:
    """Return what two parts have in common, as a share of what they have together."""
    common = max(0, min(stop, other_stop) - max(start, other_start))
    return common / (stop - start + other_stop - other_start - common)


def _standardized(values: _Floats) -> _Floats:
    """Fill in missing values along a line; take off the mean and divide by the standard
    deviation.
    """
    at = np.arange(len(values))
    known = np.isfinite(values)
    whole = np.interp(at, at[known], values[known])
    return np.asarray((whole - whole.mean()) / whole.std())
