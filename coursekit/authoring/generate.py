"""Make what students get from what instructors write: `exercises/` from `solutions/`.

::

    python -m coursekit.authoring.generate             write
    python -m coursekit.authoring.generate --check     only say what differs or is not in order

One source for an exercise: `solutions/<name>/<name>.py`, a notebook as text (percent format,
nbgrader's metadata of schema 3, `### BEGIN SOLUTION` regions). Every cell has a grade id or a name,
and that is its id for ever. From it come the solved notebook beside it and, through nbgrader's own
preprocessors, the student's notebook. Generating twice gives the same bytes.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises import answers
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.locking import locked_answers
from coursekit.grading.student.origin import origin_metadata

__all__ = [
    "SHIPPED",
    "differences",
    "exercise_files",
    "generate",
    "read_source",
    "solved_notebook",
    "student_notebook",
]

SHIPPED = ("exercise.toml", "hints.toml", "checks.py")
"""Files that go to students as they are, beside the notebook."""

_IGNORED = {".coursekit", ".ipynb_checkpoints", "__pycache__"}
_STUB = "raise NotImplementedError  # your answer goes here"


def read_source(file: Path) -> NotebookNode:
    """Read a text source as a notebook whose cell ids are the cells' grade ids or names.

    Raises
    ------
    ExerciseError
        If a cell has no name, or one that another cell has.
    """
    import jupytext

    notebook: NotebookNode = jupytext.reads(file.read_text(encoding="utf-8"), fmt="py:percent")
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.metadata.get("name", "")
        if not name or name in seen:
            fault = (
                f'has the name of another cell, "{name}"'
                if name
                else 'has no name, such as name="story" in its header'
            )
            raise ExerciseError(f"{file}: cell {number} {fault}.")
        seen.add(name)
        cell.id = name
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


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
    """Return the student's notebook: nbgrader's release without its database, and without what only
    authors need.
    """
    from nbgrader import preprocessors
    from traitlets.config import Config

    notebook = copy.deepcopy(solved)
    config = Config({"ClearSolutions": {"code_stub": {"python": _STUB}}})
    resources: dict[str, object] = {}
    for name in (
        "LockCells",
        "ClearSolutions",
        "ClearOutput",
        "ClearHiddenTests",
        "ClearMarkScheme",
        "ComputeChecksums",
        "CheckCellMetadata",
    ):
        notebook, resources = getattr(preprocessors, name)(config=config).preprocess(
            notebook, resources
        )
    for cell in notebook.cells:
        cell.metadata.pop("name", None)
    notebook.metadata.coursekit.cells = nbformat.from_dict(origin_metadata(notebook))  # type: ignore[no-untyped-call]
    return notebook


def exercise_files(folder: Path) -> dict[str, str]:
    """Return everything that goes to students, by file name."""
    files = {name: (folder / name).read_text(encoding="utf-8") for name in SHIPPED}
    solved = solved_notebook(folder)
    return {
        **files,
        answers.FILE: locked_answers(load_exercise(folder), solved),
        f"{folder.name}.ipynb": _text(student_notebook(solved)),
    }


def generate(root: Path) -> list[Path]:
    """Write the solved notebooks and the student's folders of a course; return the files that
    changed.
    """
    return [file for file, text in _wanted(root).items() if _write(file, text)]


def differences(root: Path) -> list[str]:
    """Return what is not as it would be generated, as sentences."""
    wanted = _wanted(root)
    found = [
        f"{file}: differs from its source, run `make exercises`"
        for file, text in wanted.items()
        if _read(file) != text
    ]
    for file in sorted((root / "exercises").rglob("*")):
        if (
            file.is_file()
            and file not in wanted
            and not _IGNORED & set(file.relative_to(root).parts)
        ):
            found.append(f"{file}: comes from no source, remove it")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate or check; the exit code says whether something is not in order."""
    from coursekit.authoring.leaks import leaks
    from coursekit.authoring.order import faults

    parser = argparse.ArgumentParser(
        prog="python -m coursekit.authoring.generate",
        description="Generate exercises/ from solutions/.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path.cwd(),
        help="the folder that holds solutions/ and exercises/",
    )
    options = parser.parse_args(arguments)
    sources = _sources(options.root)
    found = [fault for folder in sources for fault in faults(folder)]
    if (
        not found
    ):  # model answers can be locked up only where checks and cells speak of the same things
        found += [leak for folder in sources for leak in leaks(folder, exercise_files(folder))]
    if options.check:
        found += differences(options.root)
    elif not found:
        for file in generate(options.root):
            sys.stdout.write(f"wrote {file}\n")
    for sentence in found:
        sys.stderr.write(f"{sentence}\n")
    return 1 if found else 0


def _sources(root: Path) -> list[Path]:
    folders = sorted(file.parent.resolve() for file in (root / "solutions").glob("*/exercise.toml"))
    if not folders:
        raise ExerciseError(f"There is no exercise in {root / 'solutions'}.")
    return folders


def _wanted(root: Path) -> dict[Path, str]:
    wanted: dict[Path, str] = {}
    for folder in _sources(root):
        wanted[folder / f"{folder.name}.ipynb"] = _text(solved_notebook(folder))
        place = root.resolve() / "exercises" / folder.name
        wanted.update({place / name: text for name, text in exercise_files(folder).items()})
    return wanted


def _text(notebook: NotebookNode) -> str:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # nbformat ships no types
    return text if text.endswith("\n") else text + "\n"


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _write(file: Path, text: str) -> bool:
    if _read(file) == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
