"""Feedback on graded work as files: an HTML page that can do nothing, and the same in plain text.

The page holds verdicts and no output of the submission, because what a submission prints after a
hidden check may repeat what it was asked. For an instructor's eyes there is `review`, with the work
itself, made as inert.
"""

from __future__ import annotations

from pathlib import Path

from coursekit.core.files import replaced_atomically
from coursekit.grading.classroom.publish.feedback.page import feedback_page
from coursekit.grading.classroom.publish.feedback.plain import feedback_text
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["feedback_page", "feedback_text", "write_feedback"]


def write_feedback(grade: GradeReport, folder: Path) -> None:
    """Write both forms into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, text in {".html": feedback_page(grade), ".txt": feedback_text(grade)}.items():
        with replaced_atomically(folder / f"{grade.student}{suffix}") as temporary:
            Path(temporary).write_text(text, encoding="utf-8")
