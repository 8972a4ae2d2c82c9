"""A class is graded: honest work, known mistakes, broken files, a run that is stopped and started
again.
"""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from coursekit.authoring.source import read_misconceptions
from coursekit.cli import cli
from coursekit.grading.classroom.publish.analytics import items_of, publish_analytics, summary_of
from coursekit.grading.classroom.publish.exports import csv_of, gradescope_of, junit_of
from coursekit.grading.classroom.publish.feedback import feedback_page, feedback_text
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.errors import CheckBugError, ExerciseError, GradingError
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.classroom.publish.pages.samples import run_of
from tests.grading.submissions import (
    FULL,
    SOLUTION,
    code,
    hand_in,
    replaced,
    solution_of,
    solved,
    stub,
    with_cell,
)

pytestmark = pytest.mark.needs("bubblewrap")


def class_of(folder):
    """Hand in what honest students hand in, and what computers make of it."""
    right = solved()
    crash = with_cell(right, "import os; os._exit(1)", after="fm-3")
    twice = solved()
    twice["cells"].insert(20, next(dict(cell) for cell in twice["cells"] if cell["id"] == "fm-1"))
    shuffled = solved()
    shuffled["cells"] = [
        cell for cell in shuffled["cells"] if cell["id"] not in {"fm-2", "fm-machine", "fm-6"}
    ]
    meddled = solved()
    for cell in meddled["cells"]:
        if cell["id"] == "fm-1":
            cell["source"], cell["metadata"]["nbgrader"]["points"] = (
                "print('I wrote my own check')",
                1000,
            )
        if cell["id"] == "fm-machine":
            cell["source"] = "class FactorizationMachine: pass"
        if cell["id"] == "fm-2-answer":
            cell["metadata"]["nbgrader"].update(solution=False, schema_version=99)
    bare = solved()
    for cell in bare["cells"]:
        cell["metadata"] = {}
    old = solved()
    old["metadata"]["coursekit"]["version"] = "0.1"
    other = solved()
    other["metadata"]["coursekit"]["exercise"] = "bandits"
    noisy = with_cell(
        right, "import warnings, sys\nwarnings.warn('careful')\nprint('progress', file=sys.stderr)"
    )
    noisy = replaced(
        noisy,
        fm_2_answer=solution_of("fm-2-answer").replace(
            "sums =", "print('hm', file=sys.stderr); sums ="
        ),
    )
    hand_in(
        folder, partial=replaced(right, fm_4_answer="# later"), right=right, stub=stub(), crash=crash, twice=twice, shuffled=shuffled, meddled=meddled, bare=bare, old=old,
        other=other, noisy=noisy, corrupt=b'{"cells": [', deep=b"[" * 200_000, binary=os.urandom(5000), empty=b"", list=b"[]",
        v3=json.dumps({"nbformat": 3, "worksheets": []}).encode(), huge=b" " * 26_000_000,
        odd=json.dumps({"nbformat": 4, "cells": [1, None, {"cell_type": 7}, {"id": "fm-1"}], "metadata": []}).encode(),
        strange=json.dumps({**right, "cells": [*right["cells"], code(["a", 1, None, "\ud800"])]}).encode(),
    )  # fmt: skip
    (folder / "nothing").mkdir()
    (folder / "linked").mkdir()
    (folder / "linked" / "fm.ipynb").symlink_to(SOLUTION / "fm.ipynb")
    (folder / "linked-folder").symlink_to(SOLUTION)
    os.mkfifo(folder / "nothing" / "fm.ipynb")
    return folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    settings = ClassSettings(out=folder / "out", n_jobs=2)
    run = grade_class(class_of(folder / "in"), load_plan(SOLUTION), settings)
    return {each.student: each for each in run.reports}


@pytest.mark.parametrize(
    "student", ["right", "twice", "shuffled", "meddled", "bare", "old", "noisy", "strange"]
)
def test_right_work_gets_all_points_whatever_happened_to_the_file(graded, student):
    assert (graded[student].report.points, graded[student].problem) == (FULL, "")


@pytest.mark.parametrize(
    ("student", "says"),
    [
        ("other", "another exercise ('bandits')"),
        ("corrupt", "not a notebook"),
        ("deep", "not a notebook"),
        ("binary", "not a notebook"),
        ("empty", "not a notebook"),
        ("list", "format 4"),
        ("v3", "format 4"),
        ("huge", "larger than 25 MB"),
        ("nothing", "no ordinary file"),
        ("linked", "links are not followed"),
        ("linked-folder", "links are not followed"),
    ],
)
def test_a_file_that_cannot_be_graded_gets_a_report_that_says_why(graded, student, says):
    grade = graded[student]
    assert says in grade.problem
    assert (grade.report.points, grade.report.max_points) == (0, FULL)
    assert "Not graded" in feedback_text(grade)


