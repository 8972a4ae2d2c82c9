"""Horizontal bar charts and dot plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from coursekit.figures.style import GRID, INK, course_style, group_thousands, looks_of, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_bars", "plot_dots"]

_BAND = (10, 50, 90)  # percent


@course_style()
def plot_bars(
    values: Mapping[str, float | Sequence[float]],
    *,
    title: str,
    x_label: str,
    roles: Mapping[str, str] | None = None,
    number_format: str = "{:.3g}",
    axes: Axes | None = None,
) -> Axes:
    """Draw a horizontal bar chart with values; several seeds become a median with a 10-90 %
    interval.

    For numbers far from 0 and close to each other, such as errors of several learners, use
    `plot_dots`.

    Parameters
    ----------
    values : mapping
        Name -> amount, or one for each seed; drawn from top to bottom.
    title, x_label : str
    roles : mapping, optional
        Name -> role; default: "model" for all.
    number_format : str
        Format of the values.
    axes : Axes, optional
    """
    looks = looks_of(values, roles, default="model")
    axes = _rows(values, title=title, x_label=x_label, axes=axes)
    for row, (name, low, middle, high) in enumerate(_intervals(values)):
        axes.barh(
            row,
            middle,
            height=0.62,
            color=looks[name].colour,
            hatch=looks[name].hatch,
            edgecolor="white",
            linewidth=0,
        )
        _whisker(axes, row, low, high, INK)
        axes.annotate(
            number_format.format(middle),
            (max(middle, high), row),
            (5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.margins(x=0.12)
    group_thousands(axes.xaxis)
    return axes


@course_style()
def plot_dots(
    values: Mapping[str, float | Sequence[float]],
    *,
    title: str,
    x_label: str,
    roles: Mapping[str, str] | None = None,
    number_format: str = "{:.4g}",
    axes: Axes | None = None,
) -> Axes:
    """Draw a dot plot, on an axis that need not include 0; several seeds become a median with a
    10-90 % interval.

    Parameters
    ----------
    values : mapping
        Name -> number, or one for each seed; drawn from top to bottom.
    title, x_label, roles, number_format, axes
        As in `plot_bars`.
    """
    looks = looks_of(values, roles, default="model")
    axes = _rows(values, title=title, x_label=x_label, axes=axes)
    axes.grid(True, axis="y", color=GRID, linestyle=(0, (1, 2)))
    for row, (name, low, middle, high) in enumerate(_intervals(values)):
        _whisker(axes, row, low, high, looks[name].colour)
        axes.plot(
            middle,
            row,
            marker=looks[name].marker,
            color=looks[name].colour,
            markersize=8,
            linestyle="none",
        )
        axes.annotate(
            number_format.format(middle),
            (middle, row),
            (0, 8),
            textcoords="offset points",
            ha="center",
            color=INK,
            fontsize=9,
        )
    axes.margins(x=0.12)
    group_thousands(axes.xaxis)
    return axes


def _rows(
    values: Mapping[str, float | Sequence[float]], *, title: str, x_label: str, axes: Axes | None
) -> Axes:
    """Return axes with one row per name, the first on top."""
    axes = new_axes(height=1.15 + 0.36 * len(values)) if axes is None else axes
    axes.set(title=title, xlabel=x_label)
    axes.set_yticks(range(len(values)), list(values))
    axes.tick_params(axis="y", labelsize=10, labelcolor=INK)
    axes.set_ylim(len(values) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    return axes


def _intervals(
    values: Mapping[str, float | Sequence[float]],
) -> list[tuple[str, float, float, float]]:
    """Return name, 10th, 50th and 90th percentile."""
    whiskers = []
    for name, each in values.items():
        low, middle, high = map(float, np.percentile(np.atleast_1d(each), _BAND))
        whiskers.append((name, low, middle, high))
    return whiskers


def _whisker(axes: Axes, row: int, low: float, high: float, colour: str) -> None:
    if high > low:
        axes.plot(
            [low, high], [row, row], color=colour, linewidth=2.4, alpha=0.75, solid_capstyle="butt"
        )
