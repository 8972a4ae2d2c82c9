"""Options and output that the commands share: JSON on stdout, and status marks."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import click

__all__ = ["Mark", "emit_json", "figure_option", "json_option", "to_json"]

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, nothing else."
)
"""The option `--json`, passed to the command as `as_json`."""


def figure_option(help_text: str) -> Callable[[Any], Any]:
    """Return the option `--figure OUT.png`; its path is validated before the command runs."""
    return click.option(
        "--figure",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="OUT.png",
        help=help_text,
        callback=_png_in_a_folder,
    )


def _png_in_a_folder(
    _context: click.Context, _parameter: click.Parameter, path: Path | None
) -> Path | None:
    if path is not None and (path.suffix != ".png" or not path.absolute().parent.is_dir()):
        raise click.BadParameter(
            f"`{path}` must be the name of a .png file in a folder that exists."
        )
    return path


class Mark(Enum):
    """A status, shown as word, symbol and colour, each sufficient alone."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"

    def shown(self) -> str:
        """Return symbol and word, in colour; the symbol in ASCII if the terminal needs it."""
        symbol, plain_symbol, colour = _LOOKS[self]
        return click.style(
            f"{symbol if _can_print(symbol) else plain_symbol} {self.value:<7}", fg=colour
        )


_LOOKS = {
    Mark.OK: ("✓", "+", "green"),
    Mark.NOTE: ("○", "o", "yellow"),
    Mark.PROBLEM: ("✗", "x", "red"),
}


def emit_json(value: object) -> None:
    """Print one JSON object on stdout.

    Parameters
    ----------
    value : mapping or dataclass
        Numpy scalars and arrays, paths, enumerations and nested dataclasses are turned into plain
        values; a number that is not finite becomes null, because JSON has none.
    """
    plain = to_json(value)
    if not isinstance(plain, dict):
        raise TypeError(f"`value` must become one JSON object, got {type(value).__name__}.")
    click.echo(json.dumps(plain, allow_nan=False, indent=2))


def to_json(value: Any) -> Any:
    """Convert a value to JSON types.

    >>> from pathlib import PurePosixPath
    >>> to_json({"rmse": float("nan"), "shape": (2, 3), "file": PurePosixPath("a/b.csv")})
    {'rmse': None, 'shape': [2, 3], 'file': 'a/b.csv'}
    """
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_json(child) for key, child in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(child) for child in value]
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if hasattr(value, "tolist"):  # numpy arrays and scalars, without importing numpy
        return to_json(value.tolist())
    return str(value)


def _can_print(symbol: str) -> bool:
    try:
        symbol.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
