"""Sanitise a submitted notebook: the cells to run, with the course's tests and locked cells.

The metadata of a submission are not trusted. Which cells are tests or locked, and their source,
comes from the course's notebook; a deleted cell is restored after its predecessor there; of several
copies of a test the last one counts. Cells after the last check change no score and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coursekit.grading.classroom.job import Cell
from coursekit.grading.errors import ExerciseError, GradingError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import cell_name, nbgrader_of, parse_notebook, source_of
from coursekit.grading.exercises.regions import with_stub
from coursekit.grading.student.origin import origin_of

__all__ = [
    "Sheet",
    "UnreadableNotebookError",
    "attack_cells",
    "load_sheet",
    "reference_cells",
    "restored_place",
    "sanitise",
    "stub_cells",
    "text_of",
]

_MOST_CELLS = 2000
_MOST_SOURCE = 2_000_000
_Notebook = dict[str, Any]


class UnreadableNotebookError(GradingError):
    """A submitted file that cannot be graded; the message tells the student why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The course's notebook of an exercise, as the reference for submissions.

    Parameters
    ----------
    exercise, version : str
    cells : tuple of Cell
        All code cells of the solved notebook, in order.
    locked : mapping of str to str
        Sources of the cells that a student must not change, by id; checks are among them.
    answers : frozenset of str
        Ids of the cells that a student fills in.
    """

    exercise: str
    version: str
    cells: tuple[Cell, ...]
    locked: Mapping[str, str]
    answers: frozenset[str]

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The checks in the order of the notebook."""
        return tuple(cell.check_id for cell in self.cells if cell.check_id)


def load_sheet(exercise: Exercise) -> Sheet:
    """Read the solved notebook of an exercise, beside its hidden checks.

    Raises
    ------
    ExerciseError
        If it is missing or its tests are not the exercise's checks.
    """
    file = exercise.notebook
    if not (exercise.folder / "hidden.py").is_file():
        raise ExerciseError(
            f"{exercise.folder} has no hidden checks (hidden.py). Name the folder in solutions/."
        )
    try:
        notebook = _parse(file.read_bytes())
    except (OSError, UnreadableNotebookError) as error:
        raise ExerciseError(f"{file} cannot be read: {error}. Run `make exercises`.") from error
    coded = [
        (n, cell) for n, cell in enumerate(notebook["cells"], 1) if cell["cell_type"] == "code"
    ]
    about = {cell_name(cell): nbgrader_of(cell) for _, cell in coded}
    tests = [name for name, said in about.items() if said.get("grade") and not said.get("solution")]
    if tests != list(exercise.check_ids):
        raise ExerciseError(f"{file} asks {tests}, the exercise has {list(exercise.check_ids)}.")
    cells = [
        Cell(number=n, id=name, source=text_of(cell), check_id=name if name in tests else "")
        for n, cell in coded
        for name in [cell_name(cell)]
    ]
    return Sheet(
        exercise=exercise.name,
        version=exercise.version,
        cells=tuple(cells),
        locked={
            cell.id: cell.source for cell in cells if cell.check_id or about[cell.id].get("locked")
        },
        answers=frozenset(name for name, said in about.items() if said.get("solution")),
    )


def sanitise(content: bytes, sheet: Sheet) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """Return the cells to run, up to the last check, and remarks about what was corrected.

    Raises
    ------
    UnreadableNotebookError
        If the file is not a notebook of this exercise.
    """
    notebook = _parse(content)
    remarks = list(_demand_exercise(notebook, sheet))
    cells = [cell for n, raw in enumerate(notebook["cells"], 1) for cell in _claimed(n, raw, sheet)]
    if sum(len(cell.source) for cell in cells) > _MOST_SOURCE:
        raise UnreadableNotebookError("The notebook holds more code than anybody writes by hand.")
    last = {cell.id: cell.number for cell in cells}
    copies = [cell for cell in cells if cell.id in sheet.locked and cell.number != last[cell.id]]
    for name in dict.fromkeys(cell.id for cell in copies):
        remarks.append(f"The cell {name} is there more than once; the last one counts.")
    cells = [cell for cell in cells if cell not in copies]
    order = [cell.id for cell in sheet.cells]
    for cell in sheet.cells:
        if cell.id in sheet.locked and cell.id not in last:
            remarks.append(f"The cell {cell.id} was missing and has been put back.")
            at = restored_place(cell.id, [each.id for each in cells], order)
            cells.insert(at, replace(cell, number=0))
    return _up_to_the_last_check(cells), tuple(remarks)


