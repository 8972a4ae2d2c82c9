"""The network of pytorch-forecasting, built from a configuration instead of a data set."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.fleet.scaling import CALENDAR, Scaling

__all__ = ["input_names", "network", "quiet_lightning"]


def network(config: ModelConfig, scaling: Scaling, *, seed: int = 0) -> Any:
    """Return a `TemporalFusionTransformer`, equal to one from `from_dataset`.

    It is built from the configuration instead of a data set, so that a saved model can be rebuilt
    without data. The random state of torch is restored.
    """
    import torch
    from pytorch_forecasting import QuantileLoss, TemporalFusionTransformer
    from pytorch_forecasting.data import GroupNormalizer
    from pytorch_forecasting.utils import get_embedding_size

    reals = input_names(scaling)
    decoder = reals[2 : 2 + len(CALENDAR) + len(scaling.known) + 1]
    n_classes = len(scaling.servers) + 1
    with torch.random.fork_rng(devices=[]), quiet_lightning():
        torch.manual_seed(seed)
        return TemporalFusionTransformer(
            hidden_size=config.hidden_size,
            hidden_continuous_size=config.hidden_continuous_size,
            attention_head_size=config.attention_heads,
            dropout=config.dropout,
            output_size=len(config.quantiles),
            loss=QuantileLoss(list(config.quantiles)),
            max_encoder_length=config.encoder_length,
            static_categoricals=["server"],
            static_reals=reals[:2],
            time_varying_reals_encoder=reals[2:],
            time_varying_reals_decoder=decoder,
            x_reals=reals,
            x_categoricals=["server"],
            embedding_sizes={"server": (n_classes, get_embedding_size(n_classes))},
            embedding_paddings=["server"],
            embedding_labels={
                "server": {name: at for at, name in enumerate(["", *scaling.servers])}
            },
            output_transformer=GroupNormalizer(groups=["server"]),
            logging_metrics=torch.nn.ModuleList(),
        )


def input_names(scaling: Scaling) -> list[str]:
    """Return the names of the inputs inside the network, in the order of `Scaling.reals`.

    A metric gets a prefix and a number: no two are equal, and none is an attribute of a module,
    which pytorch-forecasting refuses.
    """
    clean = {
        name: f"input{at}_" + re.sub(r"\W", "_", name) for at, name in enumerate(scaling.metrics)
    }
    target = clean[scaling.metrics[0]]
    scales = [f"{target}_center", f"{target}_scale"]
    return [*scales, *(clean.get(name, name) for name in scaling.reals[2:])]


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning logs and warns within the block."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
