"""The notebook that an instructor sees after grading: a student's answers and what came of them,
made inert.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.authoring.generate import solved_notebook, student_notebook
from coursekit.grading.checks.render import html_of
from coursekit.grading.checks.report import Report
from coursekit.grading.classroom.job import Cell, JobResult
from coursekit.grading.classroom.nbgrader.inert import inert_markdown, inert_outputs
from coursekit.grading.classroom.sanitise import Sheet, load_sheet, sanitise
from coursekit.grading.exercises.exercise import Exercise, load_exercise

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
        The student's notebook as it was handed out, with nbgrader's metadata.
    """

    exercise: Exercise
    sheet: Sheet
    released: Mapping[str, Any]

    def arrange(self, content: bytes) -> tuple[_Notebook, tuple[Cell, ...]]:
        """Return a submitted notebook as a trusted frame around the student's answers, and the
        cells to run.

        Every cell of the frame has the id that it was handed out with, or one that says its place.

        Raises
        ------
        UnreadableNotebookError
            If it is no notebook of this exercise.
        """
        cells, _ = sanitise(content, self.sheet)
        ours = {each["id"]: each for each in self.released["cells"]}
        graded = {name for name, each in ours.items() if "nbgrader" in each["metadata"]}
        frame = [shown for number, raw in enumerate(json.loads(content.decode("utf-8-sig"))["cells"], 1)
                 if (shown := _shown(number, raw, ours, graded))]  # fmt: skip
        last = {each["id"]: at for at, each in enumerate(frame)}
        frame = [each for at, each in enumerate(frame) if last[each["id"]] == at]
        order = list(ours)
        for name in order:
            if name in graded and name not in last:
                before = set(order[: order.index(name)])
                at = max(
                    (at + 1 for at, each in enumerate(frame) if each["id"] in before), default=0
                )
                frame.insert(at, copy.deepcopy(ours[name]))
        return {**copy.deepcopy(dict(self.released)), "cells": frame}, cells

    def with_results(self, frame: _Notebook, result: JobResult) -> _Notebook:
        """Return the frame with what cells showed and, below each check, its points and its
        report.
        """
        notebook = copy.deepcopy(frame)
        runs = {run.id if run.id in self.sheet.answers or run.id in self.sheet.locked else f"cell-{run.number}": run
                for run in result.cells}  # fmt: skip
        by_id = {each["id"]: each for each in notebook["cells"]}
        for number, cell in enumerate(notebook["cells"], 1):
            if cell["cell_type"] == "code":
                run = runs.get(cell["id"]) or runs.get(
                    f"cell-{cell.get('metadata', {}).pop('number', number)}"
                )
                cell["outputs"] = inert_outputs(run.outputs) if run is not None else []
        for check_id in self.sheet.check_ids:
            by_id[check_id]["outputs"] = [_verdict(self.exercise, check_id, result)]
        return notebook


def load_course(folder: Path) -> Course:
    """Read an exercise with its hidden checks."""
    exercise = load_exercise(folder)
    released = json.loads(json.dumps(student_notebook(solved_notebook(folder))))
    return Course(exercise=exercise, sheet=load_sheet(exercise), released=released)


def _shown(number: int, raw: Any, ours: Mapping[str, _Cell], graded: set[str]) -> _Cell | None:
    """Return a submitted cell as one that we can show, with metadata of ours."""
    if not isinstance(raw, dict):
        return None
    metadata = raw.get("metadata")
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = (about.get("grade_id") if isinstance(about, dict) else None) or raw.get("id")
    source = raw.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    known = ours.get(name) if isinstance(name, str) else None
    if known is not None and name in graded:
        locked = known["metadata"]["nbgrader"]["locked"]
        return copy.deepcopy(known) if locked else {**copy.deepcopy(known), "source": text}
    if known is not None and text == known["source"] and raw.get("cell_type") == known["cell_type"]:
        return {
            **copy.deepcopy(known),
            "metadata": {"number": number} if known["cell_type"] == "code" else {},
        }
    if raw.get("cell_type") == "code":
        clean = text.encode("utf-8", "replace").decode()
        return {"cell_type": "code", "id": f"cell-{number}", "metadata": {"number": number}, "source": clean, "outputs": [],
                "execution_count": None}  # fmt: skip
    return {
        "cell_type": "markdown",
        "id": f"cell-{number}",
        "metadata": {},
        "source": inert_markdown(text),
    }


def _verdict(exercise: Exercise, check_id: str, result: JobResult) -> _Cell:
    """Return an output whose text is the points, which is what nbgrader reads, and whose HTML is
    the report.
    """
    checks = tuple(check for check in result.checks if check.id == check_id)
    report = Report(exercise=exercise.name, checks=checks)
    data = {"text/plain": repr(float(report.points)), "text/html": html_of(report)}
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}


def check_results(course: Course, result: JobResult) -> Sequence[str]:
    """Return the ids of checks that have no result in either tier."""
    there = {(check.id, check.tier) for check in result.checks}
    return [check.id for check in course.exercise.checks if (check.id, check.tier) not in there]
