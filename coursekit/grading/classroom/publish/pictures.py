"""Figures of a class: difficulty of the checks, and misconceptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.core.errors import InvalidParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from coursekit.grading.classroom.publish.analytics import ItemStatistics, Mistake

__all__ = ["Picture", "items_figure", "mistakes_figure"]

_MOST_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure with its alternative text."""

    axes: Axes
    alt: str

    def show(self) -> None:
        """Show it in a notebook."""
        from coursekit import figures

        figures.show(self.axes, alt=self.alt)

    def save(self, file: Path) -> None:
        """Write it as PNG."""
        from coursekit import figures

        figures.save(self.axes, file, alt=self.alt)


def items_figure(items: Sequence[ItemStatistics]) -> Picture:
    """Draw the share of points that was earned, check by check.

    Raises
    ------
    InvalidParameterError
        If there is no check.
    """
    from coursekit import figures

    if not items:
        raise InvalidParameterError("There must be a check to draw, got none: was anybody graded?")
    hardest = min(items, key=lambda item: item.difficulty)
    axes = figures.plot_bars(
        {item.id: 100 * item.difficulty for item in items},
        title=f"{hardest.id} was the hardest: {hardest.difficulty:.0%} of its points were earned",
        x_label=f"points earned by {_students(hardest.n_students)} (%)",
        number_format="{:.0f} %",
    )
    axes.set_xlim(0, 112)
    axes.set_xticks([0, 25, 50, 75, 100])
    shares = ", ".join(f"{item.id} {item.difficulty:.0%}" for item in items)
    return Picture(
        axes=axes,
        alt=f"Bar chart of the share of points earned in each check: {shares}. {hardest.id} is "
        f"the lowest.",
    )


def mistakes_figure(mistakes: Sequence[Mistake]) -> Picture:
    """Draw how many students made each of the most frequent misconceptions.

    Raises
    ------
    InvalidParameterError
        If there is none.
    """
    from coursekit import figures

    if not mistakes:
        raise InvalidParameterError(
            "There must be a misconception to draw, got none: the class made no known mistake."
        )
    shown = mistakes[:_MOST_ROWS]
    axes = figures.plot_bars(
        {mistake.name: len(mistake.students) for mistake in shown},
        title=_finding(shown),
        x_label="students who made it",
        roles={mistake.name: "alarm" for mistake in shown},
        number_format="{:.0f}",
        axes=figures.new_axes(width=7.6, height=1.15 + 0.36 * len(shown)),
    )
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # students come whole
    counts = ", ".join(f"{mistake.name} {len(mistake.students)}" for mistake in shown)
    return Picture(
        axes=axes, alt=f"Bar chart of the number of students who made each misconception: {counts}."
    )


def _finding(mistakes: Sequence[Mistake]) -> str:
    most = len(mistakes[0].students)
    n_first = sum(len(mistake.students) == most for mistake in mistakes)
    if n_first == 1:
        return f"{mistakes[0].name} comes first: {_students(most)}"
    return f"{n_first} mistakes come first: {_students(most)} each"


def _students(count: int) -> str:
    return "1 student" if count == 1 else f"{count} students"
