"""The red team: submissions that want points, other people's data, or harm. Each with the score that it deserves.

An attack is a cell put in place of the answers of a notebook, or into a solved one, which then keeps the points that its honest
answers are worth. ``MARKER`` is a path on the host that must not come into being.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Attack:
    cells: str
    deserved: float = 0.0
    solved: bool = False
    after: str = "imports"
    files: Mapping[str, str] = field(default_factory=dict)  # that are handed in beside the notebook

    def filled(self, **names):
        """Return the cell and the files with their placeholders filled in."""

        def fill(text):
            for name, value in {"FORGED_REPLY": FORGED, **names}.items():
                text = text.replace(name, value)
            return text

        return fill(self.cells), {name: fill(text) for name, text in self.files.items()}


FORGED = '{"protocol": 1, "replies": [{"value": true}]}'
