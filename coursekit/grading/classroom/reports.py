"""Grade reports of a submission and of a class; every published form is made from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.core.files import write_atomically
from coursekit.core.records import restored
from coursekit.grading.checks import Check
from coursekit.grading.checks.context import NOT_JUDGED
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Report
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.job import Cell, JobResult, described
from coursekit.grading.classroom.settings import GradingPlan
from coursekit.grading.classroom.submissions import Submission
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.sandbox import Isolation

__all__ = ["ClassRun", "GradeReport", "Work", "grade_of", "load_reports"]

_FORMAT = 3
_MOST_NOTES = 12
_STOPPED = "It stopped with "
_IMPLIED = {"", f"{_STOPPED}NotImplementedError."}  # the checks say which part was not attempted
_NOT_JUDGED = (
    "It could not be judged, because the grading failed. That is for the instructor to settle."
)
_UNSANDBOXED = "This was run without a sandbox: its author could have tampered with the machine."


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeReport:
    """A report with its provenance: exercise, submission and grader.

    Parameters
    ----------
    report : Report
    title, version : str
        Of the exercise.
    problem : str
        Why there is no grade; empty if there is one.
    sha256 : str
        Of the submission.
    fingerprint : str
        Digest of everything else that determines the grade.
    fault : str
        A failure of the grader or of a check, for the instructor only. The checks that it concerns
        were not judged: their points are not known, and the next run grades the submission again.
    memory_mb, seconds : float
        Peak memory as sampled, and elapsed time.
    """

    report: Report
    title: str
    version: str
    problem: str
    sha256: str
    fingerprint: str
    fault: str = ""
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

    def write(self, folder: Path) -> None:
        """Write the report to its file."""
        write_atomically(folder / f"{self.student}.json", json.dumps(self.to_json(), indent=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One submission with its grade and its result.

    Parameters
    ----------
    submission : Submission
    grade : GradeReport
    cells : tuple of Cell
        The cells that were run, or would have been.
    result : JobResult, optional
        Outputs of the cells; None for a submission that was not run.
    """

    submission: Submission
    grade: GradeReport
    cells: tuple[Cell, ...] = ()
    result: JobResult | None = None

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.submission.student


@dataclass(slots=True, kw_only=True)
class ClassRun:
    """The run of a class.

    Attributes
    ----------
    plan : GradingPlan
    isolation : "bubblewrap" or "none"
    works : list of Work
        One for each submission, sorted by student once the run is finished.
    n_new : int
        How many of them this run graded.
    troubles : list of str
        Files that could not be written, as messages.
    """

    plan: GradingPlan
    isolation: Isolation
    works: list[Work] = field(default_factory=list)
    n_new: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def reports(self) -> tuple[GradeReport, ...]:
        """The grade reports, by student."""
        return tuple(work.grade for work in self.works)

    @contextmanager
    def contained(self, who: str, doing: str) -> Iterator[None]:
        """Record any exception in `troubles`, so that the other submissions are still published."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one submission must never stop the class
            self.troubles.append(inert(f"{who}: could not {doing}: {described(error)}"))


def grade_of(
    submission: Submission,
    *,
    exercise: Exercise,
    isolation: Isolation,
    fingerprint: str,
    cells: tuple[Cell, ...] = (),
    result: JobResult | None = None,
    remarks: tuple[str, ...] = (),
    problem: str = "",
    fault: str = "",
) -> GradeReport:
    """Make the report of a submission: of its result, or without a grade, with the reason.

    Parameters
    ----------
    submission : Submission
    exercise : Exercise
    isolation : "bubblewrap" or "none"
    fingerprint : str
        Of exercise and grader.
    cells : tuple of Cell
        The cells that were run.
    result : JobResult, optional
        If a check has no result there, the submission was not judged.
    remarks : tuple of str
        Of the files that were read.
    problem : str
        What is wrong with the submission, as a message for the student.
    fault : str
        A failure of the grader; it replaces the problem.
    """
    wanted = [(check.id, check.tier) for check in exercise.checks]
    if result is not None:
        there = [(check.id, check.tier) for check in result.checks]
        if result.bug or sorted(there) != sorted(wanted):
            fault = result.bug or result.lost or f"There are results of {there}, expected {wanted}."
    if result is None or fault:
        state, problem = ("not judged", _NOT_JUDGED) if fault else ("not graded", problem)
        checks = [_without_result(check, state) for check in exercise.checks]
        sandbox, notes = "not run", [f"{state.capitalize()}: {problem}"]
        result = JobResult(submission=submission.student)
    else:
        problem, fault = "", " ".join(each.fault for each in result.checks if each.fault)
        checks = sorted(result.checks, key=lambda each: wanted.index((each.id, each.tier)))
        sandbox = result.confinement or isolation
        notes = [*([_UNSANDBOXED] if isolation == "none" else []), *_notes(result, cells, remarks)]
    report = Report(
        exercise=exercise.name,
        checks=tuple(checks),
        submission=submission.student,
        sandbox=sandbox,
        notes=tuple(notes),
    )
    return GradeReport(
        report=report,
        title=exercise.title,
        version=exercise.version,
        problem=problem,
        sha256=submission.sha256,
        fingerprint=fingerprint,
        fault=inert(fault),
        memory_mb=round(result.memory_mb, 1),
        seconds=round(result.seconds, 3),
    )


def load_reports(folder: Path) -> dict[str, GradeReport]:
    """Return the reports in a folder by student; other files are skipped."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            data = json.loads(file.read_bytes())
            if data["format"] == _FORMAT:
                found[file.stem] = restored(GradeReport, data | {"report": data})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _without_result(check: Check, state: str) -> CheckReport:
    outcome = Outcome.NOT_JUDGED if state == "not judged" else Outcome.COULD_NOT_RUN
    part = PartReport(name=state, outcome=outcome, points=0, max_points=check.points)
    return CheckReport(
        id=check.id, title=check.title, tier=check.tier, parts=(part,), seed="", seconds=0.0
    )


def _notes(result: JobResult, cells: tuple[Cell, ...], remarks: tuple[str, ...]) -> list[str]:
    """Return what happened: failed checks, remarks, and why cells stopped, each reason once.

    A cell after the first check may know hidden inputs, so only the fact that it stopped is
    reported.
    """
    first = next((at for at, cell in enumerate(cells) if cell.check_id), len(cells))
    early = {(cell.id, cell.number) for cell in cells[:first]}
    found: dict[str, str] = {}
    for run in result.cells:
        if run.trouble not in _IMPLIED:
            stopped = run.trouble.startswith(_STOPPED)
            is_closed = stopped and (run.id, run.number) not in early
            said = f"{_STOPPED}an error." if is_closed else run.trouble
            named = "" if run.id == f"cell {run.number}" else f" ({run.id})"
            note = f"Cell {run.number}{named}: {said}"
            found.setdefault(note if stopped else said, note)
    troubles = list(found.values())[:_MOST_NOTES]
    if result.lost and not any(result.lost in each for each in troubles):
        troubles.append(result.lost)
    failed = [f"{each.id} ({each.tier}): {NOT_JUDGED}" for each in result.checks if each.fault]
    return [*failed, *remarks, *troubles]
