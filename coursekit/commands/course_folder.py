"""Locate the folder of the course."""

from __future__ import annotations

from pathlib import Path

import coursekit
from coursekit.core.errors import CourseKitError

__all__ = ["FIRST_LESSON", "course_folder"]

FIRST_LESSON = "notebooks/00_start_here.ipynb"


def course_folder() -> Path:
    """Return the folder that holds notebooks/ and exercises/, whatever the current folder is.

    Raises
    ------
    CourseKitError
        If this installation came without the lessons.
    """
    folder = Path(coursekit.__file__).resolve().parents[1]
    if not (folder / FIRST_LESSON).is_file():
        raise CourseKitError(
            f"The lessons are not beside this installation of coursekit (no {FIRST_LESSON} "
            f"in {folder}); "
            "get the course's repository and run `make lab` in it."
        )
    return folder
