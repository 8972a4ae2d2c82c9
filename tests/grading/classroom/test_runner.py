"""The process that runs jobs ends with whoever asks; one that hangs does not stop a class."""

import json
import subprocess
import time

import pytest

from coursekit.core.processes import clean_environment, python
from coursekit.core.records import plain
from coursekit.grading.classroom import execute
from coursekit.grading.classroom.job import Cell, Job
from coursekit.grading.classroom.settings import ClassSettings
from coursekit.grading.sandbox import Limits, Mounts
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.orphans import process_tree
from tests.grading.submissions import SOLUTION

pytestmark = pytest.mark.needs("bubblewrap")

ENDLESS = Job(
    submission="ada",
    exercise="fm",
    exercise_folder=str(SOLUTION),
    seed="1",
    cells=(Cell(number=1, id="a", source="while True: pass"),),
)


@pytest.mark.parametrize("how", ["its line closes", "it is killed"])
def test_a_runner_takes_its_submission_with_it(how):
    with ForkServer((), Mounts(), Limits()) as server:
        command = python("coursekit.grading.classroom.runner", *server.arguments())
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            env=clean_environment(),
            cwd="/",
            pass_fds=[server.fileno()],
        )
        process.stdin.write(json.dumps(plain(ENDLESS)).encode() + b"\n")
        process.stdin.flush()
        until = time.monotonic() + 60
        while len(family := process_tree(server.pid)) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.5)
        if how == "it is killed":
            process.kill()
        process.stdin.close()
        process.wait(timeout=10)
        while left := [pid for pid in family[1:] if lives(pid)]:
            assert time.monotonic() < until, left
            time.sleep(0.05)
        assert server.is_alive()


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_job_that_is_overdue_is_a_fault_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(execute, "_MARGIN_SECONDS", 2.0 - ENDLESS.limits.notebook_seconds)
    with execute.workers(ClassSettings(out=tmp_path)) as run:
        [result] = run([ENDLESS])
    assert "ended" in result.bug
