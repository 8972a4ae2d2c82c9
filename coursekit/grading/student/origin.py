"""What a student's notebook remembers of how we made it: its exercise, its version and a digest of
each of our cells.

It is written into the notebook's own metadata when the exercise is generated, and travels with the
file. Whoever compares can tell what a student has changed from what we have changed without holding
the version that the student started from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, nbgrader_of, source_of

__all__ = ["ROLES", "Origin", "digest_of", "origin_metadata", "origin_of", "role_of"]

ROLES = ("answer", "check", "given")
"""What a cell of ours is for: the student fills it in, it asks, or it is there to read and run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a notebook says about where it comes from; empty where it says nothing.

    Parameters
    ----------
    exercise, version : str
    cells : mapping of role to mapping of cell name to digest
        Our cells as they were handed out.
    """

    exercise: str = ""
    version: str = ""
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of every cell of ours by its name."""
        return {name: digest for cells in self.cells.values() for name, digest in cells.items()}

    def names(self, role: str) -> list[str]:
        """Return the names of our cells of one role."""
        return list(self.cells.get(role, ()))


def digest_of(cell: Mapping[str, Any]) -> str:
    r"""Return a short digest of a cell's kind and text; line ends and blanks at its end do not
    count.

    >>> digest_of({"cell_type": "code", "source": "a = 1\r\n"}) == digest_of({"cell_type": "code", "source": ["a = 1"]})
    True
    """
    text = source_of(dict(cell)).replace("\r\n", "\n").rstrip()
    return hashlib.sha256(
        f"{cell.get('cell_type')}\n{text}".encode("utf-8", "replace")
    ).hexdigest()[:16]


def role_of(cell: Mapping[str, Any]) -> str:
    """Return what a cell of ours is for, by its nbgrader flags."""
    about = nbgrader_of(dict(cell))
    if about.get("solution"):
        return "answer"
    return "check" if about.get("grade") else "given"


def origin_metadata(notebook: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what a notebook that is about to be handed out shall remember: role -> cell name ->
    digest.
    """
    found: dict[str, dict[str, str]] = {role: {} for role in ROLES}
    for cell in notebook["cells"]:
        found[role_of(cell)][cell_name(cell)] = digest_of(cell)
    return found


def origin_of(notebook: Mapping[str, Any]) -> Origin:
    """Read what a notebook says about itself; whatever is not of the right form is taken as not
    said.
    """
    about = _mapping(_mapping(notebook.get("metadata")).get("coursekit"))
    known = _mapping(about.get("cells"))
    cells = {
        role: {str(name): str(digest) for name, digest in _mapping(known.get(role)).items()}
        for role in ROLES
    }
    exercise, version = (
        about.get(name) if isinstance(about.get(name), str) else ""
        for name in ("exercise", "version")
    )
    return Origin(
        exercise=exercise or "",
        version=version or "",
        cells={role: each for role, each in cells.items() if each},
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
