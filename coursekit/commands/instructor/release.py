"""`coursekit release`: generate exercises from solutions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from coursekit.commands.command import Answer, Folder, command
from coursekit.core.errors import CourseKitError

__all__ = ["release"]


@command
def release(
    exercises: tuple[str, ...] = (), *, check: bool = False, root: Folder = Path()
) -> Answer:
    """Generate the student version, exercises/, from solutions/.

    First the sources are validated: notebook, checks, hints and misconceptions are consistent, the
    solution earns all points, the stub none, and each misconception is recognised. No line of a
    solution, a hidden check or a misconception may be readable in the generated files. On an error
    the exit code is 1 and nothing is written.

    Parameters
    ----------
    exercises : [EXERCISE]...
        Their names.
    check
        Write nothing; report errors and differences.
    root
        Folder that holds solutions/ and exercises/.  [default: the current folder]
    """
    missing = [name for name in ("jupytext", "nbgrader") if importlib.util.find_spec(name) is None]
    if missing:
        raise CourseKitError(
            f"{' and '.join(missing)} must be installed to release exercises: "
            "pip install -e '.[grading]'."
        )
    from coursekit.authoring.release import release as make

    found = make(root, exercises, check=check)
    for sentence in found.faults:
        click.echo(sentence, err=True)
    lines = [f"wrote {file}" for file in found.written]
    if not (found.written or found.faults):
        lines = ["Nothing to do: what students get is as it is generated."]
    return Answer(data=found, text="\n".join(lines), ok=not found.faults)
