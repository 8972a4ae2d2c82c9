"""Make a command of a documented function.

The signature of the function declares the parameters once: those before ``*`` are arguments, those
after it options, `from_` is the option ``--from``. The docstring declares the help: its text, and
for each parameter a metavariable and a sentence in the section ``Parameters``; two names in one
entry are two names of one option. A function that returns an `Answer` has the option ``--json``.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import click

from coursekit.core.records import plain

__all__ = ["Answer", "Figure", "Folder", "Mark", "Page", "command", "emit_json", "progress_bar"]

_ENTRY = re.compile(r"^([\w, ]+?)(?: : (.+))?\n((?: {4}.*\n?)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command prints.

    Parameters
    ----------
    data : mapping or dataclass
        Printed as one JSON object with ``--json``.
    text : str
        Printed otherwise.
    ok : bool
        Whether the exit code is 0; otherwise it is 1.
    """

    data: object
    text: str
    ok: bool = True


class _NewFile(click.Path):
    """The name of a file that can be written; validated before the command runs."""

    def __init__(self, suffix: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self.suffix = suffix

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.suffix != self.suffix or not path.absolute().parent.is_dir():
            self.fail(
                f"`{path}` must be the name of a {self.suffix} file in a folder that exists.",
                param,
                ctx,
            )
        return path


Folder = Annotated[Path, click.Path(exists=True, file_okay=False, path_type=Path)]
Figure = Annotated[Path | None, _NewFile(".png")]
Page = Annotated[Path | None, _NewFile(".html")]


def command(function: Callable[..., Answer | None]) -> click.Command:
    """Return a function as a command of its name."""
    text, _, table = inspect.cleandoc(function.__doc__ or "").partition(
        "\n\nParameters\n----------\n"
    )
    help_of = {
        names.split(", ")[0]: (names.split(", ")[1:], metavar, " ".join(words.split()))
        for names, metavar, words in _ENTRY.findall(table)
    }
    kinds = get_type_hints(function, include_extras=True)
    parameters = [
        _parameter(each, kinds[each.name], *help_of.get(each.name, ((), "", "")))
        for each in inspect.signature(function).parameters.values()
    ]
    callback: Callable[..., Any] = function
    if kinds["return"] is Answer:
        told = "Print one JSON object, nothing else."
        parameters.append(click.Option(["--json", "as_json"], is_flag=True, help=told))
        callback = _printing(function)
    name, short = function.__name__.replace("_", "-"), text.partition("\n\n")[0]
    return click.Command(name, params=parameters, callback=callback, help=text, short_help=short)


def _parameter(
    each: inspect.Parameter, kind: Any, aliases: list[str], metavar: str, words: str
) -> click.Parameter:
    settings = _settings(kind) | {"metavar": metavar or None}
    is_required = each.default is each.empty
    if not is_required:
        settings["default"] = each.default
    if each.kind is not each.KEYWORD_ONLY:
        if settings.pop("multiple", False):
            settings["nargs"] = -1
        return click.Argument([each.name], **settings)
    names = [f"--{name.rstrip('_').replace('_', '-')}" for name in (each.name, *aliases)]
    shown = settings["type"] is not bool and not is_required and each.default not in (None, "", ())
    return click.Option(
        [*names, each.name],
        help=words,
        required=is_required,
        show_default=shown and "[default:" not in words,
        **settings,
    )


def _settings(kind: Any) -> dict[str, Any]:
    """Return click's settings for an annotation."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _settings(arguments[0]) | {"type": arguments[1]}
    if origin is Literal:
        return {"type": click.Choice(arguments)}
    if origin is tuple:
        many = {"multiple": True} if arguments[1] is Ellipsis else {"nargs": len(arguments)}
        return _settings(arguments[0]) | many
    if NoneType in arguments:
        return _settings(arguments[0])
    flag = {"is_flag": True} if kind is bool else {}
    return {"type": click.Path(path_type=Path) if kind is Path else kind} | flag


def _printing(function: Callable[..., Any]) -> Callable[..., None]:
    def run(as_json: bool, **values: Any) -> None:
        answer: Answer = function(**values)
        if as_json:
            emit_json(answer.data)
        else:
            click.echo(answer.text)
        sys.exit(0 if answer.ok else 1)

    return run


def emit_json(value: object) -> None:
    """Print one JSON object on stdout: a mapping or a dataclass, see `coursekit.core.records`."""
    found = plain(value)
    if not isinstance(found, dict):
        raise TypeError(f"`value` must become one JSON object, got {type(value).__name__}.")
    click.echo(json.dumps(found, allow_nan=False, indent=2))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[..., None]]:
    """Yield a function of the numbers done and in all, and a name: it shows progress on stderr, as
    a bar on a terminal, elsewhere as one line for each name.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def tell(n_done: int, n_all: int, name: str = "") -> None:
            label = f"{title}: {escape(name)}" if name else title
            progress.update(task, completed=n_done, total=n_all, description=label)
            if name and not console.is_terminal:
                click.echo(f"[{n_done}/{n_all}] {name}", err=True)

        yield tell


class Mark(Enum):
    """A status, shown as word, symbol and colour, each sufficient alone."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"

    def shown(self) -> str:
        """Return symbol and word, in colour; the symbol in ASCII if the terminal needs it."""
        symbol, in_ascii, colour = _LOOKS[self.value]
        try:
            symbol.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            symbol = in_ascii
        return click.style(f"{symbol} {self.value:<7}", fg=colour)


_LOOKS = {"ok": ("✓", "+", "green"), "note": ("○", "o", "yellow"), "problem": ("✗", "x", "red")}
