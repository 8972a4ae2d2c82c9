"""Checks of a solution: comparison, points, reports and their rendering."""

from coursekit.grading.checks.check import Check, check, run_check
from coursekit.grading.checks.context import Context, Part

__all__ = ["Check", "Context", "Part", "check", "run_check"]
