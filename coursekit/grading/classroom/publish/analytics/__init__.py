"""A class as a whole, for its instructor: nothing here leaves the machine.

items      difficulty and discrimination of each check
mistakes   the misconceptions, the most frequent first
pictures   both as figures
sample     a class of our own making, to try all of this on
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from coursekit.core.files import replaced_atomically
from coursekit.grading.classroom.publish.analytics.items import Item, items_of, items_table
from coursekit.grading.classroom.publish.analytics.mistakes import (
    Mistake,
    mistakes_of,
    mistakes_table,
)
from coursekit.grading.classroom.publish.analytics.pictures import items_figure, mistakes_figure
from coursekit.grading.classroom.reports import GradeReport

__all__ = [
    "Item",
    "Mistake",
    "items_figure",
    "items_of",
    "items_table",
    "mistakes_figure",
    "mistakes_of",
    "mistakes_table",
    "summary_of",
    "write_cohort",
]


def summary_of(grades: Sequence[GradeReport]) -> str:
    """Return both tables as text; empty if nobody was graded."""
    items, mistakes = items_of(grades), mistakes_of(grades)
    return "\n\n".join(
        [
            *([items_table(items)] if items else []),
            *([mistakes_table(mistakes)] if mistakes else []),
        ]
    )


def write_cohort(grades: Sequence[GradeReport], folder: Path) -> None:
    """Write items.json, mistakes.json and, where there is something to see, items.png and
    mistakes.png.
    """
    items, mistakes = items_of(grades), mistakes_of(grades)
    _write(folder / "items.json", items)
    _write(folder / "mistakes.json", mistakes)
    if items:
        items_figure(items).save(folder / "items.png")
    if mistakes:
        mistakes_figure(mistakes).save(folder / "mistakes.png")


def _write(file: Path, values: Sequence[Item] | Sequence[Mistake]) -> None:
    with replaced_atomically(file) as temporary:
        Path(temporary).write_text(
            json.dumps([each.to_json() for each in values], indent=1), encoding="utf-8"
        )
