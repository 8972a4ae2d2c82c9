"""Run a saved notebook as it is run when it is graded: in a fresh process, top to bottom, with the
visible checks where they stand.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from coursekit.core.errors import InvalidParameterError
from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import CodeCell, code_cells
from coursekit.grading.protocol.session import Session
from coursekit.grading.sandbox import Limits
from coursekit.grading.sandbox.process import unsandboxed
from coursekit.grading.student.feedback import check_visible
from coursekit.grading.student.progress import Logbook

__all__ = ["Rehearsal", "rehearse", "running"]

CellError = tuple[CodeCell, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How a run in a fresh process went.

    Parameters
    ----------
    errors : tuple of (CodeCell, type name, message)
        Cells that stopped and should not have: an answer that is still to be written may.
    lost : str
        Why a process ended or was out of time, or empty.
    checks : tuple of CheckReport
    no_longer_solved : tuple of str
        Checks that passed when they were last asked in the notebook, and do not pass now.
    """

    errors: tuple[CellError, ...]
    lost: str
    checks: tuple[CheckReport, ...]
    no_longer_solved: tuple[str, ...]


def rehearse(
    exercise: Exercise,
    notebook: dict[str, Any],
    folder: Path,
    *,
    seed: int,
    timeout: float,
    only: Sequence[str] = (),
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
    only : sequence of str
        The checks to ask; by default all.
    """
    wanted = tuple(only or exercise.check_ids)
    before = Logbook(exercise).read()  # a cell may write into it
    checks: dict[str, CheckReport] = {}
    with _session(folder, timeout) as session:

        def ask(check_id: str) -> None:
            if check_id in wanted and check_id not in checks:
                session.revive()
                checks[check_id] = check_visible(exercise, check_id, session, seed=seed)

        errors, lost = _run(session, code_cells(notebook), ask)
        for check_id in wanted:
            ask(check_id)
    passed = {check_id for check_id, entry in before.items() if entry.outcome == Outcome.PASSED}
    return Rehearsal(
        errors=tuple(
            each for each in errors if not each[0].may_raise and each[1] != "NotImplementedError"
        ),
        lost=lost,
        checks=tuple(checks[check_id] for check_id in wanted),
        no_longer_solved=tuple(
            name for name, check in checks.items() if name in passed and not check.passed
        ),
    )


@contextmanager
def running(
    notebook: dict[str, Any], folder: Path, timeout: float
) -> Iterator[tuple[Session, list[CellError]]]:
    """Run the cells of a notebook, but for its checks; yield the session and the cells that
    stopped.
    """
    with _session(folder, timeout) as session:
        errors, _ = _run(session, code_cells(notebook), lambda check_id: None)
        yield session, errors


def _session(folder: Path, timeout: float) -> Session:
    if timeout <= 0:
        raise InvalidParameterError(f"`--timeout` must be greater than 0, got {timeout:g}.")
    if importlib.util.find_spec("IPython") is None:
        raise GradingError(
            "Running a notebook needs IPython. Install it with: pip install 'coursekit[lab]'."
        )
    limits = replace(Limits(), notebook_seconds=timeout)
    return Session(partial(unsandboxed, folder=folder), limits=limits, discreet=False)


def _run(
    session: Session, cells: Sequence[CodeCell], ask: Callable[[str], None]
) -> tuple[list[CellError], str]:
    """Run cells, ask checks where they stand; return what stopped and the first process's end."""
    errors: list[CellError] = []
    lost = ""
    for cell in cells:
        session.revive()
        if cell.is_test:
            ask(cell.id)
            continue
        result = session.run_cell(cell.source)
        if result.error:
            said = [content for kind, content in result.outputs if kind == "error"]
            errors.append((cell, result.error, str(said[-1].get("evalue", "")) if said else ""))
        elif result.trouble and not session.lost:
            errors.append((cell, "TimeoutError", result.trouble))
        lost = lost or session.lost
    return errors, lost
