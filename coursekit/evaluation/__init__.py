"""Measure a learner while it learns: progressive validation, metrics, rankings (lesson 01)."""

from coursekit.evaluation.metrics import MAE, RMSE, LogLoss, RunningMean, log_loss, mae, rmse
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
    "MAE",
    "RMSE",
    "AgeSlice",
    "Evaluation",
    "LearningCurve",
    "LogLoss",
    "PredictsThenLearns",
    "RunningMean",
    "ages",
    "error_by_age",
    "learning_curve",
    "log_loss",
    "mae",
    "progressive_validation",
    "rmse",
]
