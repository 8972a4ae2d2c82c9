"""Pack a submission: the notebook, files that it reads, and a manifest.

The archive is reproducible: the same work packed at the same time gives the same bytes on every
machine, because names are sorted, the times of the entries are fixed and nothing is compressed.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from coursekit.core.clock import Clock
from coursekit.core.errors import InvalidParameterError
from coursekit.core.records import plain
from coursekit.grading.student.preflight import Preflight

__all__ = ["MANIFEST", "Manifest", "packed"]

MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that an archive can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of an archive.

    Parameters
    ----------
    format : int
        Version of this record.
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

    format: int = 1
    student: str
    exercise: str
    version: str
    notebook: str
    sha256: str
    cells: tuple[str, ...]
    packed_at: str
    files: Mapping[str, str]


def packed(
    student: str,
    exercise: str,
    found: Preflight,
    content: bytes,
    files: Mapping[str, bytes],
    clock: Clock,
) -> tuple[bytes, Manifest]:
    """Return the archive of a submission and its manifest, which is the first entry.

    Parameters
    ----------
    student, exercise : str
    found : Preflight
        What was found in the notebook.
    content : bytes
        The bytes of the notebook that were tested.
    files : mapping of str to bytes
        Further files by name.
    clock : Clock

    Raises
    ------
    InvalidParameterError
        If the student's name is not a valid file name, or a further file has the name of the
        notebook or of the manifest.
    """
    if not _NAME.fullmatch(student):
        raise InvalidParameterError(
            f"`student` must be letters, digits and . _ @ + -, at most 100, got {student[:120]!r}."
        )
    notebook = f"{exercise}.ipynb"
    for name in files:
        if name in {MANIFEST, notebook}:
            raise InvalidParameterError(
                f"A further file must not be called {name}: the archive has one of that name."
            )
    manifest = Manifest(
        student=student,
        exercise=exercise,
        version=found.version,
        notebook=notebook,
        sha256=found.sha256,
        cells=found.cells,
        packed_at=datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        files={name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    )
    entries = {
        MANIFEST: f"{json.dumps(plain(manifest), indent=1)}\n".encode(),
        notebook: content,
        **dict(sorted(files.items())),
    }
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.create_system = 3  # Unix, whatever machine packs it
            entry.external_attr = 0o100644 << 16  # a regular file, readable by all
            archive.writestr(entry, data)
    return buffer.getvalue(), manifest
