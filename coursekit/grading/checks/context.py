"""What a check works with: the solution, random numbers, and parts to award points in."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.grading.checks.compare import array_of, difference, entries_of, fields_of, number_of
from coursekit.grading.checks.report import Outcome, PartReport, Tier
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

__all__ = ["CLOSED", "NOT_JUDGED", "Context", "Part"]

NOT_JUDGED = "This could not be judged, because the check itself failed: for the instructor."

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
"""All messages of hidden checks, besides `NOT_JUDGED` and those of named misconceptions."""


class Context:
    """What a check works with.

    Parameters
    ----------
    check_id : str
    tier : "visible" or "hidden"
    subject : Subject
        The solution.
    seed : int or str
    mistakes : mapping of str to str
        Messages of the misconceptions that the check can recognise.
    reveal : bool
        Whether messages may quote inputs, expected values and the solution.

    Attributes
    ----------
    rng : numpy.random.Generator
        Determined by the seed, the check's name and its tier alone.
    parts : list of PartReport
        The parts that are finished.
    """

    def __init__(
        self,
        check_id: str,
        tier: Tier,
        subject: Subject,
        *,
        seed: int | str,
        mistakes: Mapping[str, str],
        reveal: bool,
    ) -> None:
        digest = hashlib.sha256(f"{seed}/{check_id}/{tier}".encode()).digest()
        self.subject = subject
        self.rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
        self.parts: list[PartReport] = []
        self.reveal = reveal
        self._name = f"Check {check_id} ({tier})"
        self._mistakes = mistakes

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

    def fields(self, value: Any, names: Sequence[str], what: str = "the value") -> list[Any]:
        """Return the fields of a record of any kind, or fail the part."""
        return fields_of(value, names, what)

    def affords(self, question: Callable[[], Any], units: float, *, n_times: int = 10) -> bool:
        """Return whether the solution answers a question at a cost of so many units.

        The cost is CPU time: it excludes waiting for other processes, and sleeping. The unit is
        that of a plain loop over 8,000 numbers, measured anew each time, so that it depends on the
        machine and not on the solution. What seems too dear is asked again, `n_times` at most,
        until the answers together have cost twelve times as much as one may.
        """
        spent = 0.0
        for n_asked in range(1, n_times + 1):
            unit = min(_seconds_of_a_loop() for _ in range(3))
            before = self.subject.cpu_seconds()
            question()
            share = (self.subject.cpu_seconds() - before) / (units * unit)
            if share <= 1.0:
                return True
            spent += share
            if spent > 12.0 and n_asked > 1:
                break
        return False

    def grows(self, question: Callable[[], Any], n_bytes: int, *, n_times: int = 8) -> bool:
        """Return whether the solution holds so many bytes more after each question.

        Measured `n_times`, or until it did not grow twice in a row: once, it can fill free memory.
        """
        repeats, n_calm = self.subject.memory_repeats, 0
        with self.subject.memory() as held:
            for _ in range(n_times):
                before = held()
                for _ in range(repeats):
                    question()
                n_calm = n_calm + 1 if held() - before < repeats * n_bytes else 0
                if n_calm == 2:
                    return False
        return True

    def report(self, part: Part, error: SubjectError | None) -> None:
        """Record the result of a part."""
        outcome = Outcome.PASSED if error is None else _outcome_of(error)
        self.parts.append(
            PartReport(
                name=part.name,
                outcome=outcome,
                points=part.points if error is None else 0,
                max_points=part.points,
                message="" if error is None else _sentence(error, self.reveal),
                hint=part.hint if outcome is Outcome.WRONG else "",
                misconception=error.mistake if isinstance(error, _Recognised) else "",
            )
        )

    def leave_unjudged(self, points: float) -> None:
        """Keep the finished parts of a check worth so many points; the rest is not judged."""
        rest = points - sum(part.max_points for part in self.parts)
        if rest < 0:  # the parts are worth more than the check
            rest = points
            self.parts.clear()
        self.parts.append(
            PartReport(
                name="not judged",
                outcome=Outcome.NOT_JUDGED,
                points=0,
                max_points=rest,
                message=NOT_JUDGED,
            )
        )

    def message_of(self, mistake: str) -> str:
        """Return the message of a misconception of this check."""
        try:
            return self._mistakes[mistake]
        except KeyError:
            raise CheckBugError(
                f"{self._name} names the mistake {mistake!r}, which has no message."
            ) from None


class Part:
    """A part of a check; earns its points if something was compared and everything agreed."""

    def __init__(self, context: Context, name: str, points: float, hint: str = "") -> None:
        self.name = name
        self.points = points
        self.hint = hint
        self._context = context
        self._n_compared = 0

    def close(
        self,
        got: Any,
        expected: Any,
        *,
        rtol: float = 1e-6,
        atol: float = 1e-12,
        what: str = "the value",
        mistakes: Mapping[str, Any] | None = None,
    ) -> None:
        """Require numbers within ``atol + rtol * abs(expected)``; a computation that goes through
        single precision is right as well.

        Parameters
        ----------
        got, expected : numbers, arrays, or lists and dicts of them
        rtol, atol : float
        what : str
            Name of the value in the message.
        mistakes : mapping of str to value
            What a solution with each named misconception returns; a match gets its message instead
            of "differs".
        """
        self._n_compared += 1
        messages = {name: self._context.message_of(name) for name in mistakes or {}}
        found = difference(got, expected, rtol=rtol, atol=atol, what=what)
        if found is None:
            return
        for name, value in (mistakes or {}).items():
            differs = difference(value, expected, rtol=rtol, atol=atol) is not None
            if differs and difference(got, value, rtol=rtol, atol=atol) is None:
                raise _Recognised(messages[name], name)
        raise WrongValue(found)

    def equal(
        self,
        got: Any,
        expected: Any,
        *,
        what: str = "the value",
        mistakes: Mapping[str, Any] | None = None,
    ) -> None:
        """Require exactly this value; see `close`."""
        self.close(got, expected, rtol=0.0, atol=0.0, what=what, mistakes=mistakes)

    def that(self, condition: object, message: str, *, mistake: str = "") -> None:
        """Require that a condition is `True`; any other value fails."""
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
    ) -> bool:
        """Record the result; an exception that is not the solution's is propagated."""
        if error is not None and not isinstance(error, SubjectError):
            return False
        if error is None and self._n_compared == 0:  # a loop over an empty answer
            error = WrongValue("there was nothing to compare")
        self._context.report(self, error)
        return True


def _seconds_of_a_loop() -> float:
    """Return the CPU seconds of a plain loop over 8,000 numbers."""
    numbers, total, start = np.ones(8000), 0.0, time.thread_time()
    for value in numbers:
        total += value * value
    return time.thread_time() - start


class _Recognised(WrongValue):
    """A wrong value that matches a named misconception."""

    def __init__(self, message: str, mistake: str) -> None:
        super().__init__(message)
        self.mistake = mistake


def _outcome_of(error: SubjectError) -> Outcome:
    if isinstance(error, NotAttempted):
        return Outcome.NOT_ATTEMPTED
    return Outcome.WRONG if isinstance(error, WrongValue) else Outcome.COULD_NOT_RUN


def _sentence(error: SubjectError, reveal: bool) -> str:
    """Return the message of an error; without `reveal`, one without any text of the solution."""
    if not reveal:
        if isinstance(error, _Recognised) and error.mistake:
            return str(error)
        return next(CLOSED[kind] for kind in type(error).__mro__ if kind in CLOSED)
    text = inert(str(error))
    return text[0].upper() + text[1:] if text.startswith(("the ", "there ")) else text
