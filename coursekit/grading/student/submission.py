"""Pack what is handed in: the notebook, files that it needs, and a manifest that says what it is.

The same work packed at the same time gives the same bytes, on every machine: names are sorted, the
archive's own times are fixed, nothing is compressed.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from coursekit.core.clock import Clock
from coursekit.core.errors import InvalidParameterError

__all__ = ["MANIFEST", "Manifest", "archive_of", "manifest_of"]

MANIFEST = "manifest.json"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that an archive can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in an archive.

    Parameters
    ----------
    student, exercise, version : str
    notebook : str
        Its name in the archive.
    sha256 : str
        Of the notebook.
    cells : tuple of str
        Names of the graded cells in it.
    packed_at : str
        Time in UTC, ISO 8601, to the second.
    files : mapping of str to str
        Further files and their sha256.
    """

    student: str
    exercise: str
    version: str
    notebook: str
    sha256: str
    cells: tuple[str, ...]
    packed_at: str
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return {"format": _FORMAT} | own | {"cells": list(self.cells), "files": dict(self.files)}


def manifest_of(
    student: str,
    exercise: str,
    version: str,
    content: bytes,
    *,
    cells: tuple[str, ...],
    files: Mapping[str, bytes],
    clock: Clock,
) -> Manifest:
    """Describe what is about to be packed.

    Raises
    ------
    InvalidParameterError
        If the student's name cannot be the name of a file, or a further file has the name of one of
        ours.
    """
    if not _NAME.fullmatch(student):
        raise InvalidParameterError(
            f"`student` must be letters, digits and . _ @ + -, at most 100, got {student[:120]!r}."
        )
    for name in files:
        if name in {MANIFEST, f"{exercise}.ipynb"}:
            raise InvalidParameterError(
                f"A further file must not be called {name}: the archive has one of that name."
            )
    return Manifest(
        student=student,
        exercise=exercise,
        version=version,
        notebook=f"{exercise}.ipynb",
        sha256=_digest(content),
        cells=cells,
        packed_at=datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        files={name: _digest(files[name]) for name in sorted(files)},
    )


def archive_of(manifest: Manifest, content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return the archive as bytes, the manifest first."""
    entries = {
        MANIFEST: (json.dumps(manifest.to_json(), indent=1) + "\n").encode(),
        manifest.notebook: content,
    }
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [*entries.items(), *sorted(files.items())]:
            archive.writestr(_entry(name), data)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.create_system, entry.external_attr = (
        3,
        0o100644 << 16,
    )  # an ordinary file, readable by all, whatever machine packs it
    return entry


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
