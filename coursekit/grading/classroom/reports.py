"""The grade report: one JSON file for each submission, and everything else is made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.core.files import replaced_atomically
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Report
from coursekit.grading.classroom.job import JobResult
from coursekit.grading.classroom.submissions import Submission
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.exercise import Exercise

__all__ = ["GradeReport", "graded", "load_reports", "not_graded"]

_FORMAT = 1
_SAYS_NOTHING = {
    "",
    "It stopped with NotImplementedError.",
}  # the checks say which part was not attempted


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeReport:
    """A report with what a grader must know about how it came about.

    Parameters
    ----------
    report : Report
    title, version : str
        Of the exercise.
    problem : str
        Why the submission could not be graded; empty if it was.
    sha256 : str
        Of what was handed in.
    fingerprint : str
        Of everything else that decided the grade.
    memory_mb, seconds : float
        The most memory that was seen, and the time it took.
    """

    report: Report
    title: str
    version: str
    problem: str
    sha256: str
    fingerprint: str
    memory_mb: float = 0.0
    seconds: float = 0.0

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.report.submission

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "report"}
        return {"format": _FORMAT, "graded": not self.problem} | self.report.to_json() | own

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GradeReport:
        """Come back from plain data."""
        own = {name: data[name] for name in cls.__slots__ if name != "report"}
        return cls(report=Report.from_json(data), **own)

    def write(self, folder: Path) -> None:
        """Write the report to its file, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        with replaced_atomically(folder / f"{self.student}.json") as temporary:
            Path(temporary).write_text(json.dumps(self.to_json(), indent=1), encoding="utf-8")


def graded(
    submission: Submission,
    exercise: Exercise,
    result: JobResult,
    *,
    sandbox: str,
    remarks: tuple[str, ...],
    print_: str,
) -> GradeReport:
    """Make the report of a submission that was run.

    Raises
    ------
    GradingError
        If a check of the exercise has no result: without one there is no grade.
    """
    there = [(check.id, check.tier) for check in result.checks]
    wanted = [(check.id, check.tier) for check in exercise.checks]
    if sorted(there) != sorted(wanted):
        raise GradingError(
            f"{submission.student} has results for {there}, expected {wanted}; nothing was "
            f"recorded."
        )
    checks = tuple(sorted(result.checks, key=lambda check: wanted.index((check.id, check.tier))))
    troubles = tuple(
        f"{_where(cell.id, cell.number)}: {cell.trouble}"
        for cell in result.cells
        if cell.trouble not in _SAYS_NOTHING
    )
    lost = (
        (result.lost,)
        if result.lost and not any(result.lost in trouble for trouble in troubles)
        else ()
    )
    warning = (
        ("This was run without a sandbox: its author could have tampered with the machine.",)
        if sandbox == "none"
        else ()
    )
    report = Report(
        exercise=exercise.name,
        checks=checks,
        submission=submission.student,
        sandbox="unsandboxed" if sandbox == "none" else sandbox,
        notes=(*warning, *remarks, *_first_of_each(troubles), *lost),
    )
    return GradeReport(
        report=report,
        title=exercise.title,
        version=exercise.version,
        problem="",
        sha256=submission.sha256,
        fingerprint=print_,
        memory_mb=round(result.memory_mb, 1),
        seconds=round(result.seconds, 3),
    )


def not_graded(
    submission: Submission, exercise: Exercise, problem: str, *, print_: str
) -> GradeReport:
    """Make the report of a submission that could not be run: no points, and why."""
    checks = tuple(
        CheckReport(
            id=check.id,
            title=check.title,
            tier=check.tier,
            parts=(
                PartReport(
                    name="not graded",
                    outcome=Outcome.COULD_NOT_RUN,
                    points=0,
                    max_points=check.points,
                ),
            ),
            seed="",
            seconds=0.0,
        )
        for check in exercise.checks
    )
    report = Report(
        exercise=exercise.name,
        checks=checks,
        submission=submission.student,
        sandbox="not run",
        notes=(f"Not graded: {problem}",),
    )
    return GradeReport(
        report=report,
        title=exercise.title,
        version=exercise.version,
        problem=problem,
        sha256=submission.sha256,
        fingerprint=print_,
    )


def load_reports(folder: Path) -> dict[str, GradeReport]:
    """Return the reports in a folder by student; files that are no reports of this format are left
    out.
    """
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            if data["format"] == _FORMAT:
                found[file.stem] = GradeReport.from_json(data)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _where(cell_id: str, number: int) -> str:
    return f"Cell {number}" if cell_id == f"cell {number}" else f"Cell {number} ({cell_id})"


def _first_of_each(troubles: tuple[str, ...], most: int = 12) -> tuple[str, ...]:
    """Return the troubles, without the flood that follows a lost kernel."""
    seen: dict[str, str] = {}
    for trouble in troubles:
        what = trouble.partition(": ")[2]
        if what not in seen or "stopped" in what:
            seen[what if "stopped" not in what else trouble] = trouble
    return tuple(seen.values())[:most]
