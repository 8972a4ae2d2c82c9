"""Configure nbgrader for this course; a file nbgrader_config.py at the root of a course needs three
lines::

from pathlib import Path
from coursekit.grading.classroom.nbgrader.course import configure
configure(get_config(), Path(__file__).parent)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["configure"]

_HERE = "coursekit.grading.classroom.nbgrader"
_NEVER_SHIPPED = ["hidden.py", "misconceptions.py"]


def configure(c: Any, root: Path) -> None:
    """Map nbgrader's directories to the course and replace its execution steps.

    ``solutions/<exercise>`` is its source, ``exercises/<exercise>`` its release; everything else
    lies in ``grading/``.

    Parameters
    ----------
    c : traitlets.config.Config
    root : Path
        The course's folder.
    """
    root = root.resolve()
    grading = root / "grading"
    grading.mkdir(exist_ok=True)  # SQLite does not create it
    names = [file.parent.name for file in (root / "solutions").glob("*/exercise.toml")]
    directory = c.CourseDirectory
    directory.root = str(root)
    directory.course_id = "coursekit"
    directory.source_directory, directory.release_directory = "solutions", "exercises"
    directory.submitted_directory, directory.autograded_directory = (
        "grading/submitted",
        "grading/autograded",
    )
    directory.feedback_directory, directory.solution_directory = (
        "grading/feedback",
        "grading/solution",
    )
    directory.db_url = f"sqlite:///{grading / 'gradebook.db'}"
    sources = [f"{name}.py" for name in names]
    ignored = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".coursekit"]
    directory.ignore = [*ignored, *_NEVER_SHIPPED, *sources]
    c.Exchange.root = str(grading / "exchange")
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your answer goes here"}
    c.Autograde.sanitize_preprocessors = [
        f"{_HERE}.sandboxed.TrustedCells",
        *_theirs("DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata"),
    ]
    c.Autograde.autograde_preprocessors = [
        f"{_HERE}.sandboxed.SandboxedChecks",
        *_theirs("LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata"),
    ]
    c.GenerateFeedback.preprocessors = [
        *_theirs("GetGrades"),
        f"{_HERE}.sandboxed.WithoutOutputs",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.TrustedCells.submitted = str(root / directory.submitted_directory)
    for step in (c.TrustedCells, c.SandboxedChecks):
        step.solutions = str(root / "solutions")
    c.SandboxedChecks.work = str(grading / "work")


def _theirs(*names: str) -> list[str]:
    return [f"nbgrader.preprocessors.{name}" for name in names]
