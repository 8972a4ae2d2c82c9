"""`coursekit release`: generate exercises from solutions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.core.errors import CourseKitError

__all__ = ["release"]


@click.command()
@click.argument("exercises", nargs=-1, metavar="[EXERCISE]...")
@click.option("--check", is_flag=True, help="Write nothing; report errors and differences.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Folder that holds solutions/ and exercises/.  [default: the current folder]",
)
@json_option
def release(exercises: tuple[str, ...], check: bool, root: Path, as_json: bool) -> None:
    """Generate the student version, exercises/, from solutions/.

    First the sources are validated: notebook, checks, hints and misconceptions are consistent, the
    solution earns all points, the stub none, and each misconception is recognised. No line of a
    solution, a hidden check or a misconception may be readable in the generated files. On an error
    the exit code is 1 and nothing is written.
    """
    missing = [name for name in ("jupytext", "nbgrader") if importlib.util.find_spec(name) is None]
    if missing:
        raise CourseKitError(
            f"{' and '.join(missing)} must be installed to release exercises: "
            "pip install -e '.[grading]'."
        )
    from coursekit.authoring.release import release as make

    found = make(root, exercises, check=check)
    if as_json:
        emit_json({"written": found.written, "faults": found.faults})
    else:
        for file in found.written:
            click.echo(f"wrote {file}")
        for sentence in found.faults:
            click.echo(sentence, err=True)
        if not (found.written or found.faults):
            click.echo("Nothing to do: what students get is as it is generated.")
    raise SystemExit(1 if found.faults else 0)
