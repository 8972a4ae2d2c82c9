"""Feedback in the notebook while a student works on an exercise: `check`, `hint`, `answer` and
`progress`.

`check` runs the visible checks on the names of the notebook, with new random inputs each time. Its
result is feedback and never a grade.
"""

from __future__ import annotations

import inspect
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport, Outcome, Report
from coursekit.grading.checks.text import inert, to_html
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.answers import FILE, ModelAnswer, model_answer
from coursekit.grading.exercises.exercise import Exercise, find_exercise, find_exercises
from coursekit.grading.protocol.subject import LocalSubject, Subject
from coursekit.grading.student.progress import Logbook, ProgressTable

__all__ = [
    "Hint",
    "answer",
    "check",
    "check_visible",
    "fresh_seed",
    "hint",
    "next_hint",
    "progress",
]


def check(
    check_id: str, *, seed: int | None = None, namespace: dict[str, Any] | None = None
) -> Report:
    """Check an answer and report the result.

    Parameters
    ----------
    check_id : str
        Such as "fm-1".
    seed : int, optional
        Repeats the random inputs of an earlier report; new ones by default.
    namespace : dict, optional
        The names of the solution; by default those of the notebook or module that calls.

    Raises
    ------
    UnknownNameError
        If there is no such check here.
    GradingError
        If a grading tool runs the notebook: it would give full points to a cell that does not
        raise.
    """
    execution = os.environ.get("NBGRADER_EXECUTION", "")
    if execution == "autograde":
        raise GradingError(
            "`check` gives feedback, not grades. Grade this exercise with `coursekit grade`."
        )
    exercise = find_exercise(check_id, Path.cwd())
    if namespace is None:
        namespace = _names_of_the_caller()
    report = check_visible(
        exercise, check_id, LocalSubject(namespace), seed=fresh_seed() if seed is None else seed
    )
    Logbook(exercise).record(report)
    if execution and not report.passed:
        raise GradingError(f"{check_id}: {report.outcome}. {report.message}")
    return Report(exercise=exercise.name, checks=(report,), notes=_advice(exercise, report))


def hint(check_id: str, rung: int | None = None) -> Hint:
    """Show the next hint for a check, or the hint of a number (1, 2, ...)."""
    return next_hint(find_exercise(check_id, Path.cwd()), check_id, rung)


def answer(check_id: str, *, namespace: dict[str, Any] | None = None) -> ModelAnswer | Report:
    """Show a model answer if yours passes, otherwise the report of the check.

    Parameters
    ----------
    check_id : str
        Such as "fm-1".
    namespace : dict, optional
        The names of your solution; by default those of the notebook or module that calls.

    Raises
    ------
    UnknownNameError
        If there is no such check here, or no model answer to it.
    """
    exercise = find_exercise(check_id, Path.cwd())
    names = _names_of_the_caller() if namespace is None else namespace
    return model_answer(exercise, check_id, LocalSubject(names), seed=fresh_seed())


def progress() -> ProgressTable:
    """Show your progress in the exercise of this folder, or in all of them."""
    return ProgressTable.of(find_exercises(Path.cwd()))


def check_visible(exercise: Exercise, check_id: str, subject: Subject, *, seed: int) -> CheckReport:
    """Run one visible check on a subject."""
    mistakes = exercise.mistakes.get(check_id)
    return run_check(exercise.check(check_id), subject, seed=seed, mistakes=mistakes, contain=True)


def next_hint(exercise: Exercise, check_id: str, rung: int | None = None) -> Hint:
    """Return a hint and record that it was shown; after the last one, the last one again.

    Raises
    ------
    UnknownNameError
        If there is no such check, or no hint for it.
    InvalidParameterError
        If there is no hint of that number.
    """
    exercise.check(check_id)
    ladder = exercise.hints.get(check_id, ())
    if not ladder:
        raise UnknownNameError(f"There is no hint for `{check_id}`.")
    logbook = Logbook(exercise)
    at = min(logbook.read()[check_id].n_hints + 1, len(ladder)) if rung is None else rung
    if not 1 <= at <= len(ladder):
        raise InvalidParameterError(f"`rung` must be in 1..{len(ladder)} for {check_id}, got {at}.")
    logbook.record_hint(check_id, at)
    return Hint(check_id=check_id, rung=at, n_rungs=len(ladder), text=ladder[at - 1])


def fresh_seed() -> int:
    """Return a random seed of at most six digits."""
    return secrets.randbelow(10**6)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Hint:
    """One hint of a check: number `rung` of `n_rungs`."""

    check_id: str
    rung: int
    n_rungs: int
    text: str

    @property
    def headline(self) -> str:
        """The number of the hint, of how many, for which check."""
        return f"Hint {self.rung} of {self.n_rungs} for {self.check_id}"

    def __repr__(self) -> str:
        """Show the hint as text."""
        return f"{self.headline}: {inert(self.text)}"

    def _repr_html_(self) -> str:
        """Show the hint in a notebook."""
        return (
            f'<div class="coursekit-hint" role="status"><p><strong>{self.headline}.</strong> '
            f"{to_html(self.text)}</p></div>"
        )


def _names_of_the_caller() -> dict[str, Any]:
    """Return the globals of the caller of this module."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    return {} if frame is None else frame.f_globals


def _advice(exercise: Exercise, report: CheckReport) -> tuple[str, ...]:
    """Return the next step, in sentences."""
    if report.passed:
        rest = exercise.check_ids[exercise.check_ids.index(report.id) + 1 :]
        after = f"Next: {rest[0]}." if rest else "That was the last one: save the notebook."
        compare = f'Compare with a model answer: `answer("{report.id}")`.'
        return (
            f"Visible checks passed. Hidden checks run when your work is graded. {after}",
            *([compare] if (exercise.folder / FILE).is_file() else []),
        )
    clue = f'A hint: `hint("{report.id}")`.'
    if report.outcome is Outcome.NOT_ATTEMPTED:
        start = "Replace the line that raises NotImplementedError, run the cell, then check again."
        return (f"{start} {clue}",)
    repeat = f'Same questions again: `check("{report.id}", seed={report.seed})`.'
    if report.fault:
        return (f"The check failed, not your answer. Tell your instructor: {report.fault}", repeat)
    return (f"{clue} {repeat}",)
