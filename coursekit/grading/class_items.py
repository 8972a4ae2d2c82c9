r"""What a class found hard, which checks tell the strong from the weak, and what it got wrong in the same way.

*Difficulty* of a check is the mean share of its points that was earned, from 0 (nobody) to 1 (everybody). *Discrimination* is
the correlation between the points of a check and the points of all others together, so that a check is not compared with
itself,

.. math:: d_i = \operatorname{corr}(x_i,\; \textstyle\sum_{j \ne i} x_j)

near 0 or negative: the check measures something else than the rest does, or nothing.

Source: F. M. Lord and M. R. Novick (1968), Statistical Theories of Mental Test Scores, chapter 15.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.grading.class_reports import GradeReport
from coursekit.grading.report import Outcome

__all__ = ["Item", "items_figure", "items_of", "items_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One check, both tiers together, over a class.

    Parameters
    ----------
    id : str
    n_students : int
        Submissions that were graded.
    difficulty : float
        Mean share of the points earned, in [0, 1].
    discrimination : float or None
        In [-1, 1]; None where everybody earned the same, here or in all other checks.
    not_attempted : int
        Students who left it out.
    misconceptions : tuple of (str, int)
        Recognised mistakes and how many students made them, the most frequent first.
    """

    id: str
    n_students: int
    difficulty: float
    discrimination: float | None
    not_attempted: int
    misconceptions: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def items_of(grades: Sequence[GradeReport]) -> list[Item]:
    """Return the statistics of every check, in the order of the exercise; submissions that could not be graded do not count."""
    reports = [grade.report for grade in grades if not grade.problem]
    ids = list(dict.fromkeys(check.id for report in reports for check in report.checks))
    earned = np.array([[report.score(name)[0] for name in ids] for report in reports])  # (students, checks)
    found = []
    for at, name in enumerate(ids):
        checks = [[check for check in report.checks if check.id == name] for report in reports]
        mistakes = Counter(mistake for both in checks for mistake in {each for check in both for each in check.misconceptions})
        item = Item(
            id=name,
            n_students=len(reports),
            difficulty=float(earned[:, at].mean() / reports[0].score(name)[1]),
            discrimination=_correlation(earned[:, at], np.delete(earned, at, axis=1).sum(axis=1)),
            not_attempted=sum(all(check.outcome is Outcome.NOT_ATTEMPTED for check in both) for both in checks),
            misconceptions=tuple(sorted(mistakes.items(), key=lambda pair: (-pair[1], pair[0]))),
        )
        found.append(item)
    return found


def items_table(items: Sequence[Item]) -> str:
    """Return the statistics as text, one line for each check, its misconceptions below it."""
    lines = [f"{'check':<12} {'earned':>7} {'discrimination':>15} {'left out':>9}"]
    for item in items:
        told = "-" if item.discrimination is None else f"{item.discrimination:+.2f}"
        lines.append(f"{item.id:<12} {item.difficulty:>7.0%} {told:>15} {item.not_attempted:>9}")
        lines += [f"    {count} x {name}" for name, count in item.misconceptions[:5]]
    return "\n".join(lines)


def items_figure(items: Sequence[Item], file: Path | None = None) -> Any:
    """Draw the share of points earned for each check and its most frequent misconception; save it where a file is named.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.2 + 0.5 * len(items)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = np.arange(len(items))
    axes.barh(places, [100 * item.difficulty for item in items], color="#0072B2", height=0.6)
    for place, item in zip(places, items, strict=True):
        if item.misconceptions:
            name, count = item.misconceptions[0]
            axes.annotate(
                f"{name} ({count})", (100 * item.difficulty, place), xytext=(4, 0), textcoords="offset points", va="center"
            )
    axes.set_yticks(places, [item.id for item in items])
    axes.invert_yaxis()
    axes.set_xlim(0, 150)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("points earned (%)")
    hardest = min(items, key=lambda item: item.difficulty)
    axes.set_title(f"{hardest.id} was the hardest: {hardest.difficulty:.0%} of its points were earned", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if file is not None:
        figure.savefig(file, dpi=150)
    return figure


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float | None:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])
