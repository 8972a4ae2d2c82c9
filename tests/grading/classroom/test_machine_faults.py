"""When the sandbox or the machine fails half-way, nobody loses a point by it, then or later."""

import os
import signal
import threading
import time

import pytest

from coursekit.grading.checks.report import CheckReport, Outcome, PartReport
from coursekit.grading.classroom import execute, service
from coursekit.grading.classroom.canary import confirmed
from coursekit.grading.classroom.job import Job, JobResult
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.submissions import FULL, SOLUTION, hand_in, solved, stub, with_cell

SLOW = "import time\ntime.sleep(1.5)"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(execute, "_PAUSES", (0.1, 0.1))


@pytest.fixture(autouse=True)
def pools(monkeypatch):
    """Record the runners of each execution."""
    POOLS.clear()

    class Recorded(execute._Runners):
        def __init__(self):
            super().__init__()
            POOLS.append(self)

    monkeypatch.setattr(execute, "_Runners", Recorded)


POOLS = []


def server():
    return POOLS[-1]._server


def submission():
    """The shell of a submission that is being run, once it has been so for a moment."""
    family = process_tree(server().pid)[1:]
    time.sleep(0.7)
    return next((pid for pid in family if pid in process_tree(server().pid)), None)


def end_the_server():
    os.kill(server().pid, signal.SIGKILL)


def end_a_submission():
    """As the machine does when its memory is exhausted."""
    pid = submission()
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def end_a_runner():
    with POOLS[-1]._lock:
        next(iter(POOLS[-1]._all))._process.kill()


def during(run, break_something):
    """Break something once the first submission is being run."""

    def wait():
        for _ in range(600):
            if POOLS and server() is not None and submission() is not None:
                break_something()
                return
            time.sleep(0.05)

    breaker = threading.Thread(target=wait)
    breaker.start()
    try:
        return run()
    finally:
        breaker.join()


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize("forked", [False, True], ids=["fresh", "forked"])
@pytest.mark.parametrize("breaking", [end_the_server, end_a_submission, end_a_runner])
def test_what_the_machine_breaks_is_run_again(tmp_path, monkeypatch, impatient, breaking, forked):
    monkeypatch.setattr(service, "self_test", lambda *_, **__: None)
    slow = with_cell(solved(), SLOW)
    hand_in(tmp_path / "in", ada=slow, bob=slow, eve=stub())
    settings = ClassSettings(out=tmp_path / "out", forked=forked)
    run = during(lambda: grade_class(tmp_path / "in", load_plan(SOLUTION), settings), breaking)
    assert [each.report.points for each in run.reports] == [FULL, FULL, 0]
    assert not any(each.fault for each in run.reports)


@pytest.mark.needs("bubblewrap")
def test_without_bubblewrap_half_way_nobody_has_a_grade_until_it_is_back(
    tmp_path, monkeypatch, impatient
):
    monkeypatch.setattr(service, "self_test", lambda *_, **__: None)
    hand_in(tmp_path / "in", **{name: with_cell(solved(), SLOW) for name in ("ada", "bob", "eve")})
    settings = ClassSettings(out=tmp_path / "out")
    path = os.environ["PATH"]

    def uninstall():
        monkeypatch.setenv("PATH", str(tmp_path))
        end_the_server()

    plan = load_plan(SOLUTION)
    run = during(lambda: grade_class(tmp_path / "in", plan, settings), uninstall)
    assert any("bubblewrap is not installed" in each.fault for each in run.reports)
    judged = [each.report.points for each in run.reports if not each.fault]
    assert judged == [FULL] * len(judged)
    assert all("could not be judged" in each.problem for each in run.reports if each.fault)
    monkeypatch.setenv("PATH", path)
    again = grade_class(tmp_path / "in", plan, settings)
    assert [each.report.points for each in again.reports] == [FULL] * 3
    assert again.n_new == 3 - len(judged)


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize(
    "ending", ["import os; os._exit(9)", "import ctypes; ctypes.string_at(0)", "while True: pass"]
)
def test_what_a_submission_breaks_is_its_own_and_kept(tmp_path, ending, monkeypatch):
    monkeypatch.setattr(service, "self_test", lambda *_, **__: None)
    plan = load_plan(SOLUTION)
    limits = type(plan.limits)(cpu_seconds=2, cell_seconds=6.0, notebook_seconds=20.0)
    plan = type(plan)(exercise=plan.exercise, limits=limits)
    hand_in(tmp_path / "in", eve=with_cell(stub(), ending))
    settings = ClassSettings(out=tmp_path / "out")
    [report] = grade_class(tmp_path / "in", plan, settings).reports
    assert (report.report.points, report.fault) == (0, "")
    assert grade_class(tmp_path / "in", plan, settings).n_new == 0


def result_of(job, points):
    part = PartReport(name="all", outcome=Outcome.PASSED, points=points, max_points=1)
    check = CheckReport(id="a-1", title="", tier="hidden", parts=(part,), seed="", seconds=0.0)
    return JobResult(submission=job.submission, checks=(check,))


@pytest.mark.parametrize(
    ("is_well", "expected"),
    [
        ([True], {"ada": 1, "bob": 1, "eve": 0}),
        ([False, True], {"ada": 1, "bob": 1, "eve": 0}),
        ([False, False], {"ada": 1, "bob": "failed", "eve": "failed"}),
    ],
    ids=["well", "ill for a moment", "ill"],
)
def test_lost_points_count_only_while_the_reference_solution_loses_none(is_well, expected):
    """As when a library disappears half-way: bob's work is right, and fails while it is gone."""
    moments = iter(is_well)
    now = [next(moments)]

    def run(jobs):
        for job in jobs:
            is_right = job.submission == "ada" or (now[0] and job.submission != "eve")
            if job.submission == "canary":
                now[0] = next(moments, now[0])
            yield result_of(job, float(is_right))

    jobs = [
        Job(submission=name, exercise="a", exercise_folder="", seed="", cells=())
        for name in ("ada", "bob", "eve", "canary")
    ]
    results = {each.submission: each for each in confirmed(jobs[:3], jobs[3], run)}
    assert {
        name: "failed" if each.bug else each.checks[0].points for name, each in results.items()
    } == expected
