"""Run a saved notebook once as it will be run when it is graded: fresh, from top to bottom, then
the visible checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import CodeCell, code_cells
from coursekit.grading.sandbox.session import ProcessSubject
from coursekit.grading.student.feedback import check_visible
from coursekit.grading.student.progress import Logbook

__all__ = ["Rehearsal", "rehearse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How a run in a fresh process went.

    Parameters
    ----------
    errors : tuple of (CodeCell, type name, message)
        Cells that stopped and should not have: an answer that is still to be written may.
    lost : str
        Why the process was gone or out of time, or empty.
    checks : tuple of CheckReport
    no_longer_solved : tuple of str
        Checks that passed when they were last asked in the notebook, and do not pass now.
    """

    errors: tuple[tuple[CodeCell, str, str], ...]
    lost: str
    checks: tuple[CheckReport, ...]
    no_longer_solved: tuple[str, ...]


def rehearse(
    exercise: Exercise, notebook: dict[str, Any], folder: Path, *, seed: int, timeout: float
) -> Rehearsal:
    """Run a notebook's cells and the visible checks; nothing is noted in the logbook.

    Parameters
    ----------
    exercise : Exercise
    notebook : dict
    folder : Path
        Where the cells are run.
    seed : int
        Of the random questions.
    timeout : float
        Seconds that all cells together may take.
    """
    cells = [cell for cell in code_cells(notebook) if not cell.is_test]
    before = Logbook(exercise).read()  # a cell may write into it
    with ProcessSubject(cells, folder, run_seconds=timeout) as subject:
        errors, lost = tuple(subject.errors), subject.lost
        checks = tuple(
            check_visible(exercise, check_id, subject, seed=seed) for check_id in exercise.check_ids
        )
    passed = {check_id for check_id, entry in before.items() if entry.outcome == Outcome.PASSED}
    return Rehearsal(
        errors=tuple(
            each for each in errors if not each[0].may_raise and each[1] != "NotImplementedError"
        ),
        lost=lost,
        checks=checks,
        no_longer_solved=tuple(
            check.id for check in checks if check.id in passed and not check.passed
        ),
    )
