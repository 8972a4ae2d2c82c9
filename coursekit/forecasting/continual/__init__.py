"""Ways to keep learning without forgetting, one per file (lessons 18 and 19)."""

from coursekit.forecasting.continual.averaging import WeightAverage
from coursekit.forecasting.continual.distillation import Distillation
from coursekit.forecasting.continual.ewc import ElasticWeightConsolidation, fisher_diagonal
from coursekit.forecasting.continual.method import ContinualMethod, SlidingWindow
from coursekit.forecasting.continual.periodic import PeriodicRetraining, retrain
from coursekit.forecasting.continual.rates import DriftBoost, WarmRestarts
from coursekit.forecasting.continual.replay import Replay
from coursekit.forecasting.continual.result import UpdateResult
from coursekit.forecasting.continual.selection import method_of
from coursekit.forecasting.continual.step import (
    fused_adam,
    optimisation_step,
    quantile_losses,
    train,
)

__all__ = [
    "ContinualMethod",
    "Distillation",
    "DriftBoost",
    "ElasticWeightConsolidation",
    "PeriodicRetraining",
    "Replay",
    "SlidingWindow",
    "UpdateResult",
    "WarmRestarts",
    "WeightAverage",
    "fisher_diagonal",
    "fused_adam",
    "method_of",
    "optimisation_step",
    "quantile_losses",
    "retrain",
    "train",
]
