"""The origin of a student's notebook: exercise, version and a digest of each cell of the course.

It is written into the notebook's metadata when the exercise is generated. With the digests, changes
by the student and changes by the course can be told apart (the base of a three-way merge) without
the original file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, nbgrader_of, source_of

__all__ = ["ROLES", "Origin", "digest_of", "origin_metadata", "origin_of", "role_of"]

ROLES = ("answer", "check", "given")
"""Of a cell of the course: to be completed by the student, a test, or given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The origin that a notebook's metadata state; empty fields where they state none.

    Parameters
    ----------
    exercise, version : str
    cells : mapping of role to mapping of cell name to digest
        The cells of the course as they were released.
    """

    exercise: str = ""
    version: str = ""
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of every cell of the course by its name."""
        return {name: digest for cells in self.cells.values() for name, digest in cells.items()}

    def names(self, role: str) -> list[str]:
        """Return the names of the cells of one role."""
        return list(self.cells.get(role, ()))


def digest_of(cell: Mapping[str, Any]) -> str:
    r"""Return a short digest of a cell's type and source, without trailing whitespace and
    independent of its line endings.

    >>> digest_of({"source": "a = 1\r\n"}) == digest_of({"source": ["a = 1"]})
    True
    """
    text = source_of(dict(cell)).replace("\r\n", "\n").rstrip()
    return hashlib.sha256(
        f"{cell.get('cell_type')}\n{text}".encode("utf-8", "replace")
    ).hexdigest()[:16]


def role_of(cell: Mapping[str, Any]) -> str:
    """Return the role of a cell of the course, by its nbgrader flags."""
    about = nbgrader_of(dict(cell))
    if about.get("solution"):
        return "answer"
    return "check" if about.get("grade") else "given"


def origin_metadata(notebook: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the digests of a notebook that is to be released: role -> cell name -> digest."""
    found: dict[str, dict[str, str]] = {role: {} for role in ROLES}
    for cell in notebook["cells"]:
        found[role_of(cell)][cell_name(cell)] = digest_of(cell)
    return found


def origin_of(notebook: Mapping[str, Any]) -> Origin:
    """Read the origin from a notebook's metadata; a value of a wrong type counts as missing."""
    about = _mapping(_mapping(notebook.get("metadata")).get("coursekit"))
    said = {name: about.get(name) for name in ("exercise", "version")}
    known = {role: _mapping(_mapping(about.get("cells")).get(role)) for role in ROLES}
    return Origin(
        **{name: value if isinstance(value, str) else "" for name, value in said.items()},
        cells={
            role: {str(name): str(digest) for name, digest in cells.items()}
            for role, cells in known.items()
            if cells
        },
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
