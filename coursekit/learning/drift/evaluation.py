"""Evaluation of drift detectors: delay, false alarms and misses over many seeds, on streams with
known change points (lesson 05).

No single number suffices: a detector that always alarms has no delay, one that never alarms has no
false alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.learning.drift.changes import alarms_and_changes
from coursekit.learning.drift.detector import Detector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DetectionRow", "DetectionTable", "KnownStream", "alarms_of", "evaluate_detectors"]

_PER = 10_000


class KnownStream(Protocol):
    """A stream with known change points, such as
    :class:`~coursekit.datasets.streams.ErrorStream`.
    """

    @property
    def values(self) -> Floats:
        """Input of the detector, shape (n,)."""

    @property
    def change_points(self) -> tuple[int, ...]:
        """The values at which a change begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRow:
    """Results of one detector on the seeds of one stream.

    Parameters
    ----------
    detector, stream : str
    n_seeds : int
    n_changes : int
        Total over all seeds.
    delays : tuple of int
        For each detected change, the number of values from the change to the alarm.
    n_unchanged : int
        Values before the first change, total over all seeds.
    n_false : int
        Alarms among them.
    n_repeated : int
        Alarms for a change that had already been detected.
    """

    detector: str
    stream: str
    n_seeds: int
    n_changes: int
    delays: tuple[int, ...]
    n_unchanged: int
    n_false: int
    n_repeated: int

    @property
    def n_missed(self) -> int:
        """Changes without an alarm before the next change or the end."""
        return self.n_changes - len(self.delays)

    @property
    def median_delay(self) -> float:
        """Median over all changes, with infinite delay for a missed one; NaN without changes."""
        late = [float(delay) for delay in self.delays] + [np.inf] * self.n_missed
        return float(np.median(late)) if late else float("nan")

    @property
    def false_alarms_per_10k(self) -> float:
        """Alarms in 10,000 values without a change; NaN if there were no such values."""
        return _PER * self.n_false / self.n_unchanged if self.n_unchanged else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionTable:
    """Results of every detector on every stream."""

    rows: tuple[DetectionRow, ...]

    def row(self, detector: str, stream: str) -> DetectionRow:
        """Return one row.

        Raises
        ------
        UnknownNameError
            If there is no such row.
        """
        for row in self.rows:
            if (row.detector, row.stream) == (detector, stream):
                return row
        known = ", ".join(f"{row.detector} on {row.stream}" for row in self.rows)
        raise UnknownNameError(f"There is no row {detector!r} on {stream!r}; there are {known}.")

    def __str__(self) -> str:
        """Write the table in Markdown."""
        head = "| detector | stream | median delay | missed | false alarms in 10,000 | repeated |"
        lines = [head, "|---" * 6 + "|"]
        for row in self.rows:
            lines.append(
                f"| {row.detector} | {row.stream} | {_text(row.median_delay)} | "
                f"{row.n_missed} of {row.n_changes} "
                f"| {_text(row.false_alarms_per_10k)} | {row.n_repeated} |"
            )
        return "\n".join(lines)

    def plot(self, stream: str, *, title: str, roles: Mapping[str, str] | None = None) -> Axes:
        """Draw the delays of all detectors on one stream (median, 10-90 %), and beside each its
        false alarms and misses.

        Parameters
        ----------
        stream : str
            One with changes.
        title : str
            The finding, as a sentence.
        roles : mapping, optional
            Detector -> role, see :mod:`coursekit.figures.curves`.
        """
        from coursekit import figures
        from coursekit.figures.style import note

        rows = [row for row in self.rows if row.stream == stream]
        if not any(row.delays for row in rows):
            raise InvalidParameterError(
                f"`stream` must be one on which a change was found, got {stream!r}."
            )
        shown = [row for row in rows if row.delays]
        found = {row.detector: row.delays for row in shown}
        x_label = "values from the change to the alarm"
        silent = [row.detector for row in rows if not row.delays]
        if silent:
            x_label += f" (no alarm at all: {', '.join(silent)})"
        axes = figures.plot_dots(
            found, title=title, x_label=x_label, roles=roles, number_format="{:.0f}"
        )
        for at, row in enumerate(shown):
            words = f"{_text(row.false_alarms_per_10k)} false in 10,000"
            if row.n_missed:
                words += f"\n{row.n_missed} of {row.n_changes} missed"
            place: dict[str, Any] = {"along": ("axes fraction", "data"), "fontsize": 9}
            note(axes, words, (1.0, at), (8, 0), **place)
        axes.set_xlim(left=0)
        return axes


