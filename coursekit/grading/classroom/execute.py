"""Run jobs in parallel, on this machine or on a Dask cluster; each worker uses a runner process.

Jobs and results are JSON values. Workers are threads of this process or of a Dask cluster, behind
an executor of `concurrent.futures`.
"""

from __future__ import annotations

import atexit
import json
import logging
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from coursekit.core.errors import CourseKitError
from coursekit.core.processes import clean_environment, python
from coursekit.grading.classroom.job import Job, JobResult
from coursekit.grading.classroom.settings import ClassSettings
from coursekit.grading.errors import GradingError
from coursekit.grading.sandbox import Limits, Mounts
from coursekit.grading.sandbox.fork_server import ForkServer

__all__ = ["execute"]

_log = logging.getLogger(__name__)

_Json = dict[str, Any]
_Key = tuple[object, ...]
_MARGIN_SECONDS = 180.0
_PAUSES = (1.0, 4.0)
"""Seconds before each further attempt when the machine failed."""


def execute(jobs: Sequence[Job], settings: ClassSettings) -> Iterator[JobResult]:
    """Run jobs and yield the results in the order of completion; a failure of the grader is in
    `bug`.
    """
    if not jobs:
        return
    with _executor(settings, min(settings.n_jobs, len(jobs))) as executor:
        futures = [executor.submit(_work, job.to_json()) for job in jobs]
        for future in as_completed(futures):
            yield JobResult.from_json(future.result())


@contextmanager
def _executor(settings: ClassSettings, n_workers: int) -> Iterator[Executor]:
    """Yield an executor: threads of this process, or the workers of a Dask cluster."""
    if settings.backend == "dask":
        with _dask_client(settings) as client:
            yield client.get_executor()
        close_runners()
        return
    threads = ThreadPoolExecutor(n_workers, thread_name_prefix="grading")
    try:
        yield threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        close_runners()
        threads.shutdown()
        close_runners()


class _Runner:
    """A process that runs jobs one after the other."""

    def __init__(self, key: _Key, server: ForkServer | None) -> None:
        self.key = key
        shared = [] if server is None else server.arguments()
        self._process = subprocess.Popen(
            python("coursekit.grading.classroom.runner", *shared),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(),
            cwd="/",
            pass_fds=[int(each) for each in shared[:1]],
        )

    def run(self, job: _Json) -> _Json:
        """Return the result of a job; if the runner has ended, a result with a `bug`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("pipes were asked for")
        seconds = job["limits"]["notebook_seconds"] + _MARGIN_SECONDS
        overdue = threading.Timer(seconds, self._process.kill)
        overdue.daemon = True
        overdue.start()
        until = time.monotonic() + seconds
        try:
            stdin.write(json.dumps(job).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        except OSError:
            line = b""
        finally:
            overdue.cancel()
        if line:
            answer: _Json = json.loads(line)
            return answer
        return JobResult(
            submission=job["submission"],
            bug="The runner process ended; its last words are above.",
            try_again=time.monotonic() < until,
        ).to_json()

    def stop(self) -> None:
        """Close its input, on which it ends, even during a job."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


_RUNNERS: set[_Runner] = set()
_SERVERS: dict[_Key, ForkServer] = {}
_IDLE: list[_Runner] = []
_LOCK = threading.Lock()


def _work(job: _Json) -> _Json:
    """Run one job; when the machine fails, try again."""
    for pause in _PAUSES:
        answer = _attempt(job)
        if not answer["try_again"]:
            return answer
        _log.warning("%s is tried again: %s", job["submission"], answer["bug"])
        time.sleep(pause)
    return _attempt(job)


def _attempt(job: _Json) -> _Json:
    """Run one job in an idle runner for its exercise, or in a new one."""
    with _LOCK:
        try:
            server = _fork_server(job) if job["isolation"] != "none" else None
            key = (job["exercise_folder"], job["isolation"], server.pid if server else 0)
            others = [each for each in _IDLE if each.key != key]
            _IDLE[:] = [each for each in _IDLE if each.key == key]
            runner = _IDLE.pop() if _IDLE else _Runner(key, server)
        except (GradingError, OSError) as error:
            return JobResult(submission=job["submission"], bug=str(error), try_again=True).to_json()
        _RUNNERS.add(runner)
    _end(others)
    answer = runner.run(job)
    if answer["bug"]:
        _end([runner])
    else:
        with _LOCK:
            _IDLE.append(runner)
    return answer


def _fork_server(job: _Json) -> ForkServer:
    """Return the fork server that the runners of this process share; start it where none is."""
    key = (*job["forked"], "with", *job["modules"], "without", *job["covered"])
    if key not in _SERVERS or not _SERVERS[key].is_alive():
        for old in _SERVERS.values():
            old.close()
        _SERVERS.clear()
        mounts = Mounts(modules=tuple(job["modules"]), covered=tuple(job["covered"]))
        _SERVERS[key] = ForkServer(
            job["forked"], mounts, Limits.from_json(job["limits"]), forked=bool(job["forked"])
        )
    return _SERVERS[key]


@atexit.register
def close_runners() -> None:
    """End the runners of this process, and their fork server."""
    with _LOCK:
        _IDLE.clear()
        left = list(_RUNNERS)
    _end(left)
    with _LOCK:
        while _SERVERS:
            _SERVERS.popitem()[1].close()


def _end(runners: Sequence[_Runner]) -> None:
    for runner in runners:
        runner.stop()
    for runner in runners:
        runner.wait()
        _RUNNERS.discard(runner)


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
        n_workers=settings.n_jobs, threads_per_worker=1, processes=False, dashboard_address=None
    )
