"""A model answer is read by those who have passed, and by nobody who just looks into the file."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from coursekit import grading
from coursekit.cli import cli
from coursekit.core.errors import UnknownNameError
from coursekit.grading import answer, check
from coursekit.grading.checks.report import Report
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.answers import ModelAnswer
from coursekit.grading.inside import stand_in

CODE = (
    'def double(x):\n    """Return twice x."""\n    twice = x + x  # the plainest way\n    '
    "return twice"
)


def ask(function, check_id="demo-1"):
    return answer(check_id, namespace={"double": function, "halve": lambda x: x / 2})


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 * x,
        lambda x: x * 2.0,
        lambda x: np.float64(x) + x,
        lambda x: 2 * x * (1 + 3e-15),
        lambda x: np.array(2 * x),
    ],
    ids=["a-product", "a-float", "a-numpy-number", "rounding", "an-array"],
)
@pytest.mark.usefixtures("exercise_folder")
def test_whoever_passes_sees_the_authors_code_however_they_wrote_theirs(function):
    found = ask(function)
    assert isinstance(found, ModelAnswer)
    assert found.code == CODE
    assert CODE in repr(found)


@pytest.mark.usefixtures("exercise_folder")
def test_whoever_does_not_pass_sees_what_is_missing():
    def not_yet(x):
        raise NotImplementedError

    for function, word in (
        (lambda x: x * x, "That is the square."),
        (not_yet, "still to be written"),
    ):
        found = ask(function)
        assert isinstance(found, Report)
        assert word in repr(found)
        assert 'as soon as check("demo-1") passes' in repr(found)
        assert "twice" not in repr(found)


@pytest.mark.usefixtures("exercise_folder")
def test_the_names_of_the_caller_are_asked(monkeypatch):
    monkeypatch.setitem(globals(), "double", lambda x: x + x)
    assert answer("demo-1").code == CODE


@pytest.mark.usefixtures("exercise_folder")
def test_a_passed_check_says_that_there_is_a_model_answer():
    assert (
        'Compare with a model answer: `answer("demo-1")`.'
        in check("demo-1", namespace={"double": lambda x: 2 * x}).notes
    )


@pytest.mark.usefixtures("exercise_folder")
def test_it_is_shown_in_a_notebook_as_text_that_cannot_run():
    page = ModelAnswer(check_id="demo-1", code="a < b  # <script>")._repr_html_()
    assert "<pre><code>a &lt; b  # &lt;script&gt;</code></pre>" in page
    assert 'role="status"' in page


def test_the_file_cannot_be_read_by_accident(exercise_folder):
    text = (exercise_folder / "answers.json").read_text(encoding="utf-8")
    assert "twice" not in text
    assert "return" not in text


def test_a_check_without_a_model_answer_says_so(exercise_folder):
    (exercise_folder / "answers.json").unlink()
    with pytest.raises(UnknownNameError, match="There is no model answer to `demo-1`"):
        ask(lambda x: 2 * x)
    with pytest.raises(UnknownNameError, match="`demo-9` is not a visible check"):
        ask(lambda x: 2 * x, "demo-9")
    assert len(check("demo-1", namespace={"double": lambda x: 2 * x}).notes) == 1


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"answers": {"demo-1": 3}}', '{"answers": {"demo-1": "?"}}', '{"answers": 7}'],
)
def test_a_broken_file_is_named(exercise_folder, content):
    (exercise_folder / "answers.json").write_text(content, encoding="utf-8")
    with pytest.raises(
        GradingError, match=r"answers\.json cannot be read .* Fetch the exercise again\."
    ):
        ask(lambda x: 2 * x)


def test_in_a_terminal_the_notebook_is_run_first(exercise_folder, write_notebook):
    def type_():
        return CliRunner().invoke(cli, ["answer", "demo-1"])

    assert type_().exit_code == 1
    assert "still to be written" in type_().output
    write_notebook(exercise_folder / "demo.ipynb", "def double(x):\n    return 2 * x")
    assert type_().exit_code == 0
    assert CODE in type_().output
    data = json.loads(CliRunner().invoke(cli, ["answer", "demo-1", "--json"]).stdout)
    assert data == {"check_id": "demo-1", "code": CODE}


def test_a_sandbox_has_a_stand_in_for_every_name_that_a_notebook_imports():
    assert sorted(stand_in.__all__) == sorted(grading.__all__)
    assert stand_in.answer("demo-1") is None
