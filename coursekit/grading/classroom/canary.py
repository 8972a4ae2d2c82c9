"""Tell a failure of the machine from one of a submission: the reference solution is a canary.

A library that cannot be read any more, a full disk or a broken sandbox look like wrong answers. So
lost points count only while the reference solution, run afterwards, earns all of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from coursekit.grading.classroom.job import Job, JobResult

__all__ = ["confirmed"]

_MOST_WAITING = 8
_FAILED = "The reference solution failed as well, twice: the machine or the sandbox failed."


def confirmed(
    jobs: Sequence[Job], canary: Job, run: Callable[[Sequence[Job]], Iterator[JobResult]]
) -> Iterator[JobResult]:
    """Run jobs and yield their results, those with lost points once the canary has passed.

    Where it does not pass, these jobs are run once more; if it fails again, their results are
    failures of the grader.

    Parameters
    ----------
    jobs : sequence of Job
    canary : Job
        The reference solution.
    run : function
        Yields a result for each job.
    """
    by_name = {job.submission: job for job in jobs}
    waiting: list[JobResult] = []
    again: list[Job] = []
    for result in chain(run(jobs), [None]):
        if result is not None and _is_certain(result):
            yield result
            continue
        waiting += [] if result is None else [result]
        if waiting and (result is None or len(waiting) == _MOST_WAITING):
            if _passes(canary, run):
                yield from waiting
            else:
                again += [by_name[each.submission] for each in waiting]
            waiting = []
    results = list(run(again)) if again else []
    is_well = not results or _passes(canary, run)
    for each in results:
        failed = JobResult(submission=each.submission, bug=_FAILED)
        yield each if is_well or _is_certain(each) else failed


def _passes(canary: Job, run: Callable[[Sequence[Job]], Iterator[JobResult]]) -> bool:
    return all(not result.bug and _is_certain(result) for result in run([canary]))


def _is_certain(result: JobResult) -> bool:
    """Return whether a failure of the machine could not have given this result, or says so."""
    return bool(result.bug) or all(check.points == check.max_points for check in result.checks)
