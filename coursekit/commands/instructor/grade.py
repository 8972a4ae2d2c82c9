"""`coursekit grade`: grade a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from coursekit.commands.command import Answer, command, progress_bar
from coursekit.core.errors import CourseKitError

if TYPE_CHECKING:
    from coursekit.grading.classroom.reports import GradeReport

__all__ = ["grade"]


@command
def grade(
    submissions: Path,
    *,
    exercise: str,
    out: Path,
    jobs: int = 1,
    backend: Literal["local", "dask"] = "local",
    address: str = "",
    forked: bool = False,
    secret: Path | None = None,
    allow_unsandboxed: bool = False,
    gradebook: Path | None = None,
) -> Answer:
    """Grade all submissions of a class in a sandbox.

    SUBMISSIONS is a folder of notebooks, of one folder for each student, a zip, or nbgrader's tree.
    Verdicts are computed outside the students' processes, which run in a sandbox. Written to OUT:
    reports (JSON), feedback (HTML and text), grades.csv, Gradescope and JUnit files, class
    statistics and, for instructors only, every submission as a static page (review/). Run the same
    command again to resume an interrupted run.

    Parameters
    ----------
    exercise
        Name, or folder in solutions/.
    out
        Folder for reports; run again to resume.
    jobs
        Submissions in parallel.
    backend
        Processes on this machine, or a Dask cluster.
    address
        Address of a Dask scheduler; default: start one.
    forked
        Fork from a server with libraries loaded: faster.
    secret
        File with the secret that seeds random inputs.
    allow_unsandboxed, unsafe_no_sandbox
        Grade without a sandbox if there is none; reports say so.
    gradebook
        Course folder: also record in its nbgrader gradebook.
    """
    from coursekit.grading.classroom.publish.analytics import summary_of
    from coursekit.grading.classroom.service import all_publishers, grade_class
    from coursekit.grading.classroom.settings import ClassSettings, load_plan

    settings = ClassSettings(
        out=out.resolve(),
        n_jobs=jobs,
        backend=backend,
        address=address,
        forked=forked,
        allow_unsandboxed=allow_unsandboxed,
        secret=secret,
    )
    plan = load_plan(_folder(exercise))
    with progress_bar("Grading") as tell:
        run = grade_class(submissions, plan, settings, all_publishers(gradebook), tell)
    n_not_graded, n_not_judged = (
        sum(bool(getattr(each, name)) for each in run.reports) for name in ("problem", "fault")
    )
    warnings = list(run.troubles)
    if n_not_judged:
        warnings.append(
            f"{n_not_judged} not judged, or not all of them, since the grader or a check failed: "
            "see `fault` in their reports. Run the same command again to retry."
        )
    if run.isolation == "none":
        warnings.append(
            "NO SANDBOX: these submissions could read and change everything that you can."
        )
    for sentence in warnings:
        click.echo(sentence, err=True)
    lines = [f"{each.student:<30} {_points(each):>12}" for each in run.reports]
    lines += ["", summary_of(run.reports), ""]
    lines.append(
        f"{len(run.reports)} submissions, {run.n_new} graded now, {n_not_graded} could not be. "
        f"Reports are in {out}."
    )
    data = {
        "n_submissions": len(run.reports),
        "n_new": run.n_new,
        "n_not_graded": n_not_graded,
        "n_not_judged": n_not_judged,
        "sandbox": run.isolation,
        "troubles": run.troubles,
    }
    return Answer(data=data, text="\n".join(lines))


def _points(grade: GradeReport) -> str:
    if grade.problem:
        return "not judged" if grade.fault else "not graded"
    points = f"{grade.report.points:g}/{grade.report.max_points:g}"
    return points if grade.report.is_judged() else f"{points} so far"


def _folder(exercise: str) -> Path:
    """Find an exercise with hidden checks by folder or name, here or in a parent folder."""
    here = Path.cwd()
    named = [folder / "solutions" / exercise for folder in (here, *here.parents)]
    for folder in (Path(exercise), *named):
        if (folder / "hidden.py").is_file():
            return folder.resolve()
    raise CourseKitError(
        f"There is no exercise {exercise!r} with hidden checks here. Name its folder in solutions/."
    )
