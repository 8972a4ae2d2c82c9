"""How far a student is: one small JSON file beside the exercise, never a reason for a check to
fail.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from coursekit.core.files import replaced_atomically
from coursekit.grading.checks.render import html_table, points_text
from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.checks.text import inert
from coursekit.grading.exercises.exercise import Exercise

__all__ = ["CheckProgress", "Logbook", "ProgressTable"]

FORMAT_VERSION = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProgress:
    """What happened with one check so far.

    Parameters
    ----------
    n_tries, n_hints : int
        How often it was checked, and how many rungs of its hint ladder were shown.
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


class Logbook:
    """The progress of one exercise on disk, in `.coursekit/progress.json` of its folder.

    Parameters
    ----------
    exercise : Exercise
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._file = exercise.folder / ".coursekit" / "progress.json"

    def read(self) -> Mapping[str, CheckProgress]:
        """Return what is known of each check; a file that is not there or not readable is an empty
        one.
        """
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
            known = {name: CheckProgress(**entry) for name, entry in data["checks"].items()}
        except FileNotFoundError:
            known = {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("%s cannot be read (%s); progress starts anew.", self._file, error)
            known = {}
        return {
            check_id: known.get(check_id, CheckProgress()) for check_id in self._exercise.check_ids
        }

    def record(self, report: CheckReport) -> None:
        """Note how a check went."""
        before = self.read()[report.id]
        points, solved = max(before.points, report.points), before.solved or report.passed
        self._write(
            report.id,
            replace(
                before,
                n_tries=before.n_tries + 1,
                outcome=report.outcome.value,
                points=points,
                solved=solved,
            ),
        )

    def record_hint(self, check_id: str, n_hints: int) -> None:
        """Note that so many rungs of a hint ladder have been shown."""
        before = self.read()[check_id]
        self._write(check_id, replace(before, n_hints=max(before.n_hints, n_hints)))

    def _write(self, check_id: str, entry: CheckProgress) -> None:
        checks: dict[str, Any] = {
            name: asdict(each) for name, each in {**self.read(), check_id: entry}.items()
        }
        data = {
            "format_version": FORMAT_VERSION,
            "exercise_version": self._exercise.version,
            "checks": checks,
        }
        try:
            self._file.parent.mkdir(exist_ok=True)
            with replaced_atomically(self._file) as temporary:
                Path(temporary).write_text(json.dumps(data, indent=1), encoding="utf-8")
        except OSError as error:
            _log.warning("Progress could not be written to %s: %s", self._file, error)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProgressTable:
    """How far one is in some exercises.

    Parameters
    ----------
    exercises : tuple of (Exercise, mapping of check id to CheckProgress)
    """

    exercises: tuple[tuple[Exercise, Mapping[str, CheckProgress]], ...]

    @classmethod
    def of(cls, exercises: list[Exercise]) -> ProgressTable:
        """Read the progress of exercises."""
        return cls(exercises=tuple((exercise, Logbook(exercise).read()) for exercise in exercises))

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
            exercise.name: _json_of(exercise, entries) for exercise, entries in self.exercises
        }
        return {"n_solved": self.n_solved, "n_checks": self.n_checks, "exercises": exercises}

    def __repr__(self) -> str:
        """Show progress as text."""
        lines = []
        for exercise, entries in self.exercises:
            lines.append(_headline(exercise, entries))
            lines += ["  " + ", ".join(row) for row in _rows(exercise, entries)]
        return (
            "\n".join(lines)
            or "There is no exercise here. Work in the course's folder or in one of exercises/."
        )

    def _repr_html_(self) -> str:
        """Show progress in a notebook."""
        tables = (
            html_table(
                _headline(exercise, entries),
                ("Check", "State", "Points", "Tries", "Hints"),
                _rows(exercise, entries),
            )
            for exercise, entries in self.exercises
        )
        return f'<div class="coursekit-progress" role="status">{"".join(tables)}</div>'


def _headline(exercise: Exercise, entries: Mapping[str, CheckProgress]) -> str:
    n_solved = sum(entry.solved for entry in entries.values())
    return inert(f"{exercise.name}: {exercise.title}, {n_solved} of {len(entries)} checks solved")


def _rows(exercise: Exercise, entries: Mapping[str, CheckProgress]) -> list[list[str]]:
    return [
        [
            f"{check_id}: {exercise.check(check_id).title.rstrip('.')}",
            "solved" if entry.solved else entry.outcome,
            points_text(entry.points, exercise.check(check_id).points),
            f"{entry.n_tries} {'try' if entry.n_tries == 1 else 'tries'}",
            f"{entry.n_hints} of {len(exercise.hints.get(check_id, ()))} hints seen",
        ]
        for check_id, entry in entries.items()
    ]


def _json_of(exercise: Exercise, entries: Mapping[str, CheckProgress]) -> dict[str, Any]:
    worth = {check_id: exercise.check(check_id).points for check_id in entries}
    return {
        check_id: {**asdict(entry), "max_points": worth[check_id]}
        for check_id, entry in entries.items()
    }
