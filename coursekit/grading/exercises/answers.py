"""The model answer to a check, for those who have passed it.

Students have it from the beginning, locked, in `answers.json` beside the notebook. The key is made
of what their own passing code answers to a fixed set of questions: numbers that agree with the
right ones, rounded so far that every right solution makes the same key. Nobody needs a network or
an account, and nobody reads the answer by looking into a file.

It is a curtain, not a safe. The questions are public and so are the checks, which know the right
numbers; whoever takes the trouble to work a key out of them could as well have solved the exercise.
What must stay secret (hidden checks, wrong solutions) is not in there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import UnknownNameError
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport, Report
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.protocol.subject import Subject

__all__ = ["FILE", "Impression", "Lock", "ModelAnswer", "impression", "model_answer"]

FILE = "answers.json"
FORMAT_VERSION = 1
STEP = 1e-5  # numbers are rounded to this share of the largest beside them
_STEPS_PER_TOLERANCE = (
    1e4  # and where a check allows larger differences, to so many times the allowed one
)
_NOTHING = 1e-6  # numbers below are 0
_TAG_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Impression:
    """What the answers to a check's fixed questions leave behind.

    Parameters
    ----------
    report : CheckReport
    key : bytes
    margin : float, in [0, 0.5]
        How far the number nearest to being rounded otherwise is from that, in steps. The author's
        must not be small.
    """

    report: CheckReport
    key: bytes
    margin: float


def impression(exercise: Exercise, check_id: str, subject: Subject, number: int) -> Impression:
    """Ask a visible check's fixed questions (there are several sets, by number) and make a key
    of the right answers.
    """
    found: list[tuple[Any, float]] = []
    report = run_check(
        exercise.check(check_id),
        subject,
        seed=f"model answer {number}",
        mistakes=exercise.mistakes.get(check_id),
        witness=lambda value, rtol: found.append((value, rtol)),
    )
    rounded = [_rounded(value, rtol) for value, rtol in found if rtol * _STEPS_PER_TOLERANCE < 0.1]
    text = json.dumps(
        [check_id, *(part.outcome for part in report.parts), *(plain for plain, _ in rounded)]
    )
    return Impression(
        report=report,
        key=hashlib.sha256(text.encode()).digest(),
        margin=min((margin for _, margin in rounded), default=0.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A text that only a key can read.

    Parameters
    ----------
    number : int
        Which of the fixed questions make the key.
    box : str
        The text, disguised, and a tag that says whether a key fits; base64.

    Examples
    --------
    >>> lock = Lock.of("return x + x", b"a key", 0)
    >>> lock.open(b"a key"), lock.open(b"another key")
    ('return x + x', None)
    """

    number: int
    box: str

    @classmethod
    def of(cls, text: str, key: bytes, number: int) -> Lock:
        """Lock a text up; the same text and key give the same box."""
        plain = text.encode()
        return cls(
            number=number,
            box=base64.b64encode(_tag(plain, key) + _disguised(plain, key)).decode("ascii"),
        )

    def open(self, key: bytes) -> str | None:
        """Return the text, or None if the key does not fit."""
        content = base64.b64decode(self.box)
        plain = _disguised(content[_TAG_LENGTH:], key)
        return (
            plain.decode() if hmac.compare_digest(content[:_TAG_LENGTH], _tag(plain, key)) else None
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ModelAnswer:
    """One good solution, to compare with one's own.

    Parameters
    ----------
    check_id, code : str
    """

    check_id: str
    code: str

    @property
    def headline(self) -> str:
        """What it is."""
        return f"One good answer to {self.check_id}; yours passes too, so ask what each does better"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"check_id": self.check_id, "code": self.code}

    def __repr__(self) -> str:
        """Show it as text."""
        return f"{self.headline}.\n\n{self.code}"

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        head, code = html.escape(self.headline), html.escape(self.code)
        return (
            f'<div class="coursekit-answer" '
            f'role="status"><p><strong>{head}.</strong></p><pre><code>{code}</code></pre></div>'
        )


def model_answer(exercise: Exercise, check_id: str, subject: Subject) -> ModelAnswer | Report:
    """Return the model answer if a solution passes the visible check, else the report that says
    what is missing.

    Raises
    ------
    UnknownNameError
        If there is no such check, or no model answer to it.
    GradingError
        If the solution passes but its numbers do not fit the lock.
    """
    exercise.check(check_id)
    lock = _locks(exercise.folder / FILE).get(check_id)
    if lock is None:
        raise UnknownNameError(f"There is no model answer to `{check_id}` in {exercise.folder}.")
    seen = impression(exercise, check_id, subject, lock.number)
    if not seen.report.passed:
        note = f'The model answer to {check_id} is shown as soon as check("{check_id}") passes.'
        return Report(exercise=exercise.name, checks=(seen.report,), notes=(note,))
    code = lock.open(seen.key)
    if code is None:
        raise GradingError(
            f"Your answer to {check_id} passes, but the model answer was made for another "
            f"version of the checks."
            " Fetch the exercise again."
        )
    return ModelAnswer(check_id=check_id, code=code)


def _locks(file: Path) -> Mapping[str, Lock]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["answers"]
        return {check_id: Lock(**entry) for check_id, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GradingError(f"{file} cannot be read ({error}). Fetch the exercise again.") from error


def _rounded(value: Any, rtol: float) -> tuple[Any, float]:
    """Return a right answer so rounded that others become the same, and how far it is from
    becoming another.
    """
    if isinstance(value, Mapping):
        entries = [(repr(key), *_rounded(each, rtol)) for key, each in value.items()]
        return sorted([name, plain] for name, plain, _ in entries), min(
            (margin for *_, margin in entries), default=0.5
        )
    numbers = _as_numbers(value)
    if numbers is not None:
        return _rounded_numbers(numbers, max(STEP, _STEPS_PER_TOLERANCE * rtol))
    if isinstance(value, list | tuple):
        items = [_rounded(each, rtol) for each in value]
        return [plain for plain, _ in items], min((margin for _, margin in items), default=0.5)
    return repr(value), 0.5


def _rounded_numbers(numbers: npt.NDArray[np.float64], step: float) -> tuple[Any, float]:
    finite = np.where(np.isfinite(numbers), numbers, 0.0)
    largest = float(np.abs(finite).max(initial=0.0))
    if largest < _NOTHING:
        return [list(numbers.shape)], 0.5
    size = np.log2(
        1.37 * largest
    )  # round numbers are common: the factor keeps them away from the powers of two
    steps = finite / (step * 2.0 ** np.ceil(size))
    off = float(np.abs(np.abs(steps - np.rint(steps)) - 0.5).min())
    return [list(numbers.shape), np.rint(steps).astype(np.int64).ravel().tolist()], min(
        off, abs(size - np.rint(size)) / step
    )


def _as_numbers(value: Any) -> npt.NDArray[np.float64] | None:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):  # lists of unequal length
        return None
    return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def _disguised(text: bytes, key: bytes) -> bytes:
    """Add a stream of chance that the key decides, or take it away again."""
    stream = hashlib.shake_256(b"stream" + key).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))


def _tag(plain: bytes, key: bytes) -> bytes:
    return hmac.digest(key, plain, "sha256")[:_TAG_LENGTH]
