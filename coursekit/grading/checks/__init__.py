"""What a check can ask of a solution and what it says about the answers."""

from coursekit.grading.checks.check import Check, check, run_check
from coursekit.grading.checks.context import Context, Part

__all__ = ["Check", "Context", "Part", "check", "run_check"]
