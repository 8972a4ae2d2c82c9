"""`coursekit update`: merge a newer version of an exercise into a student's notebook."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.course_folder import course_folder
from coursekit.commands.output import Mark, emit_json, json_option
from coursekit.core.clock import SystemClock
from coursekit.core.errors import CourseKitError
from coursekit.grading.checks.text import inert
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.merge import Change
from coursekit.grading.student.origin import origin_of
from coursekit.grading.student.update import Update, plan_update

__all__ = ["update"]


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    help="Unused copy of the newer version.  [default: the course's]",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="Unused notebook of the version that you started from.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="CELL",
    help="Keep your version of this cell; may be given several times.",
)
@click.option(
    "--take",
    multiple=True,
    metavar="CELL",
    help="Take the course's version of this cell; may be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Report changes without making them.")
@json_option
def update(
    notebook: Path,
    folder: Path | None,
    base: Path | None,
    keep: tuple[str, ...],
    take: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Update your notebook to a newer version of its exercise.

    Your answers and your own cells are kept, the course's cells are updated, missing ones are
    restored. A backup is made in .coursekit/backup first. On a merge conflict nothing is changed
    and the exit code is 1; resolve it with --keep or --take.
    """
    plan = plan_update(
        notebook, folder or _of_the_course(notebook), base=base, keep=keep, take=take
    )
    backup = plan.make(SystemClock()) if plan.is_clear and not dry_run else None
    if as_json:
        emit_json(_plain(plan, backup))
    else:
        _show(plan, backup)
    raise SystemExit(0 if plan.is_clear else 1)


def _of_the_course(notebook: Path) -> Path:
    """Return the exercise's folder in the course of this installation."""
    name = origin_of(read_notebook(notebook)).exercise
    try:
        folder = course_folder() / "exercises" / name
    except CourseKitError as error:
        raise ExerciseError(
            "Name the folder of an unused copy of the newer version with --from."
        ) from error
    if not name or not (folder / "exercise.toml").is_file():
        raise ExerciseError(
            f"{notebook} does not say which exercise it is. Name the folder of an unused "
            f"copy with --from."
        )
    return folder


def _plain(plan: Update, backup: Path | None) -> dict[str, object]:
    return {
        "updated": backup is not None,
        "exercise": plan.newer.name,
        "from_version": plan.from_version,
        "to_version": plan.newer.version,
        "backup": backup,
        "changes": plan.merge.changes,
        "unclear": plan.merge.unclear,
    }


def _show(plan: Update, backup: Path | None) -> None:
    for mark, changes in ((Mark.OK, plan.merge.changes), (Mark.PROBLEM, plan.merge.unclear)):
        for change in changes:
            click.echo(f"{mark.shown()} {_sentence(change)}")
    if not plan.merge.changes and not plan.merge.unclear:
        click.echo("Every cell is up to date.")
    versions = (
        f"{plan.newer.name}, version {plan.from_version or 'unknown'} to {plan.newer.version}"
    )
    if not plan.is_clear:
        click.echo(f"Nothing was changed ({versions}). Resolve the conflicts above and try again.")
    elif backup is None:
        click.echo(f"Nothing was changed ({versions}): this was a dry run.")
    else:
        click.echo(
            f"Updated {versions}. The backup is in {backup}. In JupyterLab, "
            f"reload the notebook from disk."
        )


def _sentence(change: Change) -> str:
    return inert(f"{change.cell} {change.text}.")
