"""Resource limits of a submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from coursekit.core.errors import InvalidParameterError

__all__ = ["Isolation", "Limits"]

Isolation = Literal["bubblewrap", "none"]

_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of everything one submission may use; above it, the kernel of the machine or the
    watchdog says no.

    Parameters
    ----------
    memory_mb : int
        Resident memory of all its processes together, and private memory of each. Watched five
        times a second.
    cpu_seconds : int
        Processor time of each process.
    n_processes : int
        Processes and threads at once.
    file_mb, scratch_mb : int
        Size of one file; size of each of its temporary folders.
    n_files : int
        Files in each of its temporary folders.
    n_open_files : int
    cell_seconds : float
        Time of the clock for one cell, after which it is interrupted.
    call_seconds : float
        Time for one answer to a check.
    notebook_seconds : float
        Time for everything.
    output_mb : float
        What the cells may print and show, together.
    """

    memory_mb: int = 1500
    cpu_seconds: int = 120
    n_processes: int = 100
    file_mb: int = 64
    scratch_mb: int = 64
    n_files: int = 10_000
    n_open_files: int = 256
    cell_seconds: float = 30.0
    call_seconds: float = 10.0
    notebook_seconds: float = 180.0
    output_mb: float = 4.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise InvalidParameterError(f"`{name}` must be greater than 0, got {value!r}.")

    def of_process(self, confined: bool = True) -> dict[str, int]:
        """Return the limits that the machine's kernel enforces on each process, under the names of
        the module `resource`. Processes are counted for each user; only in a sandbox are they all
        the submission's.

        >>> Limits(file_mb=1).of_process()["fsize"]
        1000000
        """
        processes = {"nproc": self.n_processes} if confined else {}
        return processes | {
            "data": self.memory_mb * _MB,
            "cpu": self.cpu_seconds,
            "fsize": self.file_mb * _MB,
            "nofile": self.n_open_files,
            "core": 0,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        """Create from plain data.

        Raises
        ------
        InvalidParameterError
            If there is no such limit, or one is not greater than 0.
        """
        unknown = set(data) - set(cls.__slots__)
        if unknown:
            raise InvalidParameterError(
                f"There is no limit `{sorted(unknown)[0]}`; there are {', '.join(cls.__slots__)}."
            )
        return cls(**data)
