"""Run submissions: the only process of the grader that communicates with students' processes.

It has the checks but no gradebook, no secret and no other submission, and it drops root privileges.
It is started as ``python -m coursekit.grading.classroom.runner [SOCKET [FOLDER VERSION]]``, with
the socket of a fork server and where control groups can be made, reads jobs as lines of JSON and
writes one line for each result.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import threading
import time
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from pathlib import Path

from coursekit.core.records import restored
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport
from coursekit.grading.classroom.job import Cell, CellRun, Job, JobResult, as_json, described
from coursekit.grading.errors import MachineFaultError
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.protocol.session import Session, known_exception
from coursekit.grading.sandbox import Mounts, drop_privileges, runtime_folders
from coursekit.grading.sandbox.fork_server import Forks
from coursekit.grading.sandbox.process import Launcher, unsandboxed

__all__ = ["main", "run_job"]

_OWN_MEMORY = 3_000_000_000


def run_job(job: Job, launch: Launcher) -> JobResult:
    """Run the cells of a submission in a process, and each check at its position among them.

    Points that a check has awarded are kept, even if the process ends later.

    Parameters
    ----------
    job : Job
    launch : function
        Starts a process.

    Raises
    ------
    ExerciseError
        If the exercise is faulty. A check that fails is not judged, the others are.
    MachineFaultError
        If the sandbox or the machine failed.
    """
    exercise = _exercise(job.exercise_folder)
    start = time.monotonic()
    checks: list[CheckReport] = []
    runs: list[CellRun] = []
    with Session(launch, limits=job.limits, files=job.files) as session:
        for cell in job.cells:
            session.revive()
            if not cell.check_id:
                runs.append(_run(cell, session))
            for check in exercise.checks:
                if check.id == cell.check_id:
                    session.revive()
                    known, reveal = exercise.mistakes.get(check.id), check.tier == "visible"
                    asked = partial(run_check, seed=job.seed, mistakes=known, reveal=reveal)
                    checks.append(asked(check, session, contain=True))
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
    launch, confinement = _launcher(restored(Job, json.loads(first)))
    for line in chain([first], iter(sys.stdin.buffer.readline, b"")):
        job: Job = restored(Job, json.loads(line))
        try:
            result = replace(run_job(job, launch), confinement=confinement)
        except Exception as error:  # noqa: BLE001 - the next job still runs
            is_machine = isinstance(error, MachineFaultError | OSError | MemoryError)
            bug = described(error)
            result = JobResult(submission=job.submission, bug=bug, try_again=is_machine)
        sys.stdout.buffer.write(as_json(result).encode() + b"\n")
        sys.stdout.buffer.flush()


def _launcher(job: Job) -> tuple[Launcher, str]:
    """Return what starts processes, and in words how they are confined."""
    if job.isolation == "none":
        how = "unsandboxed, fresh processes, memory watchdog"
        return partial(unsandboxed, mounts=Mounts(modules=job.modules)), how
    forks = Forks.of(sys.argv[1:])
    kind = "forked" if job.forked else "fresh"
    memory = f"control group version {forks.groups.version}" if forks.groups else "memory watchdog"
    return forks.launch, f"bubblewrap, {kind} processes, {memory}"


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


if __name__ == "__main__":
    main()
