"""Run submissions: the only process of the grader that communicates with students' processes.

It has the checks but no gradebook, no secret and no other submission, and it drops root privileges.
It is started as ``python -m coursekit.grading.classroom.runner [LOCK [FORKS]]``, with a file that
runners lock to take turns and the socket of a fork server, reads jobs as lines of JSON and writes
one line for each result.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport
from coursekit.grading.classroom.job import Cell, CellRun, Job, JobResult
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.protocol.session import Session, known_exception
from coursekit.grading.sandbox import Mounts, drop_privileges, runtime_folders, turns
from coursekit.grading.sandbox.fork_server import Forks
from coursekit.grading.sandbox.process import Launcher, sandboxed, unsandboxed

__all__ = ["main", "run_job"]

_OWN_MEMORY = 3_000_000_000


def run_job(job: Job, launch: Launcher | None = None) -> JobResult:
    """Run the cells of a submission in a process, and each check at its position among them.

    Points that a check has awarded are kept whatever the process does later.

    Parameters
    ----------
    job : Job
    launch : function, optional
        How to start the process; by default as the job says.

    Raises
    ------
    ExerciseError
        If the exercise is faulty. A check that fails is not judged, the others are.
    """
    launch = launch or (sandboxed if job.isolation == "bubblewrap" else unsandboxed)
    exercise = _exercise(job.exercise_folder)
    start = time.monotonic()
    checks: list[CheckReport] = []
    runs: list[CellRun] = []
    mounts = Mounts(modules=job.modules)
    with Session(launch, mounts=mounts, limits=job.limits, files=job.files) as session:
        for cell in job.cells:
            session.revive()
            if cell.check_id:
                checks += _ask(exercise, cell.check_id, session, job.seed)
            else:
                runs.append(_run(cell, session))
        lost = session.lost
    return JobResult(
        submission=job.submission,
        checks=tuple(checks),
        cells=tuple(runs),
        lost=lost,
        memory_mb=session.peak_bytes / 1e6,
        seconds=time.monotonic() - start,
    )


def main() -> None:
    """Serve jobs from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides when to stop
    resource.setrlimit(resource.RLIMIT_DATA, (_OWN_MEMORY, _OWN_MEMORY))
    first = sys.stdin.buffer.readline()
    if not first:
        return
    needed = [Path(json.loads(first)["exercise_folder"]), *runtime_folders()]
    drop_privileges([*needed, *(source for source, _ in Mounts().pairs())])
    threading.Thread(target=_end_with_the_line, daemon=True).start()
    shared = [int(each) for each in sys.argv[1:]]
    if shared:
        turns.share(shared[0])
    forks = socket.socket(fileno=shared[1]) if shared[1:] else None
    for line in _lines(first):
        job = Job.from_json(json.loads(line))
        launch = Forks(forks, Mounts(modules=job.modules)).launch if forks is not None else None
        try:
            result = run_job(job, launch)
        except Exception as error:  # noqa: BLE001 - the next job still runs
            result = JobResult(submission=job.submission, bug=f"{type(error).__name__}: {error}")
        sys.stdout.buffer.write(json.dumps(result.to_json()).encode() + b"\n")
        sys.stdout.buffer.flush()


def _ask(exercise: Exercise, check_id: str, session: Session, seed: str) -> Iterator[CheckReport]:
    for check in exercise.checks:
        if check.id == check_id:
            session.revive()
            mistakes = exercise.mistakes.get(check_id)
            reveal = check.tier == "visible"
            yield run_check(
                check, session, seed=seed, mistakes=mistakes, reveal=reveal, contain=True
            )


def _run(cell: Cell, session: Session) -> CellRun:
    start = time.monotonic()
    result = session.run_cell(cell.source)
    stopped = f"It stopped with {known_exception(result.error)}." if result.error else ""
    return CellRun(
        id=cell.id,
        number=cell.number,
        trouble=result.trouble or stopped,
        seconds=time.monotonic() - start,
        outputs=tuple(result.outputs),
    )


def _end_with_the_line() -> None:
    """Exit when the parent closes the pipe, even during a job; the sandbox ends as well."""
    poll = select.poll()
    poll.register(0, 0)  # POLLHUP only
    poll.poll()
    os._exit(1)


@cache
def _exercise(folder: str) -> Exercise:
    return load_exercise(Path(folder))


def _lines(first: bytes) -> Iterator[bytes]:
    yield first
    yield from iter(sys.stdin.buffer.readline, b"")


if __name__ == "__main__":
    main()
