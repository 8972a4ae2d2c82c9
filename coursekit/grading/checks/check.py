"""Checks: functions that question a solution and award points for what they see.

A check is a function of one argument `t`::

    @check("fm-1", points=2)
    def definition(t):
        '''The model equation, term by term.'''
        x, w = t.rng.normal(size=4), t.rng.normal(size=4)
        with t.part("linear part", 1) as p:
            p.close(t.subject.call("linear", w, x), w @ x, mistakes={"no-bias": w[1:] @ x[1:]})
        with t.part("all zero", 1, hint="What is an empty sum?") as p:
            p.equal(t.subject.call("linear", w, 0 * x), 0.0)

Its docstring is its title. Points are absolute per part: a part that is wrong, raises or compares
nothing earns nothing, and what other parts earned stays. Whatever the solution does ends up in the
report; an exception of the check's own is a `CheckBugError` and nothing is graded with it. The same
function serves instant feedback on a local namespace and grading on a remote one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from coursekit.grading.checks.compare import array_of, difference, entries_of, number_of
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Tier
from coursekit.grading.checks.text import inert
from coursekit.grading.errors import (
    CheckBugError,
    Missing,
    NotAttempted,
    RefusedReply,
    StudentError,
    SubjectError,
    SubjectLost,
    TookTooLong,
    WrongValue,
)
from coursekit.grading.protocol.subject import Subject

__all__ = ["CLOSED", "Check", "Context", "Part", "check", "run_check"]

LARGEST_FALSE_FAILURE_RATE = 1e-4
CLOSED: dict[type, str] = {
    NotAttempted: "A part of the answer is still to be written.",
    Missing: "A name that is asked for is not defined. Run the notebook from the top.",
    StudentError: "The code raised an exception.",
    TookTooLong: "The answer took too long.",
    RefusedReply: "The answer cannot be read: it is too large, or of an unknown kind.",
    SubjectLost: "The process that ran the code has ended.",
    WrongValue: "The answer differs from the expected one.",
    SubjectError: "The question was not answered.",
}
"""All that a hidden check says about what went wrong, besides the messages of named mistakes."""

_Timer = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check function with its name and its worth; made by the decorator `check`."""

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
    """Make a check of a function.

    Parameters
    ----------
    check_id : str
        The exercise's name, a hyphen and a number: "fm-1".
    points : float, greater than 0
        What its parts are worth together.
    tier : "visible" or "hidden"
        Shipped to students, or used only when grading.
    false_failure_rate : float, at most 0.0001
        How often a right solution fails by chance, for checks of something random.
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
    timer: _Timer = time.perf_counter,
) -> CheckReport:
    """Question a solution with one check.

    Parameters
    ----------
    check : Check
    subject : Subject
    seed : int or str
        Decides every random question of the check.
    mistakes : mapping of str to str
        The names of the mistakes that the check knows, and what to say when it meets one.
    reveal : bool
        Whether messages may quote inputs, expected values and the solution. Without, as for hidden
        checks, every message is one of `CLOSED` or the message of a named mistake: nothing that the
        solution says gets into the report.
    timer : function
        Seconds, growing.

    Raises
    ------
    CheckBugError
        If the check itself is at fault.
    """
    context = Context(check, subject, seed, mistakes or {}, reveal, timer)
    start = timer()
    try:
        check.function(context)
    except SubjectError as error:
        context.fail_outside_of_parts(error)
    except CheckBugError:
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
    return CheckReport(
        id=check.id,
        title=check.title,
        tier=check.tier,
        parts=tuple(context.parts),
        seed=seed,
        seconds=timer() - start,
        false_failure_rate=check.false_failure_rate,
    )


class Context:
    """What a check works with: the solution, chance, and parts to award points in.

    Attributes
    ----------
    subject : Subject
        The solution.
    rng : numpy.random.Generator
        Decided by the seed, the check's name and its tier alone.
    """

    def __init__(
        self,
        check: Check,
        subject: Subject,
        seed: int | str,
        mistakes: Mapping[str, str],
        reveal: bool,
        timer: _Timer,
    ) -> None:
        self.subject = subject
        self.rng = np.random.default_rng(_entropy(f"{seed}/{check.id}/{check.tier}"))
        self.parts: list[PartReport] = []
        self.reveal = reveal
        self._check = check
        self._mistakes = mistakes
        self._timer = timer

    def part(self, name: str, points: float, *, hint: str = "") -> Part:
        """Open a part worth so many points, all or none."""
        return Part(self, name, points, hint)

    def number(self, value: Any, what: str = "the value") -> float:
        """Return a solution's value as one finite number, or fail the part."""
        return number_of(value, what)

    def array(
        self, value: Any, shape: tuple[int | None, ...] | None = None, what: str = "the value"
    ) -> npt.NDArray[np.float64]:
        """Return a solution's value as finite numbers of a shape (None: any length), or fail the
        part.
        """
        return array_of(value, shape, what)

    def entries(self, value: Any, keys: Iterable[Any], what: str = "the value") -> list[Any]:
        """Return the entries of a solution's dict under some keys, or fail the part."""
        return entries_of(value, keys, what)

    def timed(self, question: Callable[[], Any]) -> tuple[Any, float]:
        """Ask something and return the answer with the seconds it took, travel included."""
        start = self._timer()
        return question(), self._timer() - start

    def message_of(self, mistake: str) -> str:
        """Return what to say about a mistake of this check."""
        try:
            return self._mistakes[mistake]
        except KeyError:
            raise CheckBugError(
                f"Check {self._check.id} ({self._check.tier}) names the mistake "
                f"{mistake!r}, which has no message."
            ) from None

    def fail_outside_of_parts(self, error: SubjectError) -> None:
        """Record that the solution stopped the check between its parts."""
        rest = self._check.points - sum(part.max_points for part in self.parts)
        outcome, message = _outcome_of(error), _sentence(error, self.reveal)
        self.parts.append(
            PartReport(
                name="preparation",
                outcome=outcome,
                points=0,
                max_points=max(rest, 0),
                message=message,
            )
        )


