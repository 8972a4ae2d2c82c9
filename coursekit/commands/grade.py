"""`coursekit grade`: grade a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.core.errors import CourseKitError

if TYPE_CHECKING:
    from coursekit.grading.classroom.reports import GradeReport

__all__ = ["grade"]


_PATH = click.Path(path_type=Path)


@click.command(short_help="Grade all submissions of a class in a sandbox.")
@click.argument("submissions", type=_PATH)
@click.option("--exercise", required=True, help="Name, or folder in solutions/.")
@click.option("--out", required=True, type=_PATH, help="Folder for reports; run again to resume.")
@click.option("--jobs", "n_jobs", default=1, show_default=True, help="Submissions in parallel.")
@click.option(
    "--backend",
    default="local",
    show_default=True,
    type=click.Choice(["local", "dask"]),
    help="Processes on this machine, or a Dask cluster.",
)
@click.option("--address", default="", help="Address of a Dask scheduler; default: start one.")
@click.option("--forked", is_flag=True, help="Fork from a server with libraries loaded: faster.")
@click.option("--secret", type=_PATH, help="File with the secret that seeds random inputs.")
@click.option(
    "--allow-unsandboxed",
    "--unsafe-no-sandbox",
    is_flag=True,
    help="Grade without a sandbox if there is none; reports say so.",
)
@click.option(
    "--gradebook", type=_PATH, help="Course folder: also record in its nbgrader gradebook."
)
@json_option
def grade(
    submissions: Path,
    exercise: str,
    out: Path,
    gradebook: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Grade every submission in SUBMISSIONS: a folder of notebooks, of one folder for each student,
    a zip, or nbgrader's tree.

    Verdicts are computed outside the students' processes, which run in a sandbox. Written to OUT:
    reports (JSON), feedback (HTML and text), grades.csv, Gradescope and JUnit files, class
    statistics and, for instructors only, every submission as a static page (review/). Run the same
    command again to resume an interrupted run.
    """
    from coursekit.grading.classroom.publish.analytics import summary_of
    from coursekit.grading.classroom.service import all_publishers, grade_class
    from coursekit.grading.classroom.settings import ClassSettings, load_plan

    chosen = ClassSettings(out=out.resolve(), **settings)
    plan = load_plan(_folder(exercise))
    with _progress() as tell:
        run = grade_class(submissions, plan, chosen, all_publishers(gradebook), tell)
    counts = {
        "n_submissions": len(run.reports),
        "n_new": run.n_new,
        "n_not_graded": sum(bool(each.problem) for each in run.reports),
        "n_not_judged": sum(bool(each.fault) for each in run.reports),
    }
    for sentence in run.troubles:
        click.echo(sentence, err=True)
    if as_json:
        emit_json({**counts, "sandbox": run.isolation, "troubles": run.troubles})
    else:
        for each in run.reports:
            click.echo(f"{each.student:<30} {_points(each):>12}")
        click.echo(f"\n{summary_of(run.reports)}")
        click.echo(
            "\n{n_submissions} submissions, {n_new} graded now, {n_not_graded} could not be. "
            "Reports are in {out}.".format(**counts, out=out)
        )
        if counts["n_not_judged"]:
            click.echo(
                f"{counts['n_not_judged']} not judged, or not all of them, since the grader or a "
                "check failed: see `fault` in their reports. Run the same command again to retry.",
                err=True,
            )
    if run.isolation == "none":
        click.echo(
            "NO SANDBOX: these submissions could read and change everything that you can.", err=True
        )


def _points(grade: GradeReport) -> str:
    if grade.problem:
        return "not judged" if grade.fault else "not graded"
    points = f"{grade.report.points:g}/{grade.report.max_points:g}"
    return points if grade.report.is_judged() else f"{points} so far"


def _folder(exercise: str) -> Path:
    """Find an exercise with hidden checks by folder or name, here or in a parent folder."""
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
    """Show progress on stderr: a bar on a terminal, one line for each submission elsewhere."""
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
