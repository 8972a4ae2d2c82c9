"""Look at a notebook before it is handed in: what will be graded, and what would surprise its
author.

Nothing here decides about points. A finding is either all right, or something to know (a part that
was left out, a check that fails), or a problem: something that would make the grade say less than
the work deserves. Every problem comes with its fix.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from coursekit.core.errors import UnknownNameError
from coursekit.grading.checks.report import Outcome
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise, find_exercise, load_exercise
from coursekit.grading.exercises.notebook import cell_name, parse_notebook
from coursekit.grading.student.history import newer_than_the_file
from coursekit.grading.student.origin import Origin, digest_of, origin_of
from coursekit.grading.student.rehearsal import Rehearsal, rehearse

__all__ = ["LARGEST_NOTEBOOK", "Finding", "Preflight", "Standing", "compare_versions", "preflight"]

LARGEST_NOTEBOOK = 10_000_000
"""In bytes; a larger file is refused when it is graded."""


class Standing(StrEnum):
    """How something stands."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: how it stands, in a sentence, and what to do about it."""

    standing: Standing
    about: str
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What was found in a notebook.

    Parameters
    ----------
    exercise, version : str
        What the notebook says it is; empty where it does not.
    sha256 : str
        Of the very bytes that were looked at.
    cells : tuple of str
        Names of the graded cells that are there.
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
        return not any(each.standing is Standing.PROBLEM for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        findings = [
            {name: str(getattr(each, name)) for name in Finding.__slots__} for each in self.findings
        ]
        plain = {name: getattr(self, name) for name in ("exercise", "version", "sha256")}
        return {"ready": self.is_ready} | plain | {"cells": list(self.cells), "findings": findings}


def preflight(
    file: Path, content: bytes, *, history: Path, seed: int, timeout: float = 120.0
) -> Preflight:
    """Look at a notebook and run it in a fresh process.

    Parameters
    ----------
    file : Path
        Where it lies; its cells are run in that folder.
    content : bytes
        What the file holds.
    history : Path
        IPython's history, see `coursekit.grading.student.history`.
    seed : int
        Of the random questions of the visible checks.
    timeout : float
        Seconds that all cells together may take.

    Raises
    ------
    ExerciseError
        If the bytes are no notebook, or its exercise is not to be found.
    """
    notebook = parse_notebook(content, file)
    origin, exercise = origin_of(notebook), _exercise_of(file, notebook)
    cells = _Cells(notebook, origin, exercise)
    findings = [
        *_of_the_file(file, content),
        *_of_the_version(file, origin, exercise),
        *cells.findings(file),
        *_of_saving(notebook, cells, history),
        *_of_the_rehearsal(
            rehearse(exercise, notebook, file.parent, seed=seed, timeout=timeout), timeout
        ),
    ]
    return Preflight(
        exercise=origin.exercise,
        version=origin.version,
        sha256=hashlib.sha256(content).hexdigest(),
        cells=tuple(cells.there),
        findings=tuple(findings),
    )


def compare_versions(one: str, other: str) -> int:
    """Return -1, 0 or 1: whether a version is older than, the same as, or newer than another.

    >>> compare_versions("1.9", "1.10"), compare_versions("2.0", "2.0"), compare_versions("2", "1.5")
    (-1, 0, 1)
    """
    first, second = (
        [int(part) if part.isdigit() else -1 for part in text.split(".")] for text in (one, other)
    )
    return (first > second) - (first < second)


class _Cells:
    """The graded cells of a notebook beside those that should be there."""

    def __init__(self, notebook: dict[str, Any], origin: Origin, exercise: Exercise) -> None:
        self._all = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
        self._origin = origin
        self.answers = origin.names("answer")
        self._wanted = [
            *dict.fromkeys([*exercise.check_ids, *origin.names("check"), *self.answers])
        ]
        self._count = Counter(cell_name(cell) for cell in self._all)

    @property
    def there(self) -> list[str]:
        """Names of the graded cells that are there."""
        return [name for name in self._wanted if self._count[name]]

    def findings(self, file: Path) -> Iterator[Finding]:
        """Say what is missing, there twice, changed or untouched."""
        problems = [*self._missing(file), *self._copied(), *self._of_another_kind()]
        yield from problems
        if not problems:
            yield Finding(
                standing=Standing.OK,
                about="cells",
                text=f"All {len(self._wanted)} graded cells are there, each once.",
            )
        yield from self._changed_checks()
        yield from self._untouched()

    def _missing(self, file: Path) -> Iterator[Finding]:
        for name in self._wanted:
            if not self._count[name]:
                yield _problem(
                    "cells", f"The cell {name} is missing.", f"Put it back: coursekit update {file}"
                )

    def _copied(self) -> Iterator[Finding]:
        for name in self._wanted:
            if self._count[name] > 1:
                fix = (
                    "Keep the one that is meant, delete the others and save; a new cell is no "
                    "copy of this one."
                )
                yield _problem("cells", f"The cell {name} is there {self._count[name]} times.", fix)

    def _of_another_kind(self) -> Iterator[Finding]:
        for cell in self._all:
            name = cell_name(cell)
            if name in self._wanted and cell.get("cell_type") != "code":
                yield _problem(
                    "cells",
                    f"The cell {name} is no code cell any more.",
                    "Select it, press Esc, then Y, and save.",
                )

    def _changed_checks(self) -> Iterator[Finding]:
        for cell in self._all:
            name = cell_name(cell)
            if (
                name in self._origin.names("check")
                and digest_of(cell) != self._origin.digests[name]
            ):
                yield _note(
                    "cells",
                    f"The check {name} was changed. Your change is not graded; our own check asks.",
                )

    def _untouched(self) -> Iterator[Finding]:
        names = [name for cell in self._all if (name := cell_name(cell)) in self.answers]
        digests = {cell_name(cell): digest_of(cell) for cell in self._all}
        untouched = [
            name for name in dict.fromkeys(names) if digests[name] == self._origin.digests[name]
        ]
        if untouched:
            earns = (
                "is as we handed it out and earns"
                if len(untouched) == 1
                else "are as we handed them out and earn"
            )
            yield _note("stub", f"{', '.join(untouched)} {earns} nothing yet.")


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
    if len(content) > LARGEST_NOTEBOOK:
        text = (
            f"The file has {len(content) / 1e6:.0f} MB; more than {LARGEST_NOTEBOOK / 1e6:.0f} "
            f"MB are not read."
        )
        yield _problem("file", text, "In JupyterLab: Edit, Clear Outputs of All Cells; then save.")
    if file.is_symlink():
        yield _problem(
            "file", "The file is a link, and links are not followed.", "Hand in the file itself."
        )


def _of_the_version(file: Path, origin: Origin, exercise: Exercise) -> Iterator[Finding]:
    if origin.exercise and origin.exercise != exercise.name:
        text = (
            f"This is a notebook of the exercise {origin.exercise}, in the folder of "
            f"{exercise.name}."
        )
        yield _problem(
            "version",
            text,
            f"Name your notebook of {exercise.name}, or move this one to its own folder.",
        )
    elif not origin.version:
        text = "The notebook does not say of which version it is."
        yield _problem(
            "version",
            text,
            f"coursekit update {file} --from FOLDER, with an unused copy of the exercise.",
        )
    elif order := compare_versions(origin.version, exercise.version):
        text = (
            f"The notebook is of version {origin.version}, the exercise beside it of version "
            f"{exercise.version}."
        )
        fix = (
            f"Bring your work over: coursekit update {file} --from FOLDER, with an unused "
            f"copy of version {exercise.version}."
            if order < 0
            else "Fetch the newer files of the exercise."
        )
        yield _problem("version", text, fix)
    else:
        yield Finding(
            standing=Standing.OK,
            about="version",
            text=f"Exercise {exercise.name}, version {origin.version}.",
        )


def _of_saving(notebook: dict[str, Any], cells: _Cells, history: Path) -> Iterator[Finding]:
    newer = newer_than_the_file(notebook, cells.answers, history)
    for name in newer:
        text = (
            f"{name} was run with another text than the file holds: the file is older than your "
            f"work."
        )
        yield _problem("saved", text, "Save the notebook in JupyterLab (Ctrl+S) and look again.")
    if not newer:
        yield Finding(
            standing=Standing.OK,
            about="saved",
            text="As far as we can see, nothing was run that is not in the file.",
        )
    counts = [cell.get("execution_count") for cell in notebook["cells"] if isinstance(cell, dict)]
    order = [count for count in counts if isinstance(count, int)]
    if order != sorted(order):
        yield _note(
            "order",
            "The cells were run in another order than they stand in. The order in the file "
            "is what counts.",
        )


def _of_the_rehearsal(rehearsal: Rehearsal, timeout: float) -> Iterator[Finding]:
    for cell, name, message in rehearsal.errors:
        text = f"In a fresh kernel, cell {cell.number} ({cell.id}) stops with {name}: {message}"
        yield _problem(
            "run",
            text,
            "Restart the kernel, run all cells, mend the first one that stops; then save.",
        )
    if rehearsal.lost:
        fix = (
            f"Restart the kernel and run all cells; is {timeout:g} s enough? If it is not: "
            f"--timeout."
        )
        yield _problem(
            "run", f"The notebook does not run from top to bottom. {rehearsal.lost}", fix
        )
    elif not rehearsal.errors:
        yield Finding(
            standing=Standing.OK, about="run", text="It runs from top to bottom in a fresh kernel."
        )
    for check_id in rehearsal.no_longer_solved:
        text = f"{check_id} passed when you checked it last, but not in a fresh run of this file."
        fix = (
            "Save the notebook; restart the kernel, run all cells, and check again: something "
            "came from a cell that is gone."
        )
        yield _problem("run", text, fix)
    checks = rehearsal.checks
    n_passed = sum(check.passed for check in checks)
    standing = Standing.OK if n_passed == len(checks) else Standing.NOTE
    yield Finding(
        standing=standing,
        about="checks",
        text=f"{n_passed} of {len(checks)} checks pass; hidden checks ask more.",
    )
    for check in checks:
        if check.message and check.outcome not in {Outcome.PASSED, Outcome.NOT_ATTEMPTED}:
            yield _note("checks", f"{check.id}: {check.outcome}. {check.message}")


def _problem(about: str, text: str, fix: str) -> Finding:
    return Finding(standing=Standing.PROBLEM, about=about, text=text, fix=fix)


def _note(about: str, text: str, fix: str = "") -> Finding:
    return Finding(standing=Standing.NOTE, about=about, text=text, fix=fix)
