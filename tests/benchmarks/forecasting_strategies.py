"""Strategies of online training on simulated fleets: error, cost, forgetting, adaptation.

    OMP_NUM_THREADS=1 python tests/benchmarks/forecasting_strategies.py [SEEDS] [SITUATION ...]

CPU seconds are those of the updates. Two weeks follow the change; the static model is the base
model, trained on 28 days before it; daily retraining trains on 30 days with Lightning.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from coursekit.forecasting.buffers import ReservoirBuffer
from coursekit.forecasting.config import ModelConfig, OnlineConfig
from coursekit.forecasting.continual import (
    DriftBoost,
    PeriodicRetraining,
    Replay,
    SlidingWindow,
    train,
)
from coursekit.forecasting.fleet import MetricFrame, simulated_fleet
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.prequential import KeepsUpToDate, Static, run_prequential
from coursekit.forecasting.safety import AnchorGate, HoldOut, RecentGate, Screen
from coursekit.forecasting.trainer import OnlineTrainer
from coursekit.learning.drift.detectors.page_hinkley import PageHinkley

CHANGE = 28 * 24
MODEL = ModelConfig()
ONLINE = OnlineConfig(
    strategy="sliding_window",
    update_frequency_minutes=360,
    min_samples_for_update=200,
    replay_buffer_size=5000,
    sliding_window_hours=72,
    online_learning_rate=0.005,
)
Make = Callable[[Forecaster, MetricFrame], KeepsUpToDate]


def online(config: OnlineConfig = ONLINE, **settings: object) -> Make:
    return lambda model, base: OnlineTrainer(model, config, base, **settings)  # type: ignore[arg-type]


def replay(model: Forecaster, base: MetricFrame, **settings: object) -> OnlineTrainer:
    method = Replay(0.5, ReservoirBuffer(5000))
    return OnlineTrainer(model, ONLINE, base, method=method, **settings)  # type: ignore[arg-type]


def guarded(model: Forecaster, base: MetricFrame) -> OnlineTrainer:
    """Replay as a dual model, with an anchor with slack and a screen."""
    windows = model.windows(base).take()
    anchor = HoldOut(windows=windows.take(slice(0, None, 20)))
    gates = [RecentGate(tolerance=0.05), AnchorGate(anchor=anchor, base_error=anchor.error(model))]
    return OnlineTrainer(
        model,
        ONLINE.with_settings(enable_rollback=False),
        base,
        method=Replay(0.5, ReservoirBuffer(5000)),
        gates=gates,
        screen=Screen.fit(windows),
    )


STRATEGIES: dict[str, Make] = {
    "static": lambda model, base: Static(model),
    "sliding": online(gates=[], method=SlidingWindow()),
    "replay": lambda model, base: replay(model, base, gates=[]),
    "triggered": lambda model, base: replay(model, base, gates=[], boost=DriftBoost(factor=3.0)),
    "guarded": guarded,
    "daily": lambda model, base: PeriodicRetraining(model, base),
}


def base_model(base: MetricFrame, seed: int) -> Forecaster:
    model = Forecaster(MODEL, Scaling.fit(base), seed=seed)
    train(model, model.windows(base), n_epochs=2, seed=seed)
    return model


def run(situation: str, seed: int) -> None:
    frame = simulated_fleet(situation, seed=seed).frame
    base, stream = frame.between(0, CHANGE), frame.between(CHANGE, 10**9)
    old = simulated_fleet("steady", seed=seed).frame.between(CHANGE, 10**9)
    model = base_model(base, seed)
    usual = model.errors(model.windows(old).take()).mean()
    for name, make in STRATEGIES.items():
        strategy = make(model, base)
        detector = PageHinkley(delta=0.3 * usual, threshold=20 * 0.3 * usual, direction="up")
        alarm = getattr(strategy, "alarm", None)
        began = time.process_time()
        found = run_prequential(strategy, base, stream, detector=detector, on_alarm=alarm)
        total = time.process_time() - began
        now = strategy.production
        print(
            f"{situation:12} {seed:2} {name:10} error {found.mean_error():5.2f} "
            f"day 2 {found.mean_error(CHANGE + 24, CHANGE + 48):5.2f} "
            f"late {found.mean_error(CHANGE + 168):5.2f} "
            f"adapt {found.steps_to_adapt(CHANGE, 2 * usual)!s:>4} "
            f"old {now.errors(now.windows(old).take()).mean():5.2f} "
            f"coverage {found.mean_coverage():.2f} alarms {len(found.alarms):2} "
            f"accepted {np.mean([u.accepted for u in found.updates]):.2f} "
            f"cpu {found.cpu_seconds:6.1f} ({total:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for situation in sys.argv[2:] or ("shift", "steady", "poisoning", "recurring"):
        for seed in range(seeds):
            run(situation, seed)
