"""Checks: functions that call a solution and award points for right results.

A check is a function of one argument `t`::

    @check("fm-1", points=2)
    def definition(t):
        '''The model equation, term by term.'''
        x, w = t.rng.normal(size=4), t.rng.normal(size=4)
        with t.part("linear part", 1) as p:
            p.close(t.subject.call("linear", w, x), w @ x, mistakes={"no-bias": w[1:] @ x[1:]})
        with t.part("all zero", 1, hint="What is an empty sum?") as p:
            p.equal(t.subject.call("linear", w, 0 * x), 0.0)

The first line of the docstring is the title. Each part earns all its points or none: a part that is
wrong, raises or compares nothing earns none, and the points of other parts are kept. Errors of the
solution are reported. An exception of the check itself is a `CheckBugError`; where solutions are
judged, it is contained: finished parts keep their points, the remaining points are "not judged".
The same function runs on a local namespace (instant feedback) and in a sandbox (grading).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from coursekit.grading.checks.context import Context, Part
from coursekit.grading.checks.report import CheckReport, Tier
from coursekit.grading.checks.text import inert
from coursekit.grading.errors import CheckBugError, MachineFaultError, SubjectError
from coursekit.grading.protocol.subject import Subject

__all__ = ["Check", "check", "run_check"]

LARGEST_FALSE_FAILURE_RATE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check function with its id and points; made by the decorator `check`."""

    id: str
    points: float
    tier: Tier
    function: Callable[[Context], None]
    false_failure_rate: float = 0.0

    @property
    def title(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or self.id).strip().splitlines()[0]


def check(
    check_id: str, *, points: float, tier: Tier = "visible", false_failure_rate: float = 0.0
) -> Callable[[Callable[[Context], None]], Check]:
    """Return a decorator that makes a check of a function.

    Parameters
    ----------
    check_id : str
        The exercise's name, a hyphen and a number: "fm-1".
    points : float, greater than 0
        Sum of the points of its parts.
    tier : "visible" or "hidden"
        Shipped to students, or used only when grading.
    false_failure_rate : float, at most 0.0001
        Probability that a right solution fails by chance, for randomised checks.
    """
    if not points > 0:
        raise CheckBugError(f"`points` of {check_id} must be greater than 0, got {points!r}.")
    if not 0 <= false_failure_rate <= LARGEST_FALSE_FAILURE_RATE:
        raise CheckBugError(
            f"`false_failure_rate` of {check_id} must be in [0, 0.0001], got "
            f"{false_failure_rate!r}."
        )

    def make(function: Callable[[Context], None]) -> Check:
        return Check(
            id=check_id,
            points=points,
            tier=tier,
            function=function,
            false_failure_rate=false_failure_rate,
        )

    return make


def run_check(
    check: Check,
    subject: Subject,
    *,
    seed: int | str,
    mistakes: Mapping[str, str] | None = None,
    reveal: bool = True,
    contain: bool = False,
    timer: Callable[[], float] = time.perf_counter,
) -> CheckReport:
    """Run one check on a solution.

    Parameters
    ----------
    check : Check
    subject : Subject
    seed : int or str
        Determines the random inputs of the check.
    mistakes : mapping of str to str
        Names and messages of the misconceptions that the check can recognise.
    reveal : bool
        Whether messages may quote inputs, expected values and the solution. If not (hidden checks),
        every message is one of `CLOSED` or of a named misconception: no text of the solution gets
        into the report.
    contain : bool
        Whether a failure of the check itself is reported (outcome "not judged", and `fault`)
        instead of raised.
    timer : function
        A clock in seconds, monotonic.

    Raises
    ------
    CheckBugError
        If the check itself is faulty, and that is not contained.
    MachineFaultError
        If the machine failed while it was asked.
    """
    context = Context(
        check.id, check.tier, subject, seed=seed, mistakes=mistakes or {}, reveal=reveal
    )
    start, fault = timer(), ""
    try:
        _ask(check, context)
    except CheckBugError as error:
        if not contain:
            raise
        fault = inert(str(error))
        context.leave_unjudged(check.points)
    return CheckReport(
        id=check.id,
        title=check.title,
        tier=check.tier,
        parts=tuple(context.parts),
        seed=seed,
        seconds=timer() - start,
        false_failure_rate=check.false_failure_rate,
        fault=fault,
    )


def _ask(check: Check, context: Context) -> None:
    """Call the check's function; whatever it raises that is not the solution's is a
    `CheckBugError`.
    """
    try:
        check.function(context)
    except SubjectError as error:  # between parts
        rest = check.points - sum(part.max_points for part in context.parts)
        context.report(Part(context, "preparation", max(rest, 0)), error)
    except (CheckBugError, MachineFaultError):
        raise
    except Exception as error:
        raise CheckBugError(
            f"Check {check.id} ({check.tier}) raised {type(error).__name__}: {error}"
        ) from error
    worth = sum(part.max_points for part in context.parts)
    if abs(worth - check.points) > 1e-9:
        raise CheckBugError(
            f"The parts of check {check.id} ({check.tier}) are worth {worth:g}, expected "
            f"{check.points:g}."
        )
