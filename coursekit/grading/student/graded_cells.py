"""The graded cells of a notebook, compared with those that the exercise handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import cell_name
from coursekit.grading.student.finding import Finding, note, ok, problem
from coursekit.grading.student.origin import Origin, digest_of

__all__ = ["GradedCells"]


class GradedCells:
    """The graded cells of a notebook beside those of the exercise."""

    def __init__(self, notebook: dict[str, Any], origin: Origin, exercise: Exercise) -> None:
        self._all = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
        self._origin = origin
        self.answers = origin.names("answer")
        self._wanted = [
            *dict.fromkeys([*exercise.check_ids, *origin.names("check"), *self.answers])
        ]
        self._count = Counter(cell_name(cell) for cell in self._all)

    @property
    def there(self) -> list[str]:
        """Names of the graded cells in the notebook."""
        return [name for name in self._wanted if self._count[name]]

    def findings(self, file: Path) -> Iterator[Finding]:
        """Report cells that are missing, duplicated, changed or not attempted."""
        problems = [*self._missing(file), *self._copied(), *self._of_another_kind()]
        yield from problems
        if not problems:
            yield ok("cells", f"All {len(self._wanted)} graded cells are there, each once.")
        yield from self._changed_checks()
        yield from self._untouched()

    def _missing(self, file: Path) -> Iterator[Finding]:
        for name in self._wanted:
            if not self._count[name]:
                yield problem(
                    "cells", f"The cell {name} is missing.", f"Put it back: coursekit update {file}"
                )

    def _copied(self) -> Iterator[Finding]:
        for name in self._wanted:
            if self._count[name] > 1:
                fix = (
                    "Keep one, delete the other copies and save. To add code, insert a new cell; "
                    "do not copy this one."
                )
                yield problem("cells", f"The cell {name} is there {self._count[name]} times.", fix)

    def _of_another_kind(self) -> Iterator[Finding]:
        for cell in self._all:
            name = cell_name(cell)
            if name in self._wanted and cell.get("cell_type") != "code":
                yield problem(
                    "cells",
                    f"The cell {name} is no longer a code cell.",
                    "Select it, press Esc, then Y, and save.",
                )

    def _changed_checks(self) -> Iterator[Finding]:
        for cell in self._all:
            name = cell_name(cell)
            if (
                name in self._origin.names("check")
                and digest_of(cell) != self._origin.digests[name]
            ):
                yield note(
                    "cells",
                    f"The check {name} was changed. Grading runs the original check instead.",
                )

    def _untouched(self) -> Iterator[Finding]:
        names = [name for cell in self._all if (name := cell_name(cell)) in self.answers]
        digests = {cell_name(cell): digest_of(cell) for cell in self._all}
        untouched = [
            name for name in dict.fromkeys(names) if digests[name] == self._origin.digests[name]
        ]
        if untouched:
            earns = "is unchanged and earns" if len(untouched) == 1 else "are unchanged and earn"
            yield note("stub", f"{', '.join(untouched)} {earns} no points yet.")
