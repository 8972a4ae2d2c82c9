"""The command line `coursekit`: a table of commands, each imported when it is called.

Any :class:`~coursekit.core.errors.CourseKitError` is printed as one sentence on stderr, with exit
code 2. Logging is configured here and nowhere else.
"""

from __future__ import annotations

import logging
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from coursekit import __version__
from coursekit.core.errors import CourseKitError
from coursekit.core.processes import isolate

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "lab": ("coursekit.commands.lab:lab", "Open the course in JupyterLab."),
    "doctor": (
        "coursekit.commands.doctor.command:doctor",
        "Check the installation and print a fix for each problem.",
    ),
    "check": ("coursekit.commands.student.feedback:check", "Check your answers to an exercise."),
    "hint": (
        "coursekit.commands.student.feedback:hint",
        "Show the next hint for a check, such as fm-1.",
    ),
    "answer": (
        "coursekit.commands.student.feedback:answer",
        "Show one good answer to a check, such as fm-1, once yours passes.",
    ),
    "progress": (
        "coursekit.commands.student.feedback:progress",
        "Show how far you are, in one exercise or in all of them.",
    ),
    "preflight": (
        "coursekit.commands.student.preflight:preflight",
        "Check a notebook before you hand it in.",
    ),
    "submit": (
        "coursekit.commands.student.preflight:submit",
        "Check a notebook and pack it to hand it in.",
    ),
    "update": (
        "coursekit.commands.student.update:update",
        "Update your notebook to a newer version of its exercise.",
    ),
    "grade": (
        "coursekit.commands.instructor.grade:grade",
        "Grade all submissions of a class in a sandbox.",
    ),
    "release": (
        "coursekit.commands.instructor.release:release",
        "Generate the student version, exercises/, from solutions/.",
    ),
    "data": ("coursekit.commands.data:data", "List and fetch the data sets of the course."),
    "evaluate": (
        "coursekit.commands.evaluate:evaluate",
        "Run a learner over your own ratings file, test then train.",
    ),
    "drift": ("coursekit.commands.drift:drift", "Find where a column of your own file changed."),
    "ope": (
        "coursekit.commands.ope:ope",
        "Estimate what another policy would have earned, from a log of decisions.",
    ),
    "abtest": (
        "coursekit.commands.abtest:abtest",
        "Analyse an A/B test in your own file: verdict, lift, intervals.",
    ),
}
"""Name -> (module:attribute, short help); `coursekit --help` imports no command.

A test compares the short help with that of the command.
"""

_LOG_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class CourseGroup(click.Group):
    """A click group over `COMMANDS` that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or None for a name that is not in the table."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown name, suggest the most similar one."""
        near = get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; report a CourseKitError in one sentence with exit code 2."""
        try:
            return super().invoke(ctx)
        except CourseKitError as error:
            logging.getLogger(__name__).debug("Refused.", exc_info=True)
            raise Refusal(str(error)) from error


class Refusal(click.ClickException):
    """An error message for stderr, with exit code 2."""

    exit_code = 2


@click.group(cls=CourseGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coursekit")
@click.option("-v", "--verbose", count=True, help="Log more to stderr (-vv: everything).")
def cli(verbose: int) -> None:
    """Learn online learning: open the lessons, check exercises, run the learners on your own
    data.
    """
    level = _LOG_LEVELS[min(verbose, len(_LOG_LEVELS) - 1)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", force=True)


def main() -> None:
    """Start the command line."""
    isolate()
    cli(prog_name="coursekit")
