"""Hidden checks say nothing that a solution has said: an answer could quote what was asked."""

import base64
import json

import numpy as np
import pytest

from coursekit.grading.checks import run_check
from coursekit.grading.checks.context import CLOSED
from coursekit.grading.classroom.job import Cell, CellRun, JobResult
from coursekit.grading.classroom.publish.exports import csv_of, gradescope_of, junit_of
from coursekit.grading.classroom.publish.feedback import feedback_page, feedback_text
from coursekit.grading.classroom.reports import grade_of
from coursekit.grading.classroom.submissions import Submission
from coursekit.grading.errors import SubjectError, SubjectLost, TookTooLong
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.inside.agent import PROTOCOL
from coursekit.grading.protocol.subject import LocalSubject, Subject
from tests.exercises.conftest import definitions
from tests.grading.submissions import ROOT

SECRET = "ZQX4711739"
NUMBER = 4711739
FOLDERS = sorted(file.parent for file in (ROOT / "solutions").glob("*/exercise.toml"))
EXERCISES = [load_exercise(folder) for folder in FOLDERS]
HIDDEN = [
    pytest.param(exercise, check, id=check.id)
    for exercise in EXERCISES
    for check in exercise.checks
    if check.tier == "hidden"
]


def array(values):
    values = np.asarray(values)
    data = base64.b64encode(values.tobytes()).decode()
    return {"$array": {"dtype": values.dtype.str, "shape": list(values.shape), "data": data}}


VALUES = {
    "text": SECRET,
    "long text": SECRET * 5000,
    "integer": NUMBER,
    "float": NUMBER + 0.5,
    "truth": True,
    "none": None,
    "list of texts": [SECRET] * 30,
    "ragged": [[NUMBER], [NUMBER, SECRET]],
    "shape": array(np.zeros((0, NUMBER))),
    "numbers": array([float(NUMBER)] * 3),
    "dtype": array(np.zeros(3, np.int16)),
    "dict": {"$dict": [[SECRET, NUMBER], [NUMBER, SECRET]]},
    "set": {"$set": [SECRET, NUMBER]},
    "tuple": {"$tuple": [SECRET, NUMBER]},
    "object": {"$ref": SECRET, "type": SECRET},
    "unknown tag": {f"${SECRET}": SECRET},
}
REPLIES = {f"value: {name}": {"value": value} for name, value in VALUES.items()} | {
    "type of an error": {"error": {"type": SECRET, "message": SECRET, "line": SECRET}},
    "name of a stub": {"not_attempted": SECRET},
    "name that is missing": {"missing": SECRET},
    "unknown": {SECRET: SECRET},
    "a text": SECRET,
}
ERRORS = {"lost": SubjectLost(SECRET), "slow": TookTooLong(SECRET), "other": SubjectError(SECRET)}


class Whispering(Subject):
    """Answers every question with the same reply, however little it fits.

    Parameters
    ----------
    reply : object
        Of the agent; an exception is raised.
    makes : bool
        Whether objects are made before the reply is given to questions about them.
    """

    def __init__(self, reply, makes):
        super().__init__()
        self.reply, self.makes = reply, makes

    def exchange(self, request):
        if isinstance(self.reply, Exception):
            raise self.reply
        [operation] = json.loads(request)["operations"]
        answer = self.reply
        if operation.get("keep") and self.makes:
            answer = {"value": {"$ref": "r0", "type": SECRET}}
        elif operation["op"] == "set" and self.makes:
            answer = {"value": None}
        elif operation["op"] == "map":
            answer = {"map": [answer] * len(operation["argument_lists"])}
        return json.dumps({"protocol": PROTOCOL, "replies": [answer]})


def words_of(exercise, check):
    return {*CLOSED.values(), *exercise.mistakes[check.id].values(), ""}


@pytest.mark.parametrize("makes", [True, False])
@pytest.mark.parametrize("reply", [*REPLIES.values(), *ERRORS.values()], ids=[*REPLIES, *ERRORS])
@pytest.mark.parametrize(("exercise", "check"), HIDDEN)
def test_a_hidden_check_speaks_in_words_of_ours(exercise, check, reply, makes):
    mistakes = exercise.mistakes[check.id]
    report = run_check(check, Whispering(reply, makes), seed="s", mistakes=mistakes, reveal=False)
    assert {part.message for part in report.parts} <= words_of(exercise, check)
    assert report.points < report.max_points
    said = json.dumps(report.to_json())
    assert SECRET not in said
    assert str(NUMBER) not in said


