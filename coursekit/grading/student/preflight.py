"""Test a notebook before it is submitted: is it saved, complete, of the right version, and does it
run?

It awards no points. A finding is in order, a note (an answer that is not attempted, a check that
fails) or a problem: something that would cost points although the answers are right. Every problem
comes with its fix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.grading.checks.report import Outcome
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise, find_exercise, load_exercise
from coursekit.grading.exercises.notebook import parse_notebook
from coursekit.grading.student.finding import Finding, note, ok, problem
from coursekit.grading.student.graded_cells import GradedCells
from coursekit.grading.student.history import newer_than_the_file
from coursekit.grading.student.origin import Origin, origin_of
from coursekit.grading.student.rehearsal import Rehearsal, rehearse

__all__ = ["LARGEST_NOTEBOOK", "Preflight", "compare_versions", "preflight", "read_and_test"]

LARGEST_NOTEBOOK = 25_000_000
"""In bytes; a larger file is not graded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The findings of a notebook.

    Parameters
    ----------
    exercise, version : str
        As the notebook's metadata state them; empty if they do not.
    sha256 : str
        Of the bytes that were tested.
    cells : tuple of str
        Names of the graded cells in the notebook.
    findings : tuple of Finding
    """

    exercise: str
    version: str
    sha256: str
    cells: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Whether there is no problem."""
        return not any(each.standing == "problem" for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the fields and whether there is no problem."""
        return {"ready": self.is_ready} | {name: getattr(self, name) for name in self.__slots__}


def read_and_test(
    file: Path, *, history: Path, seed: int, timeout: float
) -> tuple[Preflight, bytes]:
    """Read a file once and test it; return the findings and the bytes that were tested.

    Parameters are those of `preflight`.

    Raises
    ------
    ExerciseError
        If the file cannot be read.
    """
    if timeout <= 0:
        raise InvalidParameterError(f"`--timeout` must be greater than 0, got {timeout:g}.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ExerciseError(
            f"{file} cannot be read: {error.strerror}. Name your notebook, such as fm.ipynb."
        ) from error
    return preflight(file, content, history=history, seed=seed, timeout=timeout), content


def preflight(
    file: Path, content: bytes, *, history: Path, seed: int, timeout: float = 120.0
) -> Preflight:
    """Test a notebook, and run it in a new process.

    Parameters
    ----------
    file : Path
        Its path; its cells are run in its folder.
    content : bytes
        The content of the file.
    history : Path
        The database of IPython's history, see `coursekit.grading.student.history`.
    seed : int
        Of the random inputs of the visible checks.
    timeout : float
        Seconds for all cells together.

    Raises
    ------
    ExerciseError
        If the bytes are not a notebook, or its exercise is not found.
    """
    notebook = parse_notebook(content, file)
    origin, exercise = origin_of(notebook), _exercise_of(file, notebook)
    cells = GradedCells(notebook, origin, exercise)
    rehearsal = rehearse(exercise, notebook, file.parent, seed=seed, timeout=timeout)
    findings = [
        *_of_the_file(file, content),
        _of_the_version(file, origin, exercise),
        *cells.findings(file),
        *_of_saving(notebook, cells, history),
        *_of_the_rehearsal(rehearsal, timeout),
    ]
    return Preflight(
        exercise=origin.exercise,
        version=origin.version,
        sha256=hashlib.sha256(content).hexdigest(),
        cells=cells.there,
        findings=tuple(findings),
    )


def compare_versions(one: str, other: str) -> int:
    """Return -1, 0 or 1: whether a version is older than, the same as, or newer than another.

    >>> compare_versions("1.9", "1.10"), compare_versions("2.0", "2.0")
    (-1, 0)
    """
    first, second = (
        [int(part) if part.isdigit() else -1 for part in text.split(".")] for text in (one, other)
    )
    return (first > second) - (first < second)


def _exercise_of(file: Path, notebook: dict[str, Any]) -> Exercise:
    """Return the exercise in the notebook's folder, or the one of its name in a folder above."""
    if (file.parent / "exercise.toml").is_file():
        return load_exercise(file.parent)
    name = origin_of(notebook).exercise
    try:
        if name:
            return find_exercise(f"{name}-1", file.parent)
    except UnknownNameError:
        pass
    about = f"the exercise {name}" if name else "an exercise"
    raise ExerciseError(
        f"{file} does not lie beside {about} (exercise.toml). Move it back to the course's "
        f"exercises/{name or 'NAME'}."
    )


def _of_the_file(file: Path, content: bytes) -> Iterator[Finding]:
    size, most = len(content) / 1e6, LARGEST_NOTEBOOK / 1e6
    if size > most:
        text = f"The file has {size:.0f} MB; more than {most:.0f} MB are not read."
        yield problem("file", text, "In JupyterLab: Edit, Clear Outputs of All Cells; then save.")
    if file.is_symlink():
        text = "The file is a link, and links are not followed."
        yield problem("file", text, "Submit the file itself.")


def _of_the_version(file: Path, origin: Origin, exercise: Exercise) -> Finding:
    name, copy = exercise.name, f"coursekit update {file} --from FOLDER, with an unused copy of"
    if origin.exercise and origin.exercise != name:
        text = f"This is a notebook of the exercise {origin.exercise}, in the folder of {name}."
        fix = f"Name your notebook of {name}, or move this one to its own folder."
    elif not origin.version:
        text = "The notebook does not say of which version it is."
        fix = f"{copy} the exercise."
    elif order := compare_versions(origin.version, exercise.version):
        text = (
            f"The notebook is of version {origin.version}, the exercise beside it of version "
            f"{exercise.version}."
        )
        older = f"Update your notebook: {copy} version {exercise.version}."
        fix = older if order < 0 else "Fetch the newer files of the exercise."
    else:
        return ok("version", f"Exercise {name}, version {origin.version}.")
    return problem("version", text, fix)


def _of_saving(notebook: dict[str, Any], cells: GradedCells, history: Path) -> Iterator[Finding]:
    newer = newer_than_the_file(notebook, cells.answers, history)
    for name in newer:
        text = f"{name} was run after the last save, with other code than the file contains."
        fix = "Save the notebook in JupyterLab (Ctrl+S), then run preflight again."
        yield problem("saved", text, fix)
    if not newer:
        yield ok("saved", "The history of IPython shows no code that is newer than the file.")
    counts = [cell.get("execution_count") for cell in notebook["cells"] if isinstance(cell, dict)]
    order = [count for count in counts if isinstance(count, int)]
    if order != sorted(order):
        text = "The cells were run in another order than in the file."
        yield note("order", f"{text} Grading runs them in the order of the file.")


def _of_the_rehearsal(rehearsal: Rehearsal, timeout: float) -> Iterator[Finding]:
    for cell, name, message in rehearsal.errors:
        text = f"In a new kernel, cell {cell.number} ({cell.id}) stops with {name}: {message}"
        fix = "Restart the kernel, run all cells, fix the first one that stops, then save."
        yield problem("run", text, fix)
    if rehearsal.lost:
        text = f"The notebook does not run from top to bottom. {rehearsal.lost}"
        fix = "Restart the kernel and run all cells; is {:g} s enough? If it is not: --timeout."
        yield problem("run", text, fix.format(timeout))
    elif not rehearsal.errors:
        yield ok("run", "It runs from top to bottom in a new kernel.")
    for check_id in rehearsal.no_longer_solved:
        text = f"{check_id} passed when you last checked it, but fails in a new run of this file."
        fix = (
            "Save the notebook, restart the kernel, run all cells and check again: the answer "
            "may depend on a cell that was deleted."
        )
        yield problem("run", text, fix)
    checks = rehearsal.checks
    n_passed = sum(check.passed for check in checks)
    text = f"{n_passed} of {len(checks)} visible checks pass. Grading also runs hidden checks."
    yield (ok if n_passed == len(checks) else note)("checks", text)
    for check in checks:
        if check.message and check.outcome not in {Outcome.PASSED, Outcome.NOT_ATTEMPTED}:
            yield note("checks", f"{check.id}: {check.outcome}. {check.message}")
