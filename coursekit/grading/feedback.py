"""Feedback for a student: one page that needs nothing else, and the same as plain text.

The page holds verdicts and no output of the submission, because what a submission prints after a hidden check may repeat what
it was asked. No script can run on it: its text is escaped, and a content security policy forbids everything but its own style.
"""

from __future__ import annotations

from pathlib import Path

from coursekit.core.state import replaced_atomically
from coursekit.grading.class_reports import GradeReport
from coursekit.grading.render import html_of, plain_of, points_text
from coursekit.grading.text import inert, to_html

__all__ = ["feedback_page", "feedback_text", "write_feedback"]

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{width:100%}td,th{border-top:1px solid #8886}"
    "code{font-family:ui-monospace,monospace}"
)


def feedback_page(grade: GradeReport) -> str:
    """Return the feedback as an HTML page."""
    title = to_html(_title(grade))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<p><strong>{_sum(grade)}</strong></p>\n{html_of(grade.report)}\n"
        f"<p><small>{to_html(_colophon(grade))}</small></p>\n</main>\n</body>\n</html>\n"
    )


def feedback_text(grade: GradeReport) -> str:
    """Return the same feedback as text."""
    return "\n".join([inert(_title(grade)), _sum(grade), "", plain_of(grade.report), "", inert(_colophon(grade)), ""])


def write_feedback(grade: GradeReport, folder: Path) -> None:
    """Write both forms into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, text in {".html": feedback_page(grade), ".txt": feedback_text(grade)}.items():
        with replaced_atomically(folder / f"{grade.student}{suffix}") as temporary:
            Path(temporary).write_text(text, encoding="utf-8")


def _title(grade: GradeReport) -> str:
    return f"{grade.title}: {grade.student}"


def _sum(grade: GradeReport) -> str:
    if grade.problem:
        return "Not graded."
    return f"{points_text(grade.report.points, grade.report.max_points)}."


def _colophon(grade: GradeReport) -> str:
    how = {"unsandboxed": "run without a sandbox", "not run": "not run"}.get(grade.report.sandbox, "run in a sandbox")
    return f"Exercise {grade.report.exercise}, version {grade.version}. Submission {grade.sha256[:12]}, {how}."
