"""Audit trail: an append-only log in which every entry contains the digest of the one before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coursekit.core.errors import IntegrityError

__all__ = ["AuditTrail"]


class AuditTrail:
    """A file with one JSON object per line, each with `previous`, the sha256 of the line before.

    A changed, removed or inserted line breaks the chain. A line that a kill has cut off is not part
    of the trail and is removed by the next entry.

    Parameters
    ----------
    path : path
        Created with the first entry.

    Raises
    ------
    IntegrityError
        If an existing trail is broken; the message names the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trail = AuditTrail(Path(folder) / "audit.jsonl")
    ...     trail.record("update", at=3600.0, accepted=True)
    ...     [entry["event"] for entry in trail.entries()]
    ['update']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._last, self._end = "", 0
        self.entries()

    def record(self, event: str, *, at: float, **details: Any) -> None:
        """Append an entry and wait until it is on disk.

        Parameters
        ----------
        event : str
        at : float
            Event time in seconds.
        **details
            JSON values; NaN is written as null.
        """
        known = {name: None if value != value else value for name, value in details.items()}
        entry = {"event": event, "at": at, **known, "previous": self._last}
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab") as file:
            file.truncate(self._end)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._last, self._end = _digest(line), self._end + len(line)

    def entries(self) -> list[Mapping[str, Any]]:
        """Return all entries after verifying the chain."""
        found: list[Mapping[str, Any]] = []
        last, end = "", 0
        lines = self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []
        for number, line in enumerate(lines, start=1):
            if number == len(lines) and not line.endswith(b"\n"):
                break  # cut off by a kill
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {}
            if not isinstance(entry, dict) or entry.get("previous") != last:
                raise IntegrityError(f"{self.path}, line {number}: the audit trail is broken here.")
            found.append(entry)
            last, end = _digest(line), end + len(line)
        self._last, self._end = last, end
        return found


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
