"""One submission to run, and its result: records that go to a runner and back as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coursekit.core.records import plain
from coursekit.grading.checks.report import CheckReport
from coursekit.grading.sandbox import Isolation, Limits

__all__ = ["Cell", "CellRun", "Job", "JobResult", "as_json", "described"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One code cell to run, or the position of a check.

    Parameters
    ----------
    number : int
        Its position in the submitted notebook, counted from 1; 0 for a deleted cell that was
        restored.
    id : str
    source : str
    check_id : str
        The check to run here instead of the cell; empty for a cell to run.
    """

    number: int
    id: str
    source: str
    check_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a worker needs to run one submission; no gradebook, no other submission and no
    secret is in it.

    Parameters
    ----------
    submission, exercise : str
    exercise_folder : str
        The exercise with its hidden checks, on the worker's machine.
    seed : str
        Seed of the random inputs of this submission.
    cells : tuple of Cell
    files : mapping of str to bytes
        Files beside the notebook.
    modules : tuple of str
        Parts of coursekit that the submission may import.
    limits : Limits
    isolation : "bubblewrap" or "none"
    forked : tuple of str
        Libraries that a fork server imports; empty to start an interpreter for each submission.
    covered : tuple of str
        Folders that do not show in the sandbox, wherever they lie.
    """

    submission: str
    exercise: str
    exercise_folder: str
    seed: str
    cells: tuple[Cell, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    modules: tuple[str, ...] = ("core", "datasets", "evaluation", "figures")
    limits: Limits = field(default_factory=Limits)
    isolation: Isolation = "bubblewrap"
    forked: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """The result of one cell.

    Parameters
    ----------
    id : str
    number : int
    trouble : str
        Why it stopped early; empty if it did not.
    seconds : float
    outputs : tuple
        Untrusted outputs, as (kind, content); shown to instructors only after sanitising (`inert`).
    """

    id: str
    number: int
    trouble: str
    seconds: float
    outputs: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """The result of a job.

    Parameters
    ----------
    submission : str
    checks : tuple of CheckReport
    cells : tuple of CellRun
    lost : str
        Why the process had ended at the end of the job, or empty.
    memory_mb : float
        Peak memory of all its processes together, as sampled.
    seconds : float
    confinement : str
        What the process was confined by.
    bug : str
        A failure of the grader; if there is one, the other fields are not valid.
    try_again : bool
        Whether the failure is one of the machine, so that another attempt may succeed.
    """

    submission: str
    checks: tuple[CheckReport, ...] = ()
    cells: tuple[CellRun, ...] = ()
    lost: str = ""
    memory_mb: float = 0.0
    seconds: float = 0.0
    confinement: str = ""
    bug: str = ""
    try_again: bool = False


def as_json(result: JobResult) -> str:
    """Return a result as JSON on one line; outputs that are nested too deep are left out."""
    try:
        return json.dumps(plain(result))
    except (ValueError, RecursionError):
        cells = tuple(replace(cell, outputs=()) for cell in result.cells)
        return json.dumps(plain(replace(result, cells=cells)))


def described(error: Exception) -> str:
    """Return the type and the message of an exception."""
    return f"{type(error).__name__}: {error}"