def evaluate_detectors(
    detectors: Mapping[str, Callable[[], Detector]],
    streams: Mapping[str, Callable[[int], KnownStream]],
    seeds: Iterable[int] = range(30),
) -> DetectionTable:
    """Run every detector on every stream and seed, and return delays, misses and false alarms.

    An alarm before the first change is false; the first alarm between a change and the next one
    detects it; further ones there are repeated. A stream without a change measures false alarms
    only.

    Parameters
    ----------
    detectors : mapping
        Name -> function that creates a detector: any object with `update` and `drift_detected`.
    streams : mapping
        Name -> function of a seed that creates a stream, such as `error_stream`.
    seeds : iterable of int
        At least 30 for a reliable median.

    Examples
    --------
    >>> from coursekit.datasets.streams import AbruptDrift, error_stream
    >>> from coursekit.learning import drift
    >>> def rise(seed):
    ...     return error_stream(4000, seed=seed, level=0.2, drift=AbruptDrift(size=0.2))
    >>> detectors = {"ADWIN": drift.ADWIN, "GLR": drift.BernoulliGLR}
    >>> print(evaluate_detectors(detectors, {"0.2 to 0.4": rise}))
    | detector | stream | median delay | missed | false alarms in 10,000 | repeated |
    |---|---|---|---|---|---|
    | ADWIN | 0.2 to 0.4 | 175 | 0 of 30 | 0 | 0 |
    | GLR | 0.2 to 0.4 | 92 | 0 of 30 | 0 | 0 |
    """
    seeds = list(seeds)
    rows = []
    for stream_name, make_stream in streams.items():
        known = [make_stream(seed) for seed in seeds]
        for detector_name, make_detector in detectors.items():
            runs = [(alarms_of(make_detector(), stream.values), stream) for stream in known]
            rows.append(_row(detector_name, stream_name, runs))
    return DetectionTable(rows=tuple(rows))


def alarms_of(detector: Detector, values: Floats) -> Indices:
    """Return the indices of the alarms, by `update_many` if the detector has it."""
    update_many = getattr(detector, "update_many", None)
    if update_many is not None:
        alarms: Indices = update_many(values)
        return alarms
    return np.array([alarm for alarm, _ in alarms_and_changes(detector, values)], dtype=np.intp)


def _row(detector: str, stream: str, runs: list[tuple[Indices, KnownStream]]) -> DetectionRow:
    """Return the results over all seeds of one stream."""
    delays: list[int] = []
    n_changes = n_unchanged = n_false = n_repeated = 0
    for alarms, known in runs:
        ends = [*known.change_points, len(known.values)]
        n_changes += len(known.change_points)
        n_unchanged += ends[0]
        n_false += int(np.count_nonzero(alarms < ends[0]))
        for begin, end in pairwise(ends):
            inside = alarms[(alarms >= begin) & (alarms < end)]
            delays.extend(int(alarm) - begin for alarm in inside[:1])
            n_repeated += len(inside[1:])
    return DetectionRow(
        detector=detector,
        stream=stream,
        n_seeds=len(runs),
        n_changes=n_changes,
        delays=tuple(delays),
        n_unchanged=n_unchanged,
        n_false=n_false,
        n_repeated=n_repeated,
    )


def _text(number: float) -> str:
    """Format a number with two significant digits, or as an integer if it is 10 or more.

    >>> _text(0.1234), _text(175.0), _text(float("inf")), _text(float("nan"))
    ('0.12', '175', 'never', '')
    """
    if np.isnan(number):
        return ""
    if np.isinf(number):
        return "never"
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
