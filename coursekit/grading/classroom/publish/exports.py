"""Exports of the grades of a class: CSV, Gradescope and JUnit.

A submission that could not be judged has no points here, not even 0.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from coursekit.core.files import write_atomically
from coursekit.grading.checks.report import CheckReport, PartReport
from coursekit.grading.checks.text import inert
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
        points = [report.points, *(report.score(name)[0] for name in ids)]
        total, *each = ["" if grade.fault else f"{value:g}" for value in points]
        graded = "not judged" if grade.fault else "no" if grade.problem else "yes"
        row = [grade.student, total, f"{report.max_points:g}", *each, graded, report.sandbox]
        remarks = " ".join(inert(note) for note in report.notes)
        writer.writerow([_no_formula(inert(value)) for value in row] + [_no_formula(remarks)])
    return table.getvalue()


def gradescope_of(grade: GradeReport) -> dict[str, Any]:
    """Return the report in the form of Gradescope's ``results.json``; hidden checks show after
    publication.

    A submission that was not judged has no score; then Gradescope asks the instructor.
    """
    tests = [_gradescope_test(check, part) for check in grade.report.checks for part in check.parts]
    score = {} if grade.fault else {"score": grade.report.points}
    return score | {
        "output": "\n".join(inert(note) for note in grade.report.notes),
        "output_format": "text",
        "visibility": "visible",
        "tests": [] if grade.fault else tests,
    }


def junit_of(grades: Sequence[GradeReport]) -> str:
    """Return a JUnit report: a suite for each submission, a case for each part."""
    root = ElementTree.Element("testsuites")
    n_all = n_all_failed = 0
    for grade in grades:
        parts = [(check, part) for check in grade.report.checks for part in check.parts]
        n_failed = sum(part.points < part.max_points for _, part in parts)
        n_all, n_all_failed = n_all + len(parts), n_all_failed + n_failed
        about = {"name": inert(grade.student), "time": f"{grade.seconds:g}"}
        suite = ElementTree.SubElement(root, "testsuite", about | _counts(len(parts), n_failed))
        for check, part in parts:
            name = {"classname": inert(f"{check.id}.{check.tier}"), "name": inert(part.name)}
            case = ElementTree.SubElement(suite, "testcase", name)
            if part.points < part.max_points:
                failure = ElementTree.SubElement(case, "failure", {"message": str(part.outcome)})
                failure.text = inert(part.message)
    root.attrib |= _counts(n_all, n_all_failed)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _counts(n_tests: int, n_failed: int) -> dict[str, str]:
    return {"tests": str(n_tests), "failures": str(n_failed)}


def _gradescope_test(check: CheckReport, part: PartReport) -> dict[str, Any]:
    said = " ".join(text for text in (part.outcome, part.message, part.hint) if text)
    return {
        "name": inert(f"{check.id} {check.title} {part.name}"),
        "score": part.points,
        "max_score": part.max_points,
        "status": "passed" if part.points == part.max_points else "failed",
        "output": inert(said),
        "output_format": "text",
        "visibility": "visible" if check.tier == "visible" else "after_published",
    }


def _no_formula(value: str) -> str:
    """Escape text that a spreadsheet would evaluate as a formula (CSV injection).

    >>> _no_formula("=1+1"), _no_formula("-1+A1"), _no_formula("-3.5")
    ("'=1+1", "'-1+A1", '-3.5')
    """
    try:
        float(value)
    except ValueError:
        return f"'{value}" if value.lstrip()[:1] in {"=", "+", "-", "@"} else value
    return value