def test_a_stub_was_not_attempted(graded):
    report = graded["stub"].report
    assert report.points == 0
    assert {str(check.outcome) for check in report.checks} == {"not attempted"}
    assert report.notes == ()


def test_a_notebook_of_odd_things_is_worth_nothing_and_harms_nobody(graded):
    assert graded["odd"].report.points == 0


def test_a_cell_that_crashes_costs_no_other_check_and_the_report_says_where_it_was(graded):
    report = graded["crash"].report
    assert [report.score(f"fm-{i}")[0] for i in range(1, 7)] == [3, 4, 4, 4, 7, 3]
    assert any("Cell" in note and "ended by itself" in note for note in report.notes)


def test_remarks_tell_what_was_put_right(graded):
    assert any("more than once" in note for note in graded["twice"].report.notes)
    assert sum("has been put back" in note for note in graded["shuffled"].report.notes) == 3
    assert any("version '0.1'" in note for note in graded["old"].report.notes)


def test_feedback_shows_no_expected_value_of_a_hidden_check_and_no_seed(graded):
    for grade in graded.values():
        for text in (feedback_page(grade), feedback_text(grade)):
            assert not any(str(check.seed) in text for check in grade.report.checks if check.seed)
            assert "hidden.py" not in text


def test_feedback_can_be_read_without_colours_and_runs_nothing(graded):
    for student in ("right", "stub", "crash", "corrupt"):
        page = feedback_page(graded[student])
        tree = ElementTree.fromstring(page.partition("\n")[2].replace("<br>", "<br/>"))  # noqa: S314 - a page of ours
        assert not tree.findall(".//script")
        assert "default-src 'none'" in page
        assert tree.get("lang") == "en"
        assert all(table.find("caption") is not None for table in tree.iter("table"))
        assert tree.find(".//*[@role='status']") is not None
        words = {cell.text for cell in tree.iter("th") if cell.get("scope") == "col"}
        assert "Verdict" in words
        for check in graded[student].report.checks:
            assert all(str(part.outcome) in feedback_text(graded[student]) for part in check.parts)


def test_exports_agree_with_the_reports(graded):
    grades = [graded[student] for student in sorted(graded)]
    rows = dict(line.split(",")[:2] for line in csv_of(grades).splitlines())
    assert (rows["right"], rows["crash"], rows["stub"]) == ("25", "25", "0")
    for grade in grades:
        results = gradescope_of(grade)
        assert (
            results["score"]
            == grade.report.points
            == sum(test["score"] for test in results["tests"])
        )
        hidden = [test for test in results["tests"] if test["visibility"] == "after_published"]
        assert hidden
    suites = ElementTree.fromstring(junit_of(grades).partition("\n")[2])  # noqa: S314 - a file of ours
    assert [suite.get("name") for suite in suites] == sorted(graded)
    assert next(suite for suite in suites if suite.get("name") == "right").get("failures") == "0"


def test_items_tell_hard_checks_and_who_left_them_out(graded, tmp_path):
    items = items_of(list(graded.values()))
    assert [item.id for item in items] == [f"fm-{i}" for i in range(1, 7)]
    assert items[0].difficulty > items[3].difficulty
    assert items[0].not_attempted == 1
    assert "fm-1" in summary_of(list(graded.values()))
    publish_analytics(run_of(*graded.values()), tmp_path)
    assert (tmp_path / "items.png").stat().st_size > 1000


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes")
    for mistake in read_misconceptions(SOLUTION):
        notebook = solved()
        ours = [
            cell
            for cell in notebook["cells"]
            if cell["id"] == "imports" or "nbgrader" in cell["metadata"]
        ]
        tests = [cell for cell in ours if cell["metadata"].get("nbgrader", {}).get("grade")]
        notebook["cells"] = [
            *(cell for cell in ours if cell not in tests),
            code(mistake.source),
            *tests,
        ]
        hand_in(folder / "in", **{mistake.name: notebook})
    settings = ClassSettings(out=folder / "out", n_jobs=2, forked=True)
    run = grade_class(folder / "in", load_plan(SOLUTION), settings)
    return {each.student: each for each in run.reports}


@pytest.mark.parametrize("name", [mistake.name for mistake in read_misconceptions(SOLUTION)])
def test_each_misconception_gets_its_own_message_when_graded(mistaken, name):
    report = mistaken[name].report
    told = [check for check in report.checks if name in check.misconceptions]
    assert told, [(check.id, check.message) for check in report.checks if not check.passed]
    assert report.points < FULL


def test_every_layout_of_submissions_is_understood(tmp_path):
    flat, tree = tmp_path / "flat", tmp_path / "submitted"
    flat.mkdir()
    for student in ("ada", "bob"):
        (flat / f"{student}.ipynb").write_text(json.dumps(stub()))
        hand_in(tree / student, fm=stub())
    hand_in(tmp_path / "folders", ada=stub(), bob=stub())
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for student in ("ada", "bob"):
            archive.writestr(f"class/{student}/fm.ipynb", json.dumps(stub()))
    from coursekit.grading.classroom.submissions import find_submissions

    for place in ("flat", "submitted", "folders", "class.zip"):
        found = find_submissions(tmp_path / place, "fm")
        assert [(each.student, each.problem) for each in found] == [("ada", ""), ("bob", "")], place
        assert {each.sha256 for each in found} == {found[0].sha256}


