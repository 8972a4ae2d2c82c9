"""Grade a class: read each submission once, run all, record each result as it arrives, publish.

An interrupted run is resumed by starting it again: a submission that has a report for the same
files, exercise and grader is not run again. A failure while one submission is read, run, judged or
written affects that submission alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import coursekit
from coursekit.core.files import write_atomically
from coursekit.core.records import read_record
from coursekit.grading.classroom.canary import confirmed
from coursekit.grading.classroom.execute import Run, workers
from coursekit.grading.classroom.job import Cell, Job, JobResult, as_json, described
from coursekit.grading.classroom.publish.analytics import publish_analytics
from coursekit.grading.classroom.publish.exports import publish_exports
from coursekit.grading.classroom.publish.feedback import publish_feedback
from coursekit.grading.classroom.publish.review import publish_review
from coursekit.grading.classroom.reports import ClassRun, GradeReport, Work, grade_of, load_reports
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

__all__ = ["Grader", "Publisher", "all_publishers", "grade_class", "isolation_of"]

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
    grader, reports = Grader(plan, settings, place), settings.out / "reports"
    submissions = find_submissions(place, plan.exercise.name)
    with workers(settings) as run_jobs:
        template = grader.job(Submission(student="selftest"), ())
        memory, print_ = settings.out / "work" / "selftest.json", grader.fingerprint
        self_test(template, grader.sheet, run_jobs, memory=memory, print_=print_)
        before = load_reports(reports)
        known = {each.student: grader.known(each, before.get(each.student)) for each in submissions}
        waiting = [each for each in submissions if known[each.student] is None]
        done = [work for work in known.values() if work is not None]
        run = ClassRun(plan=plan, isolation=grader.isolation, works=done, n_new=len(waiting))
        for work in grader.grade(waiting, run_jobs):
            with run.contained(work.student, "write its report"):
                work.grade.write(reports)
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


class Grader:
    """Exercise, sandbox and secret of one run.

    Parameters
    ----------
    plan : GradingPlan
    settings : ClassSettings
    place : Path
        Where submissions were handed in.
    """

    def __init__(self, plan: GradingPlan, settings: ClassSettings, place: Path) -> None:
        self.isolation = isolation_of(settings)
        self.fingerprint = fingerprint(plan, self.isolation)
        self.sheet = load_sheet(plan.exercise)
        self._plan, self._settings, self._place = plan, settings, place
        settings.out.mkdir(parents=True, exist_ok=True)
        self._secret = load_secret(settings)

    def job(self, submission: Submission, cells: tuple[Cell, ...]) -> Job:
        """Return the job of a submission."""
        plan = self._plan
        is_forked = self._settings.forked and self.isolation == "bubblewrap"
        return Job(
            submission=submission.student,
            exercise=plan.exercise.name,
            exercise_folder=str(plan.exercise.folder.resolve()),
            seed=seed_of(self._secret, plan, submission.sha256),
            cells=cells,
            files=submission.files,
            modules=plan.modules,
            limits=plan.limits,
            isolation=self.isolation,
            forked=plan.libraries if is_forked else (),
            covered=_secret_folders(plan, self._settings, self._place),
        )

    def known(self, submission: Submission, report: GradeReport | None) -> Work | None:
        """Return the work with a report of an earlier run, if that is of the same submission,
        exercise and grader and has no fault.
        """
        same = (submission.sha256, self.fingerprint)
        if report is None or report.fault or (report.sha256, report.fingerprint) != same:
            return None
        if report.problem:
            return Work(submission=submission, grade=report)
        cells, _ = sanitise(submission.notebook, self.sheet)
        result = read_record(JobResult, self._result_file(submission))
        return Work(submission=submission, grade=report, cells=cells, result=result)

    def grade(self, submissions: Sequence[Submission], run: Run) -> Iterator[Work]:
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
                yield self._work(each, problem=str(error))
            except Exception as error:  # noqa: BLE001 - affects this submission alone
                yield self._work(each, fault=described(error))
        canary = self.job(Submission(student="canary"), reference_cells(self.sheet))
        for result in confirmed(jobs, canary, partial(_results, run=run)):
            each, cells, remarks = prepared[result.submission]
            try:
                work = self._work(each, cells, result, remarks=remarks)
                write_atomically(self._result_file(each), as_json(result))
            except Exception as error:  # noqa: BLE001 - affects this submission alone
                work = self._work(each, fault=described(error))
            yield work

    def _work(
        self,
        submission: Submission,
        cells: tuple[Cell, ...] = (),
        result: JobResult | None = None,
        **why: Any,
    ) -> Work:
        """Return a submission with its grade; `why` is the rest of what `grade_of` receives."""
        about: dict[str, Any] = {"isolation": self.isolation, "fingerprint": self.fingerprint}
        about |= {"exercise": self._plan.exercise, "cells": cells, "result": result}
        grade = grade_of(submission, **about, **why)
        return Work(submission=submission, grade=grade, cells=cells, result=result)

    def _result_file(self, submission: Submission) -> Path:
        """Return the file of a result; it contains outputs, so it is for instructors only."""
        return self._settings.out / "work" / "results" / f"{submission.student}.json"


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


def _results(jobs: Sequence[Job], run: Run) -> Iterator[JobResult]:
    """Run jobs and yield a result for each; if running them together fails, run the remaining ones
    one by one; a job that fails again has the failure as its result.
    """
    left = {job.submission: job for job in jobs}
    try:
        for result in run(jobs):
            del left[result.submission]
            yield result
    except Exception:  # noqa: BLE001 - the failing job is found by running each alone
        _log.exception("Running the submissions in parallel failed.")
    for job in left.values():
        try:
            [result] = run([job])
        except Exception as error:  # noqa: BLE001 - affects this submission alone
            result = JobResult(submission=job.submission, bug=described(error))
        yield result
