"""Bring a student's notebook to a newer version of its exercise: a three-way merge, cell by cell.

For each of our cells there are three texts: as it was handed out (its digest, see
`coursekit.grading.student.origin`), as the student has it and as we have it now. Who has changed
it, decides:

=========  =============  ======================================================================
student    we             result
=========  =============  ======================================================================
no         no or yes      ours
yes        no             the student's; a check or a locked cell is ours again
yes        yes            an answer stays the student's, with a remark; anything else is unclear
deleted    either         ours, put back
=========  =============  ======================================================================

Cells that the student has added stay behind the cell that they followed. A merge that is unclear
says so, and changes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coursekit.grading.exercises.notebook import cell_name, nbgrader_of
from coursekit.grading.student.origin import Origin, digest_of, role_of

__all__ = ["Change", "Merge", "merge"]

_Cell = dict[str, Any]
_NOT_OWN = ("nbgrader", "deletable", "editable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one cell, or why that is unclear."""

    cell: str
    text: str


@dataclass(slots=True, kw_only=True)
class Merge:
    """What came of a merge.

    Parameters
    ----------
    notebook : dict
        The merged notebook; of no use while something is unclear.
    changes : list of Change
        What differs from the student's notebook, in order.
    unclear : list of Change
        Cells about which the student has to decide.
    """

    notebook: dict[str, Any]
    changes: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)


def merge(
    mine: Mapping[str, Any],
    ours: Mapping[str, Any],
    base: Origin,
    *,
    keep: Collection[str] = (),
    take: Collection[str] = (),
) -> Merge:
    """Merge a student's notebook with the newer one of the exercise; neither is changed.

    Parameters
    ----------
    mine : mapping
        The student's notebook.
    ours : mapping
        The newer one, as it is handed out.
    base : Origin
        Of what the student started from; a cell that it does not know counts as changed by both.
    keep, take : collections of str
        Cells that are decided: the student's text stays, or ours replaces it.
    """
    merged = Merge(
        notebook={**copy.deepcopy(dict(mine)), "nbformat_minor": ours.get("nbformat_minor", 5)}
    )
    desk = _Desk(mine, ours, base, merged, frozenset(keep), frozenset(take))
    cells = [
        *desk.own(""),
        *(cell for each in ours["cells"] for cell in (desk.ours(each), *desk.own(cell_name(each)))),
    ]
    merged.notebook["cells"] = [*_with_ids(cells)]
    metadata = mine.get("metadata")
    merged.notebook["metadata"] = {
        **copy.deepcopy(metadata if isinstance(metadata, dict) else {}),
        "coursekit": copy.deepcopy(ours["metadata"]["coursekit"]),
    }
    return merged


class _Desk:
    """Both notebooks side by side."""

    def __init__(
        self,
        mine: Mapping[str, Any],
        ours: Mapping[str, Any],
        base: Origin,
        merged: Merge,
        keep: frozenset[str],
        take: frozenset[str],
    ) -> None:
        self._base, self._merged, self._keep, self._take = base, merged, keep, take
        self._ours = {cell_name(cell) for cell in ours["cells"]}
        self._mine: dict[str, list[_Cell]] = {}
        self._own: dict[str, list[_Cell]] = {}
        after = ""
        for cell in (each for each in mine["cells"] if isinstance(each, dict)):
            name = cell_name(cell)
            if name in self._ours:
                self._mine.setdefault(name, []).append(cell)
                after = name
            else:
                self._own.setdefault(after, []).append(cell)

    def ours(self, new: _Cell) -> _Cell:
        """Return what becomes of one of our cells."""
        name = cell_name(new)
        old = self._the_one(name, new)
        if old is None:
            self._say(
                name,
                "is new" if name not in self._base.digests else "was missing and has been put back",
            )
            return copy.deepcopy(new)
        if digest_of(old) == digest_of(new):
            return _refreshed(old, new)
        is_ours_to_say = role_of(new) == "check" or bool(nbgrader_of(new).get("locked"))
        untouched = digest_of(old) == self._base.digests.get(name)
        if is_ours_to_say or untouched or name in self._take:
            self._say(name, "is of the newer version now")
            return copy.deepcopy(new)
        return self._changed_by_the_student(name, old, new)

    def own(self, after: str) -> Iterator[_Cell]:
        """Yield the cells that stand after one of ours and are none of ours any more, or never
        were.
        """
        for cell in self._own.get(after, ()):
            name = cell_name(cell)
            known = self._base.digests.get(name)
            if known is None:
                yield copy.deepcopy(cell)
            elif name in self._base.names("check") or known == digest_of(cell):
                self._say(name, "is no part of the newer version and has been removed")
            else:
                self._say(
                    name,
                    "is no part of the newer version; what you wrote there stays, as a cell "
                    "of your own",
                )
                yield _as_own(cell)

    def _the_one(self, name: str, new: _Cell) -> _Cell | None:
        """Return the student's cell of a name; of several, the one that says something."""
        cells = self._mine.get(name, [])
        telling = {
            digest_of(cell): cell
            for cell in cells
            if digest_of(cell) not in {self._base.digests.get(name), digest_of(new)}
        }
        if len(telling) > 1 and role_of(new) != "check" and name not in self._take:
            text = (
                f"is there {len(cells)} times with different text; delete all but the one that "
                f"you mean, and save"
            )
            self._merged.unclear.append(Change(cell=name, text=text))
        elif len(cells) > 1:
            self._say(name, f"was there {len(cells)} times and is there once now")
        return next(reversed(telling.values()), cells[-1] if cells else None)

    def _changed_by_the_student(self, name: str, old: _Cell, new: _Cell) -> _Cell:
        we_changed_it = digest_of(new) != self._base.digests.get(name)
        if we_changed_it and role_of(new) == "answer":
            self._say(
                name, "has a new task around it; your answer stays, compare it with the new text"
            )
        elif we_changed_it and name not in self._keep:
            text = (
                f"was changed by you and by us; decide with --keep {name} (your text) or --take "
                f"{name} (ours)"
            )
            self._merged.unclear.append(Change(cell=name, text=text))
        return _refreshed(old, new)

    def _say(self, name: str, text: str) -> None:
        self._merged.changes.append(Change(cell=name, text=text))


def _refreshed(old: _Cell, new: _Cell) -> _Cell:
    """Return the student's text and outputs in our cell."""
    kept: _Cell = {
        name: copy.deepcopy(old[name])
        for name in ("source", "outputs", "execution_count", "attachments")
        if name in old
    }
    if old.get("cell_type") != new.get("cell_type"):
        kept = {"source": kept.get("source", "")}
    return {**copy.deepcopy(new), **kept}


def _as_own(cell: _Cell) -> _Cell:
    """Return a cell that was ours as the student's own: graded by nobody, free to be deleted."""
    own = copy.deepcopy(cell)
    metadata: Mapping[str, Any] = own["metadata"] if isinstance(own.get("metadata"), dict) else {}
    own["metadata"] = {name: value for name, value in metadata.items() if name not in _NOT_OWN}
    return own


def _with_ids(cells: list[_Cell]) -> Iterator[_Cell]:
    """Yield the cells, each with an id that no other has: files of older formats, and copies, lack
    one.
    """
    taken: set[str] = set()
    for cell in cells:
        name = str(cell.get("id") or "own")
        at, free = 1, name
        while free in taken:
            at += 1
            free = f"{name[:56]}-{at}"
        taken.add(free)
        yield {**cell, "id": free}
