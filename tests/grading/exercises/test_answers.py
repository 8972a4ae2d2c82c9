"""A model answer is read by those who have passed, and by nobody who just looks into the file."""

import base64
import json
from dataclasses import asdict

import numpy as np
import pytest
from click.testing import CliRunner

from coursekit import grading
from coursekit.authoring.generate import exercise_files
from coursekit.authoring.leaks import leaks
from coursekit.cli import cli
from coursekit.core.errors import UnknownNameError
from coursekit.grading import answer, check
from coursekit.grading.checks.report import Report
from coursekit.grading.errors import ExerciseError, GradingError
from coursekit.grading.exercises.answers import Lock, ModelAnswer, impression
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.inside import stand_in
from coursekit.grading.protocol.subject import LocalSubject

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


def test_the_file_holds_no_word_of_the_solution_not_even_packed(exercise_folder):
    text = (exercise_folder / "answers.json").read_text(encoding="utf-8")
    for entry in json.loads(text)["answers"].values():
        assert b"return" not in base64.b64decode(entry["box"])
    assert "twice" not in text


def test_the_leak_check_would_see_an_answer_that_is_only_packed(course):
    source = course / "solutions" / "demo"
    packed = json.dumps(
        {"answers": {"demo-1": {"number": 0, "box": base64.b64encode(CODE.encode()).decode()}}}
    )
    found = leaks(source, {**exercise_files(source), "answers.json": packed})
    assert found == ["demo/answers.json: shows a line of the solution: 'twice = x + x'"]


def test_a_box_opens_with_its_key_alone_and_is_the_same_each_time():
    lock = Lock.of("secret", b"k" * 32, 0)
    assert lock == Lock.of("secret", b"k" * 32, 0)
    assert lock.open(b"k" * 32) == "secret"
    assert lock.open(b"K" + b"k" * 31) is None


def test_other_questions_make_other_keys(exercise_folder):
    exercise, subject = load_exercise(exercise_folder), LocalSubject({"double": lambda x: 2 * x})
    keys = {impression(exercise, "demo-1", subject, number).key for number in range(5)}
    assert len(keys) > 1
    assert (
        impression(exercise, "demo-1", subject, 3).key
        == impression(exercise, "demo-1", subject, 3).key
    )


def test_a_check_without_a_model_answer_says_so(exercise_folder):
    (exercise_folder / "answers.json").unlink()
    with pytest.raises(UnknownNameError, match="There is no model answer to `demo-1`"):
        ask(lambda x: 2 * x)
    with pytest.raises(UnknownNameError, match="`demo-9` is not a visible check"):
        ask(lambda x: 2 * x, "demo-9")
    assert len(check("demo-1", namespace={"double": lambda x: 2 * x}).notes) == 1


@pytest.mark.parametrize(
    "content", ["", "[]", '{"answers": {"demo-1": {"box": 3}}}', '{"answers": 7}']
)
def test_a_broken_file_is_named(exercise_folder, content):
    (exercise_folder / "answers.json").write_text(content, encoding="utf-8")
    with pytest.raises(
        GradingError, match=r"answers\.json cannot be read .* Fetch the exercise again\."
    ):
        ask(lambda x: 2 * x)


def test_a_lock_of_another_version_is_no_fault_of_the_student(exercise_folder):
    file = exercise_folder / "answers.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["answers"]["demo-1"] = asdict(Lock.of("old", b"another key", 0))
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(
        GradingError, match="passes, but the model answer was made for another version"
    ):
        ask(lambda x: 2 * x)


def test_a_solution_that_fails_its_own_check_is_refused_by_name(course):
    source = course / "solutions" / "demo"
    text = (
        (source / "demo.py")
        .read_text(encoding="utf-8")
        .replace("half_of_it = x / 2", "half_of_it = x / 3")
    )
    (source / "demo.py").write_text(text, encoding="utf-8")
    with pytest.raises(ExerciseError, match="the solution fails demo-2: The value is"):
        exercise_files(source)


def test_a_check_that_compares_nothing_cannot_lock_anything_up(course):
    source = course / "solutions" / "demo"
    text = (
        (source / "checks.py")
        .read_text(encoding="utf-8")
        .replace('p.equal(t.subject.call("halve", 4), 2)', 'p.that(True, "")')
    )
    (source / "checks.py").write_text(text, encoding="utf-8")
    with pytest.raises(ExerciseError, match="demo-2 needs numbers compared with `close`"):
        exercise_files(source)


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
