"""Grade a class: read each submission once, run all, record each result as it arrives, publish.

An interrupted run is resumed by starting it again: a submission that has a report for the same
files, exercise and grader is not run again. A failure while one submission is read, run, judged or
written affects that submission alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import coursekit
from coursekit.core.files import write_atomically
from coursekit.grading.classroom.canary import confirmed
from coursekit.grading.classroom.execute import execute
from coursekit.grading.classroom.job import Cell, Job, JobResult
from coursekit.grading.classroom.publish.analytics import publish_analytics
from coursekit.grading.classroom.publish.exports import publish_exports
from coursekit.grading.classroom.publish.feedback import publish_feedback
from coursekit.grading.classroom.publish.review import publish_review
from coursekit.grading.classroom.reports import (
    ClassRun,
    GradeReport,
    Work,
    graded,
    load_reports,
    not_graded,
)
from coursekit.grading.classroom.sanitise import (
    UnreadableNotebookError,
    load_sheet,
    reference_cells,
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
from coursekit.grading.sandbox import Isolation, require_sandbox, trouble

__all__ = ["Publisher", "all_publishers", "grade_class", "isolation_of", "job_of"]

_log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Called with the number of submissions done, their total and the student."""

Publisher = Callable[[ClassRun, Path], None]
"""Writes one published form of a finished run to a folder."""


def grade_class(
    place: Path,
    plan: GradingPlan,
    settings: ClassSettings,
    publishers: Sequence[Publisher] = (),
    progress: Progress = lambda *_: None,
) -> ClassRun:
    """Grade every submission at a place, write its report to ``out/reports`` and publish the run.

    Parameters
    ----------
    place : Path
        See `find_submissions`. It is read once, before any submission is run.
    plan : GradingPlan
    settings : ClassSettings
    publishers : sequence of Publisher
    progress : function

    Raises
    ------
    SandboxUnavailableError
        If there is no sandbox and grading without one was not allowed.
    GradingError
        If the self-test fails or there is nothing to grade.
    """
    grader = _Grader(plan, settings, place)
    submissions = find_submissions(place, plan.exercise.name)
    template = grader.job(Submission(student="selftest"), ())
    self_test(template, grader.sheet, settings, print_=grader.print)
    known = load_reports(settings.out / "reports")
    run = ClassRun(plan=plan, isolation=grader.isolation)
    waiting = []
    for each in submissions:
        report = known.get(each.student)
        if report is not None and grader.is_current(report, each):
            run.works.append(grader.known(each, report))
        else:
            waiting.append(each)
    run.n_new = len(waiting)
    for work in grader.grade(waiting):
        with run.contained(work.student, "write its report"):
            work.grade.write(settings.out / "reports")
        run.works.append(work)
        progress(len(run.works), len(submissions), work.student)
    run.works.sort(key=lambda work: work.student)
    for publish in publishers:
        with run.contained("The class", f"{publish.__name__}".replace("_", " ")):
            publish(run, settings.out)
    return run


def all_publishers(gradebook: Path | None = None) -> list[Publisher]:
    """Return all publishers; with a course's folder, also the one of its nbgrader gradebook."""
    found: list[Publisher] = [publish_feedback, publish_exports, publish_analytics, publish_review]
    if gradebook is not None:
        from coursekit.grading.classroom.nbgrader.gradebook import gradebook_publisher

        found.append(gradebook_publisher(gradebook))
    return found


