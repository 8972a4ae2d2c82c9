"""Run jobs in parallel, on this machine or on a Dask cluster; each worker uses a runner process.

Workers are threads of this process or of a Dask cluster, behind an executor of
`concurrent.futures`. Runners take jobs and give results as lines of JSON.
"""

from __future__ import annotations

import json
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import IO, Any, cast

from coursekit.core.errors import CourseKitError
from coursekit.core.processes import clean_environment, python
from coursekit.core.records import plain, restored
from coursekit.grading.classroom.job import Job, JobResult
from coursekit.grading.classroom.settings import ClassSettings
from coursekit.grading.errors import GradingError
from coursekit.grading.sandbox import Mounts
from coursekit.grading.sandbox.fork_server import ForkServer

__all__ = ["Run", "workers"]

_log = logging.getLogger(__name__)

_MARGIN_SECONDS = 180.0
_PAUSES = (1.0, 4.0)
"""Seconds before each further attempt when the machine failed."""
Run = Callable[[Sequence[Job]], Iterator[JobResult]]
_Workers = tuple[Executor, Callable[[Job], JobResult], int]


@contextmanager
def workers(settings: ClassSettings) -> Iterator[Run]:
    """Yield a function that runs jobs and yields the results in the order of completion; a failure
    of the grader is in `bug`. It may be called again while it yields.
    """
    start = _on_cluster if settings.backend == "dask" else _on_this_machine
    with start(settings) as (executor, work, n_at_once):

        def run(jobs: Sequence[Job]) -> Iterator[JobResult]:
            waiting = iter(jobs)
            running = {executor.submit(work, job) for job in islice(waiting, n_at_once)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running |= {executor.submit(work, job) for job in islice(waiting, 1)}
                    yield future.result()

        yield run


@contextmanager
def _on_this_machine(settings: ClassSettings) -> Iterator[_Workers]:
    runners = _Runners()
    threads = ThreadPoolExecutor(settings.n_jobs, thread_name_prefix="grading")
    try:
        yield threads, runners.run, settings.n_jobs
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        runners.close()  # a job that is running ends with its runner
        threads.shutdown()
        runners.close()


@contextmanager
def _on_cluster(settings: ClassSettings) -> Iterator[_Workers]:
    try:
        from distributed import Client
    except ImportError as error:
        raise CourseKitError(
            'Grading on a Dask cluster needs Dask: pip install "coursekit[cluster]".'
        ) from error
    threads = {"threads_per_worker": 1, "processes": False, "dashboard_address": None}
    chosen: dict[str, Any] = {"address": settings.address}
    if not settings.address:
        chosen = {"n_workers": settings.n_jobs} | threads
    with cast(Any, Client)(**chosen) as client:
        yield client.get_executor(), _run_on_worker, max(1, sum(client.ncores().values()))
    _runners_of_worker().close()
    _runners_of_worker.cache_clear()


def _run_on_worker(job: Job) -> JobResult:
    return _runners_of_worker().run(job)


class _Runners:
    """The runners of a process, and their fork server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: set[_Runner] = set()
        self._idle: list[_Runner] = []
        self._server: ForkServer | None = None
        self._server_key: object = None
        self._is_closed = False

    def run(self, job: Job) -> JobResult:
        """Run a job; when the machine fails, try again."""
        for pause in _PAUSES:
            result = self._attempt(job)
            if not result.try_again or self._is_closed:
                return result
            _log.warning("%s is tried again: %s", job.submission, result.bug)
            time.sleep(pause)
        return self._attempt(job)

    def _attempt(self, job: Job) -> JobResult:
        """Run a job in an idle runner for its exercise, or in a new one."""
        with self._lock:
            try:
                server = self._fork_server(job) if job.isolation != "none" else None
                key = (job.exercise_folder, job.isolation, server and server.pid)
                others = [each for each in self._idle if each.key != key]
                self._idle = [each for each in self._idle if each.key == key]
                shared = server.arguments() if server else []
                runner = self._idle.pop() if self._idle else _Runner(key, shared)
            except (GradingError, OSError) as error:
                return JobResult(submission=job.submission, bug=str(error), try_again=True)
            self._all.add(runner)
        self._end(others)
        result = runner.run(job)
        if result.bug:
            self._end([runner])
        else:
            with self._lock:
                self._idle.append(runner)
        return result

    def close(self) -> None:
        """End the runners, even during a job, and their fork server."""
        with self._lock:
            self._is_closed = True
            self._idle = []
            left = list(self._all)
        self._end(left)
        with self._lock:
            if self._server is not None:
                self._server.close()
            self._server = None

    def _fork_server(self, job: Job) -> ForkServer:
        """Return the fork server of the job's libraries; start it if there is none."""
        key = (job.forked, job.modules, job.covered)
        if self._server is None or self._server_key != key or not self._server.is_alive():
            if self._server is not None:
                self._server.close()
            self._server_key = key
            mounts, forked = Mounts(modules=job.modules, covered=job.covered), bool(job.forked)
            self._server = ForkServer(job.forked, mounts, job.limits, forked=forked)
        return self._server

    def _end(self, runners: Iterable[_Runner]) -> None:
        for runner in runners:
            runner.stop()
        for runner in runners:
            runner.wait()
            self._all.discard(runner)


_runners_of_worker = cache(_Runners)


class _Runner:
    """A process that runs jobs one after the other; it ends when its input is closed."""

    def __init__(self, key: tuple[object, ...], shared: Sequence[str]) -> None:
        self.key = key
        self._process = subprocess.Popen(
            python("coursekit.grading.classroom.runner", *shared),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(),
            cwd="/",
            pass_fds=[int(each) for each in shared[:1]],
        )
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._stdout = cast(IO[bytes], self._process.stdout)

    def run(self, job: Job) -> JobResult:
        """Return the result of a job; if the runner has ended, a result with a `bug`."""
        seconds = job.limits.notebook_seconds + _MARGIN_SECONDS
        overdue = threading.Timer(seconds, self._process.kill)
        overdue.daemon = True
        overdue.start()
        until = time.monotonic() + seconds
        try:
            self._stdin.write(json.dumps(plain(job)).encode() + b"\n")
            self._stdin.flush()
            line = self._stdout.readline()
        except OSError:
            line = b""
        finally:
            overdue.cancel()
        if not line:
            bug = "The runner process ended; its last words are above."
            is_machine = time.monotonic() < until
            return JobResult(submission=job.submission, bug=bug, try_again=is_machine)
        result: JobResult = restored(JobResult, json.loads(line))
        return result

    def stop(self) -> None:
        """Close its input, on which it ends, even during a job."""
        self._stdin.close()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()
        self._stdout.close()
