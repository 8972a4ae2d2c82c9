"""`coursekit lessons`: the lessons and the modules they teach."""

from __future__ import annotations

import click

from coursekit import LESSONS
from coursekit.commands.output import emit_json, json_option

__all__ = ["lessons"]


@click.command(short_help="List the lessons and their modules.")
@json_option
def lessons(as_json: bool) -> None:
    """List the lessons in the order of the course, each with the modules it teaches."""
    if as_json:
        emit_json(LESSONS)
        return
    for stem, modules in LESSONS.items():
        click.echo("\n  ".join([stem, *modules]))
