"""Lock up the model answers of an exercise with keys that its solution makes: the author's side
of `answers`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

from nbformat import NotebookNode

from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.answers import FORMAT_VERSION, Impression, Lock, impression
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.protocol.subject import LocalSubject

__all__ = ["locked_answers", "model_code"]

_SAFE_MARGIN = 1e-3  # of a step of 1e-5: a hundred millionth, ten times what checks allow
_MOST_TRIES = 50
_MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")
_DEFINES = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


def locked_answers(exercise: Exercise, solved: NotebookNode) -> str:
    """Return the content of `answers.json`: the code of each answer, locked.

    Raises
    ------
    ExerciseError
        If the solution does not pass a check, or a check compares no numbers that a key could be
        made of.
    """
    subject, locks = LocalSubject(_definitions(solved)), {}
    for check_id, code in model_code(solved).items():
        number, seen = _telling_questions(exercise, check_id, subject)
        locks[check_id] = asdict(Lock.of(code, seen.key, number))
    return json.dumps({"format_version": FORMAT_VERSION, "answers": locks}, indent=1) + "\n"


def model_code(solved: NotebookNode) -> Mapping[str, str]:
    """Return the answer to each check: the solutions that stand before it, without their marks."""
    found: dict[str, str] = {}
    answers: list[str] = []
    for cell in solved.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            answers.append(
                "\n".join(line for line in cell.source.splitlines() if line.strip() not in _MARKS)
            )
        elif about.get("grade") and answers:
            found[cell.id] = "\n\n\n".join(answers)
            answers = []
    return found


def _telling_questions(
    exercise: Exercise, check_id: str, subject: LocalSubject
) -> tuple[int, Impression]:
    """Find questions whose right answers are nowhere near to being rounded otherwise: another
    machine makes the same key.
    """
    for number in count():
        seen = impression(exercise, check_id, subject, number)
        if not seen.report.passed:
            raise ExerciseError(
                f"{exercise.folder}: the solution fails {check_id}: {seen.report.message}"
            )
        if seen.margin >= _SAFE_MARGIN:
            return number, seen
        if number == _MOST_TRIES:
            break
    raise ExerciseError(
        f"{exercise.folder}: {check_id} needs numbers compared with `close` to lock its "
        f"model answer up."
    )


def _definitions(solved: NotebookNode) -> dict[str, Any]:
    """Run the cells of a solved notebook that import and define."""
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in solved.cells:
        if cell.cell_type == "code" and all(
            isinstance(node, _DEFINES) for node in ast.parse(cell.source).body
        ):
            exec(compile(cell.source, f"<{cell.id}>", "exec"), namespace)  # noqa: S102 - the course's own solution
    return namespace
