"""Generalized likelihood ratio tests for a change of the mean."""
