"""Horizontal bar charts and dot plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from coursekit.figures.style import (
    GRID,
    INK,
    QUIET,
    Look,
    course_style,
    group_thousands,
    looks_of,
    new_axes,
    note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_bars", "plot_dots", "plot_intervals"]

_BAND = (10, 50, 90)  # percent
_Values = Mapping[str, float | Sequence[float]]


def plot_bars(
    values: _Values,
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

    def bar(axes: Axes, row: int, look: Look, low: float, middle: float, high: float) -> None:
        bars = axes.barh(row, middle, height=0.62, color=look.colour, hatch=look.hatch)
        bars[0].set(edgecolor="white", linewidth=0)
        _whisker(axes, row, low, high, INK)
        note(axes, number_format.format(middle), (max(middle, high), row), (5, 0), color=INK)

    return _rows(values, bar, title=title, x_label=x_label, roles=roles, axes=axes, from_zero=True)


def plot_dots(
    values: _Values,
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

    def dot(axes: Axes, row: int, look: Look, low: float, middle: float, high: float) -> None:
        _whisker(axes, row, low, high, look.colour)
        axes.plot(middle, row, look.marker, color=look.colour, markersize=8)
        words = number_format.format(middle)
        note(axes, words, (middle, row), (0, 8), ha="center", va="baseline", color=INK, fontsize=9)

    axes = _rows(values, dot, title=title, x_label=x_label, roles=roles, axes=axes)
    axes.grid(True, axis="y", color=GRID, linestyle=(0, (1, 2)))
    return axes


def plot_intervals(
    values: Mapping[str, tuple[float, float, float]],
    *,
    title: str,
    x_label: str,
    reference: float | None = None,
    reference_label: str = "",
    roles: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw estimates with their confidence intervals, one row each, and a line to compare with.

    Parameters
    ----------
    values : mapping
        Name -> (low, estimate, high); drawn from top to bottom.
    title, x_label, roles, axes
        As in `plot_bars`.
    reference : float, optional
        Where a dashed line is drawn, such as no effect or the truth.
    reference_label : str
        Its name.
    """

    def interval(axes: Axes, row: int, look: Look, low: float, middle: float, high: float) -> None:
        _whisker(axes, row, low, high, look.colour)
        axes.plot(middle, row, look.marker, color=look.colour, markersize=7)

    band = (0, 50, 100)  # of three numbers in order: themselves
    axes = _rows(values, interval, title=title, x_label=x_label, roles=roles, axes=axes, band=band)
    if reference is not None:
        axes.axvline(reference, color=QUIET, linestyle=(0, (4, 3)), linewidth=1.3, zorder=1.5)
        at, along = (reference, 0.0), ("data", "axes fraction")
        note(axes, reference_label, at, (4, 3), along=along, va="bottom", color=QUIET, fontsize=9)
    return axes


def _rows(
    values: _Values,
    draw: Callable[..., None],
    *,
    title: str,
    x_label: str,
    roles: Mapping[str, str] | None,
    axes: Axes | None,
    from_zero: bool = False,
    band: tuple[int, int, int] = _BAND,
) -> Axes:
    """Draw one row per name, the first on top, with the percentiles `band` of its values."""
    looks = looks_of(values, roles, default="model")
    axes = new_axes(height=1.15 + 0.36 * len(values)) if axes is None else axes
    with course_style():
        axes.set(title=title, xlabel=x_label, ylim=(len(values) - 0.45, -0.55))
        axes.set_yticks(range(len(values)), list(values))
        axes.tick_params(axis="y", labelsize=10, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        for row, (name, each) in enumerate(values.items()):
            draw(axes, row, looks[name], *np.percentile(np.atleast_1d(each), band).tolist())
        if from_zero:
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.margins(x=0.12)
        group_thousands(axes.xaxis)
    return axes


def _whisker(axes: Axes, row: int, low: float, high: float, colour: str) -> None:
    if high > low:
        (line,) = axes.plot([low, high], [row, row], color=colour, linewidth=2.4, alpha=0.75)
        line.set_solid_capstyle("butt")
