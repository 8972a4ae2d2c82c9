"""Findings of the preflight test: in order, a note, or a problem with its fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "note", "ok", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one test of a notebook, in a sentence, and what to do about it."""

    standing: Literal["ok", "note", "problem"]
    about: str
    text: str
    fix: str = ""


def problem(about: str, text: str, fix: str) -> Finding:
    """Return a finding that needs the student to act."""
    return Finding(standing="problem", about=about, text=text, fix=fix)


def note(about: str, text: str) -> Finding:
    """Return a finding that the student should know."""
    return Finding(standing="note", about=about, text=text)


def ok(about: str, text: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(standing="ok", about=about, text=text)