class _Recognised(WrongValue):
    """A value is wrong in a way that has a name."""

    def __init__(self, message: str, mistake: str) -> None:
        super().__init__(message)
        self.mistake = mistake


class Part:
    """A part of a check; earns its points if something was compared and everything agreed."""

    def __init__(self, context: Context, name: str, points: float, hint: str) -> None:
        self._context = context
        self._name = name
        self._points = points
        self._hint = hint
        self._n_compared = 0

    def close(
        self,
        got: Any,
        expected: Any,
        *,
        rtol: float = 1e-9,
        atol: float = 1e-12,
        what: str = "the value",
        mistakes: Mapping[str, Any] | None = None,
    ) -> None:
        """Demand numbers within ``atol + rtol * abs(expected)``.

        Parameters
        ----------
        got, expected : numbers, arrays, or lists and dicts of them
        rtol, atol : float
        what : str
            What the value is, for the message.
        mistakes : mapping of str to value
            What the solution would have returned after each named mistake; a match is worth more to
            a student than "differs".
        """
        self._n_compared += 1
        wrong = [
            (self._context.message_of(name), name, value)
            for name, value in (mistakes or {}).items()
        ]
        found = difference(got, expected, rtol=rtol, atol=atol, what=what)
        if found is None:
            return
        for message, name, value in wrong:
            differs = difference(value, expected, rtol=rtol, atol=atol) is not None
            if differs and difference(got, value, rtol=rtol, atol=atol) is None:
                raise _Recognised(message, name)
        raise WrongValue(str(found))

    def equal(
        self,
        got: Any,
        expected: Any,
        *,
        what: str = "the value",
        mistakes: Mapping[str, Any] | None = None,
    ) -> None:
        """Demand exactly this value; see `close`."""
        self.close(got, expected, rtol=0.0, atol=0.0, what=what, mistakes=mistakes)

    def that(self, condition: object, message: str, *, mistake: str = "") -> None:
        """Demand that a claim about the solution is true; anything but a true truth value fails."""
        self._n_compared += 1
        text = self._context.message_of(mistake) if mistake else message
        if not (isinstance(condition, bool | np.bool_) and condition):
            raise _Recognised(text, mistake)

    def __enter__(self) -> Part:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False] | bool:
        """Record how it went; only what the solution did is kept back."""
        if error is not None and not isinstance(error, SubjectError):
            return False
        if (
            error is None and self._n_compared == 0
        ):  # an answer so empty that a loop over it had nothing to do
            error = WrongValue("there was nothing to compare")
        self._context.parts.append(self._report(error))
        return True

    def _report(self, error: SubjectError | None) -> PartReport:
        outcome = Outcome.PASSED if error is None else _outcome_of(error)
        return PartReport(
            name=self._name,
            outcome=outcome,
            points=self._points if outcome is Outcome.PASSED else 0,
            max_points=self._points,
            message="" if error is None else _sentence(error, self._context.reveal),
            hint=self._hint if outcome is Outcome.WRONG else "",
            misconception=error.mistake if isinstance(error, _Recognised) else "",
        )


def _outcome_of(error: SubjectError) -> Outcome:
    if isinstance(error, NotAttempted):
        return Outcome.NOT_ATTEMPTED
    return Outcome.WRONG if isinstance(error, WrongValue) else Outcome.COULD_NOT_RUN


def _sentence(error: SubjectError, reveal: bool) -> str:
    """Say what went wrong; without `reveal`, in words that do not depend on what was said."""
    if not reveal:
        if isinstance(error, _Recognised) and error.mistake:
            return str(error)
        return next(CLOSED[kind] for kind in type(error).__mro__ if kind in CLOSED)
    text = inert(str(error))
    return text[0].upper() + text[1:] if text.startswith(("the ", "there ")) else text


def _entropy(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
