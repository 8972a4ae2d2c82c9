"""What `coursekit.grading` is inside a sandbox: the names a notebook imports, saying nothing.

Checks are asked from outside while a notebook is graded, so `check` has nothing to do here, and no
hint or progress is kept.
"""

from __future__ import annotations

__all__ = ["answer", "check", "hint", "progress"]


def answer(check_id: str, **_: object) -> None:
    """Say nothing."""


def check(check_id: str, **_: object) -> None:
    """Say nothing: the check runs elsewhere."""


def hint(check_id: str, rung: int | None = None) -> None:
    """Say nothing."""


def progress() -> None:
    """Say nothing."""
