"""The model answer to a check, shown once the student's answer passes.

The answers are released to students in `answers.json`, encoded as base64: they are not secret, but
not read by accident. Secrets (hidden checks, misconceptions) are not in the file.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coursekit.core.errors import UnknownNameError
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import Report
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.protocol.subject import Subject

__all__ = ["FILE", "ModelAnswer", "encoded", "model_answer"]

FILE = "answers.json"
FORMAT_VERSION = 2


def encoded(code: Mapping[str, str]) -> str:
    """Return the content of `answers.json` for the code of each check.

    >>> print(encoded({"demo-1": "return x + x"}))
    {
     "format_version": 2,
     "answers": {
      "demo-1": "cmV0dXJuIHggKyB4"
     }
    }
    <BLANKLINE>
    """
    answers = {name: base64.b64encode(text.encode()).decode() for name, text in code.items()}
    return json.dumps({"format_version": FORMAT_VERSION, "answers": answers}, indent=1) + "\n"


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
        """The heading above the code."""
        return f"One good answer to {self.check_id}; yours passes too, so ask what each does better"

    def __repr__(self) -> str:
        """Show it as text."""
        return f"{self.headline}.\n\n{self.code}"

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        head, code = html.escape(self.headline), html.escape(self.code)
        return (
            '<div class="coursekit-answer" role="status">'
            f"<p><strong>{head}.</strong></p><pre><code>{code}</code></pre></div>"
        )


def model_answer(
    exercise: Exercise, check_id: str, subject: Subject, *, seed: int
) -> ModelAnswer | Report:
    """Return the model answer if a solution passes the visible check, else the report of the
    check.

    Raises
    ------
    UnknownNameError
        If there is no such check, or no model answer to it.
    """
    check, code = exercise.check(check_id), _read(exercise.folder / FILE).get(check_id)
    if code is None:
        raise UnknownNameError(f"There is no model answer to `{check_id}` in {exercise.folder}.")
    mistakes = exercise.mistakes.get(check_id)
    report = run_check(check, subject, seed=seed, mistakes=mistakes, contain=True)
    if report.passed:
        return ModelAnswer(check_id=check_id, code=code)
    note = f'The model answer to {check_id} is shown as soon as check("{check_id}") passes.'
    return Report(exercise=exercise.name, checks=(report,), notes=(note,))


def _read(file: Path) -> dict[str, str]:
    try:
        answers = json.loads(file.read_text(encoding="utf-8"))["answers"]
        return {name: _decoded(text) for name, text in answers.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GradingError(f"{file} cannot be read ({error}). Fetch the exercise again.") from error


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
