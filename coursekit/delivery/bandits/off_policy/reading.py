"""Read the columns of a log of decisions from a delimited file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from coursekit.datasets.delimited import LineError, number_in, open_delimited

__all__ = ["read_columns"]


def read_columns(path: Path, columns: dict[str, str]) -> dict[str, list[Any]]:
    """Return columns of a file: text, or numbers for reward, propensity and probability.

    Parameters
    ----------
    path : path
    columns : dict
        "action", "reward", "propensity", "position", "probability", "chosen" -> their name.

    Raises
    ------
    FileFormatError
        If a column is missing, a number is none or outside its range, or the file has fewer than 2
        decisions; the message names the file and the line.
    """
    found: dict[str, list[Any]] = {"chosen": [], "position": []} | {key: [] for key in columns}
    with open_delimited(path, "a log of decisions as CSV") as file:
        header = [name.strip() for name in file.first]
        for name in columns.values():
            if header.count(name) != 1:
                count = "no column" if name not in header else f"{header.count(name)} columns"
                raise LineError(f"there is {count} `{name}`; the header has {', '.join(header)}")
        for fields in file:
            for key, name in columns.items():
                text = fields[header.index(name)].strip()
                found[key].append(_NUMBERS[key](text, name) if key in _NUMBERS else text)
        if len(found["action"]) < 2:
            raise LineError(f"expected 2 or more decisions, got {len(found['action'])}")
    return found


def _probability(text: str, name: str) -> float:
    value = number_in(text, f"`{name}`")
    if not 0 <= value <= 1:
        raise LineError(f"`{name}` must be in [0, 1], got {text}")
    return value


def _propensity(text: str, name: str) -> float:
    value = number_in(text, f"`{name}`")
    if not 0 < value <= 1:
        raise LineError(f"`{name}` must be in (0, 1], got {text}")
    return value


_NUMBERS: dict[str, Callable[[str, str], float]] = {
    "reward": lambda text, name: number_in(text, f"`{name}`"),
    "propensity": _propensity,
    "probability": _probability,
}
