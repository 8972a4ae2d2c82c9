"""The sample class does what it says: what was put in is what the checks find."""

import json

import pytest

from coursekit.authoring.sample import LEFT_OUT, SOLVED, sample_class, write_class
from coursekit.core.errors import InvalidParameterError
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import Outcome
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import code_cells
from coursekit.grading.protocol.subject import LocalSubject


@pytest.fixture
def demo(course):
    from coursekit.authoring.generate import generate

    generate(course)
    return load_exercise(course / "solutions" / "demo")


def checked(exercise, student):
    """What the visible checks say of a student's notebook."""
    namespace = {}
    for cell in code_cells(student.notebook):
        if not cell.is_test and "from coursekit" not in cell.source:
            exec(compile(cell.source, cell.id, "exec"), namespace)  # noqa: S102 - what we put together ourselves
    return {
        name: run_check(
            exercise.check(name),
            LocalSubject(namespace),
            seed=1,
            mistakes=exercise.mistakes.get(name),
        )
        for name in exercise.check_ids
    }


def test_each_student_gets_what_was_written_for_them(demo):
    seen = set()
    for student in sample_class(demo, 40, seed=1):
        for name, report in checked(demo, student).items():
            did = student.did[name]
            seen.add((name, did))
            assert report.passed == (did == SOLVED)
            assert (report.outcome is Outcome.NOT_ATTEMPTED) == (did == LEFT_OUT)
            assert report.misconceptions == (() if did in {SOLVED, LEFT_OUT} else (did,))
    assert seen == {
        ("demo-1", SOLVED),
        ("demo-1", LEFT_OUT),
        ("demo-1", "squares"),
        ("demo-2", SOLVED),
        ("demo-2", LEFT_OUT),
    }


def test_the_same_seed_makes_the_same_class(demo):
    assert sample_class(demo, 5, seed=4) == sample_class(demo, 5, seed=4)
    assert [each.did for each in sample_class(demo, 9, seed=4)] != [
        each.did for each in sample_class(demo, 9, seed=5)
    ]


def test_later_checks_are_harder_and_the_strong_solve_more(demo):
    students = sample_class(demo, 300, seed=0)
    solved = {
        name: [student.did[name] == SOLVED for student in students] for name in demo.check_ids
    }
    first, second = (sum(each) / 300 for each in solved.values())
    assert 0.75 < first < 0.95  # the Rasch model over the abilities: 0.85
    assert 0.2 < second < 0.42  # 0.30
    both = sum(all(pair) for pair in zip(*solved.values(), strict=True)) / 300
    assert both > first * second


def test_no_solution_shows_where_none_was_written(demo):
    for student in sample_class(demo, 20, seed=2):
        text = json.dumps(student.notebook)
        assert "SOLUTION" not in text
        assert ("twice = x + x" in text) == (student.did["demo-1"] == SOLVED)


def test_a_class_hands_in_one_folder_for_each_student(demo, tmp_path):
    from coursekit.grading.classroom.submissions import find_submissions

    students = sample_class(demo, 3, seed=2)
    write_class(students, demo, tmp_path / "in")
    found = find_submissions(tmp_path / "in", "demo")
    assert [(each.student, each.problem) for each in found] == [
        (f"student-0{n}", "") for n in (1, 2, 3)
    ]
    assert [json.loads(each.notebook) for each in found] == [
        student.notebook for student in students
    ]


def test_a_class_of_nobody_is_refused(demo):
    with pytest.raises(InvalidParameterError, match="must be an integer, 1 or more, got 0"):
        sample_class(demo, 0, seed=1)


def test_a_mistake_that_builds_on_the_answer_comes_after_it(root):
    fm = load_exercise(root / "solutions" / "fm")
    wanted = {"loss-after-step": "learn_rightly = learn_one", "forgets-half": "def pairs"}
    for student in sample_class(fm, 150, seed=3):
        cells = {cell.id: cell.source for cell in code_cells(student.notebook)}
        if student.did["fm-5"] == "loss-after-step":
            assert cells["fm-5-answer"].count("def learn_one") == 2
            wanted.pop("loss-after-step", None)
        if student.did["fm-2"] == "forgets-half":
            assert cells["fm-2-answer"].startswith("def pairs")
            assert cells["fm-2-answer"].count("def pairs") == 1
            wanted.pop("forgets-half", None)
    assert wanted == {}
