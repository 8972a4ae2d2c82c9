"""Points are earned by answers that depend on the questions, and the same work earns the same
points whatever the seed.
"""

import itertools
import json
import os

import numpy as np

from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import Outcome
from coursekit.grading.inside.agent import PROTOCOL
from coursekit.grading.protocol.subject import LocalSubject, Subject

N_SEEDS = int(os.environ.get("COURSEKIT_SEEDS", "2"))
"""How many seeds each misconception is graded with; 50 prove the claim, 2 guard it."""


def graded(exercise, check, subject, seed):
    return run_check(check, subject, seed=seed, mistakes=exercise.mistakes[check.id], reveal=False)


def constant(value):
    """Say one and the same value, as it travels."""
    said = LocalSubject({})._agent._encode(value)
    return lambda args: said


N = np.nan
ZOO = {
    "none": None,
    "true": True,
    "false": False,
    **{f"the number {n}": n for n in (0, 1, 0.0, 1.0, 4.0, 9.0, 1e300)},
    **{f"the text {text!r}": text for text in ("", "1.0", "True", "None")},
    "not-a-number": N,
    "infinity": np.inf,
    **{f"a list of {n} zeros": [0.0] * n for n in (0, 1, 3, 12, 60)},
    "a list of ones": [1.0] * 12,
    "a list of falsehoods": [False] * 40,
    "ragged": [[1.0], [1.0, 2.0]],
    "nested": [[[[[[1.0]]]]]],
    "mixed": [1.0, "two", None],
    "a huge integer": 10**24,
    "a pair": (1.0, 2.0),
    "a step": (0.0, 0.0, False),
    "no dict entries": {},
    "a dict": {"a": 0.0, "n": 1, "mean": 0.0},
    "odd keys": {1: 2, "a": "b", (1,): None},
    "an empty set": set(),
    "an array of nothing": np.empty((0, 3)),
    "an array of zeros": np.zeros((5, 3)),
    "an array of not-a-number": np.full(3, N),
    "an array of truth": np.array([True, False]),
}


class OddSubject(Subject):
    """Makes every object it is asked for, and answers every other question by a rule that does not
    look at what is asked.
    """

    def __init__(self, rule):
        super().__init__()
        self._rule = rule

    def exchange(self, request):
        [operation] = json.loads(request)["operations"]
        if operation.get("keep"):
            answer = {"value": {"$ref": "r0", "type": "Anything"}}
        elif operation["op"] == "map":
            answer = {"map": [self._answer(args) for args in operation["argument_lists"]]}
        else:
            answer = self._answer(operation.get("args", []))
        return json.dumps({"protocol": PROTOCOL, "replies": [answer]})

    def _answer(self, args):
        return {"value": self._rule(args)}


COUNT = itertools.count()
RULES = {
    "an object": lambda args: {"$ref": "r7", "type": "FactorizationMachine"},
    "the first argument": lambda args: args[0] if args else None,
    "the last argument": lambda args: args[-1] if args else None,
    "all arguments": lambda args: args,
    "their number": lambda args: len(args),
    "a counter": lambda args: next(COUNT),
    "every other time": lambda args: next(COUNT) % 2 == 0,
}


def test_no_trivial_answer_breaks_a_check_or_earns_a_point(exercise, check):
    rules = {name: constant(value) for name, value in ZOO.items()} | RULES
    for name, rule in rules.items():
        report = graded(exercise, check, OddSubject(rule), seed=1)
        assert report.points == 0, name
        assert report.outcome in (Outcome.WRONG, Outcome.COULD_NOT_RUN), name


class Recording(LocalSubject):
    """The solution, and every reply of it."""

    def __init__(self, namespace):
        super().__init__(namespace)
        self.replies = []

    def exchange(self, request):
        self.replies.append(super().exchange(request))
        return self.replies[-1]

    memory = Subject.memory  # what is recorded here is not the solution's

    def cpu_seconds(self):
        return 0.0


class Replaying(Subject):
    """Says the same, in the same order, whatever is asked."""

    def __init__(self, replies):
        super().__init__()
        self._replies = iter(replies)

    def exchange(self, request):
        return next(self._replies, "{}")


def test_right_answers_to_other_questions_earn_nothing(exercise, check, solution):
    recorded = Recording(solution)
    assert graded(exercise, check, recorded, seed=0).passed
    for seed in range(1, 6):
        report = graded(exercise, check, Replaying(recorded.replies), seed=seed)
        assert report.points == 0, report


def test_a_misconception_earns_the_same_points_under_every_seed(
    exercise, misconception, definitions_of_the_solution, run_cell
):
    def points(seed):
        namespace = definitions_of_the_solution()
        run_cell(misconception.source, namespace)
        subject = LocalSubject(namespace)
        return tuple(graded(exercise, check, subject, seed).points for check in checks)

    told = [name for name in exercise.check_ids if misconception.name in exercise.mistakes[name]]
    checks = [each for each in exercise.checks if N_SEEDS > 2 or each.id in told]
    earned = {points(f"secret {seed}") for seed in range(N_SEEDS)}
    assert len(earned) == 1, earned
