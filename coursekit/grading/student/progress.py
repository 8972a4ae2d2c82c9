"""Progress of a student: one small JSON file beside the exercise. A file that cannot be read or
written is logged; no check fails because of it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from coursekit.core.files import write_atomically
from coursekit.core.records import plain, read_record
from coursekit.grading.checks.render import html_table, points_text
from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.checks.text import inert
from coursekit.grading.exercises.exercise import Exercise

__all__ = ["CheckProgress", "Logbook", "ProgressTable"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProgress:
    """The progress in one check.

    Parameters
    ----------
    n_tries, n_hints : int
        How often it was checked, and how many hints of its ladder were shown.
    outcome : str
        Of the last try.
    points : float
        The most that a try has earned.
    solved : bool
        Whether a try has passed; stays true.
    """

    n_tries: int = 0
    n_hints: int = 0
    outcome: str = Outcome.NOT_ATTEMPTED.value
    points: float = 0
    solved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    format_version: int = 1
    exercise_version: str
    checks: Mapping[str, CheckProgress]


class Logbook:
    """The progress in one exercise on disk, in `.coursekit/progress.json` of its folder.

    Parameters
    ----------
    exercise : Exercise
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._file = exercise.folder / ".coursekit" / "progress.json"

    def read(self) -> Mapping[str, CheckProgress]:
        """Return the progress in each check; a file that cannot be read counts as missing."""
        saved = read_record(_Saved, self._file)
        known = saved.checks if saved is not None else {}
        return {name: known.get(name, CheckProgress()) for name in self._exercise.check_ids}

    def record(self, report: CheckReport) -> None:
        """Add the result of a check."""
        before = self.read()[report.id]
        self._change(
            report.id,
            n_tries=before.n_tries + 1,
            outcome=report.outcome.value,
            points=max(before.points, report.points),
            solved=before.solved or report.passed,
        )

    def record_hint(self, check_id: str, n_hints: int) -> None:
        """Add that the first `n_hints` hints of a ladder have been shown."""
        self._change(check_id, n_hints=max(self.read()[check_id].n_hints, n_hints))

    def _change(self, check_id: str, **changes: Any) -> None:
        checks = dict(self.read())
        checks[check_id] = replace(checks[check_id], **changes)
        saved = _Saved(exercise_version=self._exercise.version, checks=checks)
        try:
            write_atomically(self._file, json.dumps(plain(saved), indent=1))
        except OSError as error:
            _log.warning("Progress could not be written to %s: %s", self._file, error)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProgressTable:
    """The progress in some exercises.

    Parameters
    ----------
    exercises : tuple of (Exercise, mapping of check id to CheckProgress)
    """

    exercises: tuple[tuple[Exercise, Mapping[str, CheckProgress]], ...]

    @classmethod
    def of(cls, exercises: list[Exercise]) -> ProgressTable:
        """Read the progress in exercises."""
        return cls(exercises=tuple((each, Logbook(each).read()) for each in exercises))

    @property
    def n_solved(self) -> int:
        """How many checks are solved."""
        return sum(entry.solved for _, entries in self.exercises for entry in entries.values())

    @property
    def n_checks(self) -> int:
        """How many checks there are."""
        return sum(len(entries) for _, entries in self.exercises)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        exercises = {
            exercise.name: {
                name: asdict(entry) | {"max_points": exercise.check(name).points}
                for name, entry in entries.items()
            }
            for exercise, entries in self.exercises
        }
        return {"n_solved": self.n_solved, "n_checks": self.n_checks, "exercises": exercises}

    def __repr__(self) -> str:
        """Show progress as text."""
        parts = ["\n  ".join([head, *map(", ".join, rows)]) for head, rows in self._tables()]
        nothing = "There is no exercise here. Work in the course's folder or in one of exercises/."
        return "\n".join(parts) or nothing

    def _repr_html_(self) -> str:
        """Show progress in a notebook."""
        columns = ("Check", "State", "Points", "Tries", "Hints")
        tables = "".join(html_table(head, columns, rows) for head, rows in self._tables())
        return f'<div class="coursekit-progress" role="status">{tables}</div>'

    def _tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Yield the headline and the rows of each exercise."""
        for exercise, entries in self.exercises:
            n_solved = sum(entry.solved for entry in entries.values())
            about = f"{exercise.name}: {exercise.title}"
            head = f"{about}, {n_solved} of {len(entries)} checks solved"
            yield inert(head), [_row(exercise, *each) for each in entries.items()]


def _row(exercise: Exercise, check_id: str, entry: CheckProgress) -> list[str]:
    check = exercise.check(check_id)
    return [
        f"{check_id}: {check.title.rstrip('.')}",
        "solved" if entry.solved else entry.outcome,
        points_text(entry.points, check.points),
        f"{entry.n_tries} {'try' if entry.n_tries == 1 else 'tries'}",
        f"{entry.n_hints} of {len(exercise.hints.get(check_id, ()))} hints seen",
    ]
