"""One submission to run, and what came of it, as values that travel as JSON to any machine and
back.
"""

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
        Its place in the submitted notebook, counted from 1; 0 for a cell that was deleted there and
        put back.
    id : str
    source : str
    check_id : str
        The check to ask here instead of running the cell; empty for a cell to run.
    """

    number: int
    id: str
    source: str
    check_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a worker needs to run one submission; no gradebook, no name of another student, no
    secret.

    Parameters
    ----------
    submission, exercise : str
    exercise_folder : str
        Where the exercise with its hidden checks lies on the machine that does the work.
    seed : str
        Decides the random questions of this submission.
    cells : tuple of Cell
    files : mapping of str to bytes
        What lies beside the notebook.
    modules : tuple of str
        Parts of coursekit that the submission may import.
    limits : Limits
    isolation : "bubblewrap" or "none"
    forked : tuple of str
        Libraries of a fork server to use; none for a fresh interpreter.
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
        """Come back from plain data."""
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
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """How one cell went.

    Parameters
    ----------
    id : str
    number : int
    trouble : str
        What stopped it, in words of ours; empty if nothing did.
    seconds : float
    outputs : tuple
        What it showed, as (kind, content) claimed by the kernel: for an instructor's eyes, after it
        has been made inert.
    """

    id: str
    number: int
    trouble: str
    seconds: float
    outputs: tuple[tuple[str, dict[str, Any]], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CellRun:
        """Come back from plain data."""
        return cls(
            **{**data, "outputs": tuple((kind, content) for kind, content in data["outputs"])}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What came of a job.

    Parameters
    ----------
    submission : str
    checks : tuple of CheckReport
    cells : tuple of CellRun
    lost : str
        Why the kernel was gone at the end, or empty.
    memory_mb : float
        The most that its processes held together, as far as it was seen.
    seconds : float
    bug : str
        A fault of the course's side; with one, nothing here is worth anything.
    """

    submission: str
    checks: tuple[CheckReport, ...] = ()
    cells: tuple[CellRun, ...] = ()
    lost: str = ""
    memory_mb: float = 0.0
    seconds: float = 0.0
    bug: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "checks": [each.to_json() for each in self.checks],
            "cells": [asdict(each) for each in self.cells],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobResult:
        """Come back from plain data."""
        checks = tuple(CheckReport.from_json(each) for each in data["checks"])
        return cls(
            **{
                **data,
                "checks": checks,
                "cells": tuple(CellRun.from_json(each) for each in data["cells"]),
            }
        )
