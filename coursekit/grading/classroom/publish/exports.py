"""The grades of a class in the forms that others read: a spreadsheet, Gradescope, and a build
server.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from coursekit.core.files import replaced_atomically
from coursekit.grading.checks.report import CheckReport, PartReport
from coursekit.grading.checks.text import inert
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["csv_of", "gradescope_of", "junit_of", "write_exports"]


def write_exports(grades: Sequence[GradeReport], folder: Path) -> None:
    """Write grades.csv, junit.xml and ``gradescope/<student>/results.json``."""
    _write(folder / "grades.csv", csv_of(grades))
    _write(folder / "junit.xml", junit_of(grades))
    for grade in grades:
        _write(
            folder / "gradescope" / grade.student / "results.json",
            json.dumps(gradescope_of(grade), indent=1),
        )


def csv_of(grades: Sequence[GradeReport]) -> str:
    """Return one row for each submission: points in all, and for each check both tiers together."""
    ids = list(dict.fromkeys(check.id for grade in grades for check in grade.report.checks))
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["student", "points", "max_points", *ids, "graded", "sandbox", "remarks"])
    for grade in grades:
        points = [f"{grade.report.score(name)[0]:g}" for name in ids]
        total = [f"{grade.report.points:g}", f"{grade.report.max_points:g}"]
        remarks = " ".join(inert(note) for note in grade.report.notes)
        row = [
            inert(grade.student),
            *total,
            *points,
            "no" if grade.problem else "yes",
            inert(grade.report.sandbox),
            remarks,
        ]
        writer.writerow([_no_formula(value) for value in row])
    return table.getvalue()


def gradescope_of(grade: GradeReport) -> dict[str, Any]:
    """Return the report in the form of Gradescope's ``results.json``; hidden checks show after
    publication.
    """
    return {
        "score": grade.report.points,
        "execution_time": grade.seconds,
        "output": "\n".join(inert(note) for note in grade.report.notes),
        "output_format": "text",
        "visibility": "visible",
        "tests": [
            _gradescope_test(check, part) for check in grade.report.checks for part in check.parts
        ],
    }


def junit_of(grades: Sequence[GradeReport]) -> str:
    """Return a JUnit report: a suite for each submission, a case for each part."""
    all_parts = [part for grade in grades for check in grade.report.checks for part in check.parts]
    n_failed = sum(part.points < part.max_points for part in all_parts)
    root = ElementTree.Element(
        "testsuites", {"tests": str(len(all_parts)), "failures": str(n_failed)}
    )
    for grade in grades:
        parts = [(check, part) for check in grade.report.checks for part in check.parts]
        failed = sum(part.points < part.max_points for _, part in parts)
        about = {
            "name": inert(grade.student),
            "tests": str(len(parts)),
            "failures": str(failed),
            "time": f"{grade.seconds:g}",
        }
        suite = ElementTree.SubElement(root, "testsuite", about)
        for check, part in parts:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {"classname": inert(f"{check.id}.{check.tier}"), "name": inert(part.name)},
            )
            if part.points < part.max_points:
                failure = ElementTree.SubElement(case, "failure", {"message": str(part.outcome)})
                failure.text = inert(part.message)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )


def _gradescope_test(check: CheckReport, part: PartReport) -> dict[str, Any]:
    return {
        "name": inert(f"{check.id} {check.title} {part.name}"),
        "score": part.points,
        "max_score": part.max_points,
        "status": "passed" if part.points == part.max_points else "failed",
        "output": inert(" ".join(text for text in (part.outcome, part.message, part.hint) if text)),
        "output_format": "text",
        "visibility": "visible" if check.tier == "visible" else "after_published",
    }


def _no_formula(value: str) -> str:
    """Keep a spreadsheet from computing what a student is called.

    >>> _no_formula("=1+1"), _no_formula("-1+A1"), _no_formula("-3.5")
    ("'=1+1", "'-1+A1", '-3.5')
    """
    return (
        f"'{value}"
        if value.lstrip()[:1] in {"=", "+", "-", "@"} and not _is_number(value)
        else value
    )


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(file) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
