"""`coursekit check`, `hint`, `answer` and `progress`: exercises from a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from coursekit.commands.command import Answer, Folder, command
from coursekit.grading.checks.render import points_text, rich_tables
from coursekit.grading.checks.report import Outcome, Report
from coursekit.grading.exercises.answers import ModelAnswer, model_answer
from coursekit.grading.exercises.exercise import find_exercise, find_exercises, load_exercise
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.feedback import fresh_seed, next_hint
from coursekit.grading.student.progress import ProgressTable
from coursekit.grading.student.rehearsal import check_notebook, running

__all__ = ["answer", "check", "hint", "progress"]


@command
def check(
    exercise: Path,
    *,
    only: tuple[str, ...] = (),
    seed: Annotated[int | None, click.IntRange(0)] = None,
    timeout: float = 120.0,
    plain: bool = False,
) -> Answer:
    """Check your answers to an exercise.

    EXERCISE is its folder or its notebook. All cells of the notebook are run in a new process,
    then the visible checks. The exit code is 0 if every check passed and 1 if not.

    Parameters
    ----------
    only : CHECK
        Only this check, such as fm-1; may be given several times.
    seed
        Repeat the random inputs of an earlier run.
    timeout
        Seconds for all cells of the notebook together.
    plain
        Text without tables and colours.
    """
    is_notebook = exercise.suffix == ".ipynb"
    found = load_exercise(exercise.parent if is_notebook else exercise)
    report = check_notebook(
        found,
        exercise if is_notebook else found.notebook,
        only or found.check_ids,
        seed=fresh_seed() if seed is None else seed,
        timeout=timeout,
    )
    return Answer(data=report, text=repr(report) if plain else _tables(report), ok=report.passed)


@command
def hint(check_id: str, *, rung: Annotated[int | None, click.IntRange(1)] = None) -> Answer:
    """Show the next hint for a check, such as fm-1.

    Parameters
    ----------
    check_id : CHECK
        Its id.
    rung
        A certain hint of the ladder; by default the next one.
    """
    found = next_hint(find_exercise(check_id, Path.cwd()), check_id, rung)
    return Answer(data=found, text=repr(found))


@command
def answer(check_id: str, *, timeout: float = 120.0) -> Answer:
    """Show one good answer to a check, such as fm-1, once yours passes.

    All cells of your notebook are run in a new process first. The exit code is 0 if the answer
    was shown and 1 if not.

    Parameters
    ----------
    check_id : CHECK
        Its id.
    timeout
        Seconds for all cells of the notebook together.
    """
    exercise = find_exercise(check_id, Path.cwd())
    notebook = read_notebook(exercise.notebook)
    with running(notebook, exercise.notebook.parent, timeout) as (subject, _):
        found = model_answer(exercise, check_id, subject, seed=fresh_seed())
    return Answer(data=found, text=repr(found), ok=isinstance(found, ModelAnswer))


@command
def progress(folder: Folder = Path()) -> Answer:
    """Show how far you are, in one exercise or in all of them."""
    table = ProgressTable.of(find_exercises(folder))
    return Answer(data=table, text=repr(table))


def _tables(report: Report) -> str:
    """Return a report as tables, and the next step."""
    from rich.console import Console

    console = Console()
    with console.capture() as printed:
        for table in rich_tables(report):
            console.print(table)
        for note in report.notes:
            console.print(note, markup=False, highlight=False)
        n_passed = sum(check.passed for check in report.checks)
        points = points_text(report.points, report.max_points)
        console.print(f"{n_passed} of {len(report.checks)} checks passed, {points}.", style="bold")
        for check in report.checks:
            if check.outcome in (Outcome.WRONG, Outcome.COULD_NOT_RUN):
                console.print(f"A hint: coursekit hint {check.id}", markup=False, highlight=False)
                break
    return printed.get().rstrip("\n")
