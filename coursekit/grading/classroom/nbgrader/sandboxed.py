"""The preprocessors of `nbgrader autograde` that are replaced: sanitising and execution."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Unicode

from coursekit.grading.classroom.execute import workers
from coursekit.grading.classroom.nbgrader.showing import Course, load_course
from coursekit.grading.classroom.service import Grader
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.classroom.submissions import Submission
from coursekit.grading.errors import GradingError

__all__ = ["SandboxedChecks", "TrustedCells"]


class _Ours(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no types
    """A step that knows where the exercises with their hidden checks are."""

    solutions = Unicode(help="The folder of the exercises with their hidden checks.").tag(
        config=True
    )

    def _course(self, resources: Any) -> Course:
        return _load(str(Path(self.solutions) / resources["nbgrader"]["assignment"]))


class TrustedCells(_Ours):
    """Keep a student's answers and take everything else from the released notebook.

    It must be the first preprocessor: it corrects copied, deleted and relabelled cells, with which
    nbgrader refuses a notebook or stops the whole run.
    """

    submitted = Unicode(help="The folder of the submissions.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace a submitted notebook by the released one with its answers.

        Raises
        ------
        GradingError
            If a link was submitted: nbgrader has copied its target, and removes the copies of a
            submission that fails.
        """
        about = resources["nbgrader"]
        folder = Path(self.submitted) / about["student"] / about["assignment"]
        if links := [file.name for file in folder.rglob("*") if file.is_symlink()]:
            raise GradingError(f"{links[0]!a} is a link, and links are not followed.")
        frame, _ = self._course(resources).arrange(json.dumps(nb).encode())
        return nbformat.from_dict(frame), resources  # type: ignore[no-untyped-call]


class SandboxedChecks(_Ours):
    """Run a notebook in a sandbox and record points that are computed outside of it."""

    work = Unicode(help="A folder for the secret behind random questions.").tag(config=True)
    allow_unsandboxed = Bool(False, help="Go on where there is no sandbox.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Fill in outputs and points.

        Raises
        ------
        GradingError
            If a check has no result or failed.
        """
        course, student = self._course(resources), resources["nbgrader"]["student"]
        content = json.dumps(nb).encode()
        frame, cells = course.arrange(content)
        settings = ClassSettings(out=Path(self.work), allow_unsandboxed=self.allow_unsandboxed)
        plan = load_plan(course.exercise.folder)
        submission = Submission(student=student, notebook=content)
        grader = Grader(plan, settings, Path(self.work).parent)
        with workers(settings) as run:
            [result] = run([grader.job(submission, cells)])
        there = {(check.id, check.tier) for check in result.checks}
        failed = " ".join(check.fault for check in result.checks if check.fault)
        lacks = there != {(check.id, check.tier) for check in plan.exercise.checks}
        if result.bug or failed or lacks:  # without a number nbgrader would give full points
            fault = result.bug or failed or result.lost or "a check has no result"
            raise GradingError(f"{student} could not be judged: {fault}. Nothing was recorded.")
        return nbformat.from_dict(course.with_results(frame, result)), resources  # type: ignore[no-untyped-call]


class WithoutOutputs(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no types
    """Remove outputs except verdicts from the feedback: outputs may reveal hidden inputs."""

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Clear the outputs of a cell that is not a check."""
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not (about.get("grade") and not about.get("solution")):
            cell.outputs = []
        return cell, resources


@cache
def _load(folder: str) -> Course:
    return load_course(Path(folder))
