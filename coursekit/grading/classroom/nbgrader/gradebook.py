"""Write a graded class into nbgrader's gradebook, so that formgrader, manual grading, feedback and
export go on from there.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coursekit.core.files import write_atomically
from coursekit.grading.classroom.job import JobResult
from coursekit.grading.classroom.nbgrader.showing import Course, load_course
from coursekit.grading.classroom.reports import ClassRun, GradeReport, Work

__all__ = ["gradebook_publisher", "record_class"]


def gradebook_publisher(root: Path) -> Callable[[ClassRun, Path], None]:
    """Return the publisher of the gradebook ``grading/gradebook.db`` below a course's folder and of
    the notebooks that formgrader shows.
    """

    def publish_gradebook(run: ClassRun, out: Path) -> None:
        record_class(run, root)

    return publish_gradebook


def record_class(run: ClassRun, root: Path) -> None:
    """Record a class in the gradebook of a course.

    A manual score stays; where a new automatic one overtakes it, the cell is marked for another
    look, as nbgrader does. What was not judged gets no score and is marked as well.
    """
    from nbgrader.api import Gradebook

    course = load_course(run.plan.exercise.folder)
    grading = root.resolve() / "grading"
    grading.mkdir(parents=True, exist_ok=True)
    _find_alembic()
    url = f"sqlite:///{grading / 'gradebook.db'}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Warning, module="(nbgrader|sqlalchemy)")
        with Gradebook(url, "coursekit") as gradebook:
            _assignment(gradebook, course, url)
            for work in run.works:
                with run.contained(work.student, "record it in the gradebook"):
                    _record(gradebook, course, work.grade)
                    if work.result is not None:
                        _write(grading, course, work, work.result)


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
        if not grade.report.is_judged(each.name) or each.name not in course.sheet.check_ids:
            each.needs_manual_grade = each.manual_score is None
        else:
            points = grade.report.score(each.name)[0]
            changed = each.auto_score is not None and each.auto_score != points
            each.auto_score = points
            each.needs_manual_grade = each.manual_score is not None and changed
    gradebook.db.commit()


def _write(grading: Path, course: Course, work: Work, result: JobResult) -> None:
    name = course.exercise.name
    frame, _ = course.arrange(work.submission.notebook)
    notebook = json.dumps(course.with_results(frame, result), indent=1)
    write_atomically(grading / "autograded" / work.student / name / f"{name}.ipynb", notebook)


def _find_alembic() -> None:
    """Put this Python's programs on the path: nbgrader starts one of them by name to make a
    database.
    """
    programs = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if programs not in path.split(os.pathsep):
        os.environ["PATH"] = f"{programs}{os.pathsep}{path}"
