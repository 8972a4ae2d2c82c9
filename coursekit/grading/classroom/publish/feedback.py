"""Feedback on graded work: an HTML page without scripts or external resources, and the same as
text.

Both have the same content in the same order (`templates/feedback.*`). They contain verdicts and no
output of the submission, because outputs may reveal the inputs of hidden checks.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coursekit.core.files import write_atomically
from coursekit.grading.checks.render import points_text, templates
from coursekit.grading.checks.report import Outcome
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.reports import ClassRun, GradeReport

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "POLICY",
    "STYLE",
    "feedback_page",
    "feedback_text",
    "in_short",
    "publish_feedback",
    "render",
]

_FOLDER = "classroom/publish/templates"
STYLE = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
"""The style sheet of every page, for a light screen, a dark one and paper.

Text has a contrast of at least 4.5 : 1 (WCAG 2.2, 1.4.3); a test computes it from this sheet.
"""

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
    f"form-action 'none'"
)
"""Content security policy: this style sheet and inline images only; no script, URL or form."""

_HOW = {"unsandboxed": "run without a sandbox", "not run": "not run"}


def feedback_page(grade: GradeReport) -> str:
    """Return the feedback as an HTML page."""
    return render("feedback.html", **_view(grade))


def feedback_text(grade: GradeReport) -> str:
    """Return the feedback as text that needs no colour, no symbol and no table."""
    return render("feedback.txt", **_view(grade))


def publish_feedback(run: ClassRun, out: Path) -> None:
    """Write both forms for each student to ``feedback/``."""
    for work in run.works:
        with run.contained(work.student, "write its feedback"):
            file = out / "feedback" / work.student
            write_atomically(f"{file}.html", feedback_page(work.grade))
            write_atomically(f"{file}.txt", feedback_text(work.grade))


def render(template: str, **values: Any) -> str:
    """Render a template of this folder; HTML pages extend ``page.html``."""
    return _environment().get_template(f"{_FOLDER}/{template}").render(values)


def in_short(grade: GradeReport) -> list[str]:
    """Return the result in a few sentences, the points first."""
    if grade.problem:
        return ["Not judged." if grade.fault else "Not graded.", grade.problem]
    rows, is_judged = _glance(grade), grade.report.is_judged()
    n_passed = sum(row["outcome"] is Outcome.PASSED for row in rows)
    still_open = [row["id"] for row in rows if row["outcome"] is not Outcome.PASSED]
    points = f"{points_text(grade.report.points, grade.report.max_points)}."
    look = [f"Look at {', '.join(still_open)}."] if still_open else []
    more = [] if is_judged else ["Not all was judged: your points may become more."]
    return [points, *more, f"{n_passed} of {len(rows)} checks passed.", *look]


def colophon(grade: GradeReport) -> str:
    """Return exercise, version and digest of the submission.

    Time and memory are left out: a submission controls both, so they could reveal hidden inputs.
    """
    how = _HOW.get(grade.report.sandbox.split(",")[0], "run in a sandbox")
    return (
        f"Exercise {grade.report.exercise}, version {grade.version}. "
        f"Submission {grade.sha256[:12]}, {how}."
    )


@cache
def _environment() -> Environment:
    from markupsafe import Markup

    environment = templates().overlay(
        autoescape=lambda name: str(name).endswith((".html", ".xml")), lstrip_blocks=True
    )
    environment.filters["inert"] = inert
    environment.globals |= {"policy": Markup(POLICY), "style": Markup(STYLE)}  # noqa: S704 - our own
    return environment


def _view(grade: GradeReport) -> dict[str, Any]:
    return {
        "title": f"{grade.title}: {grade.student}",
        "in_short": in_short(grade),
        "glance": _glance(grade),
        "notes": grade.report.notes,
        "colophon": colophon(grade),
    }


def _glance(grade: GradeReport) -> list[dict[str, Any]]:
    """Return a row for each check, both tiers together."""
    report, rows = grade.report, []
    for check_id in dict.fromkeys(check.id for check in report.checks):
        tiers = [check for check in report.checks if check.id == check_id]
        points = points_text(*report.score(check_id))
        row = {"id": check_id, "title": tiers[0].title, "tiers": tiers}
        row["points"] = points if report.is_judged(check_id) else f"{points} so far"
        rows.append(row | {"outcome": Outcome.worst([check.outcome for check in tiers])})
    return rows
