"""`coursekit check`, `hint`, `answer` and `progress`: exercises from a terminal."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.grading.checks.render import points_text, rich_tables
from coursekit.grading.checks.report import Outcome, Report
from coursekit.grading.exercises.answers import ModelAnswer, model_answer
from coursekit.grading.exercises.exercise import (
    Exercise,
    find_exercise,
    find_exercises,
    load_exercise,
)
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.feedback import fresh_seed, next_hint
from coursekit.grading.student.progress import Logbook, ProgressTable
from coursekit.grading.student.rehearsal import rehearse, running

__all__ = ["answer", "check", "hint", "progress"]

NOTE_HIDDEN = "These are the visible checks. Hidden checks run when your work is graded."


@click.command()
@click.argument("exercise", type=click.Path(path_type=Path))
@click.option(
    "--only",
    multiple=True,
    metavar="CHECK",
    help="Only this check, such as fm-1; may be given several times.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the random inputs of an earlier run.")
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    help="Seconds for all cells of the notebook together.",
)
@click.option("--plain", is_flag=True, help="Text without tables and colours.")
@json_option
def check(
    exercise: Path,
    only: tuple[str, ...],
    seed: int | None,
    timeout: float,
    plain: bool,
    as_json: bool,
) -> None:
    """Check your answers to an exercise.

    EXERCISE is its folder or its notebook. All cells of the notebook are run in a new process,
    then the visible checks. The exit code is 0 if every check passed and 1 if not.
    """
    found = load_exercise(exercise.parent if exercise.suffix == ".ipynb" else exercise)
    notebook = exercise if exercise.suffix == ".ipynb" else found.notebook
    report = run_checks(
        found,
        notebook,
        only or found.check_ids,
        seed=fresh_seed() if seed is None else seed,
        timeout=timeout,
    )
    if as_json:
        emit_json(report.to_json())
    elif plain:
        click.echo(repr(report))
    else:
        print_report(report)
    raise SystemExit(0 if report.passed else 1)


@click.command()
@click.argument("check_id", metavar="CHECK")
@click.option(
    "--rung", type=click.IntRange(1), help="A certain hint of the ladder; by default the next one."
)
@json_option
def hint(check_id: str, rung: int | None, as_json: bool) -> None:
    """Show the next hint for a check, such as fm-1."""
    found = next_hint(find_exercise(check_id, Path.cwd()), check_id, rung)
    if as_json:
        emit_json(found.to_json())
    else:
        click.echo(repr(found))


@click.command()
@click.argument("check_id", metavar="CHECK")
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    help="Seconds for all cells of the notebook together.",
)
@json_option
def answer(check_id: str, timeout: float, as_json: bool) -> None:
    """Show one good answer to a check, such as fm-1, once yours passes.

    All cells of your notebook are run in a new process first. The exit code is 0 if the answer
    was shown and 1 if not.
    """
    exercise = find_exercise(check_id, Path.cwd())
    notebook = read_notebook(exercise.notebook)
    with running(notebook, exercise.notebook.parent, timeout) as (subject, _):
        found = model_answer(exercise, check_id, subject, seed=fresh_seed())
    if as_json:
        emit_json(found.to_json())
    else:
        click.echo(repr(found))
    raise SystemExit(0 if isinstance(found, ModelAnswer) else 1)


@click.command()
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="."
)
@json_option
def progress(folder: Path, as_json: bool) -> None:
    """Show how far you are, in one exercise or in all of them."""
    table = ProgressTable.of(find_exercises(folder))
    if as_json:
        emit_json(table.to_json())
    else:
        click.echo(repr(table))


def run_checks(
    exercise: Exercise, notebook: Path, check_ids: tuple[str, ...], *, seed: int, timeout: float
) -> Report:
    """Run a notebook's cells and checks in a new process; record the results as progress."""
    for check_id in check_ids:
        exercise.check(check_id)
    run = rehearse(
        exercise,
        read_notebook(notebook),
        notebook.parent,
        seed=seed,
        timeout=timeout,
        only=check_ids,
    )
    logbook = Logbook(exercise)
    for each in run.checks:
        logbook.record(each)
    notes = [
        f"Cell {cell.number} ({cell.id}) stopped with {name}: {text}"
        for cell, name, text in run.errors
    ]
    notes += [run.lost] if run.lost else []
    notes.append(f"{NOTE_HIDDEN} Same questions again: --seed {seed}.")
    return Report(exercise=exercise.name, checks=run.checks, sandbox="process", notes=tuple(notes))


def print_report(report: Report) -> None:
    """Print a report as tables, and the next step."""
    from rich.console import Console

    console = Console()
    for table in rich_tables(report):
        console.print(table)
    for note in report.notes:
        console.print(note, markup=False, highlight=False)
    n_passed = sum(check.passed for check in report.checks)
    console.print(
        f"{n_passed} of {len(report.checks)} checks passed, "
        f"{points_text(report.points, report.max_points)}.",
        style="bold",
    )
    for check in report.checks:
        if check.outcome in (Outcome.WRONG, Outcome.COULD_NOT_RUN):
            console.print(f"A hint: coursekit hint {check.id}", markup=False, highlight=False)
            break
