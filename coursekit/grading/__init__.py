"""Exercises, and verdicts on them that are worth something."""
