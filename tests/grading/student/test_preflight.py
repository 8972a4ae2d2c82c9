"""The preflight test: each problem that would cost points is found, and comes with its fix."""

import json

import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.grading.student.preflight import compare_versions


def look(*words):
    done = CliRunner().invoke(cli, ["preflight", "demo.ipynb", "--json", *words])
    return done.exit_code, json.loads(done.stdout)


def problems(report):
    return [
        (each["about"], each["text"])
        for each in report["findings"]
        if each["standing"] == "problem"
    ]


def texts(report):
    return " ".join(each["text"] for each in report["findings"])


def test_right_work_is_ready_and_says_what_it_is(notebook):
    code, report = look(*[]) if notebook.solve() else (None, None)
    assert (code, report["ready"], problems(report)) == (0, True, [])
    assert (report["exercise"], report["version"]) == ("demo", "1.0")
    assert report["cells"] == ["demo-1", "demo-2", "demo-1-answer", "demo-2-answer"]
    assert {each["standing"] for each in report["findings"]} == {"ok"}
    assert "2 of 2 visible checks pass" in texts(report)


def test_an_untouched_stub_is_told_and_may_be_handed_in(notebook):
    code, report = look()
    assert (code, problems(report)) == (0, [])
    assert "demo-1-answer, demo-2-answer are unchanged and earn no points yet." in texts(report)
    notebook.edit("demo-1-answer", "def double(x):\n    return 2 * x")
    assert "demo-2-answer is unchanged and earns no points yet." in texts(look()[1])


def test_a_wrong_answer_is_a_note_and_no_reason_to_stop(notebook):
    notebook.solve().edit("demo-1-answer", "def double(x):\n    return x * x")
    code, report = look()
    assert code == 0
    assert "demo-1: wrong. That is the square." in texts(report)


@pytest.mark.parametrize(
    ("spoil", "about", "says"),
    [
        (lambda n: n.remove("demo-1"), "cells", "The cell demo-1 is missing."),
        (lambda n: n.remove("demo-2-answer"), "cells", "The cell demo-2-answer is missing."),
        (lambda n: n.copy("demo-1-answer"), "cells", "The cell demo-1-answer is there 2 times."),
        (lambda n: n.copy("demo-1"), "cells", "The cell demo-1 is there 2 times."),
        (
            lambda n: n.edit("demo-1-answer", cell_type="markdown"),
            "cells",
            "The cell demo-1-answer is no longer a code cell.",
        ),
        (
            lambda n: n.add("imports", "1 / 0"),
            "run",
            "cell 3 (mine) stops with ZeroDivisionError: division by zero",
        ),
        (lambda n: n.add("imports", "import os; os._exit(0)"), "run", "ended by itself"),
        (lambda n: n.edit("imports", "#" * 26_000_000), "file", "The file has 26 MB"),
    ],
)
def test_a_problem_is_named_and_has_a_fix(notebook, spoil, about, says):
    spoil(notebook.solve())
    code, report = look()
    found = [each for each in report["findings"] if each["standing"] == "problem"]
    assert code == 1
    assert any(each["about"] == about and says in each["text"] for each in found), found
    assert all(each["fix"] for each in found)


def test_a_cell_that_does_not_end_is_a_problem(notebook):
    notebook.solve().add("imports", "while True: pass")
    code, report = look("--timeout", "1")
    assert code == 1
    assert "took longer than 1 s" in texts(report)


@pytest.mark.parametrize(
    ("metadata", "says", "fix"),
    [
        (
            {"exercise": "demo", "version": "0.9"},
            "of version 0.9, the exercise beside it of version 1.0",
            "coursekit update",
        ),
        (
            {"exercise": "demo", "version": "1.1"},
            "of version 1.1, the exercise beside it of version 1.0",
            "Fetch the newer",
        ),
        ({"exercise": "demo"}, "does not say of which version", "coursekit update"),
        (
            {"exercise": "fm", "version": "1.0"},
            "a notebook of the exercise fm, in the folder of demo",
            "to its own folder",
        ),
    ],
)
def test_another_version_or_exercise_is_a_problem(notebook, metadata, says, fix):
    content = notebook.solve().content
    content["metadata"]["coursekit"] = metadata
    notebook.save(content)
    code, report = look()
    [found] = [each for each in report["findings"] if each["about"] == "version"]
    assert (code, found["standing"]) == (1, "problem")
    assert says in found["text"]
    assert fix in found["fix"]


def test_a_check_that_passed_in_the_notebook_and_not_in_a_fresh_run_is_a_problem(
    notebook, monkeypatch
):
    """The kernel knew a cell that the file does not hold any more."""
    notebook.solve().edit("demo-1-answer", "def double(x):\n    return twice_what(x)")
    from coursekit.grading.student.feedback import check

    assert check("demo-1", namespace={"double": lambda x: 2 * x}).passed
    notebook.add("demo-1", 'check("demo-1")')
    code, report = look()
    assert code == 1
    assert "demo-1 passed when you last checked it, but fails in a new run of this file." in texts(
        report
    )


def test_a_changed_check_and_an_odd_order_are_notes(notebook):
    notebook.solve().edit("demo-1", "print('passed')")
    notebook.edit("demo-1-answer", execution_count=5).edit("demo-2-answer", execution_count=3)
    code, report = look()
    assert code == 0
    assert "The check demo-1 was changed." in texts(report)
    assert "another order than in the file" in texts(report)


def test_looking_changes_nothing(notebook, exercise_folder):
    notebook.solve()
    before = {file: file.read_bytes() for file in exercise_folder.rglob("*") if file.is_file()}
    look()
    assert {
        file: file.read_bytes() for file in exercise_folder.rglob("*") if file.is_file()
    } == before


def test_a_person_reads_the_fix_below_the_problem(notebook):
    notebook.solve().copy("demo-1-answer")
    done = CliRunner().invoke(cli, ["preflight", "demo.ipynb"])
    lines = done.output.splitlines()
    at = next(at for at, line in enumerate(lines) if "there 2 times" in line)
    assert lines[at].startswith("✗ problem")
    assert lines[at + 1].strip().startswith("Keep one, delete the other copies")
    assert lines[-1] == "Fix the problems first."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nowhere.ipynb",), "nowhere.ipynb cannot be read: No such file or directory"),
        (("broken.ipynb",), "broken.ipynb is not a notebook"),
        (("../lost.ipynb",), "does not lie beside the exercise lost"),
        (("../stranger.ipynb",), "does not lie beside an exercise"),
        (("demo.ipynb", "--timeout", "0"), "`--timeout` must be greater than 0, got 0."),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_a_sentence(notebook, words, sentence):
    notebook.file.with_name("broken.ipynb").write_text("{")
    empty = {"nbformat": 4, "cells": [], "metadata": {}}
    (notebook.file.parents[1] / "stranger.ipynb").write_text(json.dumps(empty))
    empty["metadata"] = {"coursekit": {"exercise": "lost"}}
    (notebook.file.parents[1] / "lost.ipynb").write_text(json.dumps(empty))
    done = CliRunner().invoke(cli, ["preflight", *words])
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_versions_are_compared_as_numbers():
    assert compare_versions("1.10", "1.9") == 1
    assert compare_versions("1.0", "1.0") == 0
    assert compare_versions("0.9.9", "1") == -1