def restored_place(name: str, there: Sequence[str], order: Sequence[str]) -> int:
    """Return the position of a deleted cell among those that are there: after the last of its
    predecessors in the course's order.

    >>> restored_place("c", ["a", "own", "b", "d"], "abcd")
    3
    """
    before = set(order[: order.index(name)])
    return max((at + 1 for at, each in enumerate(there) if each in before), default=0)


def reference_cells(sheet: Sheet) -> tuple[Cell, ...]:
    """Return the solved notebook's cells up to the last check."""
    return _up_to_the_last_check(sheet.cells)


def _up_to_the_last_check(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(cells[: max(at for at, cell in enumerate(cells, 1) if cell.check_id)])


def stub_cells(sheet: Sheet) -> tuple[Cell, ...]:
    """Return the same cells with a stub in place of every solution."""
    return tuple(replace(cell, source=with_stub(cell.source)) for cell in reference_cells(sheet))


_CANARY = """
import sys, builtins, numpy, json
import agent
numpy.isclose = numpy.allclose = numpy.array_equal = lambda *a, **k: True
class Yes(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True
    __hash__ = float.__hash__
reply = {"value": True, "passed": True, "points": 100}
class Passed:
    def _repr_mimebundle_(self, *a, **k):
        return {agent.MIME_TYPE: json.dumps({"protocol": 1, "replies": [reply]})}
agent.handle = lambda *a, **k: Passed()
real = builtins.__import__
builtins.__import__ = lambda name, *a, **k: agent if name == "agent" else real(name, *a, **k)
"""


def attack_cells(sheet: Sheet) -> tuple[Cell, ...]:
    """Return a submission without a solution that attacks the grader; a sound grader gives it no
    points.
    """
    return (Cell(number=0, id="canary", source=_CANARY), *stub_cells(sheet))


def _parse(content: bytes) -> _Notebook:
    try:
        notebook = parse_notebook(content, Path("The file"))
    except ExerciseError as error:
        raise UnreadableNotebookError(str(error)) from error
    if len(notebook["cells"]) > _MOST_CELLS:
        raise UnreadableNotebookError(f"The notebook has more than {_MOST_CELLS} cells.")
    return notebook


def _demand_exercise(notebook: _Notebook, sheet: Sheet) -> list[str]:
    """Refuse another exercise's notebook; remark on another version of this one."""
    said = origin_of(notebook)
    names = {cell_name(cell) for cell in notebook["cells"] if isinstance(cell, dict)}
    if said.exercise and said.exercise != sheet.exercise:
        raise UnreadableNotebookError(
            f"This is the notebook of another exercise ({said.exercise[:40]!a}), "
            f"not of {sheet.exercise}."
        )
    if not names & (sheet.locked.keys() | sheet.answers):
        raise UnreadableNotebookError(f"The notebook has no cell of the exercise {sheet.exercise}.")
    if said.version == sheet.version:
        return []
    version = said.version[:20] or "none"
    return [f"The notebook says version {version!a}; it was graded by version {sheet.version}."]


def _claimed(number: int, raw: Any, sheet: Sheet) -> list[Cell]:
    """Return the cell to run for a submitted one, if any, locked ones with the course's source."""
    name = cell_name(raw) if isinstance(raw, dict) else ""
    if name in sheet.locked:
        check_id = name if name in sheet.check_ids else ""
        return [Cell(number=number, id=name, source=sheet.locked[name], check_id=check_id)]
    if not isinstance(raw, dict) or raw.get("cell_type") != "code":
        return []
    shown = name if name in sheet.answers else f"cell {number}"
    return [Cell(number=number, id=shown, source=text_of(raw))]


def text_of(cell: dict[str, Any]) -> str:
    """Return the source of a cell as it is run."""
    return source_of(cell).encode("utf-8", "replace").decode()  # lone surrogates cannot be encoded
