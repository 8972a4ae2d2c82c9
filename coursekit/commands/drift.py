"""`coursekit drift`: detect changes in a column of your own file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coursekit.commands.command import Answer, Figure, command

if TYPE_CHECKING:
    from coursekit.learning.drift.changes import SeriesChanges

__all__ = ["drift"]

_SETTINGS = {"GaussianGLR": {"autocorrelated": True}}  # most measured series are autocorrelated
_AUTOCORRELATED = 0.3  # above this, detectors that assume independence raise too many alarms


@command
def drift(
    file: Path,
    *,
    column: str,
    detector: str = "GaussianGLR",
    time: str | None = None,
    figure: Figure = None,
) -> Answer:
    """Find where a column of your own file changed.

    A drift detector runs over a column of FILE, value by value; its alarms and the estimated change
    points are reported.

    FILE has a header and fields separated by comma, semicolon or tab; plain or gzip. Missing
    values, text, a constant column and decreasing times are errors, reported with the line. The
    detector runs with its default settings, GaussianGLR with `autocorrelated=True`.

    Parameters
    ----------
    column : NAME
        The column to monitor, by its name in the header.
    detector : NAME
        ConceptDriftDetector, PageHinkley, HDDM_A, HDDM_W, ADWIN, KSWIN or GaussianGLR; for
        errors that are 0 or 1 also DDM, EDDM and BernoulliGLR.
    time : NAME
        The column with the time of each value.
    figure : OUT.png
        Draw the column with its alarms into this file.
    """
    from coursekit.datasets.series import read_series
    from coursekit.learning.drift import detector_named
    from coursekit.learning.drift.changes import draw_changes, find_changes

    monitor = detector_named(detector, **_SETTINGS.get(detector, {}))
    series = read_series(file, column, time)
    found = find_changes(series, monitor)
    if figure is not None:
        draw_changes(found, series, figure)
    return Answer(data={"file": file, **asdict(found)}, text="\n".join(_report(found)))


def _report(found: SeriesChanges) -> Iterator[str]:
    """Yield the lines of the report."""
    numbers = found.statistics
    yield click.style(f"{found.column}, monitored by {found.detector}", bold=True)
    yield f"  values           {numbers.n_samples:>12,}"
    yield f"  mean             {numbers.mean:>12.6g}  (standard deviation {numbers.std:.6g})"
    yield f"  range            {numbers.minimum:>12.6g}  to {numbers.maximum:.6g}"
    yield f"  autocorrelation  {numbers.autocorrelation:>12.2f}  (at lag 1)"
    if numbers.autocorrelation > _AUTOCORRELATED and "autocorrelated=True" not in found.detector:
        yield (
            "  The values are autocorrelated: a detector that assumes independence raises more "
            "false alarms."
        )
    if numbers.n_gaps:
        yield f"  {numbers.n_gaps:,} gaps: more than twice the median time between two values."
    yield ""
    count = len(found.alarms)
    yield click.style(f"{f'{count:,}' if count else 'No'} alarm{'s' * (count > 1)}", bold=True)
    means = {part.start: part.mean for part in found.parts}
    starts = sorted(means)
    for alarm, change in zip(found.alarms, found.changes, strict=True):
        before = means[starts[max(0, starts.index(change.index) - 1)]]
        words = f"mean {before:.6g} before, {means[change.index]:.6g} after"
        yield f"  at {alarm}: changed since {change}, {words}"
