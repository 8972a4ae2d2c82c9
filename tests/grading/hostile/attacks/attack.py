"""The red team: submissions that want points, other people's data, or harm. Each with the score that it deserves.

An attack is a cell put in place of the answers of a notebook, or into a solved one, which then keeps the points that its honest
answers are worth. ``MARKER`` is a path on the host that must not come into being.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    cells: str
    deserved: float = 0.0
    solved: bool = False
    after: str = "imports"

    def source(self, **names):
        """Return the cell with its placeholders filled in."""
        text = self.cells
        for name, value in {"FORGED_REPLY": FORGED, **names}.items():
            text = text.replace(name, value)
        return text


FORGED = '{"protocol": 1, "replies": [{"value": true}]}'
