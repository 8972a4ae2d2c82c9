"""Results of checks as values.

A `PartReport` is the result of one part of a check, a `CheckReport` holds the parts of one check
and a `Report` the checks of one solution. `coursekit.core.records` converts them to JSON and back;
`coursekit.grading.checks.render` displays them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from coursekit.core.records import plain

__all__ = ["CheckReport", "Outcome", "PartReport", "Report", "Tier"]

Tier = Literal["visible", "hidden"]


class Outcome(StrEnum):
    """The outcome of a part, a check or a solution: the worst of its parts."""

    PASSED = "passed"
    NOT_ATTEMPTED = "not attempted"
    COULD_NOT_RUN = "could not run"
    WRONG = "wrong"
    NOT_JUDGED = "not judged"

    @classmethod
    def worst(cls, outcomes: list[Outcome]) -> Outcome:
        """Return the worst outcome; `NOT_ATTEMPTED` if there is none."""
        return max(outcomes, key=list(cls).index, default=cls.NOT_ATTEMPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """The result of one part of a check.

    Parameters
    ----------
    name : str
    outcome : Outcome
    points, max_points : float
        Earned and possible; a part is worth all of its points or none.
    message : str
        What is wrong, with the misconception if one was recognised; empty if passed.
    hint : str
        A hint of the part itself, if it is wrong.
    misconception : str
        The name of the mistake that was recognised, or empty.
    """

    name: str
    outcome: Outcome
    points: float
    max_points: float
    message: str = ""
    hint: str = ""
    misconception: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of one check.

    Parameters
    ----------
    id, title : str
    tier : "visible" or "hidden"
    parts : tuple of PartReport
    seed : int or str
        Reproduces the inputs; for the hidden tier it is never given to students.
    seconds : float
        Duration of the check, measured outside the solution.
    false_failure_rate : float
        Probability that a right solution fails by chance; 0 for a deterministic check.
    fault : str
        The failure of the check itself, for the instructor; empty if it did not fail.
    """

    id: str
    title: str
    tier: Tier
    parts: tuple[PartReport, ...]
    seed: int | str
    seconds: float
    false_failure_rate: float = 0.0
    fault: str = ""

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the parts."""
        return Outcome.worst([part.outcome for part in self.parts])

    @property
    def passed(self) -> bool:
        """Whether every part passed."""
        return self.outcome is Outcome.PASSED

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(part.points for part in self.parts)

    @property
    def max_points(self) -> float:
        """Points possible."""
        return sum(part.max_points for part in self.parts)

    @property
    def message(self) -> str:
        """The message of the first part that did not pass, misconceptions first."""
        open_parts = [part for part in self.parts if part.outcome is not Outcome.PASSED]
        open_parts.sort(key=lambda part: not part.misconception)
        return next((part.message for part in open_parts if part.message), "")

    @property
    def misconceptions(self) -> tuple[str, ...]:
        """Names of the mistakes that were recognised, in the order of the parts."""
        return tuple(dict.fromkeys(part.misconception for part in self.parts if part.misconception))

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and what follows from them."""
        return {name: plain(getattr(self, name)) for name in _SHOWN_OF_CHECK}


_SHOWN_OF_CHECK = (
    *("id", "title", "tier", "outcome", "points", "max_points", "message", "misconceptions"),
    *("seconds", "seed", "false_failure_rate", "fault", "parts"),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """The results of one solution of an exercise.

    Parameters
    ----------
    exercise : str
    checks : tuple of CheckReport
    submission : str
        Name of the student; empty for one's own solution.
    sandbox : str
        How the solution was isolated: "local" (not at all), "process", or the name of a sandbox.
    notes : tuple of str
        Remarks, such as which cell stopped with which error.
    """

    exercise: str
    checks: tuple[CheckReport, ...]
    submission: str = ""
    sandbox: str = "local"
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there are checks and every one passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Points possible."""
        return sum(check.max_points for check in self.checks)

    def score(self, check_id: str) -> tuple[float, float]:
        """Return points earned and possible of one check id, both tiers together."""
        both = [check for check in self.checks if check.id == check_id]
        return sum(check.points for check in both), sum(check.max_points for check in both)

    def is_judged(self, check_id: str = "") -> bool:
        """Return whether all points of one check id, or of all checks, were judged."""
        chosen = [check for check in self.checks if check_id in ("", check.id)]
        return all(check.outcome is not Outcome.NOT_JUDGED for check in chosen)

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and what follows from them."""
        shown = ("submission", "exercise", "points", "max_points", "passed", "sandbox", "notes")
        return {name: plain(getattr(self, name)) for name in (*shown, "checks")}

    def __repr__(self) -> str:
        """Show the report as text."""
        from coursekit.grading.checks.render import plain_of

        return plain_of(self)

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        from coursekit.grading.checks.render import html_of

        return html_of(self)
