"""The grades of a class as others read them: no number lost on the way, no text that acts."""

import csv
import io
import json
from xml.etree import ElementTree

import pytest

from coursekit.grading.classroom.publish.exports import (
    csv_of,
    gradescope_of,
    junit_of,
    publish_exports,
)
from tests.grading.classroom.publish.pages.samples import (
    ATTACKS,
    check,
    grade,
    honest,
    hostile,
    judged_in_part,
    not_graded,
    not_judged,
    part,
    run_of,
)
from tests.grading.classroom.publish.pages.watching import HIDDEN

GRADES = [honest(), not_graded(), hostile()]
UNJUDGED = [judged_in_part(), not_judged()]


def rows(grades):
    return list(csv.DictReader(io.StringIO(csv_of(grades))))


def test_a_spreadsheet_has_a_row_for_each_student_and_a_column_for_each_check():
    [ada] = rows([honest()])
    assert {name: ada[name] for name in ("student", "points", "max_points", "graded")} == {
        "student": "ada", "points": "6", "max_points": "12", "graded": "yes",
    }  # fmt: skip
    assert [ada[f"demo-{n}"] for n in (1, 2, 3, 4)] == ["4", "0", "0", "2"]
    assert float(ada["points"]) == sum(float(ada[f"demo-{n}"]) for n in (1, 2, 3, 4))
    assert rows([not_graded()])[0]["graded"] == "no"


def test_what_was_not_judged_has_no_points_not_even_0():
    in_part, not_at_all = rows(UNJUDGED)
    assert (in_part["points"], in_part["graded"]) == ("", "in part")
    assert (in_part["demo-1"], in_part["demo-2"]) == ("2", "")
    assert "demo-2 (visible): This could not be judged" in in_part["remarks"]
    assert (not_at_all["points"], not_at_all["graded"]) == ("", "not judged")
    for each in UNJUDGED:
        results = gradescope_of(each)
        assert "score" not in results
        assert not [test for test in results["tests"] if "score" in test or "max_score" in test]
    shown = gradescope_of(UNJUDGED[0])["tests"]
    assert [test.get("status") for test in shown] == ["passed", "passed", None]
    root = ElementTree.fromstring(junit_of(UNJUDGED).encode())  # noqa: S314 - a file of ours
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["4", "0", "2"]
    assert len(root.findall("testsuite/testcase/error")) == 2


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+A1", "-A1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1", "\t=1", "\r\n=1", "-1+1"],
)
def test_a_spreadsheet_computes_no_name_and_no_remark(name):
    [row] = rows([grade(check("demo-1"), student=name, notes=(name,))])
    assert row["student"].startswith("'")
    assert row["remarks"].startswith("'")


def test_numbers_stay_numbers():
    [row] = rows([grade(check("demo-1", part(worth=0.5)), student="-3")])
    assert (row["student"], row["points"]) == ("-3", "0.5")


def test_gradescopes_file_has_the_points_and_shows_hidden_checks_after_publication():
    results = gradescope_of(honest())
    assert results["score"] == sum(test["score"] for test in results["tests"]) == 6
    assert sum(test["max_score"] for test in results["tests"]) == 12
    assert {(test["visibility"], test["status"]) for test in results["tests"]} == {
        ("visible", "passed"), ("visible", "failed"), ("after_published", "passed"), ("after_published", "failed"),
    }  # fmt: skip
    allowed = {"score", "output", "output_format", "visibility", "tests"}
    assert set(results) <= allowed
    assert {test["output_format"] for test in results["tests"]} == {"text"}


def test_junit_has_a_suite_for_each_student_and_totals_that_add_up():
    root = ElementTree.fromstring(junit_of(GRADES).encode())  # noqa: S314 - a file of ours
    suites = root.findall("testsuite")
    assert suites[0].get("name") == "ada"
    assert len(suites) == 3
    for name, found in {"tests": "testcase", "failures": "testcase/failure"}.items():
        assert int(root.get(name)) == sum(int(suite.get(name)) for suite in suites)
        assert [int(suite.get(name)) for suite in suites] == [
            len(suite.findall(found)) for suite in suites
        ]


def test_no_control_character_and_no_markup_comes_through():
    """Gradescope is told that it is text; XML and CSV are parsed back to the very text."""
    root = ElementTree.fromstring(junit_of(GRADES).encode())  # noqa: S314 - a file of ours
    assert {each.tag for each in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    assert ATTACKS[0] in [each.text for each in root.iter("failure")]
    for text in (
        junit_of(GRADES),
        csv_of(GRADES),
        *(json.dumps(gradescope_of(each), ensure_ascii=False) for each in GRADES),
    ):
        assert HIDDEN.search(text) is None
    assert len(rows(GRADES)) == 3


def test_all_files_are_written(tmp_path):
    grades = [honest(), grade(check("demo-1"), student="bob")]
    publish_exports(run_of(*grades), tmp_path)
    assert (tmp_path / "grades.csv").read_text() == csv_of(grades)
    assert (tmp_path / "junit.xml").read_text() == junit_of(grades)
    assert json.loads(
        (tmp_path / "gradescope" / "bob" / "results.json").read_text()
    ) == gradescope_of(grades[1])
