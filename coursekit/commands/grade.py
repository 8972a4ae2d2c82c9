"""`coursekit grade`: grade a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.core.errors import CourseKitError

if TYPE_CHECKING:
    from coursekit.grading.classroom.reports import GradeReport
    from coursekit.grading.exercises.exercise import Exercise

__all__ = ["grade"]


@click.command(short_help="Grade a class, hostile submissions included.")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--exercise", required=True, help="Its name, or its folder in solutions/.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Where reports go; run again to go on.",
)
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Submissions at once."
)
@click.option(
    "--backend",
    default="loky",
    show_default=True,
    type=click.Choice(["loky", "dask"]),
    help="Processes, or Dask.",
)
@click.option("--address", default="", help="Of a Dask scheduler; one of our own by default.")
@click.option(
    "--warm",
    is_flag=True,
    help="Fork kernels from one that has the libraries already: faster, as safe.",
)
@click.option(
    "--secret",
    type=click.Path(path_type=Path),
    help="File with the secret behind random questions.",
)
@click.option(
    "--allow-unsandboxed",
    "--unsafe-no-sandbox",
    is_flag=True,
    help="Go on where there is no sandbox; reports say so.",
)
@click.option(
    "--gradebook",
    type=click.Path(path_type=Path),
    help="A course's folder: record in nbgrader's gradebook there.",
)
@json_option
def grade(
    submissions: Path,
    exercise: str,
    out: Path,
    jobs: int,
    backend: str,
    address: str,
    warm: bool,
    secret: Path | None,
    allow_unsandboxed: bool,
    gradebook: Path | None,
    as_json: bool,
) -> None:
    """Grade every submission in SUBMISSIONS: a folder of notebooks, of one folder for each student,
    a zip, or nbgrader's tree.

    Verdicts are computed outside the students' kernels, which run in a sandbox. Reports (JSON),
    feedback (HTML and text), grades.csv, Gradescope and JUnit files, statistics of the class and,
    for your eyes, every submission as a page that can do nothing (review/) go to OUT. The same
    command finishes a run that was stopped.
    """
    from coursekit.grading.classroom.publish.analytics import summary_of, write_cohort
    from coursekit.grading.classroom.publish.exports import write_exports
    from coursekit.grading.classroom.publish.feedback import write_feedback
    from coursekit.grading.classroom.service import grade_class
    from coursekit.grading.classroom.settings import ClassSettings, load_plan

    out.mkdir(parents=True, exist_ok=True)
    plan = load_plan(_folder(exercise))
    settings = ClassSettings(
        out=out.resolve(),
        n_jobs=jobs,
        backend="dask" if backend == "dask" else "loky",
        address=address,
        warm=warm,
        allow_unsandboxed=allow_unsandboxed,
        secret=secret,
    )
    with _progress() as tell:
        run = grade_class(submissions, plan, settings, tell)
    for each in run.reports:
        write_feedback(each, out / "feedback")
    write_exports(run.reports, out)
    write_cohort(run.reports, out)
    _review(run.reports, submissions, plan.exercise, out)
    if gradebook is not None:
        _record(run.reports, submissions, plan.exercise.folder, out, gradebook)
    failed = [each for each in run.reports if each.problem]
    if as_json:
        emit_json(
            {
                "n_submissions": len(run.reports),
                "n_new": run.n_new,
                "n_not_graded": len(failed),
                "sandbox": run.isolation,
            }
        )
        return
    for each in run.reports:
        points = (
            "not graded" if each.problem else f"{each.report.points:g}/{each.report.max_points:g}"
        )
        click.echo(f"{each.student:<30} {points:>12}")
    click.echo(f"\n{summary_of(run.reports)}")
    click.echo(
        f"\n{len(run.reports)} submissions, {run.n_new} graded now, {len(failed)} could not "
        f"be. Reports are in {out}."
    )
    if run.isolation == "none":
        click.echo(
            "NO SANDBOX: these submissions could have read and changed anything that you can.",
            err=True,
        )


def _review(
    grades: Sequence[GradeReport], submissions: Path, exercise: Exercise, out: Path
) -> None:
    """Write each submission as a page for the instructor, who then need not open the notebook."""
    from coursekit.grading.classroom.publish.feedback.review import digests_of, write_review
    from coursekit.grading.classroom.service import load_result
    from coursekit.grading.classroom.submissions import find_submissions

    handed_in = {
        each.student: each.notebook for each in find_submissions(submissions, exercise.name)
    }
    ours = digests_of(exercise)
    for grade in grades:
        result = None if grade.problem else load_result(out, grade.student)
        write_review(grade, handed_in[grade.student], result, out / "review", ours=ours)


def _record(
    grades: Sequence[GradeReport], submissions: Path, exercise: Path, out: Path, gradebook: Path
) -> None:
    """Record a class in nbgrader's gradebook."""
    from coursekit.grading.classroom.nbgrader.gradebook import record_class
    from coursekit.grading.classroom.nbgrader.showing import load_course
    from coursekit.grading.classroom.service import load_result
    from coursekit.grading.classroom.submissions import find_submissions

    handed_in = {each.student: each for each in find_submissions(submissions, exercise.name)}
    graded = [each for each in grades if not each.problem]
    results = {
        each.student: result for each in graded if (result := load_result(out, each.student))
    }
    n_recorded = record_class(load_course(exercise), grades, handed_in, results, gradebook)
    click.echo(
        f"Recorded {n_recorded} submissions in {gradebook / 'grading' / 'gradebook.db'}.", err=True
    )


def _folder(exercise: str) -> Path:
    """Find an exercise with its hidden checks by its folder or name, here or in a folder above."""
    here = Path.cwd()
    candidates = [
        Path(exercise),
        *(folder / "solutions" / exercise for folder in (here, *here.parents)),
    ]
    for folder in candidates:
        if (folder / "hidden.py").is_file():
            return folder.resolve()
    raise CourseKitError(
        f"There is no exercise {exercise!r} with hidden checks here. Name its folder in solutions/."
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show on stderr how far it is: a bar on a terminal, a line for each submission in a log."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda n_done, n_all, student: click.echo(f"[{n_done}/{n_all}] {student}", err=True)
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Grading", total=None)
        yield lambda n_done, n_all, student: progress.update(
            task, completed=n_done, total=n_all, description=f"Grading: {escape(student)}"
        )
