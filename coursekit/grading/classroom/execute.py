"""Run jobs on all cores, or on a cluster: each worker holds one runner process and hands it job
after job.

A job is a JSON value that goes in, a result one that comes out; no worker knows more. Which
machines the workers are on is joblib's business.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from coursekit.core.errors import CourseKitError
from coursekit.grading.classroom.job import Job, JobResult
from coursekit.grading.classroom.settings import ClassSettings
from coursekit.grading.errors import CheckBugError

__all__ = ["execute"]

_Json = dict[str, Any]
_WATCH = "watch over the grader"


def execute(jobs: Sequence[Job], settings: ClassSettings) -> Iterator[JobResult]:
    """Run jobs and yield their results as they come.

    Raises
    ------
    CheckBugError
        If a check has a fault of its own; nothing of that job is worth anything.
    """
    if not jobs:
        return
    from joblib import Parallel, delayed, parallel_config

    with ExitStack() as stack:
        n_jobs, work = min(settings.n_jobs, len(jobs)), _work
        if settings.backend == "dask":
            stack.enter_context(_dask_client(settings))
            stack.enter_context(parallel_config(backend="dask"))
            pool = Parallel(
                n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="all"
            )
        elif n_jobs == 1:
            pool = Parallel(n_jobs=1, return_as="generator", backend="sequential")
        else:
            pool = Parallel(
                n_jobs=n_jobs, return_as="generator_unordered", backend="loky", batch_size=1
            )
            work = _work_for_a_parent
        for answer in pool(delayed(work)(job.to_json()) for job in jobs):
            result = JobResult.from_json(answer)
            if result.bug:
                raise CheckBugError(f"While {result.submission} was graded: {result.bug}")
            yield result


class _Runner:
    """A process that runs one job after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coursekit.grading.classroom.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, job: _Json) -> _Json:
        """Return the result of a job; if the runner itself is gone, a result that says so."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("pipes were asked for")
        try:
            stdin.write(json.dumps(job).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        except OSError:
            line = b""
        if line:
            answer: _Json = json.loads(line)
            return answer
        self.close()
        return JobResult(
            submission=job["submission"], bug="The runner process ended; its last words are above."
        ).to_json()

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


_RUNNERS: dict[str, _Runner] = {}


def _work(job: _Json) -> _Json:
    """Run one job in this worker's runner for its exercise."""
    key = f"{job['exercise_folder']} {job['isolation']} {job['warm']}"
    if key not in _RUNNERS:
        for other in list(_RUNNERS):
            _RUNNERS.pop(other).close()
        _RUNNERS[key] = _Runner()
    answer = _RUNNERS[key].run(job)
    if answer["bug"]:
        _RUNNERS.pop(key).close()
    return answer


def _work_for_a_parent(job: _Json) -> _Json:
    """Do the same in a process that must not outlive the one that started it, however that one
    ends.
    """
    if not any(thread.name == _WATCH for thread in threading.enumerate()):
        threading.Thread(target=_end_with, args=(os.getppid(),), name=_WATCH, daemon=True).start()
    return _work(job)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)  # our runner sees its input close, and ends too


@atexit.register
def close_runners() -> None:
    """End the runners of this worker."""
    while _RUNNERS:
        _RUNNERS.popitem()[1].close()


def _dask_client(settings: ClassSettings) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise CourseKitError(
            'Grading on a Dask cluster needs Dask: pip install "coursekit[cluster]".'
        ) from error
    client: Any = Client
    if settings.address:
        return client(settings.address)
    return client(
        n_workers=settings.n_jobs, threads_per_worker=1, processes=True, dashboard_address=None
    )
