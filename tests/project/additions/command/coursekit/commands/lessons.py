"""`coursekit lessons`: the lessons and the modules they teach."""

from __future__ import annotations

from coursekit import LESSONS
from coursekit.commands.command import Answer, command

__all__ = ["lessons"]


@command
def lessons() -> Answer:
    """List the lessons and their modules.

    They are in the order of the course.
    """
    lines = ["\n  ".join([stem, *modules]) for stem, modules in LESSONS.items()]
    return Answer(data=LESSONS, text="\n".join(lines))
