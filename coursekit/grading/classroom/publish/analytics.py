r"""Statistics of a class for its instructor: difficulty and discrimination of each check, and the
most frequent misconceptions.

*Difficulty* of a check is the mean share of its points that was earned, from 0 (nobody) to 1
(everybody).

*Discrimination* is the correlation between the points of a check and the points of all others
together (a point-biserial correlation where a check is worth all or nothing), so that a check is
not compared with itself,

.. math:: d_i = \operatorname{corr}(x_i,\; \textstyle\sum_{j \ne i} x_j),

and *upper minus lower* is the difference in the mean share earned between the best and the last 27
% of the class by points in all. A value near 0 or below says that the check does not measure what
the other checks measure.

Sources: F. M. Lord and M. R. Novick (1968), Statistical Theories of Mental Test Scores, chapter 15;
T. L. Kelley (1939), The selection of upper and lower groups for the validation of test items,
doi:10.1037/h0057123.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from coursekit.core.files import write_atomically
from coursekit.core.records import plain
from coursekit.grading.checks.report import Outcome
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.publish.pictures import items_figure, mistakes_figure
from coursekit.grading.classroom.reports import ClassRun, GradeReport

__all__ = [
    "LOW_DISCRIMINATION",
    "ItemStatistics",
    "Mistake",
    "items_figure",
    "items_of",
    "items_table",
    "mistakes_figure",
    "mistakes_of",
    "mistakes_table",
    "publish_analytics",
    "summary_of",
]

_Floats = npt.NDArray[np.float64]
_SHARE_OF_A_GROUP = 0.27

LOW_DISCRIMINATION = 0.2
"""Below this, a check should be reviewed (R. L. Ebel and D. A. Frisbie, 1991, Essentials of
Educational Measurement, chapter 13).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatistics:
    """One check, both tiers together, over a class.

    Parameters
    ----------
    id : str
    n_students : int
        Submissions of which all was judged.
    difficulty : float
        Mean share of the points earned, in [0, 1].
    discrimination, upper_minus_lower : float or None
        In [-1, 1]; None where everybody earned the same, here or in all.
    not_attempted : int
        Students who did not attempt it.
    """

    id: str
    n_students: int
    difficulty: float
    discrimination: float | None
    upper_minus_lower: float | None
    not_attempted: int

    @property
    def is_worth_a_look(self) -> bool:
        """Whether the discrimination is low; in a small class that may be chance."""
        return self.discrimination is not None and self.discrimination < LOW_DISCRIMINATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One misconception over a class.

    Parameters
    ----------
    name : str
    checks : tuple of str
        Checks that recognised it.
    students : tuple of str
        Who made it.
    share : float
        Of the submissions that were graded, in (0, 1].
    message : str
        The feedback message for it.
    """

    name: str
    checks: tuple[str, ...]
    students: tuple[str, ...]
    share: float
    message: str


def publish_analytics(run: ClassRun, out: Path) -> None:
    """Write items.json, mistakes.json and, where there is something to show, items.png and
    mistakes.png.
    """
    items, mistakes = items_of(run.reports), mistakes_of(run.reports)
    write_atomically(out / "items.json", json.dumps(plain(items), indent=1))
    write_atomically(out / "mistakes.json", json.dumps(plain(mistakes), indent=1))
    if items:
        items_figure(items).save(out / "items.png")
    if mistakes:
        mistakes_figure(mistakes).save(out / "mistakes.png")


def summary_of(grades: Sequence[GradeReport]) -> str:
    """Return both tables as text; empty if nobody was graded."""
    items, mistakes = items_of(grades), mistakes_of(grades)
    tables = [items_table(items)] * bool(items) + [mistakes_table(mistakes)] * bool(mistakes)
    return "\n\n".join(tables)


def items_of(grades: Sequence[GradeReport]) -> list[ItemStatistics]:
    """Return the statistics of every check, in the order of the exercise; submissions that could
    not be graded, or not in all, do not count.
    """
    reports = [grade.report for grade in grades if not grade.problem and grade.report.is_judged()]
    ids = list(dict.fromkeys(check.id for report in reports for check in report.checks))
    scores = np.array([[report.score(name) for name in ids] for report in reports]).reshape(
        len(reports), len(ids), 2
    )
    earned, worth = scores[:, :, 0], scores[:, :, 1]  # (students, checks)
    total = earned.sum(axis=1)
    skipped = {
        name: sum(
            {check.outcome for check in report.checks if check.id == name}
            == {Outcome.NOT_ATTEMPTED}
            for report in reports
        )
        for name in ids
    }
    return [
        ItemStatistics(
            id=name,
            n_students=len(reports),
            difficulty=float((earned[:, at] / worth[:, at]).mean()),
            discrimination=correlation(earned[:, at], total - earned[:, at]),
            upper_minus_lower=upper_minus_lower(earned[:, at] / worth[:, at], total),
            not_attempted=skipped[name],
        )
        for at, name in enumerate(ids)
    ]


def items_table(items: Sequence[ItemStatistics]) -> str:
    """Return the statistics as text, one line for each check."""
    form = "{:<12} {:>7} {:>15} {:>14} {:>9}{}"
    lines = [form.format("check", "earned", "discrimination", "upper - lower", "left out", "")]
    for item in items:
        told = [
            "-" if value is None else f"{value:+.2f}"
            for value in (item.discrimination, item.upper_minus_lower)
        ]
        remark = "  worth a look" if item.is_worth_a_look else ""
        lines.append(
            form.format(item.id, f"{item.difficulty:.0%}", *told, item.not_attempted, remark)
        )
    return "\n".join(lines)


def mistakes_of(grades: Sequence[GradeReport]) -> list[Mistake]:
    """Return the misconceptions that were recognised, the most frequent first; a student counts
    once for each, however often it was recognised.
    """
    graded = [grade for grade in grades if not grade.problem]
    found: dict[str, list[tuple[str, str, str]]] = {}
    for grade in graded:
        for check in grade.report.checks:
            for part in check.parts:
                if part.misconception:
                    hit = (check.id, grade.student, part.message)
                    found.setdefault(part.misconception, []).append(hit)
    mistakes = []
    for name, hits in found.items():
        checks, students, messages = zip(*hits, strict=True)
        who = tuple(dict.fromkeys(students))
        share = len(who) / len(graded)
        about = {"name": name, "students": who, "share": share, "message": messages[0]}
        mistakes.append(Mistake(checks=tuple(sorted(set(checks))), **about))
    return sorted(mistakes, key=lambda mistake: (-mistake.share, mistake.name))


def mistakes_table(mistakes: Sequence[Mistake], most: int = 10) -> str:
    """Return the most frequent misconceptions as text, below each its feedback message."""
    lines = [f"{'students':>8} {'share':>6}  misconception"]
    for each in mistakes[:most]:
        where = ", ".join(each.checks)
        lines.append(f"{len(each.students):>8} {each.share:>6.0%}  {each.name} ({where})")
        lines.append(f"{'':>17}{inert(each.message, 200)}")
    return "\n".join(lines)


def correlation(one: _Floats, other: _Floats) -> float | None:
    """Return the correlation of two columns, None where one of them does not vary.

    >>> correlation(np.array([0.0, 1.0, 1.0]), np.array([3.0, 5.0, 7.0]))
    0.866
    """
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def upper_minus_lower(share: _Floats, total: _Floats) -> float | None:
    """Return the mean share in the best 27 % of a class minus that in the last 27 %, None where all
    have the same total.

    Students of equal totals at the edge of a group belong to it in equal parts, so that their order
    does not matter.

    >>> upper_minus_lower(np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    1.0
    """
    if len(share) < 2 or np.ptp(total) == 0:
        return None
    n_in_group = max(1, round(_SHARE_OF_A_GROUP * len(share)))
    return float((_weights(total, n_in_group) - _weights(-total, n_in_group)) @ share / n_in_group)


def _weights(total: _Floats, n_in_group: int) -> _Floats:
    """Return how much of each student belongs to the group of the highest totals."""
    n_above = (total[None, :] > total[:, None]).sum(axis=1)
    n_equal = (total[None, :] == total[:, None]).sum(axis=1)
    weights: _Floats = np.clip((n_in_group - n_above) / n_equal, 0.0, 1.0)
    return weights
