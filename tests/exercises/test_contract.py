"""What every exercise must keep: the stub earns nothing, the solution everything, every
misconception its own message.
"""

import json
import math
import re
import shutil
import subprocess
import sys

import pytest

from coursekit.authoring.generate import differences, exercise_files, model_code, solved_notebook
from coursekit.authoring.validate import faults, leaks
from coursekit.grading.checks import run_check
from coursekit.grading.checks.check import LARGEST_FALSE_FAILURE_RATE
from coursekit.grading.checks.report import Outcome, Report
from coursekit.grading.exercises.answers import model_answer
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import code_cells, read_notebook
from coursekit.grading.protocol.subject import LocalSubject, Subject
from coursekit.grading.student.rehearsal import running

SEEDS = range(3)


def reports(exercise, namespace, seed, **options):
    subject = LocalSubject(namespace)
    return [
        run_check(each, subject, seed=seed, mistakes=exercise.mistakes[each.id], **options)
        for each in exercise.checks
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_earns_all_in_both_tiers(exercise, solution, seed):
    for report in reports(exercise, solution, seed):
        assert report.passed, report
        assert report.points == report.max_points


def test_the_stub_earns_nothing_and_is_told_so(exercise, stub):
    for report in reports(exercise, stub, seed=0):
        assert (report.outcome, report.points) == (Outcome.NOT_ATTEMPTED, 0), report


def test_an_empty_notebook_earns_nothing(exercise):
    for report in reports(exercise, {}, seed=0):
        assert (report.outcome, report.points) == (Outcome.COULD_NOT_RUN, 0), report
        assert "is not defined" in report.message


@pytest.mark.parametrize("seed", SEEDS)
def test_a_misconception_is_told_by_its_own_message(
    exercise, solution, misconception, run_cell, seed
):
    run_cell(misconception.source, solution)
    subject = LocalSubject(solution)
    told = [name for name in exercise.check_ids if misconception.name in exercise.mistakes[name]]
    first = exercise.check(told[0])
    report = run_check(first, subject, seed=seed, mistakes=exercise.mistakes[first.id])
    assert report.points < report.max_points
    assert report.message == exercise.mistakes[first.id][misconception.name]


def test_a_misconception_loses_points_when_graded(exercise, solution, misconception, run_cell):
    run_cell(misconception.source, solution)
    graded = reports(exercise, solution, seed="secret", reveal=False)
    assert sum(report.points for report in graded) < sum(report.max_points for report in graded)
    assert misconception.name in {name for report in graded for name in report.misconceptions}


def test_the_solution_is_shown_every_model_answer_and_the_stub_none(
    root, folder, exercise, solution, stub
):
    shipped = load_exercise(root / "exercises" / folder.name)
    code = model_code(solved_notebook(folder))
    for check_id in exercise.check_ids:
        opened = model_answer(shipped, check_id, LocalSubject(solution), seed=1)
        assert opened.code == code[check_id]
        assert "SOLUTION" not in opened.code
        assert isinstance(model_answer(shipped, check_id, LocalSubject(stub), seed=1), Report)


def test_messages_are_said_once(exercise):
    for messages in exercise.mistakes.values():
        assert len(set(messages.values())) == len(messages)


def test_the_course_is_in_order(folder):
    assert faults(folder) == []


def test_nothing_leaks(folder):
    assert leaks(folder, exercise_files(folder)) == []


def test_what_is_committed_is_what_is_generated(root):
    assert differences(root) == []


def test_every_check_has_a_title_and_says_how_often_it_fails_by_chance(exercise):
    for check in exercise.checks:
        assert check.function.__doc__
        assert check.title.endswith(".")
        assert 0 <= check.false_failure_rate <= LARGEST_FALSE_FAILURE_RATE


def test_the_same_seed_asks_the_same(exercise, solution, check):
    class Listening(LocalSubject):
        def __init__(self):
            super().__init__(solution)
            self.heard = []

        def exchange(self, request):
            self.heard.append(request)
            return super().exchange(request)

        memory = Subject.memory  # what is heard here is not the solution's

        def cpu_seconds(self):
            return 0.0  # what seems dear is asked again, which is no other question

    def questions(seed):
        subject = Listening()
        run_check(check, subject, seed=seed, mistakes=exercise.mistakes[check.id])
        return subject.heard

    assert questions(3) == questions(3)
    assert questions(3) != questions(4)


def test_the_solved_notebook_runs_from_top_to_bottom_in_time(folder, exercise):
    with running(read_notebook(exercise.notebook), folder, 60) as (subject, errors):
        assert errors == []
        for check_id in exercise.check_ids:
            assert run_check(
                exercise.check(check_id), subject, seed=1, mistakes=exercise.mistakes[check_id]
            ).passed


def test_the_students_folder_works_from_the_terminal(root, folder, tmp_path):
    copy = shutil.copytree(root / "exercises" / folder.name, tmp_path / folder.name)
    command = [
        sys.executable,
        "-c",
        "from coursekit.cli import main; main()",
        "check",
        str(copy),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["points"], report["passed"]) == (1, 0, False)
    assert {check["outcome"] for check in report["checks"]} == {"not attempted"}


def test_students_meet_their_check_before_any_cell_that_needs_the_answer(root, folder):
    notebook = read_notebook(root / "exercises" / folder.name / f"{folder.name}.ipynb")
    unanswered = 0
    for cell in code_cells(notebook):
        unanswered += "raise NotImplementedError" in cell.source
        if cell.is_test:
            unanswered = 0
        assert not unanswered or only_defines_or_may_raise(cell), (
            f"{cell.id} stands between an answer and its check"
        )


def only_defines_or_may_raise(cell):
    return cell.may_raise or bool(re.match(r"\s*(def|class|import|from) ", cell.source))


def test_the_students_notebook_has_no_output_and_stable_ids(root, folder):
    notebook = read_notebook(root / "exercises" / folder.name / f"{folder.name}.ipynb")
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in ids)
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert (
        notebook["metadata"]["coursekit"].items()
        >= {"exercise": folder.name, "version": load_exercise(folder).version}.items()
    )


def test_points_of_a_check_are_whole(exercise):
    assert all(
        math.isclose(exercise.points(name), round(exercise.points(name)))
        for name in exercise.check_ids
    )


def test_run_all_gets_to_the_end_of_an_untouched_notebook(root, folder):
    place = root / "exercises" / folder.name
    with running(read_notebook(place / f"{folder.name}.ipynb"), place, 60) as (_, errors):
        assert [cell.id for cell, _, _ in errors if not cell.may_raise] == []
