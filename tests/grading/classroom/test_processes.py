"""How many processes a run has at once, and how many stack frames lie between it and a student."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest

from coursekit.core.processes import clean_environment
from coursekit.core.records import plain
from coursekit.grading.classroom.job import Cell, Job
from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.sandbox import Limits, Mounts
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.submissions import SOLUTION, hand_in, solved, stub

pytestmark = pytest.mark.needs("bubblewrap")

MOST_PROCESSES = 6
MOST_FRAMES = 15


def alive(pid):
    """The processes of a tree that have not ended; zombies are none."""
    return [each for each in process_tree(pid) if state(each) not in "ZX"]


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


@pytest.mark.parametrize("forked", [False, True], ids=["fresh", "forked"])
def test_two_jobs_at_once_need_six_processes(tmp_path, forked):
    hand_in(tmp_path / "in", **{f"s{n}": solved() if n % 2 else stub() for n in range(4)})
    settings = ClassSettings(out=tmp_path / "out", n_jobs=2, forked=forked)
    before = set(alive(os.getpid()))
    seen, done = [], threading.Event()

    def sample():
        while not done.wait(0.002):
            seen.append(len(set(alive(os.getpid())) - before) + 1)  # and this process

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        run = grade_class(tmp_path / "in", load_plan(SOLUTION), settings)
    finally:
        done.set()
        sampler.join()
    assert len({each.report.points for each in run.reports}) == 2
    assert 4 < max(seen) <= MOST_PROCESSES
    assert set(alive(os.getpid())) <= before


COUNTING = """
import json, sys
from coursekit.grading.classroom import runner
from coursekit.grading.protocol.session import Session

exchange = Session.exchange

def counting(self, request):
    frame, names = sys._getframe(1), ["exchange"]
    while frame is not None and names[-1] != "main":
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    reply = exchange(self, request)
    print(json.dumps([names, reply]), file=sys.stderr)
    return reply

Session.exchange = counting
runner.main()
"""
STUDENT = """
def score(w0, w, V, x):
    import sys
    frame, names = sys._getframe(), []
    while frame is not None and (not names or names[-1] != "main"):
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return " ".join(names)
"""


def test_few_frames_lie_between_the_grader_and_a_students_function(tmp_path):
    cells = (
        Cell(number=1, id="a", source=STUDENT),
        Cell(number=2, id="b", source="", check_id="fm-1"),
    )
    job = Job(submission="ada", exercise="fm", exercise_folder=str(SOLUTION), seed="1", cells=cells)
    with (tmp_path / "said").open("w+") as said, ForkServer((), Mounts(), Limits()) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, *server.arguments()],
            pass_fds=[server.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=clean_environment(),
        )
        process.stdin.write(json.dumps(plain(job)).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["bug"] == ""
        process.communicate()
        said.seek(0)
        conversations = [json.loads(line) for line in said if line[:1] == "["]
    depths = []
    for judge, reply in conversations:
        for inside in re.findall(r'"value": "(score [^"]* main)"', reply):
            assert judge[-1] == "main"
            depths.append((len(judge) + len(inside.split()), judge, inside))
    assert depths
    assert max(depths)[0] <= MOST_FRAMES, max(depths)
