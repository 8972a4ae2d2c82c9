"""A/B tests: assignment, exposure, analysis, stopping rules and the manager (lesson 09).

The classes are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coursekit.delivery.experiments.assignment import Assignment, Layer
    from coursekit.delivery.experiments.experiment import ABExperiment
    from coursekit.delivery.experiments.hashing import SaltedHash
    from coursekit.delivery.experiments.manager import ABTestManager
    from coursekit.delivery.experiments.metrics import Metric
    from coursekit.delivery.experiments.results import ExperimentResults, Recommendation
    from coursekit.delivery.experiments.stopping import AlwaysValid, FixedSample, GroupSequential

__all__ = [
    "ABExperiment",
    "ABTestManager",
    "AlwaysValid",
    "Assignment",
    "ExperimentResults",
    "FixedSample",
    "GroupSequential",
    "Layer",
    "Metric",
    "Recommendation",
    "SaltedHash",
]

_FILES = {
    "ABExperiment": "experiment",
    "ABTestManager": "manager",
    "AlwaysValid": "stopping",
    "Assignment": "assignment",
    "ExperimentResults": "results",
    "FixedSample": "stopping",
    "GroupSequential": "stopping",
    "Layer": "assignment",
    "Metric": "metrics",
    "Recommendation": "results",
    "SaltedHash": "hashing",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
