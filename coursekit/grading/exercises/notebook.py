"""Read untrusted notebook files as lists of cells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.grading.errors import ExerciseError

__all__ = [
    "CodeCell",
    "cell_name",
    "code_cells",
    "nbgrader_of",
    "parse_notebook",
    "read_notebook",
    "source_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCell:
    """One code cell.

    Parameters
    ----------
    number : int
        Its place among all cells of the notebook, counted from 1.
    id : str
        Its grade id where it has one, else its cell id.
    source : str
    is_test : bool
        Whether it is an autograder test.
    may_raise : bool
        Whether it is tagged `raises-exception`: it uses an answer that may not be written yet.
    """

    number: int
    id: str
    source: str
    is_test: bool
    may_raise: bool


def read_notebook(path: Path) -> dict[str, Any]:
    """Return the JSON of a notebook file.

    Raises
    ------
    ExerciseError
        If the file is missing or is not a notebook of format 4.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ExerciseError(
            f"{path} is not there. Name the folder of an exercise, such as exercises/fm."
        ) from error
    except OSError as error:
        raise ExerciseError(
            f"{path} is not a notebook: {error}. Save it again in JupyterLab."
        ) from error
    return parse_notebook(content, path)


def parse_notebook(content: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON of a notebook's bytes; the path is for messages.

    Raises
    ------
    ExerciseError
        If they are not a notebook of format 4.
    """
    try:
        notebook = json.loads(content.decode("utf-8-sig"))  # without a byte order mark
    except (ValueError, RecursionError) as error:
        raise ExerciseError(
            f"{path} is not a notebook: {error}. Save it again in JupyterLab."
        ) from error
    if (
        not isinstance(notebook, dict)
        or notebook.get("nbformat") != 4
        or not isinstance(notebook.get("cells"), list)
    ):
        raise ExerciseError(f"{path} is not a notebook of format 4. Save it again in JupyterLab.")
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[CodeCell]:
    """Return the code cells of a notebook in order; malformed cells are left out."""
    cells = enumerate(notebook["cells"], start=1)
    return [
        _code_cell(number, cell)
        for number, cell in cells
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]


def cell_name(cell: dict[str, Any]) -> str:
    """Return the grade id of a cell where it has one, else its cell id; empty without either.

    >>> cell_name({"id": "b3d1", "metadata": {"nbgrader": {"grade_id": "fm-1"}}})
    'fm-1'
    >>> cell_name({"id": "b3d1"})
    'b3d1'
    """
    return str(nbgrader_of(cell).get("grade_id") or cell.get("id") or "")


def source_of(cell: dict[str, Any]) -> str:
    r"""Return the text of a cell, which a file may hold as a list of lines.

    >>> source_of({"source": ["a = 1\n", "a"]})
    'a = 1\na'
    """
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def nbgrader_of(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the nbgrader metadata of a cell; empty if it has none."""
    return _dict(_dict(cell.get("metadata")).get("nbgrader"))


def _code_cell(number: int, cell: dict[str, Any]) -> CodeCell:
    nbgrader, tags = nbgrader_of(cell), _dict(cell.get("metadata")).get("tags")
    return CodeCell(
        number=number,
        id=cell_name(cell) or str(number),
        source=source_of(cell),
        is_test=bool(nbgrader.get("grade")) and not nbgrader.get("solution"),
        may_raise=isinstance(tags, list) and "raises-exception" in tags,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
