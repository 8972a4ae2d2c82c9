r"""A simulated class: students who solve checks, do not attempt them, or have a misconception.

Each student has an ability :math:`a \sim \mathcal N(0, 1)` and solves check :math:`i` of :math:`n`
with the probability of the Rasch model, :math:`1 / (1 + e^{b_i - a})`, where the difficulties
:math:`b_i` are spaced evenly from -2 to 1. A student who does not solve it has one of its named
misconceptions or does not attempt it. The answers in each notebook are known, so the expected
grades are known too.

Source: G. Rasch (1960), Probabilistic Models for Some Intelligence and Attainment Tests.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.authoring.source import read_misconceptions
from coursekit.core.files import write_atomically
from coursekit.core.validation import integer
from coursekit.grading.classroom.sanitise import load_sheet, stub_cells
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import cell_name, read_notebook, source_of
from coursekit.grading.exercises.regions import with_solution

__all__ = ["LEFT_OUT", "SOLVED", "SampleStudent", "sample_class", "write_class"]

SOLVED, LEFT_OUT = "solved", "left out"
_EASIEST, _HARDEST = -2.0, 1.0
_SHARE_LEFT_OUT = 0.25  # of the checks that are not solved


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStudent:
    """A student of the simulated class.

    Parameters
    ----------
    name : str
    did : mapping of check id to str
        `SOLVED`, `LEFT_OUT` or the name of a misconception.
    notebook : mapping
        The submission.
    """

    name: str
    did: Mapping[str, str]
    notebook: Mapping[str, Any]


def sample_class(exercise: Exercise, n_students: int = 24, *, seed: int) -> list[SampleStudent]:
    """Return a simulated class that has worked on an exercise.

    Parameters
    ----------
    exercise : Exercise
        The exercise in `solutions/`, with its solved notebook and its misconceptions.
    n_students : int
        At least 1.
    seed : int

    Raises
    ------
    InvalidParameterError
        If `n_students` is less than 1.
    """
    n_students = integer("n_students", n_students)
    rng = np.random.default_rng(seed)
    material = _Material(exercise)
    difficulties = np.linspace(_EASIEST, _HARDEST, len(exercise.check_ids))
    students = []
    for number in range(1, n_students + 1):
        ability = rng.normal()
        solves = rng.random(len(difficulties)) < 1 / (1 + np.exp(difficulties - ability))
        did = {
            name: SOLVED if solved else _draw_mistake(rng, material.mistakes(name))
            for name, solved in zip(exercise.check_ids, solves, strict=True)
        }
        name, notebook = f"student-{number:02}", material.notebook(did)
        students.append(SampleStudent(name=name, did=did, notebook=notebook))
    return students


def write_class(students: list[SampleStudent], exercise: Exercise, folder: Path) -> None:
    """Write one folder of a submission for each student."""
    for student in students:
        place = folder / student.name / f"{exercise.name}.ipynb"
        write_atomically(place, json.dumps(student.notebook, indent=1))


class _Material:
    """The solved notebook, its stubs and its misconceptions, from which submissions are made."""

    def __init__(self, exercise: Exercise) -> None:
        sheet = load_sheet(exercise)
        self._exercise = exercise
        self._solved = read_notebook(exercise.notebook)
        self._stubs = {cell.id: cell.source for cell in stub_cells(sheet)}
        self._wrong = {each.name: each.source for each in read_misconceptions(exercise.folder)}
        self._answer_of = {}  # check id -> the answer cell before it
        answer = ""
        for cell in sheet.cells:
            answer = cell.id if cell.id in sheet.answers else answer
            if cell.check_id:
                self._answer_of[cell.check_id] = answer
        self._check_of = {answer: check for check, answer in self._answer_of.items()}

    def mistakes(self, check_id: str) -> list[str]:
        """Return the misconceptions of a check that no earlier check names."""
        known, order = self._exercise.mistakes, self._exercise.check_ids
        before = order[: order.index(check_id)]
        earlier = {name for other in before for name in known.get(other, ())}
        return [name for name in known.get(check_id, ()) if name in self._wrong.keys() - earlier]

    def notebook(self, did: Mapping[str, str]) -> dict[str, Any]:
        """Return a notebook with the given answer to each check."""
        notebook = copy.deepcopy(self._solved)
        for cell in notebook["cells"]:
            name = cell_name(cell)
            if name in self._check_of:
                cell["source"] = self._answer(name, source_of(cell), did[self._check_of[name]])
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None
        return notebook

    def _answer(self, name: str, solved: str, did: str) -> str:
        right = with_solution(solved)
        if did == SOLVED:
            return right
        if did == LEFT_OUT:
            return self._stubs[name]
        wrong = self._wrong[did].strip() + "\n"
        return wrong if _stands_alone(wrong, right) else f"{right.rstrip()}\n\n\n{wrong}"


def _draw_mistake(rng: np.random.Generator, mistakes: list[str]) -> str:
    """Draw a misconception of a check with weights 1, 1/2, 1/3, ..., or `LEFT_OUT`."""
    if not mistakes or rng.random() < _SHARE_LEFT_OUT:
        return LEFT_OUT
    weights = 1 / np.arange(1, len(mistakes) + 1)
    return str(rng.choice(mistakes, p=weights / weights.sum()))


def _stands_alone(wrong: str, right: str) -> bool:
    """Whether a wrong answer defines all names of the right one, without using them."""
    body, wanted = ast.parse(wrong).body, _defined(ast.parse(right).body)
    return len(_defined(body)) == len(body) and set(wanted) <= set(_defined(body))


def _defined(body: list[ast.stmt]) -> list[str]:
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
