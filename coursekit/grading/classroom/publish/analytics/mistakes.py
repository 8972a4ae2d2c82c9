"""The named misconceptions of a class, the most frequent first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coursekit.grading.checks.report import PartReport
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["Mistake", "mistakes_of", "mistakes_table"]


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


def mistakes_of(grades: Sequence[GradeReport]) -> list[Mistake]:
    """Return the misconceptions that were recognised; a student counts once for each, however often
    it shows.
    """
    graded = [grade for grade in grades if not grade.problem]
    found: dict[str, list[tuple[str, str, str]]] = {}
    for grade in graded:
        for check_id, part in _recognised(grade):
            found.setdefault(part.misconception, []).append((check_id, grade.student, part.message))
    mistakes = [
        Mistake(
            name=name,
            checks=tuple(sorted({check_id for check_id, _, _ in hits})),
            students=tuple(dict.fromkeys(student for _, student, _ in hits)),
            share=len({student for _, student, _ in hits}) / len(graded),
            message=hits[0][2],
        )
        for name, hits in found.items()
    ]
    return sorted(mistakes, key=lambda mistake: (-mistake.share, mistake.name))


def mistakes_table(mistakes: Sequence[Mistake], most: int = 10) -> str:
    """Return the most frequent misconceptions as text, below each what was said about it."""
    lines = [f"{'students':>8} {'share':>6}  misconception"]
    for mistake in mistakes[:most]:
        lines.append(
            f"{len(mistake.students):>8} {mistake.share:>6.0%}  {mistake.name} "
            f"({', '.join(mistake.checks)})"
        )
        lines.append(f"{'':>17}{inert(mistake.message, 200)}")
    return "\n".join(lines)


def _recognised(grade: GradeReport) -> Iterator[tuple[str, PartReport]]:
    for check in grade.report.checks:
        for part in check.parts:
            if part.misconception:
                yield check.id, part
