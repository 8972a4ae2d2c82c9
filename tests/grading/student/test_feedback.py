"""What a student sees in the notebook: verdicts, hints, progress, and never a grade."""

import json
import shutil
import sys
import warnings

import pytest

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.grading import check, hint, progress
from coursekit.grading.checks.report import Outcome
from coursekit.grading.errors import ExerciseError, GradingError

pytestmark = pytest.mark.usefixtures("exercise_folder")


def double(x):
    return x + x


def stub(x):
    raise NotImplementedError


def try_out(function=double, check_id="demo-1", **options):
    return check(check_id, namespace={"double": function}, **options)


def outcome(report):
    [only] = report.checks
    return only.outcome


def test_a_stub_is_told_where_to_begin():
    report = try_out(stub)
    assert outcome(report) is Outcome.NOT_ATTEMPTED
    assert "`stub` is still to be written" in repr(report)
    assert 'hint("demo-1")' in report.notes[0]


def test_a_right_answer_is_told_that_hidden_checks_remain_and_what_is_next():
    report = try_out()
    assert report.passed
    assert "Hidden checks run when your work is graded. Next: demo-2." in report.notes[0]


def test_a_wrong_answer_is_told_the_likely_mistake_and_how_to_repeat():
    report = try_out(lambda x: x * x, seed=12)
    assert "That is the square." in repr(report)
    assert 'check("demo-1", seed=12)' in report.notes[0]


def test_an_answer_that_raises_could_not_run_and_shows_the_line():
    report = try_out(lambda x: x / 0)
    assert outcome(report) is Outcome.COULD_NOT_RUN
    assert "ZeroDivisionError" in repr(report)


def test_questions_are_fresh_each_time_and_repeat_with_their_seed():
    heard = []

    def listen(x):
        heard.append(x)
        return x + x

    seeds = {try_out(listen).checks[0].seed for _ in range(8)}
    assert len(seeds) > 1
    again = try_out(listen).checks[0].seed
    try_out(listen, seed=again)
    assert heard[-1] == heard[-2]


def test_the_names_of_the_caller_are_checked():
    assert check("demo-1").passed  # `double` of this module


def test_an_answer_of_the_students_may_print_and_warn(capsys):
    def chatty(x):
        sys.stdout.write("thinking")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("hm", stacklevel=1)
        return 2 * x

    assert try_out(chatty).passed
    assert capsys.readouterr().out == "thinking"


def test_a_check_that_is_not_there_names_those_that_are():
    with pytest.raises(
        UnknownNameError,
        match=r"`demo-9` is not a visible check of the exercise demo; there are demo-1, demo-2\.",
    ):
        check("demo-9")
    with pytest.raises(
        UnknownNameError,
        match=r"There is no exercise for `xy-1` here\. Work in its folder, exercises/xy",
    ):
        check("xy-1")


def test_an_exercise_is_found_from_the_courses_folder(course, monkeypatch):
    monkeypatch.chdir(course)
    assert try_out().passed


def test_under_an_autograder_a_check_raises_so_that_nobody_gets_points_for_nothing(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(GradingError, match="feedback, not grades"):
        try_out()


def test_under_a_validator_a_check_raises_unless_it_passed(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert try_out().passed
    with pytest.raises(GradingError, match=r"demo-1: wrong\. That is the square\."):
        try_out(lambda x: x * x)


def test_hints_come_one_by_one_and_the_last_one_stays():
    assert [hint("demo-1").text for _ in range(4)] == ["Think.", "Think of +.", "x + x", "x + x"]
    assert repr(hint("demo-1", 2)) == "Hint 2 of 3 for demo-1: Think of +."
    assert 'role="status"' in hint("demo-1")._repr_html_()


def test_a_rung_that_is_not_there_is_refused():
    with pytest.raises(InvalidParameterError, match=r"`rung` must be in 1..3 for demo-1, got 4\."):
        hint("demo-1", 4)


def test_progress_remembers_tries_hints_and_the_best_result():
    assert progress().n_solved == 0
    try_out(stub)
    hint("demo-1")
    try_out()
    try_out(stub)
    table = progress()
    assert (table.n_solved, table.n_checks) == (1, 2)
    entry = table.to_json()["exercises"]["demo"]["demo-1"]
    assert entry == {
        "n_tries": 3,
        "n_hints": 1,
        "outcome": "not attempted",
        "points": 2,
        "solved": True,
        "max_points": 2,
    }
    assert "demo-1: Twice as much, solved, 2 of 2 points, 3 tries, 1 of 3 hints seen" in repr(table)
    assert "<caption" in table._repr_html_()


def test_progress_of_all_exercises_is_seen_from_the_courses_folder(course, monkeypatch):
    try_out()
    monkeypatch.chdir(course)
    assert progress().n_solved == 1


def test_without_an_exercise_progress_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    assert "There is no exercise here" in repr(progress())


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"checks": {"demo-1": {"n_tries": 1, "colour": "red"}}}', "\x00"]
)
def test_a_broken_logbook_is_no_reason_for_a_check_to_fail(exercise_folder, content):
    file = exercise_folder / ".coursekit" / "progress.json"
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    assert try_out().passed
    assert json.loads(file.read_text(encoding="utf-8"))["checks"]["demo-1"]["solved"] is True


def test_a_folder_that_cannot_be_written_is_no_reason_for_a_check_to_fail(exercise_folder):
    (exercise_folder / ".coursekit").write_text("a file in the way", encoding="utf-8")
    assert try_out().passed


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("checks.py", None, "cannot be read"),
        ("hints.toml", None, "cannot be read"),
        ("hints.toml", "[", "is not TOML"),
        ("exercise.toml", "", "lacks 'name'"),
        ("checks.py", "1 / 0", "cannot be run: ZeroDivisionError"),
    ],
)
def test_an_exercise_folder_that_is_not_in_order_is_refused_by_name(
    exercise_folder, file, content, message
):
    (exercise_folder / file).unlink()
    if content is not None:
        (exercise_folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(
        ExerciseError, match=f"{file}.*{message}" if file != "exercise.toml" else message
    ):
        try_out()


def test_checking_leaves_nothing_but_the_logbook_behind(exercise_folder):
    before = {file.name for file in exercise_folder.iterdir()}
    try_out()
    hint("demo-1")
    assert {file.name for file in exercise_folder.iterdir()} - before == {".coursekit"}


def test_a_folder_may_be_called_otherwise(exercise_folder, monkeypatch):
    other = exercise_folder.rename(exercise_folder.parent / "demo (copy)")
    monkeypatch.chdir(other)
    assert try_out().passed


def test_two_folders_of_the_same_name_do_not_mix(exercise_folder, tmp_path, monkeypatch):
    try_out()
    other = shutil.copytree(exercise_folder, tmp_path / "elsewhere" / "demo")
    text = (other / "checks.py").read_text(encoding="utf-8").replace("2 * number", "3 * number")
    (other / "checks.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(other)
    assert try_out(lambda x: 3 * x).passed
