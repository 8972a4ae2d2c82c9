"""Run a saved notebook as grading runs it: in a new process, from top to bottom, each visible check
at its position.

There is no sandbox, because the code is the student's own. Only Linux says how much processor time
another process has used: on other systems a part of a check that judges the cost of an answer
passes without being judged, and the report says so. In the notebook and in grading it is judged.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from coursekit.core.errors import InvalidParameterError
from coursekit.grading.checks.report import CheckReport, Outcome, Report
from coursekit.grading.errors import GradingError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import CodeCell, code_cells, read_notebook
from coursekit.grading.protocol.session import Session
from coursekit.grading.sandbox import Limits
from coursekit.grading.sandbox.process import unsandboxed
from coursekit.grading.student.feedback import check_visible
from coursekit.grading.student.progress import Logbook

__all__ = ["Rehearsal", "check_notebook", "rehearse", "running"]

CellError = tuple[CodeCell, str, str]

_NO_COST = "This system does not say how much processor time an answer takes: cost is not judged."
_HIDDEN = "These are the visible checks. Hidden checks run when your work is graded."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The result of a run in a new process.

    Parameters
    ----------
    errors : tuple of (CodeCell, type name, message)
        Cells that stopped with an error, without those that may: an answer that is not written yet.
    lost : str
        Why a process ended or was out of time, or empty.
    checks : tuple of CheckReport
    no_longer_solved : tuple of str
        Checks that passed when they were last run in the notebook, and do not pass now.
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
    """Run a notebook's cells and the visible checks; progress is not recorded.

    Parameters
    ----------
    exercise : Exercise
    notebook : dict
    folder : Path
        Working folder of the process.
    seed : int
        Of the random inputs of the checks.
    timeout : float
        Seconds for all cells together.
    only : sequence of str
        The checks to run; by default all.
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
    passed = {name for name, entry in before.items() if entry.outcome == Outcome.PASSED}
    return Rehearsal(
        errors=tuple(
            (cell, name, text)
            for cell, name, text in errors
            if not cell.may_raise and name != "NotImplementedError"
        ),
        lost=lost,
        checks=tuple(checks[check_id] for check_id in wanted),
        no_longer_solved=tuple(
            name for name, check in checks.items() if name in passed and not check.passed
        ),
    )


def check_notebook(
    exercise: Exercise, file: Path, check_ids: Sequence[str], *, seed: int, timeout: float
) -> Report:
    """Run a notebook's cells and some visible checks in a new process; record their results as
    progress.

    Raises
    ------
    UnknownNameError
        If there is no such check.
    """
    for check_id in check_ids:
        exercise.check(check_id)
    notebook = read_notebook(file)
    run = rehearse(exercise, notebook, file.parent, seed=seed, timeout=timeout, only=check_ids)
    for each in run.checks:
        Logbook(exercise).record(each)
    notes = [
        *(
            f"Cell {cell.number} ({cell.id}) stopped with {name}: {text}"
            for cell, name, text in run.errors
        ),
        *([run.lost] if run.lost else []),
        f"{_HIDDEN} Same questions again: --seed {seed}.",
        *([] if sys.platform == "linux" else [_NO_COST]),
    ]
    return Report(exercise=exercise.name, checks=run.checks, sandbox="process", notes=tuple(notes))


@contextmanager
def running(
    notebook: dict[str, Any], folder: Path, timeout: float
) -> Iterator[tuple[Session, list[CellError]]]:
    """Run the cells of a notebook without its checks; yield the session and the cells that stopped
    with an error.
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
    """Run cells, each check at its position; return the errors, and why the first process that
    ended did so.
    """
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
