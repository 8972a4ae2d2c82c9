"""The two steps of `nbgrader autograde` that are ours: what a submitted notebook is, and what its
checks say.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Unicode

from coursekit.grading.classroom.execute import execute
from coursekit.grading.classroom.nbgrader.showing import Course, load_course
from coursekit.grading.classroom.service import isolation_of, job_of
from coursekit.grading.classroom.settings import ClassSettings, load_plan, load_secret
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
    """Keep a student's answers and take everything else from the notebook that was handed out.

    Put it first: copied, deleted and relabelled cells, which make nbgrader refuse a notebook or
    stop the whole run, are gone after it.
    """

    submitted = Unicode(help="The folder of the submissions.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace a submitted notebook by a trusted frame around its answers.

        Raises
        ------
        GradingError
            If a link was handed in: nbgrader has copied what it leads to, and takes the copies of a
            submission that fails away again.
        """
        about = resources["nbgrader"]
        folder = Path(self.submitted) / about["student"] / about["assignment"]
        if links := [file.name for file in folder.rglob("*") if file.is_symlink()]:
            raise GradingError(f"{links[0]!a} is a link, and links are not followed.")
        frame, _ = self._course(resources).arrange(json.dumps(nb).encode())
        return nbformat.from_dict(frame), resources  # type: ignore[no-untyped-call]


class SandboxedChecks(_Ours):
    """Run a notebook in a sandbox instead of beside the gradebook, and write down points that were
    computed outside.
    """

    work = Unicode(help="A folder for the secret behind random questions.").tag(config=True)
    allow_unsandboxed = Bool(False, help="Go on where there is no sandbox.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Fill in outputs and points.

        Raises
        ------
        GradingError
            If a check has no result.
        """
        course, student = self._course(resources), resources["nbgrader"]["student"]
        content = json.dumps(nb).encode()
        frame, cells = course.arrange(content)
        Path(self.work).mkdir(parents=True, exist_ok=True)
        settings = ClassSettings(out=Path(self.work), allow_unsandboxed=self.allow_unsandboxed)
        submission = Submission(student=student, notebook=content)
        plan, secret = load_plan(course.exercise.folder), load_secret(settings)
        job = job_of(submission, cells, plan, settings, isolation_of(settings), secret=secret)
        [result] = execute([job], settings)
        there = {(check.id, check.tier) for check in result.checks}
        if result.bug or there != {(check.id, check.tier) for check in plan.exercise.checks}:
            fault = result.bug or result.lost or "a check has no result"
            raise GradingError(f"{student} could not be judged: {fault}. Nothing was recorded.")
        return nbformat.from_dict(course.with_results(frame, result)), resources  # type: ignore[no-untyped-call]


class WithoutOutputs(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no types
    """Leave out what cells showed, but for the verdicts: a cell may repeat what a hidden check
    asked. For feedback.
    """

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Empty the outputs of a cell that is no check."""
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not (about.get("grade") and not about.get("solution")):
            cell.outputs = []
        return cell, resources


@cache
def _load(folder: str) -> Course:
    return load_course(Path(folder))
