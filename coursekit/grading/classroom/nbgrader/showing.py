"""The notebook that formgrader shows: a student's answers and their sanitised outputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.grading.checks.render import html_of
from coursekit.grading.checks.report import Report
from coursekit.grading.classroom.job import Cell, JobResult
from coursekit.grading.classroom.publish.inert import inert_markdown, inert_outputs
from coursekit.grading.classroom.sanitise import (
    Sheet,
    load_sheet,
    restored_place,
    sanitise,
    text_of,
)
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.exercises.notebook import cell_name, parse_notebook, read_notebook

__all__ = ["Course", "load_course"]

_Cell = dict[str, Any]
_Notebook = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """An exercise as nbgrader needs it.

    Parameters
    ----------
    exercise : Exercise
    sheet : Sheet
    released : mapping
        The released notebook, with nbgrader's metadata.
    """

    exercise: Exercise
    sheet: Sheet
    released: Mapping[str, Any]

    def arrange(self, content: bytes) -> tuple[_Notebook, tuple[Cell, ...]]:
        """Return the released notebook with the student's answers and own cells, and the cells to
        run.

        Every cell has its released id, or one with its position.

        Raises
        ------
        UnreadableNotebookError
            If it is not a notebook of this exercise.
        """
        cells, _ = sanitise(content, self.sheet)
        ours = {each["id"]: each for each in self.released["cells"]}
        graded = {name for name, each in ours.items() if "nbgrader" in each["metadata"]}
        submitted = parse_notebook(content, Path("The file"))["cells"]
        shown: dict[str, _Cell] = {}  # by id: of several copies the last one stays, where it is
        for number, raw in enumerate(submitted, 1):
            if isinstance(raw, dict):
                cell = _shown(number, raw, ours, graded)
                shown.pop(cell["id"], None)
                shown[cell["id"]] = cell
        frame = list(shown.values())
        order = list(ours)
        for name in order:
            if name in graded and name not in shown:
                at = restored_place(name, [each["id"] for each in frame], order)
                frame.insert(at, copy.deepcopy(ours[name]))
        return {**copy.deepcopy(dict(self.released)), "cells": frame}, cells

    def with_results(self, frame: _Notebook, result: JobResult) -> _Notebook:
        """Return the notebook with its outputs and, below each check, its points and report."""
        notebook = copy.deepcopy(frame)
        known = self.sheet.answers | self.sheet.locked.keys()
        runs = {run.id if run.id in known else f"cell-{run.number}": run for run in result.cells}
        by_id = {each["id"]: each for each in notebook["cells"]}
        for number, cell in enumerate(notebook["cells"], 1):
            if cell["cell_type"] == "code":
                place = f"cell-{cell.get('metadata', {}).pop('number', number)}"
                run = runs.get(cell["id"]) or runs.get(place)
                cell["outputs"] = inert_outputs(run.outputs) if run is not None else []
        for check_id in self.sheet.check_ids:
            by_id[check_id]["outputs"] = [_verdict(self.exercise, check_id, result)]
        return notebook


def load_course(folder: Path) -> Course:
    """Read an exercise with its hidden checks, and the notebook of it in ``exercises/``.

    Raises
    ------
    ExerciseError
        If one of them is not there.
    """
    exercise = load_exercise(folder)
    released = exercise.folder.parents[1] / "exercises" / exercise.name / exercise.notebook.name
    notebook = read_notebook(released)
    for cell in notebook["cells"]:
        cell["source"] = text_of(cell)
    return Course(exercise=exercise, sheet=load_sheet(exercise), released=notebook)


def _shown(number: int, raw: _Cell, ours: Mapping[str, _Cell], graded: set[str]) -> _Cell:
    """Return a submitted cell as one that is safe to show, with trusted metadata."""
    name, text, kind = cell_name(raw), text_of(raw), raw.get("cell_type")
    if name in graded:
        known = copy.deepcopy(ours[name])
        return known if known["metadata"]["nbgrader"]["locked"] else known | {"source": text}
    metadata = {"number": number} if kind == "code" else {}
    if name in ours and (text, kind) == (text_of(ours[name]), ours[name]["cell_type"]):
        return copy.deepcopy(ours[name]) | {"metadata": metadata}
    cell = {"id": f"cell-{number}", "metadata": metadata}
    if kind == "code":
        return {**cell, "cell_type": "code", "source": text, "outputs": [], "execution_count": None}
    return cell | {"cell_type": "markdown", "source": inert_markdown(text)}


def _verdict(exercise: Exercise, check_id: str, result: JobResult) -> _Cell:
    """Return an output whose text is the points, which is what nbgrader reads, and whose HTML is
    the report.
    """
    checks = tuple(check for check in result.checks if check.id == check_id)
    report = Report(exercise=exercise.name, checks=checks)
    data = {"text/plain": repr(float(report.points)), "text/html": html_of(report)}
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}
