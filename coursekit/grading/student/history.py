"""What the kernel has run since the file was saved, read from the history that IPython keeps on
this machine.

A file cannot say that it is not saved. But the kernel's history holds every cell that was run, in
order: if a function of an answer cell was last defined by text that is nowhere in the file, the
file is older than the work.
"""

from __future__ import annotations

import ast
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, source_of

__all__ = ["default_history", "newer_than_the_file"]

_FEWEST_MATCHES = 2  # cells that file and session have in common, below which they are strangers


def default_history(environment: Mapping[str, str] | None = None) -> Path:
    """Return where IPython keeps its history: in `IPYTHONDIR`, or in ~/.ipython."""
    folder = (os.environ if environment is None else environment).get("IPYTHONDIR")
    return (
        (Path(folder) if folder else Path.home() / ".ipython")
        / "profile_default"
        / "history.sqlite"
    )


def newer_than_the_file(notebook: Mapping[str, Any], names: list[str], history: Path) -> list[str]:
    """Return which of some cells were run with another text after the notebook was saved.

    Parameters
    ----------
    notebook : mapping
    names : list of str
        Names of answer cells.
    history : Path
        IPython's database; if it is not there or not readable, nothing is known and nothing
        returned.
    """
    code = [
        cell
        for cell in notebook["cells"]
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]
    saved = {source_of(cell).strip() for cell in code}
    runs = _session_of(code, history)
    found = []
    for cell in code:
        defined = _names_in(source_of(cell))
        last = next((text for text in reversed(runs) if defined & _names_in(text)), "")
        if cell_name(cell) in names and last and last not in saved:
            found.append(cell_name(cell))
    return found


def _session_of(code: list[dict[str, Any]], history: Path) -> list[str]:
    """Return all inputs of the latest session that has most in common with the file, in order."""
    saved = [
        (count, source_of(cell).strip())
        for cell in code
        if isinstance(count := cell.get("execution_count"), int)
    ]
    if not saved or not history.is_file():
        return []
    try:
        with closing(
            sqlite3.connect(f"{history.absolute().as_uri()}?mode=ro", uri=True)
        ) as database:
            return _most_alike(database, saved)
    except sqlite3.Error:
        return []


def _most_alike(database: sqlite3.Connection, saved: list[tuple[int, str]]) -> list[str]:
    matches: dict[int, int] = {}
    for count, text in saved:
        rows = database.execute("SELECT session, source_raw FROM history WHERE line = ?", (count,))
        for session, source in rows:
            matches[session] = matches.get(session, 0) + (str(source).strip() == text)
    session = max(matches, key=lambda each: (matches[each], each), default=0)
    if matches.get(session, 0) < min(_FEWEST_MATCHES, len(saved)):
        return []
    rows = database.execute(
        "SELECT source_raw FROM history WHERE session = ? ORDER BY line", (session,)
    )
    return [str(source).strip() for (source,) in rows]


def _names_in(source: str) -> set[str]:
    """Return the functions and classes that a cell defines; none if it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
