"""Drift detectors, one per module."""
