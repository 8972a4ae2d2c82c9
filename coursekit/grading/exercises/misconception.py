"""Wrong solutions that people really write, kept beside the right one to prove that a check
recognises them.

`solutions/<name>/misconceptions.py` holds one cell for each, in percent format and named like the
mistake in hints.toml. A cell is run after the solved notebook's cells and replaces what they
defined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Misconception", "read_misconceptions"]

_HEADER = re.compile(r"^# %% ([\w-]+)$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconception:
    """A named wrong solution: the code to run after the right one."""

    name: str
    source: str


def read_misconceptions(folder: Path) -> list[Misconception]:
    """Return the misconceptions of an exercise in the order of their file; none where there is
    no file.
    """
    file = folder / "misconceptions.py"
    if not file.is_file():
        return []
    _, *parts = _HEADER.split(file.read_text(encoding="utf-8"))
    return [
        Misconception(name=name, source=source)
        for name, source in zip(parts[::2], parts[1::2], strict=True)
    ]
