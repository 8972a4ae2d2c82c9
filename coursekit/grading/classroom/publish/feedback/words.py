"""What feedback says, whatever it looks like: the page and its plain-text twin take every sentence
from here.
"""

from __future__ import annotations

from collections.abc import Iterator

from coursekit.grading.checks.render import points_text
from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.classroom.reports import GradeReport

__all__ = [
    "GLANCE",
    "HAPPENED",
    "IN_SHORT",
    "PARTS",
    "TOGETHER",
    "GlanceRow",
    "colophon",
    "glance",
    "headline",
    "in_short",
    "parts_caption",
]

IN_SHORT, GLANCE, PARTS, HAPPENED = (
    "In short",
    "Checks at a glance",
    "Each check",
    "What happened while it ran",
)

TOGETHER = "Visible and hidden checks together"

GlanceRow = tuple[str, str, Outcome, str]
"""Id and title of a check, how it went and its points, both tiers together."""

_HOW = {"unsandboxed": "run without a sandbox", "not run": "not run"}


def headline(grade: GradeReport) -> str:
    """Return whose work in which exercise it is."""
    return f"{grade.title}: {grade.student}"


def in_short(grade: GradeReport) -> list[str]:
    """Return the result in a few sentences, the points first."""
    if grade.problem:
        return ["Not graded.", grade.problem]
    rows = list(glance(grade))
    n_passed = sum(outcome is Outcome.PASSED for *_, outcome, _ in rows)
    open_ones = [check_id for check_id, _, outcome, _ in rows if outcome is not Outcome.PASSED]
    points = f"{points_text(grade.report.points, grade.report.max_points)}."
    passed = f"{n_passed} of {len(rows)} checks passed."
    return [points, passed] + ([f"Look at {', '.join(open_ones)}."] if open_ones else [])


def glance(grade: GradeReport) -> Iterator[GlanceRow]:
    """Yield a row for each check."""
    ids = dict.fromkeys(check.id for check in grade.report.checks)
    for check_id in ids:
        both = [check for check in grade.report.checks if check.id == check_id]
        outcome = Outcome.worst([check.outcome for check in both])
        yield check_id, both[0].title, outcome, points_text(*grade.report.score(check_id))


def parts_caption(check: CheckReport) -> str:
    """Return what a table of parts is about."""
    return (
        f"{check.id}, {check.tier} checks: {check.outcome}, "
        f"{points_text(check.points, check.max_points)}"
    )


def colophon(grade: GradeReport) -> str:
    """Return how the grade came about, so that it can be found again."""
    how = _HOW.get(grade.report.sandbox, "run in a sandbox")
    cost = (
        f" It took {grade.seconds:.1f} s and at most {grade.memory_mb:.0f} MB."
        if grade.seconds
        else ""
    )
    return (
        f"Exercise {grade.report.exercise}, version {grade.version}. Submission "
        f"{grade.sha256[:12]}, {how}.{cost}"
    )
