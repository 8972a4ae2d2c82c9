"""Feedback as plain text: everything that the page says, in the same order."""

from __future__ import annotations

from collections.abc import Iterator

from coursekit.grading.checks.render import advice_on
from coursekit.grading.checks.report import CheckReport
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.publish.feedback import words
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["feedback_text"]


def feedback_text(grade: GradeReport) -> str:
    """Return the feedback as text that needs no colour, no symbol and no table."""
    return "\n".join([*_lines(grade), ""])


def _lines(grade: GradeReport) -> Iterator[str]:
    title = inert(words.headline(grade))
    yield from (title, "=" * len(title), "")
    yield from _titled(words.IN_SHORT)
    yield from map(inert, words.in_short(grade))
    yield from ("", *_titled(words.GLANCE), f"{words.TOGETHER}:")
    for check_id, check_title, outcome, points in words.glance(grade):
        yield inert(f"[{outcome}] {check_id}: {check_title} {points}.")
    yield from ("", *_titled(words.PARTS))
    for check in grade.report.checks:
        yield from _check(check)
    if grade.report.notes:
        yield from _titled(words.HAPPENED)
        yield from (f"- {inert(note)}" for note in grade.report.notes)
        yield ""
    yield inert(words.colophon(grade))


def _check(check: CheckReport) -> Iterator[str]:
    yield inert(words.parts_caption(check))
    for part in check.parts:
        yield f"  [{part.outcome}] {inert(part.name)} ({part.points:g}/{part.max_points:g})"
        yield from (f"      {line}" for line in advice_on(part))
    yield ""


def _titled(title: str) -> tuple[str, str]:
    return title, "-" * len(title)
