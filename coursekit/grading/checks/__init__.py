"""What a check can ask of a solution and what it says about the answers."""

from coursekit.grading.checks.check import Check, Context, Part, check, run_check

__all__ = ["Check", "Context", "Part", "check", "run_check"]
