"""Full retraining with the stock data set and Trainer: the baseline of online updates."""

from __future__ import annotations

from typing import Any

from coursekit.core.validation import integer, number
from coursekit.forecasting.buffers import SlidingWindowBuffer
from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.continual.result import UpdateResult
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.fleet.scaling import CALENDAR, Scaling, calendar
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.network import input_names, quiet_lightning

__all__ = ["PeriodicRetraining", "retrain", "stock_dataset"]


def stock_dataset(frame: MetricFrame, config: ModelConfig) -> Any:
    """Return the `TimeSeriesDataSet` whose windows equal ours.

    The group needs an encoder of its own that also reserves class 0 for unknown servers
    (`__group_id__server`): with the default one, `TimeSeriesDataSet` looks up the target scale of
    each server under the number of the server before it.
    """
    import pandas as pd
    from pytorch_forecasting import TimeSeriesDataSet
    from pytorch_forecasting.data import GroupNormalizer, NaNLabelEncoder

    scaling = Scaling.fit(frame)
    names = dict(zip(scaling.reals, input_names(scaling), strict=True))
    target = names[frame.metrics[0]]
    time_of_day = calendar(frame.time, frame.step_seconds)
    columns = {names[name]: time_of_day[:, at] for at, name in enumerate(CALENDAR)}
    columns |= {names[name]: frame.values[:, at] for at, name in enumerate(frame.metrics)}
    rows = frame.to_pandas()[["server", "time"]]
    encoders = {name: NaNLabelEncoder(add_nan=True) for name in ("server", "__group_id__server")}
    return TimeSeriesDataSet(
        pd.concat([rows, pd.DataFrame(columns)], axis=1),
        time_idx="time",
        target=target,
        group_ids=["server"],
        max_encoder_length=config.encoder_length,
        max_prediction_length=config.horizon,
        min_encoder_length=config.encoder_length,
        min_prediction_length=config.horizon,
        static_categoricals=["server"],
        time_varying_known_reals=[names[name] for name in (*CALENDAR, *frame.known)],
        time_varying_unknown_reals=[names[m] for m in frame.metrics if m not in frame.known],
        target_normalizer=GroupNormalizer(groups=["server"]),
        categorical_encoders=encoders,
        add_relative_time_idx=True,
        add_target_scales=True,
    )


def retrain(
    frame: MetricFrame,
    config: ModelConfig,
    *,
    n_epochs: int = 2,
    batch_size: int = 64,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Forecaster:
    """Return a model trained from scratch by Lightning's `Trainer` on stock data loaders.

    Nothing is logged or written.

    Parameters
    ----------
    frame : MetricFrame
        Without gaps.
    config : ModelConfig
    n_epochs, batch_size : int
    learning_rate : float
        Constant.
    seed : int
        Of weights, order and dropout; the random state of torch is restored.
    """
    import torch
    from lightning.pytorch import Trainer

    integer("n_epochs", n_epochs)
    model = Forecaster(config, Scaling.fit(frame), seed=seed)
    model.net.hparams.learning_rate = number("learning_rate", learning_rate, above=0)
    with torch.random.fork_rng(devices=[]), quiet_lightning():
        torch.manual_seed(seed)
        loader = stock_dataset(frame, config).to_dataloader(
            train=True, batch_size=integer("batch_size", batch_size), num_workers=0
        )
        trainer = Trainer(
            max_epochs=n_epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
        )
        trainer.fit(model.net, loader)
    trained = Forecaster(config, model.scaling)  # without what the Trainer leaves in the module
    trained.set_weights(model.weights())
    return trained


class PeriodicRetraining:
    """Replace the model by one trained from scratch on the last days: the costly baseline.

    Parameters
    ----------
    model : Forecaster
        In production until the first retraining.
    base : MetricFrame
        Rows before the stream.
    every_hours : int
        Event time between two retrainings.
    window_days : int
        Event time that the training rows cover.
    n_epochs : int
    seed : int

    Attributes
    ----------
    production : Forecaster
    """

    def __init__(
        self,
        model: Forecaster,
        base: MetricFrame,
        *,
        every_hours: int = 24,
        window_days: int = 30,
        n_epochs: int = 2,
        seed: int = 0,
    ) -> None:
        self.production = model
        self.every_hours = integer("every_hours", every_hours)
        self.n_epochs = integer("n_epochs", n_epochs)
        self.buffer = SlidingWindowBuffer(24 * integer("window_days", window_days))
        self.buffer.add(base)
        self._seed = seed
        self._trained_at = base.span[1]

    def update(self, frame: MetricFrame) -> UpdateResult:
        """Add rows, and train anew if it is time."""
        self.production.scaling.check(frame)
        self.buffer.add(frame)
        rows = self.buffer.get_window()
        end, step = rows.span[1], rows.step_seconds
        if (end - self._trained_at) * step < 3600 * self.every_hours:
            return UpdateResult(accepted=False, reason="not yet", at=float(end * step))
        self._trained_at = end
        self.production = retrain(
            rows, self.production.config, n_epochs=self.n_epochs, seed=self._seed
        )
        return UpdateResult(accepted=True, reason="retrained", at=float(end * step))
