"""Code that the kernel has run since the notebook was saved, from IPython's history on this
machine.

A file does not show that it is not saved. But the history holds every cell that was run, in order:
if a function of an answer cell was last defined by text that is not in the file, the file is older
than the work.
"""

from __future__ import annotations

import ast
import os
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, source_of

__all__ = ["default_history", "newer_than_the_file"]

_FEWEST_MATCHES = 2  # cells in common, below which a session is not one of this file


def default_history(environment: Mapping[str, str] | None = None) -> Path:
    """Return the path of IPython's history: in `IPYTHONDIR`, or in ~/.ipython."""
    folder = (os.environ if environment is None else environment).get("IPYTHONDIR")
    parent = Path(folder) if folder else Path.home() / ".ipython"
    return parent / "profile_default" / "history.sqlite"


def newer_than_the_file(notebook: Mapping[str, Any], names: list[str], history: Path) -> list[str]:
    """Return which of some cells were run with another text after the notebook was saved.

    Parameters
    ----------
    notebook : mapping
    names : list of str
        Names of answer cells.
    history : Path
        IPython's database; without one that can be read, nothing is returned.
    """
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
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
    """Return all inputs, in order, of the session that has most cells in common with the file, of
    several the latest.
    """
    saved = [
        (count, source_of(cell).strip())
        for cell in code
        if isinstance(count := cell.get("execution_count"), int)
    ]
    if not saved or not history.is_file():
        return []
    address = f"{history.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            ask = "SELECT session, source_raw FROM history WHERE line = ?"
            matches = Counter(
                session
                for count, text in saved
                for session, source in database.execute(ask, (count,))
                if str(source).strip() == text
            )
            session = max(matches, key=lambda each: (matches[each], each), default=0)
            if matches[session] < min(_FEWEST_MATCHES, len(saved)):
                return []
            ask = "SELECT source_raw FROM history WHERE session = ? ORDER BY line"
            return [str(source).strip() for (source,) in database.execute(ask, (session,))]
    except sqlite3.Error:
        return []


def _names_in(source: str) -> set[str]:
    """Return the functions and classes that a cell defines; none if it does not parse."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in body if isinstance(node, kinds)}
