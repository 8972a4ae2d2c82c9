"""`coursekit drift`: where did a column of your own file change?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.core.errors import InvalidSampleError

if TYPE_CHECKING:
    from coursekit.datasets.series import Series
    from coursekit.learning.drift import DriftDetector

__all__ = ["drift"]

_SETTINGS = {
    "GaussianGLR": {"autocorrelated": True}
}  # what people measure resembles what they measured a moment before
_RESEMBLING = 0.3  # neighbours that are correlated more than this make detectors nervous


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """A value of the series: how many come before it, and when it was taken."""

    index: int
    time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What lies between two changes; `stop` is the first value that no longer belongs to it."""

    start: int
    stop: int
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statistics:
    """The series as a whole."""

    n_samples: int
    mean: float
    std: float
    minimum: float
    maximum: float
    autocorrelation: float
    n_gaps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """Everything the command says."""

    file: str
    column: str
    detector: str
    alarms: tuple[_Moment, ...]
    changes: tuple[_Moment, ...]
    parts: tuple[_Part, ...]
    statistics: _Statistics


@click.command(short_help="Find where a column of your own file changed.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--column",
    required=True,
    metavar="NAME",
    help="The column to watch, by its name in the header.",
)
@click.option(
    "--detector",
    "name",
    default="GaussianGLR",
    show_default=True,
    metavar="NAME",
    help="ConceptDriftDetector, PageHinkley, HDDM_A, HDDM_W, ADWIN, KSWIN or GaussianGLR; for "
    "errors that are 0 or 1 also DDM, "
    "EDDM and BernoulliGLR.",
)
@click.option("--time", metavar="NAME", help="The column that says when each value was taken.")
@click.option(
    "--figure",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.png",
    help="Draw the column with its alarms into this file.",
)
@json_option
def drift(
    file: Path, column: str, name: str, time: str | None, figure: Path | None, as_json: bool
) -> None:
    """Watch a column of FILE value by value, as if it were just coming in, and say where it
    changed.

    FILE has a header and fields separated by comma, semicolon or tab; plain or gzip. Gaps, text, a
    constant and times that go back are refused, with the line. The detector runs at its defaults;
    only GaussianGLR is told to expect that neighbouring values resemble each other.
    """
    if figure is not None and (figure.suffix != ".png" or not figure.absolute().parent.is_dir()):
        raise click.BadParameter(
            f"`{figure}` must be the name of a .png file in a folder that exists.",
            param_hint="--figure",
        )
    from coursekit.datasets.series import read_series
    from coursekit.learning.drift import detector_named

    detector = detector_named(name, **_SETTINGS.get(name, {}))
    series = read_series(file, column, time)
    finding = _find(file, series, detector)
    if figure is not None:
        _draw(finding, series, figure)
    if as_json:
        emit_json(finding)
    else:
        click.echo("\n".join(_report(finding)))


def _find(file: Path, series: Series, detector: DriftDetector) -> _Finding:
    """Run the detector over the series."""
    alarms, changes = [], []
    for index, value in enumerate(series.values.tolist()):
        try:
            detector.update(value)
        except InvalidSampleError as error:
            words = (
                f"{type(detector).__name__} cannot watch `{series.column}`, because of value "
                f"{index}"
            )
            raise InvalidSampleError(f"{words}: {error}") from error
        if detector.drift_detected:
            alarms.append(index)
            changes.append(index + 1 - detector.n_since_change)
    edges = sorted({0, *changes, len(series)})
    return _Finding(
        file=str(file),
        column=series.column,
        detector=repr(detector),
        alarms=tuple(_moment(series, index) for index in alarms),
        changes=tuple(_moment(series, index) for index in changes),
        parts=tuple(_part(series, start, stop) for start, stop in pairwise(edges)),
        statistics=_statistics(series),
    )


def _part(series: Series, start: int, stop: int) -> _Part:
    values = series.values[start:stop]
    return _Part(start=start, stop=stop, mean=float(values.mean()), std=float(values.std()))


def _moment(series: Series, index: int) -> _Moment:
    return _Moment(index=index, time=None if series.times is None else series.times[index])


def _statistics(series: Series) -> _Statistics:
    values = series.values
    deviations = values - values.mean()
    return _Statistics(
        n_samples=len(values),
        mean=float(values.mean()),
        std=float(values.std()),
        minimum=float(values.min()),
        maximum=float(values.max()),
        autocorrelation=float((deviations[1:] * deviations[:-1]).sum() / (deviations**2).sum()),
        n_gaps=series.n_gaps,
    )


def _report(finding: _Finding) -> Iterator[str]:
    """Lay the finding out, line by line."""
    numbers = finding.statistics
    yield click.style(f"{finding.column}, watched by {finding.detector}", bold=True)
    yield f"  values           {numbers.n_samples:>12,}"
    yield f"  mean             {numbers.mean:>12.6g}  (standard deviation {numbers.std:.6g})"
    yield f"  range            {numbers.minimum:>12.6g}  to {numbers.maximum:.6g}"
    yield (
        f"  autocorrelation  {numbers.autocorrelation:>12.2f}  (of each value with the one before)"
    )
    if numbers.autocorrelation > _RESEMBLING and "autocorrelated=True" not in finding.detector:
        yield (
            "  Neighbouring values resemble each other: this detector raises more alarms than "
            "there are changes."
        )
    if numbers.n_gaps:
        yield (
            f"  {numbers.n_gaps:,} times, more than twice the usual time passes between two values."
        )
    yield ""
    if not finding.alarms:
        yield click.style("No alarm", bold=True)
        return
    count = len(finding.alarms)
    yield click.style(f"{count:,} alarm{'s' if count > 1 else ''}", bold=True)
    means = {part.start: part.mean for part in finding.parts}
    starts = sorted(means)
    for alarm, change in zip(finding.alarms, finding.changes, strict=True):
        before = means[starts[max(0, starts.index(change.index) - 1)]]
        words = f"mean {before:.6g} before, {means[change.index]:.6g} after"
        yield f"  at {_where(alarm)}: changed since {_where(change)}, {words}"


def _where(moment: _Moment) -> str:
    return (
        f"value {moment.index:,}"
        if moment.time is None
        else f"value {moment.index:,} ({moment.time})"
    )


def _draw(finding: _Finding, series: Series, path: Path) -> None:
    import numpy as np

    from coursekit import figures

    count = len(finding.alarms)
    axes = figures.plot_curves(
        {
            series.column: series.values,
            "its mean": np.repeat([part.mean for part in finding.parts], _lengths(finding)),
        },
        title=f"{series.column}: {count:,} alarm{'' if count == 1 else 's'} in {len(series):,} "
        f"values",
        x_label="values seen",
        y_label=series.column,
        roles={series.column: "baseline", "its mean": "model"},
    )
    axes.lines[0].set(linewidth=0.6, linestyle="solid")
    figures.mark_alarm(axes, [alarm.index for alarm in finding.alarms])
    places = ", ".join(_where(alarm) for alarm in finding.alarms[:20])
    alt = (
        f"Line chart of {series.column} over {len(series):,} values with {count:,} "
        f"alarms{': ' + places if places else ''}."
    )
    figures.save(axes, path, alt=alt)


def _lengths(finding: _Finding) -> list[int]:
    return [part.stop - part.start for part in finding.parts]
