"""Statistics of a class for its instructor.

items      difficulty and discrimination of each check
mistakes   the misconceptions, the most frequent first
pictures   both as figures
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from coursekit.core.files import write_atomically
from coursekit.grading.classroom.publish.analytics.items import (
    ItemStatistics,
    items_of,
    items_table,
)
from coursekit.grading.classroom.publish.analytics.mistakes import (
    Mistake,
    mistakes_of,
    mistakes_table,
)
from coursekit.grading.classroom.publish.analytics.pictures import items_figure, mistakes_figure
from coursekit.grading.classroom.reports import ClassRun, GradeReport

__all__ = [
    "ItemStatistics",
    "Mistake",
    "items_figure",
    "items_of",
    "items_table",
    "mistakes_figure",
    "mistakes_of",
    "mistakes_table",
    "publish_analytics",
    "summary_of",
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


def publish_analytics(run: ClassRun, out: Path) -> None:
    """Write items.json, mistakes.json and, where there is something to show, items.png and
    mistakes.png.
    """
    items, mistakes = items_of(run.reports), mistakes_of(run.reports)
    for name, values in (("items", items), ("mistakes", mistakes)):
        write_atomically(out / f"{name}.json", json.dumps([*map(asdict, values)], indent=1))
    if items:
        items_figure(items).save(out / "items.png")
    if mistakes:
        mistakes_figure(mistakes).save(out / "mistakes.png")
