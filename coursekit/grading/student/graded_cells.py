"""The graded cells of a notebook, compared with those that the exercise released."""

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
    """The graded cells of a notebook beside those of the exercise.

    Parameters
    ----------
    notebook : dict
    origin : Origin
        As the notebook's metadata state it.
    exercise : Exercise
    """

    def __init__(self, notebook: dict[str, Any], origin: Origin, exercise: Exercise) -> None:
        cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
        self._named = [(cell_name(cell), cell) for cell in cells]
        self._count = Counter(name for name, _ in self._named)
        self._checks, self.answers = origin.names("check"), origin.names("answer")
        self._released = origin.digests
        self._wanted = list(dict.fromkeys([*exercise.check_ids, *self._checks, *self.answers]))

    @property
    def there(self) -> tuple[str, ...]:
        """Names of the graded cells in the notebook."""
        return tuple(name for name in self._wanted if self._count[name])

    def findings(self, file: Path) -> Iterator[Finding]:
        """Report cells that are missing, duplicated, changed or not attempted."""
        in_order = ok("cells", f"All {len(self._wanted)} graded cells are there, each once.")
        yield from list(self._problems(file)) or [in_order]
        for name, cell in self._named:
            if name in self._checks and digest_of(cell) != self._released[name]:
                text = f"The check {name} was changed. Grading runs the original check instead."
                yield note("cells", text)
        last = {name: digest_of(cell) for name, cell in self._named if name in self.answers}
        if untouched := [name for name in last if last[name] == self._released[name]]:
            earns = "is unchanged and earns" if len(untouched) == 1 else "are unchanged and earn"
            yield note("stub", f"{', '.join(untouched)} {earns} no points yet.")

    def _problems(self, file: Path) -> Iterator[Finding]:
        for name in self._wanted:
            if not self._count[name]:
                fix = f"Put it back: coursekit update {file}"
                yield problem("cells", f"The cell {name} is missing.", fix)
            elif self._count[name] > 1:
                fix = (
                    "Keep one, delete the other copies and save. To add code, insert a new cell; "
                    "do not copy this one."
                )
                yield problem("cells", f"The cell {name} is there {self._count[name]} times.", fix)
        for name, cell in self._named:
            if name in self._wanted and cell.get("cell_type") != "code":
                fix = "Select it, press Esc, then Y, and save."
                yield problem("cells", f"The cell {name} is no longer a code cell.", fix)
