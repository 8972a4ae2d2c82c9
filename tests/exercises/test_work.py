"""What a check measures is work: memory and CPU time of the solution, whatever else is running.

COURSEKIT_STARVED=400 repeats the right answers that often beside eight busy loops on one core, here
and in a process; by default once beside two of them.
"""

import contextlib
import os
import subprocess
import sys

import pytest

from coursekit.grading.checks import run_check
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import code_cells, read_notebook
from coursekit.grading.protocol.session import Session
from coursekit.grading.protocol.subject import LocalSubject
from coursekit.grading.sandbox import Limits
from coursekit.grading.sandbox.process import unsandboxed

from .conftest import ROOT, definitions, only_defines, run

N_STARVED = int(os.environ.get("COURSEKIT_STARVED", "1"))
N_LOOPS = 8 if N_STARVED > 1 else 2

IN_ONE_PASS = {
    "numpy": "",
    "loops over features and factors": """
def pairs(V, x):
    total = 0.0
    for f in range(V.shape[1]):
        s = q = 0.0
        for i in range(len(x)):
            a = V[i, f] * x[i]
            s, q = s + a, q + a * a
        total += (s * s - q) / 2
    return total
""",
    "a loop over rows": """
def pairs(V, x):
    sums, squares = np.zeros(V.shape[1]), np.zeros(V.shape[1])
    for row, value in zip(V, x):
        sums += value * row
        squares += (value * row) ** 2
    return 0.5 * (sums**2 - squares).sum()
""",
    "lists": """
def pairs(V, x):
    n_factors = len(V[0]) if len(V) else 0
    sums = [sum(v[f] * a for v, a in zip(V, x)) for f in range(n_factors)]
    squares = [sum((v[f] * a) ** 2 for v, a in zip(V, x)) for f in range(n_factors)]
    return sum(0.5 * (s * s - q) for s, q in zip(sums, squares))
""",
}
PAIR_BY_PAIR = {
    "row by row": """
def pairs(V, x):
    return sum(x[i] * (V[i] @ (x[i + 1 :] @ V[i + 1 :])) for i in range(len(x)))
""",
    "a table": """
def pairs(V, x):
    return (x @ (V @ V.T) @ x - (x**2) @ (V**2).sum(1)) / 2
""",
    "nothing where it is many": """
right_pairs = pairs
def pairs(V, x):
    return right_pairs(V, x) if len(x) < 1000 else 0.0
""",
    "a nap where it is few": """
import itertools, time
def pairs(V, x):
    time.sleep(0.02 if len(x) < 600 else 0.0)
    return sum(V[i] @ V[j] * x[i] * x[j] for i, j in itertools.combinations(range(len(x)), 2))
""",
    "what was once said": """
right_pairs, known = pairs, {}
def pairs(V, x):
    if len(x) < 600:
        return right_pairs(V, x)
    return known.setdefault(len(x), right_pairs(V[:500], x[:500]))
""",
}
THREE_NUMBERS = {
    "floats": "",
    "numpy": """
class RunningStats(RunningStats):
    def update(self, value):
        super().update(np.float64(value))
""",
    "the last hundred values as well": """
from collections import deque
LAST = deque(maxlen=100)
class RunningStats(RunningStats):
    def update(self, value):
        LAST.append(value)
        super().update(value)
""",
}
KEEPS_ALL = {
    "a list in a global": """
KEPT = []
class RunningStats(RunningStats):
    def update(self, value):
        KEPT.append(value)
        super().update(value)
""",
    "an array in a global": """
import array
KEPT = array.array("d")
class RunningStats(RunningStats):
    def update(self, value):
        KEPT.append(value)
        super().update(value)
""",
    "a variance that is computed once": """
class RunningStats(RunningStats):
    def update(self, value):
        if not self.n:
            self.kept, self.total = [], 0.0
        self.kept.append(value)
        self.n, self.total, self.known = self.n + 1, self.total + value, None
        self.mean = self.total / self.n
    def variance(self):
        if self.n < 2:
            return 0.0
        self.known = np.var(self.kept, ddof=1) if self.known is None else self.known
        return self.known
""",
    "a nap where they are few": """
import time
class RunningStats(RunningStats):
    def update(self, value):
        super().update(value)
        self.kept = getattr(self, "kept", [])
        self.kept.append(value)
        time.sleep(0.001 if len(self.kept) < 20 else 0.0)
""",
}
RIGHT = [("fm", "fm-2", *each) for each in IN_ONE_PASS.items()]
RIGHT += [("drift", "drift-1", *each) for each in THREE_NUMBERS.items()]
WRONG = [("fm", "fm-2", *each) for each in PAIR_BY_PAIR.items()]
WRONG += [("drift", "drift-1", *each) for each in KEEPS_ALL.items()]


@contextlib.contextmanager
def asked(name, source, where):
    """Yield the solution and one more cell after it, here or in a process of its own."""
    folder = ROOT / "solutions" / name
    if where == "here":
        names = definitions(folder / f"{name}.ipynb")
        run(source, names)
        yield LocalSubject(names)
        return
    with Session(unsandboxed, limits=Limits()) as session:
        for cell in code_cells(read_notebook(folder / f"{name}.ipynb")):
            if not cell.is_test and only_defines(cell.source):
                session.run_cell(cell.source)
        session.run_cell(source)
        yield session


def report_of(name, check_id, subject, seed):
    exercise = load_exercise(ROOT / "solutions" / name)
    mistakes = exercise.mistakes[check_id]
    return run_check(exercise.check(check_id), subject, seed=seed, mistakes=mistakes)


@pytest.mark.parametrize("where", ["here", "in a process"])
@pytest.mark.parametrize(("name", "check_id", "way", "source"), RIGHT)
def test_right_answers_are_affordable_however_they_are_written(name, check_id, way, source, where):
    with asked(name, source, where) as subject:
        report = report_of(name, check_id, subject, seed=1)
        assert report.passed, report


@pytest.mark.parametrize("where", ["here", "in a process"])
@pytest.mark.parametrize(("name", "check_id", "way", "source"), WRONG)
def test_no_shortcut_earns_the_part_that_measures(name, check_id, way, source, where):
    with asked(name, source, where) as subject:
        report = report_of(name, check_id, subject, seed=1)
        assert report.parts[-1].points == 0, report
        assert report.points == report.max_points - report.parts[-1].max_points, report


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux to pin processes")
@pytest.mark.parametrize("where", ["here", "in a process"][: min(N_STARVED, 2)])
@pytest.mark.parametrize("check_id", ["fm-2", "drift-1"])
def test_no_point_is_lost_on_a_starved_machine(check_id, where):
    name, before = check_id.partition("-")[0], os.sched_getaffinity(0)
    slowest = "" if name == "drift" else IN_ONE_PASS["lists"]
    os.sched_setaffinity(0, {min(before)})
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for _ in range(N_LOOPS)]
    try:
        lost = []
        for source in {"", slowest}:
            with asked(name, source, where) as subject:
                reports = [report_of(name, check_id, subject, seed) for seed in range(N_STARVED)]
                lost += [report for report in reports if not report.passed]
        assert not lost, (len(lost), lost[0])
    finally:
        for each in loops:
            each.kill()
            each.wait()
        os.sched_setaffinity(0, before)
