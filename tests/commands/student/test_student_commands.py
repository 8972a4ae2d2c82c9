"""`coursekit check`, `hint` and `progress` as a student types them."""

import json
import sys

import pytest
from click.testing import CliRunner

from coursekit.cli import cli


@pytest.fixture
def type_(exercise_folder):
    return lambda *words: CliRunner().invoke(cli, list(map(str, words)))


@pytest.fixture
def solve(exercise_folder, write_notebook):
    return lambda *sources: write_notebook(exercise_folder / "demo.ipynb", *sources)


RIGHT = ("def double(x):\n    return 2 * x", "def halve(x):\n    return x / 2")


def test_an_untouched_exercise_is_not_attempted(type_, exercise_folder):
    done = type_("check", exercise_folder)
    assert done.exit_code == 1
    assert "0 of 2 checks passed, 0 of 3 points." in done.output
    assert done.output.count("not attempted") == 2


def test_a_solved_exercise_passes(type_, solve, exercise_folder):
    solve(*RIGHT)
    done = type_("check", exercise_folder)
    assert done.exit_code == 0
    assert "2 of 2 checks passed, 3 of 3 points." in done.output
    assert "Hidden checks run when your work is graded." in done.output


def test_a_wrong_answer_is_told_its_mistake_and_where_a_hint_is(type_, solve, exercise_folder):
    solve("def double(x):\n    return x * x", RIGHT[1])
    done = type_("check", exercise_folder / "demo.ipynb")
    assert done.exit_code == 1
    assert "That is the square." in done.output
    assert "coursekit hint demo-1" in done.output


def test_a_cell_that_stops_is_named(type_, solve, exercise_folder):
    solve("1 / 0", *RIGHT)
    assert (
        "Cell 1 (c0) stopped with ZeroDivisionError: division by zero"
        in type_("check", exercise_folder, "--plain").output
    )


def test_one_check_can_be_asked_for_and_repeated(type_, solve, exercise_folder):
    solve("def double(x):\n    return x")
    runs = [
        type_("check", exercise_folder, "--only", "demo-1", "--seed", 5, "--plain").output
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert "--seed 5" in runs[0]
    assert "demo-2" not in runs[0]


def test_json_is_one_object_and_nothing_else(type_, solve, exercise_folder):
    solve("print('noise')", *RIGHT)
    report = json.loads(type_("check", exercise_folder, "--json").stdout)
    assert (report["passed"], report["points"], report["max_points"], report["sandbox"]) == (
        True,
        3,
        3,
        "process",
    )
    assert [check["id"] for check in report["checks"]] == ["demo-1", "demo-2"]


def test_hints_and_progress_are_shared_with_the_notebook(type_, solve, exercise_folder):
    solve(RIGHT[0])
    type_("check", exercise_folder)
    assert type_("hint", "demo-2").output == "Hint 1 of 3 for demo-2: Think.\n"
    assert json.loads(type_("hint", "demo-2", "--json").stdout)["rung"] == 2
    shown = type_("progress", exercise_folder)
    assert shown.output.startswith("demo: A demo, 1 of 2 checks solved\n")
    assert "2 of 3 hints seen" in shown.output
    assert json.loads(type_("progress", exercise_folder, "--json").stdout)["n_solved"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check", "nowhere"), "nowhere/exercise.toml cannot be read"),
        (("check", "no.ipynb"), "no.ipynb is not there"),
        (("check", "broken.ipynb"), "broken.ipynb is not a notebook"),
        (("check", "list.ipynb"), "list.ipynb is not a notebook of format 4"),
        (("check", ".", "--only", "demo-9"), "`demo-9` is not a visible check"),
        (("check", ".", "--timeout", "0"), "`--timeout` must be greater than 0, got 0."),
        (("hint", "xy-1"), "There is no exercise for `xy-1` here"),
        (("hint", "demo-1", "--rung", "4"), "`rung` must be in 1..3 for demo-1, got 4."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(type_, exercise_folder, words, sentence):
    (exercise_folder / "broken.ipynb").write_text("{", encoding="utf-8")
    (exercise_folder / "list.ipynb").write_text("[]", encoding="utf-8")
    done = type_(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not (exercise_folder / ".coursekit").exists()


def test_where_cost_cannot_be_judged_the_report_says_so(type_, solve, exercise_folder, monkeypatch):
    said = "does not say how much processor time"
    solve(*RIGHT)
    assert (said in type_("check", exercise_folder).output) is (sys.platform != "linux")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert said in " ".join(type_("check", exercise_folder).output.split())
