"""No reply makes a check raise, however it is forged: a strange answer is a wrong answer."""

import json
import os
import random

import pytest

from coursekit.grading.checks import run_check
from coursekit.grading.errors import SubjectError
from coursekit.grading.protocol.subject import LocalSubject

N_REPLIES = int(os.environ.get("COURSEKIT_FORGED", "400"))
"""How many forged replies all checks of all exercises get together; 20,000 prove the claim."""
N_CHECKS = 24

TEXTS = ["", "1", "nan", "a", "x" * 300, "w0", "__class__", "\u202e\x1b[2J", "\ud800", "\x00"]
NUMBERS = [0, 1, -1, 2.5, 1e308, -1e-320, 10**24, 10**30, 2**63, True, False]
DTYPES = ["<f8", "<f4", "|b1", "<i8", "<u8", "<f2", "|O", "<c16", "<U9", "M8[s]", 7]
SHAPES = [[], [0], [1], [3], [0, 3], [2, 2], [0, 2**62], [-1], [True], [2**40], "x", [[1]]]


class Forger(LocalSubject):
    """The solution, some of whose replies are replaced by others."""

    def __init__(self, namespace, rng):
        super().__init__(namespace)
        self.rng = rng
        self.share = rng.choice([0.02, 0.2, 1.0])
        self.n_forged = 0

    def cpu_seconds(self):
        return self.rng.choice([0.0, 0.0, 1e9, -1.0])

    def exchange(self, request):
        reply = super().exchange(request)
        if self.rng.random() >= self.share:
            return reply
        self.n_forged += 1
        return self.forge(reply, request)

    def forge(self, reply, request):
        kind = self.rng.randrange(8)
        if kind == 0:
            return self.rng.choice(
                ["", "[]", "{}", "null", "{", "NaN", "[" * 5000, reply[:-7], '"x"']
            )
        if kind == 1:
            return json.dumps({"protocol": self.value(0), "replies": self.value(0)})
        body = json.loads(reply)
        if kind == 2:
            body["replies"] = [self.value(0)]
        elif kind == 3:
            body["replies"] = [self.outcome()]
        elif kind == 4:
            n = self.length(request)
            answers = [self.outcome() for _ in range(min(n, 30))]  # thirty can be very large
            body["replies"] = [{"map": answers + [{"value": 1}] * (n - len(answers))}]
        elif kind == 5:
            body["replies"] = [{"value": self.value(0)}]
        else:
            body = self.mutated(body)
        return json.dumps(body)

    def length(self, request):
        [operation] = json.loads(request)["operations"]
        return len(operation.get("argument_lists", [])) + self.rng.choice([0, 0, 0, 0, 1])

    def outcome(self):
        what = self.rng.choice(["value"] * 6 + ["missing", "not_attempted", "error", "map", "else"])
        return {what: self.value(0)}

    def value(self, depth):
        """Anything that JSON can hold, often with one of the tags of ours."""
        rng, inner = self.rng, depth + 1
        kind = rng.randrange(5 if depth > 4 else 12)
        if kind < 3:
            return rng.choice([None, rng.choice(NUMBERS), rng.choice(TEXTS)])
        if kind == 3:
            dtype, shape = rng.choice(DTYPES), rng.choice(SHAPES)
            data = rng.choice(["", "AQA=", "AAAAAAAA8D8=", "?", 3, "A" * 32])
            return {"$array": {"dtype": dtype, "shape": shape, "data": data}}
        if kind == 4:
            name = rng.choice(["r0", "r1", "r99", "", "../x", 3])
            return {"$ref": name, "type": rng.choice(TEXTS)}
        if kind == 5:
            return {"$float": rng.choice(["nan", "inf", "-inf", "7", 7])}
        if kind in (6, 7, 8):
            items = [self.value(inner) for _ in range(rng.randrange(4))]
            return items if kind == 6 else {"$tuple" if kind == 7 else "$set": items}
        if kind == 9:
            pairs = [[self.value(inner), self.value(inner)] for _ in range(rng.randrange(4))]
            return {"$dict": pairs}
        if kind == 10:
            return {rng.choice(TEXTS): self.value(inner) for _ in range(rng.randrange(3))}
        return [self.value(inner)] * rng.choice([0, 1, 3, 20, 200] if depth < 2 else [0, 1, 3])

    def mutated(self, body):
        """Replace one place of a right reply, somewhere deep inside, by something else."""
        if not isinstance(body, (dict, list)) or not body or self.rng.random() < 0.1:
            return self.value(0)
        at = self.rng.choice(list(body) if isinstance(body, dict) else range(len(body)))
        body[at] = self.mutated(body[at])
        return body


@pytest.mark.filterwarnings("error")
def test_no_forged_reply_makes_a_check_raise(exercise, check, solution):
    rng, n_forged, run = random.Random(check.id + check.tier), 0, 0
    while n_forged < N_REPLIES / N_CHECKS:
        run += 1
        subject = Forger(dict(solution), rng)
        report = run_check(
            check, subject, seed=run, mistakes=exercise.mistakes[check.id], reveal=run % 2 == 0
        )
        n_forged += subject.n_forged
        assert 0 <= report.points <= report.max_points
        assert json.dumps(report.to_json())


def test_a_forger_lies_in_every_way():
    subject = Forger({"f": lambda x: [x, 2.0]}, random.Random(1))
    subject.share, refused, read = 1.0, set(), 0
    for _ in range(400):
        try:
            subject.call("f", 1.0)
            read += 1
        except SubjectError as error:
            refused.add((type(error).__name__, str(error)))
    assert read > 30
    assert len(refused) > 10
