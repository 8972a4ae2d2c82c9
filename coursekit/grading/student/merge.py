"""Three-way merge of a student's notebook with a newer version of its exercise, cell by cell.

For each cell of the course there are three texts: as it was released (base; a digest in the
notebook's metadata, see `coursekit.grading.student.origin`), as the student has it, and as the
newer version has it. The result depends on which of the latter two differ from the base:

=========  =============  ======================================================================
student    newer version  result
=========  =============  ======================================================================
same       same, changed  the newer version
changed    same           the student's; a check or a locked cell is replaced
changed    changed        an answer stays the student's, with a remark; otherwise a conflict
deleted    same, changed  the newer version, restored
=========  =============  ======================================================================

Cells that the student has added stay after the cell that they followed. A merge with conflicts
changes nothing.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, nbgrader_of
from coursekit.grading.student.origin import Origin, digest_of, role_of

__all__ = ["Change", "Merge", "merge"]

_Cell = dict[str, Any]
_NOT_OWN = ("nbgrader", "deletable", "editable")
_STUDENTS = ("source", "outputs", "execution_count", "attachments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The result for one cell, or its conflict."""

    cell: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The result of a merge.

    Parameters
    ----------
    notebook : dict
        The merged notebook; not valid if there is a conflict.
    changes : list of Change
        Differences from the student's notebook, in order.
    unclear : list of Change
        Conflicts, which the student has to resolve.
    """

    notebook: dict[str, Any]
    changes: list[Change]
    unclear: list[Change]


def merge(
    mine: Mapping[str, Any],
    ours: Mapping[str, Any],
    base: Origin,
    *,
    keep: Collection[str] = (),
    take: Collection[str] = (),
) -> Merge:
    """Merge a student's notebook with the newer one of the exercise; neither is modified.

    Parameters
    ----------
    mine : mapping
        The student's notebook.
    ours : mapping
        The newer one, as it is released.
    base : Origin
        Of what the student started from; a cell without a digest there counts as changed by both.
    keep, take : collections of str
        Cells whose conflict is resolved: by the student's text, or by the newer one.
    """
    sides = _Sides(mine, ours, base, keep, take)
    cells = list(sides.own(""))
    for new in ours["cells"]:
        cells += [sides.merged(new), *sides.own(cell_name(new))]
    metadata = mine.get("metadata")
    notebook = {
        **mine,
        "nbformat_minor": ours.get("nbformat_minor", 5),
        "metadata": {
            **(metadata if isinstance(metadata, dict) else {}),
            "coursekit": ours["metadata"]["coursekit"],
        },
        "cells": list(_with_ids(cells)),
    }
    return Merge(notebook=copy.deepcopy(notebook), changes=sides.changes, unclear=sides.unclear)


class _Sides:
    """Both notebooks by cell name, and the changes and conflicts so far."""

    def __init__(
        self,
        mine: Mapping[str, Any],
        ours: Mapping[str, Any],
        base: Origin,
        keep: Collection[str],
        take: Collection[str],
    ) -> None:
        self.changes: list[Change] = []
        self.unclear: list[Change] = []
        self._base, self._digests, self._keep, self._take = base, base.digests, keep, take
        self._mine: dict[str, list[_Cell]] = defaultdict(list)  # several copies of one cell
        self._own: dict[str, list[_Cell]] = defaultdict(list)  # by the cell of the course before
        known, after = {cell_name(cell) for cell in ours["cells"]}, ""
        for cell in mine["cells"]:
            if isinstance(cell, dict):
                after = name if (name := cell_name(cell)) in known else after
                (self._mine[name] if name in known else self._own[after]).append(cell)

    def merged(self, new: _Cell) -> _Cell:
        """Return the merged version of a cell of the course."""
        name, role = cell_name(new), role_of(new)
        old, base = self._chosen(name, new), self._digests.get(name)
        if old is None:
            self._say(name, "is new" if base is None else "was missing and has been put back")
            return new
        changed, they_changed = digest_of(new) != base, digest_of(old) != base
        if digest_of(old) == digest_of(new):
            pass
        elif role == "check" or nbgrader_of(new).get("locked") or not they_changed:
            return self._replaced(name, new)
        elif name in self._take:
            return self._replaced(name, new)
        elif changed and role == "answer":
            compare = "your answer stays, compare it with the new text"
            self._say(name, f"has a new task around it; {compare}")
        elif changed and name not in self._keep:
            how = f"--keep {name} (your text) or --take {name} (ours)"
            self._conflict(name, f"was changed by you and by us; decide with {how}")
        if old.get("cell_type") != new.get("cell_type"):
            return {**new, "source": old.get("source", "")}
        return {**new, **{key: old[key] for key in _STUDENTS if key in old}}

    def own(self, after: str) -> Iterator[_Cell]:
        """Yield the cells after one of the course that are not part of the newer version: removed
        ones of the course and the student's own.
        """
        for cell in self._own[after]:
            name = cell_name(cell)
            base = self._digests.get(name)
            if base is None:
                yield cell
            elif name in self._base.names("check") or base == digest_of(cell):
                self._say(name, "is no part of the newer version and has been removed")
            else:
                stays = "what you wrote there stays, as a cell of your own"
                self._say(name, f"is no part of the newer version; {stays}")
                metadata = cell["metadata"] if isinstance(cell.get("metadata"), dict) else {}
                own = {key: value for key, value in metadata.items() if key not in _NOT_OWN}
                yield {**cell, "metadata": own}

    def _chosen(self, name: str, new: _Cell) -> _Cell | None:
        """Return the student's cell of a name; of several, the last one with an own text."""
        cells = self._mine[name]
        not_own = {self._digests.get(name), digest_of(new)}
        own = {digest: cell for cell in cells if (digest := digest_of(cell)) not in not_own}
        if len(own) > 1 and role_of(new) != "check" and name not in self._take:
            fix = "delete all but the one that you mean, and save"
            self._conflict(name, f"is there {len(cells)} times with different text; {fix}")
        elif len(cells) > 1:
            self._say(name, f"was there {len(cells)} times and is there once now")
        return next(reversed(own.values()), cells[-1] if cells else None)

    def _replaced(self, name: str, new: _Cell) -> _Cell:
        self._say(name, "is of the newer version now")
        return new

    def _say(self, name: str, text: str) -> None:
        self.changes.append(Change(cell=name, text=text))

    def _conflict(self, name: str, text: str) -> None:
        self.unclear.append(Change(cell=name, text=text))


def _with_ids(cells: list[_Cell]) -> Iterator[_Cell]:
    """Yield the cells with unique ids: cells of older formats and copied cells may have none."""
    taken: set[str] = set()
    for cell in cells:
        name = str(cell.get("id") or "own")
        at, free = 1, name
        while free in taken:
            at += 1
            free = f"{name[:56]}-{at}"
        taken.add(free)
        yield {**cell, "id": free}
