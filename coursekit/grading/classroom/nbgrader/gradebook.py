"""Write a graded class into nbgrader's gradebook, so that formgrader, manual grading, feedback and
export go on from there.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coursekit.core.files import replaced_atomically
from coursekit.grading.classroom.job import JobResult
from coursekit.grading.classroom.nbgrader.showing import Course
from coursekit.grading.classroom.reports import GradeReport
from coursekit.grading.classroom.submissions import Submission

__all__ = ["record_class"]


def record_class(
    course: Course,
    grades: Iterable[GradeReport],
    submissions: Mapping[str, Submission],
    results: Mapping[str, JobResult],
    root: Path,
) -> int:
    """Record grades in ``grading/gradebook.db`` below a course's folder and write the notebooks
    that formgrader shows.

    A manual score stays; where one is overtaken by a new automatic one, the cell is marked for
    another look, as nbgrader does.

    Parameters
    ----------
    course : Course
    grades : iterable of GradeReport
    submissions : mapping of student to Submission
    results : mapping of student to JobResult
        What cells showed; a student without one gets no notebook in formgrader.
    root : Path
        The course's folder.

    Returns
    -------
    int
        How many submissions were recorded.
    """
    from nbgrader.api import Gradebook

    grading = root.resolve() / "grading"
    grading.mkdir(parents=True, exist_ok=True)
    _find_alembic()
    url = f"sqlite:///{grading / 'gradebook.db'}"
    n_recorded = 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Warning, module="(nbgrader|sqlalchemy)")
        with Gradebook(url, "coursekit") as gradebook:
            _assignment(gradebook, course, url)
            for grade in grades:
                _record(gradebook, course, grade)
                if grade.student in results:
                    frame, _ = course.arrange(submissions[grade.student].notebook)
                    _write(
                        grading,
                        course,
                        grade.student,
                        course.with_results(frame, results[grade.student]),
                    )
                n_recorded += 1
    return n_recorded


def _assignment(gradebook: Any, course: Course, url: str) -> None:
    """Make the assignment known, as `nbgrader generate_assignment` would."""
    import nbformat
    from nbgrader.preprocessors import SaveCells

    name = course.exercise.name
    gradebook.update_or_create_assignment(name)
    about = {"nbgrader": {"assignment": name, "notebook": name, "db_url": url}}
    SaveCells().preprocess(nbformat.from_dict(course.released), about)  # type: ignore[no-untyped-call]


def _record(gradebook: Any, course: Course, grade: GradeReport) -> None:
    name = course.exercise.name
    gradebook.update_or_create_student(grade.student)
    gradebook.update_or_create_submission(name, grade.student)
    notebook = gradebook.find_submission_notebook(name, name, grade.student)
    for each in notebook.grades:
        if each.name in course.sheet.check_ids:
            points = grade.report.score(each.name)[0]
            changed = each.auto_score is not None and each.auto_score != points
            each.auto_score = points
            each.needs_manual_grade = each.manual_score is not None and changed
        else:
            each.needs_manual_grade = each.manual_score is None
    gradebook.db.commit()


def _write(grading: Path, course: Course, student: str, notebook: Mapping[str, Any]) -> None:
    name = course.exercise.name
    folder = grading / "autograded" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(folder / f"{name}.ipynb") as temporary:
        Path(temporary).write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def _find_alembic() -> None:
    """Put this Python's programs on the path: nbgrader starts one of them by name to make a
    database.
    """
    programs = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if programs not in path.split(os.pathsep):
        os.environ["PATH"] = f"{programs}{os.pathsep}{path}"
