"""Grade a class in three phases: sanitise each submission, run all of them anywhere, record by one
writer.

Everything that is known about a submission is in its report's file. A run that was killed is
finished by starting it again: a submission that has a report for the same files, exercise and
grader is not touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coursekit.core.files import replaced_atomically
from coursekit.grading.classroom.execute import execute
from coursekit.grading.classroom.job import Cell, Job, JobResult
from coursekit.grading.classroom.reports import GradeReport, graded, load_reports, not_graded
from coursekit.grading.classroom.sanitise import (
    Sheet,
    UnreadableNotebookError,
    load_sheet,
    sanitise,
)
from coursekit.grading.classroom.self_test import self_test
from coursekit.grading.classroom.settings import (
    ClassSettings,
    GradingPlan,
    fingerprint,
    load_secret,
    seed_of,
)
from coursekit.grading.classroom.submissions import Submission, find_submissions
from coursekit.grading.protocol.kernel import Isolation
from coursekit.grading.sandbox import require_sandbox, trouble

__all__ = ["ClassRun", "grade_class", "isolation_of", "load_result"]

Progress = Callable[[int, int, str], None]
"""Called with the number of submissions done, their total and the student."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRun:
    """What came of grading a class.

    Parameters
    ----------
    reports : tuple of GradeReport
        One for each submission, by student.
    n_new : int
        How many of them were made by this run.
    isolation : "bubblewrap" or "none"
    """

    reports: tuple[GradeReport, ...]
    n_new: int
    isolation: Isolation


def grade_class(
    place: Path, plan: GradingPlan, settings: ClassSettings, progress: Progress = lambda *_: None
) -> ClassRun:
    """Grade every submission at a place and write its report to ``out/reports``.

    Parameters
    ----------
    place : Path
        See `find_submissions`.
    plan : GradingPlan
    settings : ClassSettings
    progress : function

    Raises
    ------
    SandboxUnavailableError
        If there is no sandbox here and it was not said that none is needed.
    GradingError
        If the self-test fails, a check has a fault of its own, or there is nothing to grade.
        Reports that were written stay.
    """
    isolation = isolation_of(settings)
    print_ = fingerprint(plan, isolation)
    sheet = load_sheet(plan.exercise)
    submissions = find_submissions(place, plan.exercise.name)
    folder = settings.out / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    work = _Work(plan, sheet, settings, isolation, print_)
    self_test(work.job(Submission(student="selftest"), ()), sheet, settings, print_=print_)
    known = load_reports(folder)
    done = {
        each.student: known[each.student]
        for each in submissions
        if _is_current(each, known.get(each.student), print_)
    }
    waiting = [each for each in submissions if each.student not in done]
    for report in work.grade(waiting):
        report.write(folder)
        done[report.student] = report
        progress(len(done), len(submissions), report.student)
    return ClassRun(
        reports=tuple(done[each.student] for each in submissions),
        n_new=len(waiting),
        isolation=isolation,
    )


class _Work:
    """The three phases for the submissions that still wait."""

    def __init__(
        self,
        plan: GradingPlan,
        sheet: Sheet,
        settings: ClassSettings,
        isolation: Isolation,
        print_: str,
    ) -> None:
        self._plan, self._sheet, self._settings, self._isolation, self._print = (
            plan,
            sheet,
            settings,
            isolation,
            print_,
        )
        self._secret = load_secret(settings)

    def job(self, submission: Submission, cells: tuple[Cell, ...]) -> Job:
        """Return the job of a submission."""
        exercise = self._plan.exercise
        return Job(
            submission=submission.student,
            exercise=exercise.name,
            exercise_folder=str(exercise.folder.resolve()),
            seed=seed_of(self._secret, exercise.name, submission.student, submission.sha256),
            cells=cells,
            files=submission.files,
            modules=self._plan.modules,
            limits=self._plan.limits,
            isolation=self._isolation,
            warm=self._plan.libraries
            if self._settings.warm and self._isolation == "bubblewrap"
            else (),
        )

    def grade(self, submissions: list[Submission]) -> Iterator[GradeReport]:
        """Yield a report for each submission, unreadable ones first."""
        jobs, remarks, by_name = [], {}, {each.student: each for each in submissions}
        for submission in submissions:
            try:
                if submission.problem:
                    raise UnreadableNotebookError(submission.problem)
                cells, remarks[submission.student] = sanitise(submission.notebook, self._sheet)
                jobs.append(self.job(submission, cells))
            except UnreadableNotebookError as error:
                yield not_graded(submission, self._plan.exercise, str(error), print_=self._print)
        for result in execute(jobs, self._settings):
            _keep(result, results_folder(self._settings.out))
            yield graded(
                by_name[result.submission],
                self._plan.exercise,
                result,
                sandbox=self._isolation,
                remarks=remarks[result.submission],
                print_=self._print,
            )


def isolation_of(settings: ClassSettings) -> Isolation:
    """Return how submissions will be held; refuse where they cannot be and nobody said that this is
    all right.
    """
    if settings.allow_unsandboxed and trouble():
        return "none"
    require_sandbox()
    return "bubblewrap"


def results_folder(out: Path) -> Path:
    """Return where the results of jobs are kept: what cells showed is in there, for an instructor's
    eyes.
    """
    return out / "work" / "results"


def load_result(out: Path, student: str) -> JobResult | None:
    """Return what came of a student's job, if it was run."""
    file = results_folder(out) / f"{student}.json"
    return (
        JobResult.from_json(json.loads(file.read_text(encoding="utf-8")))
        if file.is_file()
        else None
    )


def _keep(result: JobResult, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(folder / f"{result.submission}.json") as temporary:
        Path(temporary).write_text(json.dumps(result.to_json()), encoding="utf-8")


def _is_current(submission: Submission, report: GradeReport | None, print_: str) -> bool:
    return report is not None and (report.sha256, report.fingerprint) == (submission.sha256, print_)
