"""Exports of the grades of a class: CSV, Gradescope and JUnit.

What could not be judged has no points here, not even 0: a check, and with it the total.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from coursekit.core.files import write_atomically
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.publish.feedback import render
from coursekit.grading.classroom.reports import ClassRun, GradeReport

__all__ = ["csv_of", "gradescope_of", "junit_of", "publish_exports"]


def publish_exports(run: ClassRun, out: Path) -> None:
    """Write grades.csv, junit.xml and ``gradescope/<student>/results.json``."""
    write_atomically(out / "grades.csv", csv_of(run.reports))
    write_atomically(out / "junit.xml", junit_of(run.reports))
    for grade in run.reports:
        with run.contained(grade.student, "write its Gradescope file"):
            results = json.dumps(gradescope_of(grade), indent=1)
            write_atomically(out / "gradescope" / grade.student / "results.json", results)


def csv_of(grades: Sequence[GradeReport]) -> str:
    """Return one row for each submission: points in all, and for each check both tiers together."""
    ids = list(dict.fromkeys(check.id for grade in grades for check in grade.report.checks))
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["student", "points", "max_points", *ids, "graded", "sandbox", "remarks"])
    for grade in grades:
        report = grade.report
        total = f"{report.points:g}" if report.is_judged() else ""
        each = [f"{report.score(id_)[0]:g}" if report.is_judged(id_) else "" for id_ in ids]
        graded = "no" if grade.problem else "yes"
        if not report.is_judged():
            graded = "not judged" if grade.problem else "in part"
        row = [grade.student, total, f"{report.max_points:g}", *each, graded, report.sandbox]
        remarks = " ".join(inert(note) for note in report.notes)
        writer.writerow([_no_formula(inert(value)) for value in row] + [_no_formula(remarks)])
    return table.getvalue()


def gradescope_of(grade: GradeReport) -> dict[str, Any]:
    """Return the report in the form of Gradescope's ``results.json``; hidden checks show after
    publication.

    Where something was not judged there is no score; then Gradescope asks the instructor.
    """
    tests = [_gradescope_test(check, part) for check in grade.report.checks for part in check.parts]
    is_judged = grade.report.is_judged()
    if not is_judged:
        tests = [{key: test[key] for key in test if "score" not in key} for test in tests]
    return ({"score": grade.report.points} if is_judged else {}) | {
        "output": "\n".join(inert(note) for note in grade.report.notes),
        "output_format": "text",
        "visibility": "visible",
        "tests": [] if grade.problem and grade.fault else tests,
    }


def junit_of(grades: Sequence[GradeReport]) -> str:
    """Return a JUnit report: a suite for each submission, a case for each part."""
    suites = []
    for grade in grades:
        parts = [(check, part) for check in grade.report.checks for part in check.parts]
        suites.append({"grade": grade, "parts": parts, "kinds": [_junit_of(p) for _, p in parts]})
    return render("junit.xml", suites=suites)


def _junit_of(part: PartReport) -> str:
    """Return the element that says why a part has no points, or nothing."""
    lost = "failure" if part.points < part.max_points else ""
    return "error" if part.outcome is Outcome.NOT_JUDGED else lost


def _gradescope_test(check: CheckReport, part: PartReport) -> dict[str, Any]:
    said = " ".join(text for text in (part.outcome, part.message, part.hint) if text)
    passed = "passed" if part.points == part.max_points else "failed"
    status = {} if part.outcome is Outcome.NOT_JUDGED else {"status": passed}
    return status | {
        "name": inert(f"{check.id} {check.title} {part.name}"),
        "score": part.points,
        "max_score": part.max_points,
        "output": inert(said),
        "output_format": "text",
        "visibility": "visible" if check.tier == "visible" else "after_published",
    }


def _no_formula(value: str) -> str:
    """Escape text that a spreadsheet would evaluate as a formula (CSV injection).

    >>> _no_formula("=1+1"), _no_formula("-1+A1"), _no_formula("-3.5")
    ("'=1+1", "'-1+A1", '-3.5')
    """
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", value)
    return f"'{value}" if value.lstrip()[:1] in tuple("=+-@") and not is_number else value
