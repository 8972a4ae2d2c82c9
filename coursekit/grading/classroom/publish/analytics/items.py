r"""Item analysis of a class: difficulty and discrimination of each check.

*Difficulty* of a check is the mean share of its points that was earned, from 0 (nobody) to 1
(everybody).

*Discrimination* is the correlation between the points of a check and the points of all others
together (a point-biserial correlation where a check is worth all or nothing), so that a check is
not compared with itself,

.. math:: d_i = \operatorname{corr}(x_i,\; \textstyle\sum_{j \ne i} x_j),

and *upper minus lower* is the difference in the mean share earned between the best and the last 27
% of the class by points in all. A value near 0 or below says
that the check does not measure what the other checks measure.

Sources: F. M. Lord and M. R. Novick (1968), Statistical Theories of Mental Test Scores, chapter 15;
T. L. Kelley (1939), The selection of upper and lower groups for the validation of test items,
doi:10.1037/h0057123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["LOW_DISCRIMINATION", "ItemStatistics", "items_of", "items_table"]

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
    return [
        ItemStatistics(
            id=name,
            n_students=len(reports),
            difficulty=float((earned[:, at] / worth[:, at]).mean()),
            discrimination=correlation(earned[:, at], total - earned[:, at]),
            upper_minus_lower=upper_minus_lower(earned[:, at] / worth[:, at], total),
            not_attempted=sum(
                all(
                    check.outcome is Outcome.NOT_ATTEMPTED
                    for check in report.checks
                    if check.id == name
                )
                for report in reports
            ),
        )
        for at, name in enumerate(ids)
    ]


def items_table(items: Sequence[ItemStatistics]) -> str:
    """Return the statistics as text, one line for each check."""
    lines = [
        f"{'check':<12} {'earned':>7} {'discrimination':>15} {'upper - lower':>14} {'left out':>9}"
    ]
    for item in items:
        told = [_signed(item.discrimination), _signed(item.upper_minus_lower)]
        remark = "  worth a look" if item.is_worth_a_look else ""
        lines.append(
            f"{item.id:<12} {item.difficulty:>7.0%} {told[0]:>15} {told[1]:>14} "
            f"{item.not_attempted:>9}{remark}"
        )
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


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
