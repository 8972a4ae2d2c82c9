"""`coursekit update`: merge a newer version of an exercise into a student's notebook."""

from __future__ import annotations

from pathlib import Path

from coursekit.commands.command import Answer, Mark, command
from coursekit.commands.lab import course_folder
from coursekit.core.clock import SystemClock
from coursekit.core.errors import CourseKitError
from coursekit.grading.checks.text import inert
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.origin import origin_of
from coursekit.grading.student.update import Update, plan_update

__all__ = ["update"]


@command
def update(
    notebook: Path,
    *,
    from_: Path | None = None,
    base: Path | None = None,
    keep: tuple[str, ...] = (),
    take: tuple[str, ...] = (),
    dry_run: bool = False,
) -> Answer:
    """Update your notebook to a newer version of its exercise.

    Your answers and your own cells are kept, the course's cells are updated, missing ones are
    restored. A backup is made in .coursekit/backup first. On a merge conflict nothing is changed
    and the exit code is 1; resolve it with --keep or --take.

    Parameters
    ----------
    from_
        Unused copy of the newer version.  [default: the course's]
    base
        Unused notebook of the version that you started from.
    keep : CELL
        Keep your version of this cell; may be given several times.
    take : CELL
        Take the course's version of this cell; may be given several times.
    dry_run
        Report changes without making them.
    """
    folder = from_ or _of_the_course(notebook)
    plan = plan_update(notebook, folder, base=base, keep=keep, take=take)
    backup = plan.make(SystemClock()) if plan.is_clear and not dry_run else None
    data = {
        "updated": backup is not None,
        "exercise": plan.newer.name,
        "from_version": plan.from_version,
        "to_version": plan.newer.version,
        "backup": backup,
        "changes": plan.merge.changes,
        "unclear": plan.merge.unclear,
    }
    return Answer(data=data, text=_shown(plan, backup), ok=plan.is_clear)


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
            f"{notebook} does not say which exercise it is. Name the folder of an unused copy with "
            f"--from."
        )
    return folder


def _shown(plan: Update, backup: Path | None) -> str:
    merge, old = plan.merge, plan.from_version or "unknown"
    lines = [
        f"{mark.shown()} {inert(f'{change.cell} {change.text}.')}"
        for mark, changes in ((Mark.OK, merge.changes), (Mark.PROBLEM, merge.unclear))
        for change in changes
    ]
    versions = f"{plan.newer.name}, version {old} to {plan.newer.version}"
    if not plan.is_clear:
        last = f"Nothing was changed ({versions}). Resolve the conflicts above and try again."
    elif backup is None:
        last = f"Nothing was changed ({versions}): this was a dry run."
    else:
        last = (
            f"Updated {versions}. The backup is in {backup}. In JupyterLab, reload the notebook "
            f"from disk."
        )
    return "\n".join([*(lines or ["Every cell is up to date."]), last])