class Marking(LocalSubject):
    """Answers as the solution does, and from one reply on with a marker in every place.

    Parameters
    ----------
    namespace : dict
    start : int
        How many replies are as they should be.
    marks : function
        What stands where something stood.
    """

    def __init__(self, namespace, start, marks):
        super().__init__(namespace)
        self.left, self.marks = start, marks

    def exchange(self, request):
        reply = super().exchange(request)
        self.left -= 1
        return reply if self.left >= 0 else json.dumps(self.marked(json.loads(reply)))

    def marked(self, value, key=""):
        if isinstance(value, dict):
            return {name: self.marked(each, name) for name, each in value.items()}
        if isinstance(value, list) and key != "shape":
            return [self.marked(each) for each in value]
        return value if key in ("protocol", "dtype", "data", "shape", "$ref") else self.marks(value)


MARKS = {
    "a text": lambda value: SECRET,
    "a number": lambda value: NUMBER,
    "an object": lambda value: {"$ref": "r0", "type": SECRET},
    "a dict": lambda value: {"$dict": [[SECRET, NUMBER]]},
    "a text for texts, a number for numbers": lambda value: (
        SECRET if isinstance(value, str) else value and NUMBER
    ),
}


@pytest.mark.parametrize(("exercise", "check"), HIDDEN)
def test_no_marker_in_any_place_comes_out_and_names_of_parts_are_constants(exercise, check):
    names = definitions(exercise.notebook)
    mistakes = exercise.mistakes[check.id]

    def report_of(subject, seed="s"):
        return run_check(check, subject, seed=seed, mistakes=mistakes, reveal=False)

    def names_of(report):
        return [part.name for part in report.parts]

    constants = names_of(report_of(LocalSubject(names)))
    for seed in range(5):
        assert names_of(report_of(LocalSubject(names), seed)) == constants
    for marks in MARKS.values():
        for start in (0, 1, 2, 3, 5, 8, 40):
            report = report_of(Marking(names, start, marks))
            assert set(names_of(report)) <= {*constants, "preparation"}
            assert {part.message for part in report.parts} <= words_of(exercise, check)
            assert {part.misconception for part in report.parts} <= {*mistakes, ""}
            assert {part.hint for part in report.parts} == {""}
            said = json.dumps(report.to_json())
            assert SECRET not in said
            assert str(NUMBER) not in said


def test_every_kind_of_failure_has_its_closed_words():
    kinds = {kind for kind in SubjectError.__subclasses__() if "grading.errors" in kind.__module__}
    assert kinds | {SubjectError} == set(CLOSED)
    assert len(set(CLOSED.values())) == len(CLOSED)


def test_a_cell_after_a_hidden_check_tells_only_that_it_stopped():
    exercise = next(each for each in EXERCISES if each.name == "fm")
    checks = tuple(
        run_check(
            check,
            Whispering({"value": SECRET}, True),
            seed="s",
            mistakes=exercise.mistakes[check.id],
            reveal=False,
        )
        for check in exercise.checks
    )
    cells = (
        Cell(number=1, id="cell 1", source="x"),
        Cell(number=2, id="fm-1", source="", check_id="fm-1"),
        Cell(number=3, id="cell 3", source="y"),
    )
    runs = tuple(
        CellRun(
            id=f"cell {n}", number=n, trouble="It stopped with KeyError.", seconds=1.0,
            outputs=(("stream", {"text": SECRET}),),
        )
        for n in (1, 3)
    )  # fmt: skip
    result = JobResult(
        submission="eve", checks=checks, cells=runs, memory_mb=NUMBER / 10, seconds=NUMBER / 1000
    )
    grade = grade_of(
        Submission(student="eve"),
        exercise=exercise,
        result=result,
        cells=cells,
        isolation="bubblewrap",
        fingerprint="f",
    )
    assert grade.report.notes == (
        "Cell 1: It stopped with KeyError.",
        "Cell 3: It stopped with an error.",
    )
    told = [feedback_page(grade), feedback_text(grade), csv_of([grade])]
    told += [json.dumps(gradescope_of(grade))]
    for text in told:
        assert SECRET not in text
        assert "4711" not in text
    assert SECRET not in junit_of([grade])