class _Grader:
    """Exercise, sandbox and secret of one run."""

    def __init__(self, plan: GradingPlan, settings: ClassSettings, place: Path) -> None:
        self.isolation = isolation_of(settings)
        self.print = fingerprint(plan, self.isolation)
        self.sheet = load_sheet(plan.exercise)
        self._plan, self._settings, self._place = plan, settings, place
        settings.out.mkdir(parents=True, exist_ok=True)
        self._secret = load_secret(settings)

    def job(self, submission: Submission, cells: tuple[Cell, ...]) -> Job:
        """Return the job of a submission."""
        return job_of(
            submission,
            cells,
            self._plan,
            self._settings,
            self.isolation,
            secret=self._secret,
            place=self._place,
        )

    def is_current(self, report: GradeReport, submission: Submission) -> bool:
        """Whether a report is of the same submission, exercise and grader."""
        same = (report.sha256, report.fingerprint) == (submission.sha256, self.print)
        return same and not report.fault

    def known(self, submission: Submission, report: GradeReport) -> Work:
        """Return the result of an earlier run."""
        if report.problem:
            return Work(submission=submission, grade=report)
        cells, _ = sanitise(submission.notebook, self.sheet)
        result = _load_result(self._settings.out, submission.student)
        return Work(submission=submission, grade=report, cells=cells, result=result)

    def grade(self, submissions: Sequence[Submission]) -> Iterator[Work]:
        """Yield each submission as it is graded, unreadable ones first."""
        jobs, prepared = [], {}
        for each in submissions:
            try:
                if each.problem:
                    raise UnreadableNotebookError(each.problem)
                cells, remarks = sanitise(each.notebook, self.sheet)
                jobs.append(self.job(each, cells))
                prepared[each.student] = each, cells, (*each.remarks, *remarks)
            except UnreadableNotebookError as error:
                yield self._without_grade(each, problem=str(error))
            except Exception as error:  # noqa: BLE001 - affects this submission alone
                yield self._without_grade(each, fault=error)
        canary = self.job(Submission(student="canary"), reference_cells(self.sheet))
        for result in confirmed(jobs, canary, partial(_results, settings=self._settings)):
            submission, cells, remarks = prepared[result.submission]
            try:
                grade = graded(
                    submission,
                    self._plan.exercise,
                    result,
                    cells=cells,
                    sandbox=result.confinement or self.isolation,
                    remarks=remarks,
                    print_=self.print,
                )
                _keep(result, self._settings.out)
                yield Work(submission=submission, grade=grade, cells=cells, result=result)
            except Exception as error:  # noqa: BLE001 - affects this submission alone
                yield self._without_grade(submission, fault=error)

    def _without_grade(
        self, submission: Submission, problem: str = "", fault: str | Exception = ""
    ) -> Work:
        exercise = self._plan.exercise
        grade = not_graded(submission, exercise, problem, print_=self.print, fault=fault)
        return Work(submission=submission, grade=grade)


def job_of(
    submission: Submission,
    cells: tuple[Cell, ...],
    plan: GradingPlan,
    settings: ClassSettings,
    isolation: Isolation,
    *,
    secret: bytes,
    place: Path,
) -> Job:
    """Return the job of a submission that was handed in at a place."""
    exercise = plan.exercise
    return Job(
        submission=submission.student,
        exercise=exercise.name,
        exercise_folder=str(exercise.folder.resolve()),
        seed=seed_of(secret, plan, submission.sha256),
        cells=cells,
        files=submission.files,
        modules=plan.modules,
        limits=plan.limits,
        isolation=isolation,
        forked=plan.libraries if settings.forked and isolation == "bubblewrap" else (),
        covered=_secret_folders(plan, settings, place),
    )


def isolation_of(settings: ClassSettings) -> Isolation:
    """Return how submissions are isolated; without a sandbox, raise unless that was allowed."""
    if settings.allow_unsandboxed and trouble():
        return "none"
    require_sandbox()
    return "bubblewrap"


def _secret_folders(plan: GradingPlan, settings: ClassSettings, place: Path) -> tuple[str, ...]:
    """Return where no submission may read: reference implementations, exercises with their hidden
    checks and solutions, reports, the secret, other students' work.
    """
    places = (place, settings.out, settings.secret or settings.out / "secret")
    found = [Path(coursekit.__file__).parent, plan.exercise.folder.parent]
    found += [each if each.is_dir() else each.parent for each in places]
    return tuple(dict.fromkeys(str(folder.resolve()) for folder in found))


def _results(jobs: Sequence[Job], settings: ClassSettings) -> Iterator[JobResult]:
    """Run jobs and yield a result for each; if running them together fails, run the remaining ones
    one by one; a job that fails again has the failure as its result.
    """
    left = {job.submission: job for job in jobs}
    try:
        for result in execute(jobs, settings):
            del left[result.submission]
            yield result
    except Exception:  # noqa: BLE001 - the failing job is found by running each alone
        _log.exception("Running the submissions in parallel failed.")
    for job in left.values():
        try:
            results = list(execute([job], settings))
            yield results[0]
        except Exception as error:  # noqa: BLE001 - affects this submission alone
            yield JobResult(submission=job.submission, bug=f"{type(error).__name__}: {error}")


def _keep(result: JobResult, out: Path) -> None:
    """Write the result; outputs that cannot be serialised are left out."""
    try:
        text = json.dumps(result.to_json())
    except (ValueError, RecursionError):
        cells = tuple(replace(cell, outputs=()) for cell in result.cells)
        text = json.dumps(replace(result, cells=cells).to_json())
    write_atomically(_result_file(out, result.submission), text)


def _load_result(out: Path, student: str) -> JobResult | None:
    try:
        return JobResult.from_json(json.loads(_result_file(out, student).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _result_file(out: Path, student: str) -> Path:
    """Return the file of a result; it contains outputs, so it is for instructors only."""
    return out / "work" / "results" / f"{student}.json"
