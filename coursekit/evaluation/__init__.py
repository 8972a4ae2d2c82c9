"""Evaluation of online learners: progressive validation and metrics (lesson 01)."""

from coursekit.evaluation.metrics import RunningMean, mae, rmse
from coursekit.evaluation.progressive import (
    AgeSlice,
    Evaluation,
    LearningCurve,
    PredictsThenLearns,
    ages,
    error_by_age,
    learning_curve,
    progressive_validation,
)

__all__ = [
    "AgeSlice",
    "Evaluation",
    "LearningCurve",
    "PredictsThenLearns",
    "RunningMean",
    "ages",
    "error_by_age",
    "learning_curve",
    "mae",
    "progressive_validation",
    "rmse",
]
