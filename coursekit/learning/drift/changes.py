"""Change points of a series: the alarms of a detector, and the segments between changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidSampleError
from coursekit.datasets.series import Series
from coursekit.learning.drift.detector import Detector

__all__ = [
    "Moment",
    "Segment",
    "SeriesChanges",
    "alarms_and_changes",
    "draw_changes",
    "find_changes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A value of a series: its index, and its time if the series has times."""

    index: int
    time: str | None

    def __str__(self) -> str:
        return f"value {self.index:,}" + ("" if self.time is None else f" ({self.time})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The values `start` to `stop - 1`, between two changes."""

    start: int
    stop: int
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatistics:
    """Statistics of a whole series, with the autocorrelation at lag 1."""

    n_samples: int
    mean: float
    std: float
    minimum: float
    maximum: float
    autocorrelation: float
    n_gaps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChanges:
    """Alarms and estimated change points of a detector on a series.

    Parameters
    ----------
    column, detector : str
    alarms, changes : tuple of Moment
        The value at each alarm, and the first value after its estimated change point.
    parts : tuple of Segment
    statistics : SeriesStatistics
    """

    column: str
    detector: str
    alarms: tuple[Moment, ...]
    changes: tuple[Moment, ...]
    parts: tuple[Segment, ...]
    statistics: SeriesStatistics


def find_changes(series: Series, detector: Detector) -> SeriesChanges:
    """Run a detector over a series.

    Raises
    ------
    InvalidSampleError
        If a value is outside the detector's range.
    """
    found: list[tuple[int, int]] = []
    try:
        found.extend(alarms_and_changes(detector, series.values))
    except InvalidSampleError as error:
        name = type(detector).__name__
        words = f"{name} cannot monitor `{series.column}`: {error}"
        raise InvalidSampleError(words) from error
    edges = sorted({0, *(change for _, change in found), len(series)})
    return SeriesChanges(
        column=series.column,
        detector=repr(detector),
        alarms=tuple(_moment(series, alarm) for alarm, _ in found),
        changes=tuple(_moment(series, change) for _, change in found),
        parts=tuple(_part(series, start, stop) for start, stop in pairwise(edges)),
        statistics=_statistics(series),
    )


def alarms_and_changes(detector: Detector, values: Floats) -> Iterator[tuple[int, int]]:
    """Yield each alarm's index and the index of the first value after its change point.

    A detector without `n_since_change` puts the change at the alarm.
    """
    for at, value in enumerate(values.tolist()):
        try:
            detector.update(value)
        except InvalidSampleError as error:
            raise InvalidSampleError(f"value {at}: {error}") from error
        if detector.drift_detected:
            yield at, at + 1 - int(getattr(detector, "n_since_change", 1))


def draw_changes(found: SeriesChanges, series: Series, path: Path) -> None:
    """Draw a series with the means of its parts and its alarms into a .png file."""
    from coursekit import figures

    count = len(found.alarms)
    lengths = [part.stop - part.start for part in found.parts]
    axes = figures.plot_curves(
        {
            series.column: series.values,
            "its mean": np.repeat([part.mean for part in found.parts], lengths),
        },
        title=f"{series.column}: {count:,} alarm{'' if count == 1 else 's'} in {len(series):,} "
        f"values",
        x_label="values seen",
        y_label=series.column,
        roles={series.column: "baseline", "its mean": "model"},
    )
    axes.lines[0].set(linewidth=0.6, linestyle="solid")
    figures.mark_alarm(axes, [alarm.index for alarm in found.alarms])
    places = ", ".join(map(str, found.alarms[:20]))
    alt = (
        f"Line chart of {series.column} over {len(series):,} values with {count:,} "
        f"alarms{': ' + places if places else ''}."
    )
    figures.save(axes, path, alt=alt)


def _moment(series: Series, index: int) -> Moment:
    return Moment(index=index, time=None if series.times is None else series.times[index])


def _part(series: Series, start: int, stop: int) -> Segment:
    values = series.values[start:stop]
    return Segment(start=start, stop=stop, mean=float(values.mean()), std=float(values.std()))


def _statistics(series: Series) -> SeriesStatistics:
    values = series.values
    deviations = values - values.mean()
    return SeriesStatistics(
        n_samples=len(values),
        mean=float(values.mean()),
        std=float(values.std()),
        minimum=float(values.min()),
        maximum=float(values.max()),
        autocorrelation=float((deviations[1:] * deviations[:-1]).sum() / (deviations**2).sum()),
        n_gaps=series.n_gaps,
    )