def test_an_archive_that_leads_out_of_itself_or_explodes_is_refused(tmp_path):
    from coursekit.grading.classroom.submissions import find_submissions

    with zipfile.ZipFile(tmp_path / "evil.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.ipynb", "{}")
    [submission] = find_submissions(tmp_path / "evil.zip", "fm")
    assert (submission.student, submission.notebook) == ("evil", b"")
    assert "leads out of its archive" in submission.problem
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.ipynb", b"\0" * 50_000_000)
    [submission] = find_submissions(tmp_path / "bomb.zip", "fm")
    assert "larger than 25 MB" in submission.problem
    with pytest.raises(GradingError, match="not there"):
        find_submissions(tmp_path / "nowhere", "fm")


def test_a_broken_exercise_grades_nobody(tmp_path):
    folder = tmp_path / "solutions" / "fm"
    folder.mkdir(parents=True)
    for file in SOLUTION.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    hidden = (folder / "hidden.py").read_text()
    submissions = hand_in(tmp_path / "in", ada=stub())
    settings = ClassSettings(out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    (folder / "hidden.py").write_text(
        hidden.replace("score(0.0, W, ones)", "1 + score(0.0, W, ones)")
    )
    with pytest.raises(
        GradingError, match="self-test failed: the reference solution gets 24 of 25"
    ):
        grade_class(submissions, load_plan(folder), settings)
    (folder / "hidden.py").write_text(
        hidden.replace("ones = np.ones(7)", "ones = np.ones(7) * (1 // 0)")
    )
    with pytest.raises(CheckBugError, match="fm-2"):
        grade_class(submissions, load_plan(folder), settings)
    gift = (
        'with t.part("gift", 0.5) as p:\n        p.that(True, "")\n    with t.part("values", 0.5)'
    )
    (folder / "hidden.py").write_text(
        hidden.replace('with t.part("values that are zero", 1)', gift)
    )
    with pytest.raises(GradingError, match="a submission without a solution"):
        grade_class(submissions, load_plan(folder), settings)
    (folder / "hidden.py").unlink()
    with pytest.raises(ExerciseError, match="no hidden checks"):
        grade_class(submissions, load_plan(folder), settings)
    assert not list((tmp_path / "out" / "reports").glob("*.json"))


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_run_that_was_killed_is_finished_by_the_same_command(tmp_path):
    hand_in(tmp_path / "in", **{f"s{i:02}": solved() if i % 2 else stub() for i in range(8)})
    command = [sys.executable, "-c", "from coursekit.cli import main; main()", "grade", str(tmp_path / "in"), "--exercise",
               str(SOLUTION), "--out", str(tmp_path / "out"), "--jobs", "2"]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    reports = tmp_path / "out" / "reports"
    until = time.monotonic() + 60
    while len(list(reports.glob("s*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    family = process_tree(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 20
    while left := [pid for pid in family if lives(pid)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)
    before = {file.name: file.stat().st_mtime_ns for file in reports.glob("s*.json")}
    assert 2 <= len(before) < 8
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"8 submissions, {8 - len(before)} graded now" in done.stdout
    after = {file.name: file.stat().st_mtime_ns for file in reports.glob("s*.json")}
    assert after.items() >= before.items()
    points = {file.stem: json.loads(file.read_text())["points"] for file in reports.glob("s*.json")}
    assert points == {f"s{i:02}": FULL if i % 2 else 0 for i in range(8)}


def test_the_same_submission_twice_gives_the_same_grade_and_the_same_questions(tmp_path):
    submissions = hand_in(tmp_path / "in", ada=solved())
    answers = []
    for name in ("one", "two"):
        out = tmp_path / name
        result = CliRunner().invoke(cli, ["grade", str(submissions), "--exercise", str(SOLUTION), "--out", str(out), "--secret",
                                          str(tmp_path / "secret"), "--json"])  # fmt: skip
        assert result.exit_code == 0, result.output
        data = json.loads((out / "reports" / "ada.json").read_text())
        answers.append(
            [
                (check["id"], check["tier"], check["points"], check["seed"])
                for check in data["checks"]
            ]
        )
        assert (out / "feedback" / "ada.html").is_file()
        assert (out / "grades.csv").is_file()
        assert (out / "items.png").is_file()
    assert answers[0] == answers[1]


def test_an_exercise_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    result = CliRunner().invoke(
        cli, ["grade", str(tmp_path), "--exercise", "nonsense", "--out", str(tmp_path / "out")]
    )
    assert (result.exit_code, "no exercise 'nonsense'" in result.output) == (2, True)
