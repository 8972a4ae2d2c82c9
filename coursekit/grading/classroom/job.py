"""One submission to run and its result, as values that convert to JSON and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from coursekit.grading.checks.report import CheckReport
from coursekit.grading.sandbox import Isolation, Limits

__all__ = ["Cell", "CellRun", "Job", "JobResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One code cell to run, or the place of a check.

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

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        files = {
            name: base64.b64encode(content).decode("ascii") for name, content in self.files.items()
        }
        cells = [asdict(cell) for cell in self.cells]
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"cells": cells, "files": files, "limits": self.limits.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """Create from plain data."""
        return cls(
            **{
                **data,
                "cells": tuple(Cell(**cell) for cell in data["cells"]),
                "files": {
                    name: base64.b64decode(content) for name, content in data["files"].items()
                },
                "modules": tuple(data["modules"]),
                "limits": Limits.from_json(data["limits"]),
                "forked": tuple(data["forked"]),
                "covered": tuple(data["covered"]),
            }
        )


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

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CellRun:
        """Create from plain data."""
        return cls(
            **{**data, "outputs": tuple((kind, content) for kind, content in data["outputs"])}
        )


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

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "checks": [each.to_json() for each in self.checks],
            "cells": [asdict(each) for each in self.cells],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobResult:
        """Create from plain data."""
        checks = tuple(CheckReport.from_json(each) for each in data["checks"])
        return cls(
            **{
                **data,
                "checks": checks,
                "cells": tuple(CellRun.from_json(each) for each in data["cells"]),
            }
        )
