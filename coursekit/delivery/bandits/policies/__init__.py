"""Bandit policies, one a file."""
