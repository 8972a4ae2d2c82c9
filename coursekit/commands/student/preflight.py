"""`coursekit preflight`: check a notebook before it is handed in."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.output import Mark, emit_json, json_option
from coursekit.core.errors import InvalidParameterError
from coursekit.grading.checks.text import inert
from coursekit.grading.errors import ExerciseError
from coursekit.grading.student.feedback import fresh_seed
from coursekit.grading.student.history import default_history
from coursekit.grading.student.preflight import Preflight
from coursekit.grading.student.preflight import preflight as look_at

__all__ = ["look", "preflight", "show", "timeout_option"]

timeout_option = click.option(
    "--timeout", default=120.0, show_default=True, help="Seconds for all cells together."
)


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@timeout_option
@json_option
def preflight(notebook: Path, timeout: float, as_json: bool) -> None:
    """Check a notebook before you hand it in.

    Is it saved, complete and of the right version, and does it run from top to bottom in a new
    kernel? The exit code is 0 if it is ready to submit, and 1 if there is a problem; each problem
    comes with its fix.
    """
    found, _ = look(notebook, timeout)
    if as_json:
        emit_json(found.to_json())
    else:
        show(found)
        click.echo("Ready to submit." if found.is_ready else "Fix the problems first.")
    raise SystemExit(0 if found.is_ready else 1)


def look(notebook: Path, timeout: float) -> tuple[Preflight, bytes]:
    """Test a notebook; return the findings and the bytes that were tested."""
    if timeout <= 0:
        raise InvalidParameterError(f"`--timeout` must be greater than 0, got {timeout:g}.")
    try:
        content = notebook.read_bytes()
    except OSError as error:
        raise ExerciseError(
            f"{notebook} cannot be read: {error.strerror}. Name your notebook, such as fm.ipynb."
        ) from error
    return look_at(
        notebook, content, history=default_history(), seed=fresh_seed(), timeout=timeout
    ), content


def show(found: Preflight) -> None:
    """Print the findings, each problem with its fix below it."""
    for each in found.findings:
        click.echo(f"{Mark(each.standing.value).shown()} {inert(each.text)}")
        if each.fix:
            click.echo(f"            {inert(each.fix)}")
