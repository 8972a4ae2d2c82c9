"""Generate the students' `exercises/` from the instructors' `solutions/`.

The source of an exercise is `solutions/<name>/<name>.py`, a notebook in percent format with
nbgrader's metadata (schema 3) and `### BEGIN SOLUTION` regions. The grade id or name of a cell is
its permanent id. The solved notebook beside the source and, by nbgrader's preprocessors, the
student's notebook are generated from it. Generation is deterministic.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.authoring.source import read_source
from coursekit.core.errors import UnknownNameError
from coursekit.core.files import write_atomically
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises import answers
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.regions import with_solution
from coursekit.grading.student.origin import origin_metadata

__all__ = [
    "SHIPPED",
    "differences",
    "exercise_files",
    "generate",
    "model_code",
    "solved_notebook",
    "sources",
    "student_notebook",
]

SHIPPED = ("exercise.toml", "hints.toml", "checks.py")
"""Files that students get unchanged, beside the notebook."""

_IGNORED = {".coursekit", ".ipynb_checkpoints", "__pycache__"}
_STEPS = (
    *("LockCells", "ClearSolutions", "ClearOutput", "ClearHiddenTests", "ClearMarkScheme"),
    *("ComputeChecksums", "CheckCellMetadata"),
)
_STUB = "raise NotImplementedError  # your answer goes here"


def sources(root: Path, names: Collection[str] = ()) -> list[Path]:
    """Return the folders of the exercises in `solutions/`: all of them, or those named.

    Raises
    ------
    ExerciseError
        If there is no exercise.
    UnknownNameError
        If a name is not an exercise.
    """
    folders = sorted(file.parent.resolve() for file in (root / "solutions").glob("*/exercise.toml"))
    if not folders:
        raise ExerciseError(f"There is no exercise in {root / 'solutions'}.")
    known = {folder.name: folder for folder in folders}
    for name in names:
        if name not in known:
            raise UnknownNameError(f"There is no exercise `{name}`; there are {', '.join(known)}.")
    return [known[name] for name in known if not names or name in names]


def solved_notebook(folder: Path) -> NotebookNode:
    """Return the solved notebook of an exercise."""
    exercise = load_exercise(folder)
    notebook = read_source(folder / f"{folder.name}.py")
    metadata = {
        "coursekit": {"exercise": exercise.name, "version": exercise.version},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.metadata = nbformat.from_dict(metadata)  # type: ignore[no-untyped-call]  # nbformat ships no types
    nbformat.validate(notebook)
    return notebook


def student_notebook(solved: NotebookNode) -> NotebookNode:
    """Return the student's notebook, as nbgrader releases it, without the authors' cell names."""
    from nbgrader import preprocessors
    from traitlets.config import Config

    notebook = copy.deepcopy(solved)
    config = Config({"ClearSolutions": {"code_stub": {"python": _STUB}}})
    resources: dict[str, object] = {}
    for name in _STEPS:
        step = getattr(preprocessors, name)(config=config)
        notebook, resources = step.preprocess(notebook, resources)
    for cell in notebook.cells:
        cell.metadata.pop("name", None)
    notebook.metadata.coursekit.cells = nbformat.from_dict(origin_metadata(notebook))  # type: ignore[no-untyped-call]
    return notebook


def model_code(solved: NotebookNode) -> dict[str, str]:
    """Return the model answer to each check: the answer cells since the check before it."""
    found: dict[str, str] = {}
    cells: list[str] = []
    for cell in solved.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            cells.append(with_solution(cell.source))
        elif about.get("grade") and cells:
            found[cell.id] = "\n\n\n".join(cells)
            cells = []
    return found


def exercise_files(folder: Path) -> dict[str, str]:
    """Return the files of students, by name."""
    solved = solved_notebook(folder)
    return {
        **{name: (folder / name).read_text(encoding="utf-8") for name in SHIPPED},
        answers.FILE: answers.encoded(model_code(solved)),
        f"{folder.name}.ipynb": _text(student_notebook(solved)),
    }


def generate(root: Path, names: Collection[str] = ()) -> list[Path]:
    """Write the solved notebooks and the students' folders; return the files that changed."""
    changed = {file: text for file, text in _wanted(root, names).items() if _read(file) != text}
    for file, text in changed.items():
        write_atomically(file, text)
    return list(changed)


def differences(root: Path, names: Collection[str] = ()) -> list[str]:
    """Return the differences between the files and what would be generated, as messages."""
    wanted = _wanted(root, names)
    found = [
        f"{file}: differs from its source, run `coursekit release`"
        for file, text in wanted.items()
        if _read(file) != text
    ]
    folders = [root / "exercises" / name for name in names] or [root / "exercises"]
    for file in sorted(file.resolve() for folder in folders for file in folder.rglob("*")):
        if file.is_file() and file not in wanted and not _IGNORED & set(file.parts):
            found.append(f"{file}: comes from no source, remove it")
    return found


def _wanted(root: Path, names: Collection[str]) -> dict[Path, str]:
    wanted: dict[Path, str] = {}
    for folder in sources(root, names):
        wanted[folder / f"{folder.name}.ipynb"] = _text(solved_notebook(folder))
        place = root.resolve() / "exercises" / folder.name
        wanted |= {place / name: text for name, text in exercise_files(folder).items()}
    return wanted


def _text(notebook: NotebookNode) -> str:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # nbformat ships no types
    return text if text.endswith("\n") else text + "\n"


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
