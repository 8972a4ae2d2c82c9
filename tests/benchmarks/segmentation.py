"""Change points of real series marked by annotators, and the covering metric (lesson 05).

In the Turing Change Point Dataset five annotators marked the changes in every series. They
disagree, so a detector is compared with each of them: G. van den Burg, C. Williams (2020), "An
evaluation of change point detection algorithms", arXiv:2003.06222.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.learning.drift.changes import alarms_and_changes
from coursekit.learning.drift.detector import Detector

__all__ = ["MarkedSeries", "change_points_of", "covering", "covering_score", "read_marked_series"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedSeries:
    """A real series with the change points of its annotators.

    Parameters
    ----------
    name : str
    values : array, shape (n_dimensions, n)
        Each dimension with mean 0 and standard deviation 1; missing values interpolated.
    marks : mapping
        Annotator -> first value of each new segment.
    """

    name: str
    values: Floats
    marks: Mapping[str, tuple[int, ...]]


def read_marked_series(folder: str | Path) -> tuple[MarkedSeries, ...]:
    """Read the series of the Turing Change Point Dataset that are in a folder, in the order of
    their names.
    """
    folder = Path(folder)
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    return tuple(
        _marked_series(folder, name, annotations[name])
        for name in sorted(annotations)
        if (folder / f"{name}.json").is_file()
    )


def change_points_of(
    make_detector: Callable[[], Detector], series: MarkedSeries
) -> tuple[int, ...]:
    """Return the union of the change points estimated by one detector per dimension."""
    found = {
        change
        for values in series.values
        for _, change in alarms_and_changes(make_detector(), values)
    }
    return tuple(sorted(found - {0}))


def covering(true: Iterable[int], found: Iterable[int], n_samples: int) -> float:
    r"""Return the covering of the true segments by the estimated ones, in (0, 1].

    Model: the mean over true segments A, weighted by length, of the best Jaccard index, $\frac1n
    \sum_A |A| \max_B \frac{|A\cap B|}{|A\cup B|}$.

    Parameters
    ----------
    true, found : iterable of int, in (0, n_samples)
        First values of new segments.
    n_samples : int, 1 or more

    Raises
    ------
    InvalidParameterError
        If a segment begins outside the series.

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
    """Return the mean covering over the annotators."""
    found = tuple(found)
    n = series.values.shape[1]
    marked = [[begin for begin in marks if begin > 0] for marks in series.marks.values()]
    return float(np.mean([covering(begins, found, n) for begins in marked]))


def _marked_series(folder: Path, name: str, marks: Mapping[str, list[int]]) -> MarkedSeries:
    parsed = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    raw = np.array([each["raw"] for each in parsed["series"]], dtype=np.float64)  # None: nan
    return MarkedSeries(
        name=name,
        values=np.array([_standardized(each) for each in raw]),
        marks={person: tuple(marked) for person, marked in marks.items()},
    )


def _parts(begins: Iterable[int], n_samples: int) -> list[tuple[int, int]]:
    """Return start and stop of every segment."""
    inner = sorted(set(begins))
    if inner and not 0 < inner[0] <= inner[-1] < n_samples:
        raise InvalidParameterError(f"Parts must begin in (0, {n_samples}), got {inner}.")
    return list(pairwise([0, *inner, n_samples]))


def _overlap(start: int, stop: int, other_start: int, other_stop: int) -> float:
    """Return the Jaccard index of two segments."""
    common = max(0, min(stop, other_stop) - max(start, other_start))
    return common / (stop - start + other_stop - other_start - common)


def _standardized(values: Floats) -> Floats:
    """Interpolate missing values; subtract the mean and divide by the standard deviation."""
    at = np.arange(len(values))
    known = np.isfinite(values)
    whole = np.interp(at, at[known], values[known])
    return np.asarray((whole - whole.mean()) / whole.std())
