"""Exercises and their grading: checks, execution in a sandbox, feedback, reports.

In a notebook::

    from coursekit.grading import answer, check, hint, progress

    check("fm-1")
    hint("fm-1")
    answer("fm-1")
    progress()
"""

from coursekit.grading.student.feedback import answer, check, hint, progress

__all__ = ["answer", "check", "hint", "progress"]
