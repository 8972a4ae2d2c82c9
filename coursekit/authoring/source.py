"""Text sources in percent format: notebooks, and the misconceptions of an exercise."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode

from coursekit.grading.errors import ExerciseError

__all__ = ["Misconception", "definitions", "read_misconceptions", "read_percent", "read_source"]

_DEFINES = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


def read_percent(text: str) -> NotebookNode:
    """Parse text in percent format as a notebook of format 4.5 without outputs."""
    notebook: NotebookNode = jupytext.reads(text, fmt="py:percent")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def read_source(file: Path) -> NotebookNode:
    """Read the source of an exercise; the ids of its cells are their grade ids or names.

    Raises
    ------
    ExerciseError
        If a cell has no name, or the name of another cell.
    """
    notebook = read_percent(file.read_text(encoding="utf-8"))
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.metadata.get("name", "")
        if not name:
            raise ExerciseError(
                f'{file}: cell {number} has no name, such as name="story" in its header.'
            )
        if name in seen:
            raise ExerciseError(f'{file}: cell {number} has the name of another cell, "{name}".')
        seen.add(name)
        cell.id = name
    return notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconception:
    """A named wrong solution: code that replaces definitions of the solved notebook."""

    name: str
    source: str


def read_misconceptions(folder: Path) -> list[Misconception]:
    """Return the cells of `misconceptions.py` in order; none if there is no file."""
    file = folder / "misconceptions.py"
    if not file.is_file():
        return []
    cells = read_percent(file.read_text(encoding="utf-8")).cells
    return [
        Misconception(name=cell.metadata["title"], source=cell.source)
        for cell in cells
        if "title" in cell.metadata
    ]


def definitions(notebook: NotebookNode) -> dict[str, Any]:
    """Run those cells of a trusted notebook that contain only imports and definitions."""
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and all(
            isinstance(node, _DEFINES) for node in ast.parse(cell.source).body
        ):
            exec(compile(cell.source, f"<{cell.id}>", "exec"), namespace)  # noqa: S102 - the course's own code
    return namespace
