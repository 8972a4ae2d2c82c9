"""Figures in one style: curves, panels, bars, dots and diagrams.

::

    from coursekit import figures

    axes = figures.plot_curves({"belief": runs, "biases": others}, title="...", ...)
    figures.mark_drift(axes, 2500)
    figures.show(axes, alt="Line chart: ...")
"""

from coursekit.figures.curves import (
    mark_alarm,
    mark_drift,
    mark_points,
    plot_curves,
    plot_learning_curves,
)
from coursekit.figures.diagrams import plot_course_map, plot_platform
from coursekit.figures.panels import plot_panels
from coursekit.figures.rows import plot_bars, plot_dots, plot_intervals
from coursekit.figures.style import ROLES, look, new_axes, png, save, show, use_course_style

__all__ = [
    "ROLES",
    "look",
    "mark_alarm",
    "mark_drift",
    "mark_points",
    "new_axes",
    "plot_bars",
    "plot_course_map",
    "plot_curves",
    "plot_dots",
    "plot_intervals",
    "plot_learning_curves",
    "plot_panels",
    "plot_platform",
    "png",
    "save",
    "show",
    "use_course_style",
]
