"""Cost of online training of a Temporal Fusion Transformer, beside stock pytorch-forecasting and Lightning (`make bench`).

CPU time of one thread, both sides interleaved in one run, median over rounds. Stock: `TimeSeriesDataSet.to_dataloader`, `Trainer.fit`
(no logger, no progress bar, no checkpoints), `model.predict(frame)`. Ours: windows cut by index, `optimisation_step`,
`Forecaster.predict`. Both train the same network on the same windows in the same order, without dropout; the loss curves are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np

from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.continual import fused_adam, optimisation_step
from coursekit.forecasting.continual.periodic import stock_dataset
from coursekit.forecasting.fleet import simulated_fleet
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.network import quiet_lightning

BATCH = 64
QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def cpu_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def without_dropout(model: Forecaster) -> Forecaster:
    import torch

    for module in model.net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def row(name: str, ours: list[float], stock: list[float], bar: float) -> None:
    a, b = statistics.median(ours), statistics.median(stock)
    print(f"{name:34} {a:9.2f} {b:9.2f} {a / b:8.3f}   (bar {bar:.2f})", flush=True)


def batches(rounds: int) -> None:
    frame = simulated_fleet("steady").frame
    config = ModelConfig()
    model = Forecaster(config, Scaling.fit(frame))
    with quiet_lightning():
        dataset = stock_dataset(frame, config)
        windows = model.windows(frame)
        loader = iter(dataset.to_dataloader(train=True, batch_size=BATCH))
        rng = np.random.default_rng(0)
        ours, stock = [], []
        for _ in range(rounds):
            chosen = rng.integers(len(windows), size=(20, BATCH))
            ours.append(cpu_ms(lambda: [windows.take(at).batch(24) for at in chosen]) / 20)  # noqa: B023
            stock.append(cpu_ms(lambda: [next(loader) for _ in range(20)]) / 20)
    row("one batch of 64 windows, ms", ours, stock, 0.02)


def steps(rounds: int) -> None:
    from lightning.pytorch import Callback, Trainer

    frame = simulated_fleet("steady").frame.between(0, 7 * 24)
    config = ModelConfig()
    ours, stock, curves = [], [], []
    for _ in range(rounds):
        model, theirs = (without_dropout(Forecaster(config, Scaling.fit(frame))) for _ in range(2))
        theirs.net.hparams.learning_rate = 0.01
        seen: list[float] = []

        class Losses(Callback):
            def on_train_batch_end(self, trainer, module, outputs, batch, at):  # type: ignore[no-untyped-def]
                seen.append(float(outputs["loss"]))  # noqa: B023

        with quiet_lightning():
            loader = stock_dataset(frame, config).to_dataloader(train=False, batch_size=BATCH)
            trainer = Trainer(max_epochs=1, gradient_clip_val=1.0, callbacks=[Losses()], **QUIET)
            stock.append(cpu_ms(lambda: trainer.fit(theirs.net, loader)) / len(loader))  # noqa: B023
        windows, optimizer = model.windows(frame), fused_adam(model, 0.01)
        curve: list[float] = []

        def loop() -> None:
            for at in range(0, len(windows), BATCH):  # noqa: B023
                batch = windows.take(slice(at, at + BATCH))  # noqa: B023
                curve.append(float(optimisation_step(model, optimizer, batch).mean()))  # noqa: B023

        ours.append(cpu_ms(loop) / len(loader))
        curves.append(float(np.max(np.abs(np.array(curve) / seen - 1))))
    row("one training step of 64 windows, ms", ours, stock, 0.65)
    print(f"{'largest relative difference of losses':34} {max(curves):9.1e}")


def predictions(rounds: int) -> None:
    import pandas as pd

    frame = simulated_fleet("steady", n_servers=16).frame
    config = ModelConfig()
    model = Forecaster(config, Scaling.fit(frame))
    with quiet_lightning():
        dataset = stock_dataset(frame, config)
        from pytorch_forecasting import QuantileLoss, TemporalFusionTransformer

        stock_model = TemporalFusionTransformer.from_dataset(
            dataset,
            hidden_size=config.hidden_size,
            hidden_continuous_size=config.hidden_continuous_size,
            attention_head_size=config.attention_heads,
            output_size=3,
            loss=QuantileLoss(list(config.quantiles)),
        )
        recent = frame.tail(config.encoder_length)
        table = _stock_frame(recent.with_future(config.horizon), dataset)
        assert isinstance(table, pd.DataFrame)
        ours, stock = [], []
        for _ in range(5 * rounds):
            ours.append(cpu_ms(lambda: model.predict(recent)))
            stock.append(cpu_ms(lambda: stock_model.predict(table, trainer_kwargs=dict(QUIET))))
    row("one horizon for 16 servers, ms", ours, stock, 0.20)
    print(f"{'':34} (bar 10 ms)")


def _stock_frame(frame, dataset):  # type: ignore[no-untyped-def]
    """Return a frame as the table that the stock data set was made of."""
    from coursekit.forecasting.fleet.scaling import CALENDAR, calendar

    table = frame.to_pandas()[["server", "time"]]
    at = calendar(frame.time, frame.step_seconds)
    for number, name in enumerate(CALENDAR):
        table[name] = at[:, number]
    inputs = [name for name in dataset.reals if name.startswith("input")]
    metrics = [name for name in inputs if not name.endswith(("_center", "_scale"))]
    for name in metrics:
        number = int(name[len("input")])
        table[name] = frame.values[:, number]
    return table


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'':34} {'ours':>9} {'stock':>9} {'ratio':>8}")
    batches(rounds)
    predictions(rounds)
    steps(rounds)
