"""Diagrams of the parts of the course and of the platform that it builds.

Both are drawn from tables of boxes; a lesson names the boxes to highlight. A highlighted box
differs from the others by fill, frame colour and frame width.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursekit.core.errors import UnknownNameError
from coursekit.figures.style import INK, QUIET, look, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PARTS", "PLATFORM", "Box", "plot_course_map", "plot_platform"]

_PAPER, _GLOW = "#FFFFFF", "#DCEBF5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A named rectangle of a diagram.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Text under the title.
    x, y, width, height : float
        Lower left corner and size, in data units.
    leads_to : tuple of str
        Names of the boxes that arrows lead to.
    """

    title: str
    lines: tuple[str, ...] = ()
    x: float
    y: float
    width: float
    height: float
    leads_to: tuple[str, ...] = ()

    def edge_towards(self, other: Box) -> tuple[float, float]:
        """Return the point of the frame towards another box.

        >>> left, right = (Box(title="", x=x, y=0, width=1, height=1) for x in (0, 3))
        >>> left.edge_towards(right), right.edge_towards(left)
        ((1.0, 0.5), (3.0, 0.5))
        """
        right, up = other._centre[0] - self._centre[0], other._centre[1] - self._centre[1]
        reach = min(
            self.width / 2 / abs(right) if right else 1.0, self.height / 2 / abs(up) if up else 1.0
        )
        return self._centre[0] + reach * right, self._centre[1] + reach * up

    @property
    def _centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def _station(title: str, line: str, *, x: float, y: float, leads_to: tuple[str, ...]) -> Box:
    return Box(title=title, lines=(line,), x=x, y=y, width=2.8, height=1.2, leads_to=leads_to)


PARTS: dict[str, Box] = {
    "core": Box(
        title="coursekit.core",
        lines=("events, streams, ratings, metrics, evaluation, figures",),
        x=0, y=0, width=12, height=1.2,
    ),
    "I": Box(
        title="Part I · Learning from a stream · lessons 01-07",
        lines=(
            "matrix factorization, factorization machines, neural nets",
            "drift, adaptation, online optimisation",
        ),
        x=0, y=1.4, width=12, height=1.7,
    ),
    "II": Box(
        title="Part II · Shipping models · lessons 08-12",
        lines=("registry, A/B tests, bandits", "pipeline, deployment, serving"),
        x=0, y=3.3, width=7, height=1.7,
    ),
    "III": Box(
        title="Part III · The live platform · lessons 13-16",
        lines=("live features, live learning, retraining", "four stories, run end to end"),
        x=0, y=5.2, width=7, height=1.7,
    ),
    "IV": Box(
        title="Part IV · Forecasting\na fleet · lessons 17-21",
        lines=("a Temporal Fusion", "Transformer that goes", "on learning, safely"),
        x=7.2, y=3.3, width=4.8, height=3.6,
    ),
}  # fmt: skip
"""The parts of the course; each box is above those it depends on."""

PLATFORM: dict[str, Box] = {
    "people": _station("people", "rate, click, leave", x=0, y=2, leads_to=("events",)),
    "events": _station("event API", "what happened", x=3.8, y=4, leads_to=("features", "learner")),
    "features": _station(
        "feature store", "what is known now", x=3.8, y=2, leads_to=("learner", "serving")
    ),
    "learner": _station("learner", "learns each event", x=7.6, y=4, leads_to=("evaluation",)),
    "evaluation": _station(
        "evaluation", "test, then train", x=7.6, y=2, leads_to=("drift", "registry")
    ),
    "drift": _station("drift detector", "a new world?", x=11.4, y=3.4, leads_to=("learner",)),
    "registry": _station("registry", "every version", x=11.4, y=0.6, leads_to=("experiments",)),
    "experiments": _station("experiments", "who gets what", x=7.6, y=0, leads_to=("serving",)),
    "serving": _station("serving API", "what to show", x=3.8, y=0, leads_to=("people",)),
}
"""The components of the platform, by the name that a lesson highlights."""


def plot_course_map(*, lit: Collection[str] = ()) -> Axes:
    """Draw the four parts of the course, each above those it depends on.

    Parameters
    ----------
    lit : collection of str
        Names of `PARTS` to highlight.

    Raises
    ------
    UnknownNameError
        If there is no such part.
    """
    return _drawing(PARTS, lit, title="Parts II, III and IV depend on Part I", height=3.9)


def plot_platform(
    *, lit: Collection[str] = (), title: str = "What users do determines what they are shown next"
) -> Axes:
    """Draw the components of the platform that the course builds.

    Parameters
    ----------
    lit : collection of str
        Names of `PLATFORM` to highlight.
    title : str

    Raises
    ------
    UnknownNameError
        If there is no such box.
    """
    return _drawing(PLATFORM, lit, title=title, height=2.9)


def _drawing(boxes: dict[str, Box], lit: Collection[str], *, title: str, height: float) -> Axes:
    unknown = sorted(set(lit) - set(boxes))
    if unknown:
        raise UnknownNameError(f"`lit` must be among {', '.join(boxes)}, got {unknown[0]!r}.")
    axes = new_axes(title=title, height=height)
    axes.set(
        xlim=(-0.1, max(box.x + box.width for box in boxes.values()) + 0.1),
        ylim=(-0.1, max(box.y + box.height for box in boxes.values()) + 0.1),
    )
    axes.axis("off")
    for name, box in boxes.items():
        for other in box.leads_to:
            _draw_arrow(axes, box, boxes[other])
        _draw_box(axes, box, is_lit=name in lit)
    return axes


def _draw_box(axes: Axes, box: Box, *, is_lit: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    frame = FancyBboxPatch(
        (box.x + 0.1, box.y + 0.1),
        box.width - 0.2,
        box.height - 0.2,
        boxstyle="round,pad=0.1,rounding_size=0.15",
        facecolor=_GLOW if is_lit else _PAPER,
        edgecolor=look("model").colour if is_lit else QUIET,
        linewidth=2.0 if is_lit else 0.8,
    )
    axes.add_patch(frame)
    x, y = box.x + box.width / 2, box.y + box.height / 2
    rows = "\n".join(box.lines)
    n_title, n_rows = box.title.count("\n") + 1, len(box.lines)
    gap = 0.13 * (n_rows - n_title) - 0.04  # half a line of text is about 0.13 units high
    axes.text(
        x, y + gap, box.title, ha="center", va="bottom", fontsize=9, fontweight="bold", color=INK
    )
    axes.text(x, y + gap, rows, ha="center", va="top", fontsize=8, color=INK)


def _draw_arrow(axes: Axes, start: Box, end: Box) -> None:
    axes.annotate(
        "",
        xy=end.edge_towards(start),
        xytext=start.edge_towards(end),
        arrowprops={
            "arrowstyle": "-|>",
            "color": QUIET,
            "linewidth": 1.0,
            "shrinkA": 1,
            "shrinkB": 1,
        },
    )
