"""The continual method of a configured strategy."""

from __future__ import annotations

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.buffers import ReservoirBuffer
from coursekit.forecasting.config import OnlineConfig
from coursekit.forecasting.continual.distillation import Distillation
from coursekit.forecasting.continual.ewc import ElasticWeightConsolidation
from coursekit.forecasting.continual.method import ContinualMethod, SlidingWindow
from coursekit.forecasting.continual.replay import Replay

__all__ = ["method_of"]


def method_of(config: OnlineConfig) -> ContinualMethod:
    """Return the continual method of a strategy, with the settings of the configuration.

    Raises
    ------
    InvalidParameterError
        For "periodic", which trains anew instead: see `continual.retrain`.
    """
    if config.strategy == "replay":
        return Replay(config.replay_sample_ratio, ReservoirBuffer(config.replay_buffer_size))
    if config.strategy == "ewc":
        return ElasticWeightConsolidation()
    if config.strategy == "distillation":
        memory = ReservoirBuffer(config.replay_buffer_size)
        return Distillation(inner=Replay(config.replay_sample_ratio, memory))
    if config.strategy == "sliding_window":
        return SlidingWindow()
    raise InvalidParameterError(
        f"`strategy` must name an online method for OnlineTrainer, got {config.strategy!r}; "
        "periodic retraining is `coursekit.forecasting.continual.retrain`."
    )
