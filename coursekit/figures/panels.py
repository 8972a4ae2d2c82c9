"""Small multiples: panels of curves with shared axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.errors import InvalidParameterError
from coursekit.figures.style import (
    INK,
    QUIET,
    Look,
    course_style,
    figure_of,
    group_thousands,
    looks_of,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_curves", "plot_panels"]

_BAND = (10, 90)  # percent


def draw_curves(
    axes: Axes, curves: Mapping[str, ArrayLike], looks: Mapping[str, Look], x: ArrayLike | None
) -> dict[str, Floats]:
    """Draw lines, several seeds as a median with a 10-90 % band, and return the line of each name,
    shape (n_points,).
    """
    middles = {}
    for name, values in curves.items():
        runs = np.atleast_2d(np.asarray(values, dtype=np.float64))  # (n_seeds, n_points)
        positions = np.arange(runs.shape[1]) if x is None else np.asarray(x, dtype=np.float64)
        if positions.shape != runs.shape[1:]:
            raise InvalidParameterError(
                f"`x` must have shape {runs.shape[1:]} like {name!r}, got {positions.shape}."
            )
        middles[name] = np.median(runs, axis=0)
        axes.plot(
            positions,
            middles[name],
            color=looks[name].colour,
            linestyle=looks[name].dashes,
            label=name,
        )
        if len(runs) > 1:
            axes.fill_between(
                positions,
                *np.percentile(runs, _BAND, axis=0),
                color=looks[name].colour,
                alpha=0.16,
                linewidth=0,
            )
    return middles


@course_style()
def plot_panels(
    panels: Mapping[str, Mapping[str, ArrayLike]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x: ArrayLike | None = None,
    roles: Mapping[str, str] | None = None,
    n_columns: int = 3,
) -> list[Axes]:
    """Draw one panel of lines for each name, row by row, on common axes and with one legend.

    Parameters
    ----------
    panels : mapping
        Title of a panel -> its curves, as in `plot_curves`; all panels have curves of the same
        names.
    title : str
        The finding, as a sentence.
    x_label, y_label : str
        What the axes measure, with the unit.
    x : array, shape (n_points,), optional
        Positions; 0, 1, 2, ... when left out.
    roles : mapping, optional
        Name of a curve -> role, as in `plot_curves`.
    n_columns : int, 1 or more
        Panels in a row.

    Returns
    -------
    list of Axes
        One for each panel, in order.

    Raises
    ------
    InvalidParameterError
        If there is nothing to draw, if panels differ in the names of their curves, or curves and
        `x` in length.
    UnknownNameError
        If there is no such role.
    """
    if n_columns < 1:
        raise InvalidParameterError(f"`n_columns` must be 1 or more, got {n_columns!r}.")
    names = list(next(iter(panels.values()), {}))
    looks = looks_of(names, roles)
    for panel, curves in panels.items():
        if list(curves) != names:
            raise InvalidParameterError(
                f"All panels must have the curves {names}, got {list(curves)} in {panel!r}."
            )
    n_rows = -(-len(panels) // n_columns)
    figure = figure_of(new_axes(width=8.0, height=0.9 + 2.0 * n_rows))
    figure.clear()
    grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    drawn: list[Axes] = list(grid.flat)[: len(panels)]
    for axes, (panel, curves) in zip(drawn, panels.items(), strict=True):
        draw_curves(axes, curves, looks, x)
        axes.set_title(panel, fontsize=10, color=INK)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(x_label)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    group_thousands(drawn[0].xaxis)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
    figure.supylabel(y_label, fontsize=10, color=QUIET)
    figure.legend(
        *drawn[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(names),
        handlelength=2.6,
    )
    return drawn
