"""Run submissions: the only process of ours that talks to their kernels.

It knows the checks but no gradebook, no secret and no other submission, and it has no rights to
lose. It is started as ``python -m coursekit.grading.classroom.runner``, reads jobs as JSON, one a
line, and writes a result as one line for each. Every job is done by a fork of its own, so that not
even a fault in a library that reads messages outlives the submission that caused it.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport
from coursekit.grading.classroom.job import Cell, CellRun, Job, JobResult
from coursekit.grading.errors import GradingError, SubjectError, SubjectLost, TookTooLong
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.protocol.kernel import (
    Launcher,
    OpenKernel,
    become_nobody,
    end_tree,
    open_kernel,
    sandboxed,
    unsandboxed,
)
from coursekit.grading.protocol.kernel_subject import KernelSubject, known_exception
from coursekit.grading.protocol.subject import Subject
from coursekit.grading.sandbox import Mounts
from coursekit.grading.sandbox.fork_server import ForkServer
from coursekit.grading.sandbox.orphans import adopt_orphans, reap

__all__ = ["main", "run_job"]

_CLIENT_MEMORY = 3_000_000_000
_MARGIN_SECONDS = 120.0
_LARGEST_RESULT = 64_000_000


def run_job(job: Job, launch: Launcher | None = None) -> JobResult:
    """Run a submission's cells in a kernel and ask the checks where they stand.

    Points that a check has awarded stay awarded whatever the kernel does later.

    Parameters
    ----------
    job : Job
    launch : function, optional
        How to start the kernel; by default as the job says.

    Raises
    ------
    CheckBugError, ExerciseError
        If the course's side is at fault.
    """
    launch = launch or (sandboxed if job.isolation == "bubblewrap" else unsandboxed)
    exercise = _exercise(job.exercise_folder)
    start = time.monotonic()
    checks: list[CheckReport] = []
    runs: list[CellRun] = []
    lost, memory = "", 0.0
    try:
        with open_kernel(
            launch, mounts=Mounts(modules=job.modules), limits=job.limits, files=job.files
        ) as kernel:
            subject = KernelSubject(kernel.client, call_seconds=job.limits.call_seconds)
            for cell in job.cells:
                if cell.check_id:
                    checks += _ask(exercise, cell.check_id, subject, job.seed)
                else:
                    runs.append(_run(cell, kernel, job.limits.cell_seconds))
            kernel.watchdog.measure()
            memory, lost = kernel.watchdog.peak_bytes / 1e6, kernel.client.lost
    except SubjectLost as error:
        lost = str(error)
    asked = {check.id for check in checks}
    for check_id in dict.fromkeys(
        cell.check_id for cell in job.cells if cell.check_id and cell.check_id not in asked
    ):
        checks += _ask(exercise, check_id, _Gone(lost), job.seed)
    seconds = time.monotonic() - start
    return JobResult(
        submission=job.submission,
        checks=tuple(checks),
        cells=tuple(runs),
        lost=lost,
        memory_mb=memory,
        seconds=seconds,
    )


def main() -> None:
    """Serve jobs from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides when to stop
    first = sys.stdin.buffer.readline()
    if not first:
        return
    become_nobody([Path(json.loads(first)["exercise_folder"])])
    adopt_orphans()
    server: ForkServer | None = None
    for line in _lines(first):
        job = Job.from_json(json.loads(line))
        if job.warm and (server is None or not server.is_alive()):
            server = ForkServer(job.warm, Mounts(modules=job.modules), job.limits)
        sys.stdout.buffer.write(
            _in_a_fork(job, server.launch if server is not None else None) + b"\n"
        )
        sys.stdout.buffer.flush()
    if server is not None:
        server.close()


def _ask(exercise: Exercise, check_id: str, subject: Subject, seed: str) -> Iterator[CheckReport]:
    for check in exercise.checks:
        if check.id == check_id:
            mistakes = exercise.mistakes.get(check_id)
            yield run_check(
                check, subject, seed=seed, mistakes=mistakes, reveal=check.tier == "visible"
            )


def _run(cell: Cell, kernel: OpenKernel, seconds: float) -> CellRun:
    start = time.monotonic()
    trouble, outputs = "", []
    try:
        result = kernel.client.execute(cell.source, seconds)
        outputs = result.outputs
        trouble = (
            f"It stopped with {known_exception(result.error)}." if result.status == "error" else ""
        )
    except TookTooLong as error:
        trouble = str(error)
    except SubjectError as error:
        trouble = str(error)
    spent = time.monotonic() - start
    return CellRun(
        id=cell.id, number=cell.number, trouble=trouble, seconds=spent, outputs=tuple(outputs)
    )


class _Gone(Subject):
    """A solution whose kernel never came to life."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def exchange(self, request: str) -> str:
        raise SubjectLost(self._reason)


@cache
def _exercise(folder: str) -> Exercise:
    return load_exercise(Path(folder))


def _lines(first: bytes) -> Iterator[bytes]:
    yield first
    yield from iter(sys.stdin.buffer.readline, b"")


def _in_a_fork(job: Job, launch: Launcher | None) -> bytes:
    """Do one job in a fork and return its result as JSON, whatever becomes of the fork."""
    receiving, sending = os.pipe()
    with tempfile.TemporaryDirectory(prefix="ck-") as folder:  # short: paths of sockets lie in it
        pid = os.fork()
        if pid == 0:
            os.close(receiving)
            tempfile.tempdir = folder
            _be_the_fork(job, launch, sending)
        os.close(sending)
        text = _read_until_closed(receiving, job.limits.notebook_seconds + _MARGIN_SECONDS)
        end_tree(pid)
        os.waitpid(pid, 0)
        reap()
    try:
        json.loads(text)
        return text
    except ValueError:
        failed = JobResult(
            submission=job.submission,
            lost="The process that ran the notebook ended without a result.",
        )
        return _dumps(failed)


def _be_the_fork(job: Job, launch: Launcher | None, sending: int) -> None:
    """Do the job, say the result, be gone."""
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (_CLIENT_MEMORY, _CLIENT_MEMORY))
        try:
            result = run_job(job, launch)
        except GradingError as error:
            result = JobResult(submission=job.submission, bug=f"{type(error).__name__}: {error}")
        with open(sending, "wb") as file:
            file.write(_dumps(result))
    finally:
        os._exit(0)


def _read_until_closed(
    handle: int, seconds: float, now: Callable[[], float] = time.monotonic
) -> bytes:
    until, parts, size = now() + seconds, [], 0
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(0, 0)  # tells only that whoever asked is gone, and then nobody wants the answer
    with open(handle, "rb", buffering=0) as file:
        while (rest := until - now()) > 0 and size <= _LARGEST_RESULT:
            ready = dict(poll.poll(1000 * rest))
            if ready.get(0):
                break
            if handle in ready:
                part = file.read(1 << 20)
                if not part:
                    break
                parts.append(part)
                size += len(part)
    return b"".join(parts)


def _dumps(result: JobResult) -> bytes:
    return json.dumps(result.to_json()).encode()


if __name__ == "__main__":
    main()
