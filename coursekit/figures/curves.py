"""Line charts over a stream, with direct labels and marks for drift and alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.evaluation.progressive import LearningCurve
from coursekit.figures.panels import draw_curves
from coursekit.figures.style import (
    QUIET,
    ROLES,
    Look,
    course_style,
    figure_of,
    group_thousands,
    looks_of,
    new_axes,
    note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["mark_alarm", "mark_drift", "mark_points", "plot_curves", "plot_learning_curves"]

_NAMED_AT_THE_LINE = 4  # more lines than this get a legend
_LINE_HEIGHT = 1.25  # of a name at its line, in font sizes


@course_style()
def plot_curves(
    curves: Mapping[str, ArrayLike],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x: ArrayLike | None = None,
    roles: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw labelled lines over a stream; several seeds become a median with a 10-90 % band.

    Parameters
    ----------
    curves : mapping
        Name -> values of shape (n_points,), or (n_seeds, n_points).
    title : str
        The finding, as a sentence.
    x_label, y_label : str
        What the axes measure, with the unit.
    x : array, shape (n_points,), optional
        Positions; 0, 1, 2, ... when left out.
    roles : mapping, optional
        Name -> role (see `ROLES`); names left out get the free roles in order: model, baseline,
        challenger, second, third.
    axes : Axes, optional
        Where to draw; a figure of its own when left out.

    Raises
    ------
    InvalidParameterError
        If there is nothing to draw, or curves and `x` differ in length.
    UnknownNameError
        If there is no such role.
    """
    looks = looks_of(curves, roles)
    axes = new_axes() if axes is None else axes
    middles = draw_curves(axes, curves, looks, x)
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    group_thousands(axes.xaxis)
    _name_lines(
        axes, [(name, _last_finite(middle), looks[name]) for name, middle in middles.items()]
    )
    return axes


def plot_learning_curves(
    results: Mapping[str, LearningCurve | Sequence[LearningCurve]],
    *,
    title: str,
    y_label: str = "RMSE, rating points",
    x_label: str = "ratings seen",
    cumulative: bool = False,
    roles: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw learning curves, as returned by `progressive_validation`.

    Parameters
    ----------
    results : mapping
        Name -> one learning curve, or one for each seed.
    title : str
    x_label, y_label : str
    cumulative : bool
        Draw the cumulative error instead of the error within each block.
    roles, axes
        As in `plot_curves`.
    """
    runs = {
        name: [each] if isinstance(each, LearningCurve) else list(each)
        for name, each in results.items()
    }
    curves = {
        name: np.array([curve.cumulative_rmse if cumulative else curve.rmse for curve in each])
        for name, each in runs.items()
    }
    x = next(iter(runs.values()))[0].n_seen if runs else None
    return plot_curves(
        curves, title=title, x_label=x_label, y_label=y_label, x=x, roles=roles, axes=axes
    )


def mark_drift(axes: Axes, at: float | Iterable[float], *, label: str = "drift") -> None:
    """Mark true change points by dashed grey lines with one label."""
    _mark(axes, at, label, colour=QUIET, dashes=(0, (4, 3)), place="left")


def mark_alarm(axes: Axes, at: float | Iterable[float], *, label: str = "alarm") -> None:
    """Mark alarms by solid vermillion lines with one label."""
    _mark(axes, at, label, colour=ROLES["alarm"].colour, dashes="solid", place="right")


@course_style()
def mark_points(axes: Axes, x: ArrayLike, y: ArrayLike, *, label: str) -> None:
    """Draw single observations as hollow grey circles, with a legend."""
    (points,) = axes.plot(x, y, "o", markersize=5.5, label=label, zorder=1.8)
    points.set(markerfacecolor="white", markeredgecolor=QUIET)
    axes.legend(handles=[points], loc="best", labelcolor=QUIET)


@course_style()
def _mark(
    axes: Axes,
    at: float | Iterable[float],
    label: str,
    *,
    colour: str,
    dashes: str | tuple[int, tuple[float, ...]],
    place: str,
) -> None:
    places = [float(each) for each in at] if isinstance(at, Iterable) else [float(at)]
    for each in places:
        axes.axvline(each, color=colour, linestyle=dashes, linewidth=1.3, zorder=1.5)
    if places:
        offset, ha = ((-4, -2), "right") if place == "left" else ((4, -2), "left")
        words: dict[str, Any] = {"ha": ha, "va": "top", "color": colour, "fontsize": 9}
        note(axes, label, (places[0], 1.0), offset, along=("data", "axes fraction"), **words)


def _name_lines(axes: Axes, ends: list[tuple[str, float, Look]]) -> None:
    """Label each line at its end without overlaps; more than four lines get a legend."""
    if len(ends) > _NAMED_AT_THE_LINE:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=2.6)
        return
    if len(ends) == 1:
        return  # the y label names it
    low, high = axes.get_ylim()
    inches = 0.68 * figure_of(axes).get_figheight()  # height of the axes
    step = _LINE_HEIGHT * 9.5 / 72 / inches * (high - low)
    ordered = sorted(ends, key=lambda end: end[1])
    places = _apart([value for _, value, _ in ordered], step)
    for (name, _, each), at in zip(ordered, places, strict=True):
        words: dict[str, Any] = {"color": each.colour, "fontsize": 9.5, "fontweight": "bold"}
        note(axes, name, (1.0, at), (6, 0), along=("axes fraction", "data"), **words)


def _apart(places: Sequence[float], step: float) -> Floats:
    """Return the closest positions (least squares) that are at least `step` apart.

    With the steps subtracted, this is isotonic regression by the pool adjacent violators
    algorithm.

    >>> _apart([1.0, 1.0, 5.0], step=1.0)
    array([0.5, 1.5, 5. ])
    """
    pools: list[list[float]] = []
    for number, place in enumerate(places):
        pools.append([place - step * number])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    level: Floats = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools])
    return level + step * np.arange(len(places))


def _last_finite(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else 0.0
