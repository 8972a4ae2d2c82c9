"""The manager: what it costs, how soon it recovers from drift, which answer to drift helps on a real stream (`make bench`).

CPU time of one thread, cases interleaved, best of several rounds. Recovery: losses are averaged over the seeds, event by event; the
learner has recovered when the RMSE of the next 100 events is within 5 % of that of the 1,000 events before the shift.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from coursekit.core.events import Chunk
from coursekit.datasets.streams import AbruptDrift, rating_stream
from coursekit.learning.adaptation.manager import LearningMode, OnlineLearningManager
from coursekit.learning.adaptation.monitor import PeriodicAlarm, zero_one_error
from coursekit.learning.adaptation.responses import (
    Boost,
    DriftResponse,
    NoResponse,
    PairedLearner,
    Reset,
)
from coursekit.learning.drift import BernoulliGLR
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.optim import SGD, AdaGrad

DATA = Path(os.environ.get("COURSEKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# ---- what managing costs


def bare(learner: OnlineLearner, stream: Chunk) -> None:
    for chunk in stream.chunks(32):
        learner.partial_fit_many(chunk)


def managed(learner: OnlineLearner, stream: Chunk, **settings: object) -> None:
    OnlineLearningManager(learner, "mini_batch", response=NoResponse(), **settings).process_many(
        stream
    )


def overhead(rounds: int) -> None:
    """The bare learner in a loop over chunks of 32, and the manager over the same stream; both know all ids."""
    cases: dict[str, Callable[[OnlineLearner, Chunk], None]] = {
        "bare": bare,
        "managed, no detector": partial(
            managed, enable_drift_detection=False, checkpoint_interval=0
        ),
        "with its detector": partial(managed, checkpoint_interval=0),
        "and a checkpoint per 1000": managed,
    }
    print(f"\n| 32,000 events, µs per chunk of 32 | {' | '.join(cases)} |")
    print("|---|" + "---|" * len(cases))
    for n_users, n_items in ((100, 200), (943, 1682)):
        stream = rating_stream(32_000, n_users, n_items, seed=0, drift=None)
        for n_factors in (10, 50):
            learner = OnlineMatrixFactorization(n_factors)
            learner.partial_fit_many(stream)
            state = learner.get_model_state()
            best = dict.fromkeys(cases, np.inf)
            for _ in range(rounds):
                for name, case in cases.items():
                    learner.set_model_state(state)
                    best[name] = min(
                        best[name], cpu_seconds(partial(case, learner, stream)) / 1000 * 1e6
                    )
            first, *others = best.values()
            cells = [f"{first:.1f}", *(f"{each:.1f} ({each / first - 1:+.0%})" for each in others)]
            print(
                f"| {n_users} x {n_items}, {n_factors} factors | {' | '.join(cells)} |", flush=True
            )


# ---- recovery


def losses_of(
    optimizer: str, mode: LearningMode, size: float, n_seeds: int, detects: bool
) -> np.ndarray:
    losses = []
    for seed in range(n_seeds):
        stream = rating_stream(10_000, seed=seed, drift=AbruptDrift(size=size))
        learner = OnlineMatrixFactorization(10, optimizer=optimizer, seed=seed)
        manager = OnlineLearningManager(
            learner, mode, enable_drift_detection=detects, checkpoint_interval=0
        )
        losses.append(manager.process_many(stream).losses)
    return np.mean(losses, axis=0)


def events_to_recover(losses: np.ndarray, at: int = 5000, window: int = 100) -> int:
    before = np.sqrt(losses[at - 1000 : at].mean())
    after = np.sqrt(np.convolve(losses[at:], np.ones(window) / window, "valid"))
    recovered = np.flatnonzero(after <= 1.05 * before)
    return int(recovered[0]) if recovered.size else len(losses) - at


def recovery(n_seeds: int) -> None:
    print(
        f"\n| events to recover, {n_seeds} seeds | mini-batch, no detection | batch | mini-batch | single sample | adaptive | ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    for size in (0.5, 1.0):
        for optimizer in ("sgd", "adagrad", "belief"):
            found = {}
            for name, mode, detects in (
                ("baseline", LearningMode.MINI_BATCH, False),
                *((mode.value, mode, True) for mode in LearningMode),
            ):
                found[name] = events_to_recover(losses_of(optimizer, mode, size, n_seeds, detects))
            ratio = found["adaptive"] / found["baseline"]
            row = [
                f"{found[name]:,}"
                for name in ("baseline", "batch", "mini_batch", "single_sample", "adaptive")
            ]
            print(
                f"| {optimizer}, all ratings +{size} | {' | '.join(row)} | **{ratio:.2f}** |",
                flush=True,
            )


# ---- a real stream


def elec2() -> Chunk:
    with gzip.open(DATA / "elec2" / "electricity.csv.gz", "rt") as file:
        names = file.readline().strip().split(",")[:-1]
        table = np.loadtxt(file, delimiter=",")
    n = len(table)
    features = [dict(zip(names, row, strict=True)) for row in table[:, :-1].tolist()]
    return Chunk(user_ids=[0] * n, item_ids=[0] * n, targets=table[:, -1], features=features)


def error_with(
    stream: Chunk, learner: OnlineLearner, detector: object, response: DriftResponse
) -> tuple[float, int]:
    manager = OnlineLearningManager(
        learner,
        "single_sample",
        detector=detector,
        monitor=zero_one_error,
        response=response,
        checkpoint_interval=0,
    )
    report = manager.process_many(stream)
    return float(np.mean((report.predictions >= 0.5) != stream.targets)), len(report.drift_at)


def responses() -> None:
    from river import drift

    stream = elec2()
    y = stream.targets
    print(
        f"\nElec2, {len(stream):,} events; the label before as the answer: {np.mean(y[1:] != y[:-1]):.4f}\n"
    )
    detectors: dict[str, Callable[[], object]] = {
        "our GLR": lambda: BernoulliGLR(direction="up"),
        "river's ADWIN": drift.ADWIN,
        "river's DDM": drift.binary.DDM,
        "every 200 events": lambda: PeriodicAlarm(period=200),
    }
    answers: dict[str, Callable[[], DriftResponse]] = {
        "nothing": NoResponse,
        "reset": Reset,
        "second model": PairedLearner,
        "boost (default)": Boost,
        "boost x 5 for 1000": lambda: Boost(factor=5.0, n_samples=1000),
    }
    optimizers = {"SGD 0.05": SGD(0.05), "AdaGrad 0.2": AdaGrad(0.2)}
    for name, optimizer in optimizers.items():
        print(f"| logistic regression, {name}: error (alarms) | {' | '.join(answers)} |")
        print("|---|" + "---|" * len(answers))
        for detector_name, detector in detectors.items():
            cells = []
            for answer in answers.values():
                learner = OnlineLinearModel("logistic", optimizer, use_ids=False)
                error, n_alarms = error_with(stream, learner, detector(), answer())
                cells.append(f"{error:.4f} ({n_alarms})")
            print(f"| {detector_name} | {' | '.join(cells)} |", flush=True)
        print()
    print("Control, no response, other constant rates of SGD: ", end="")
    for rate in (0.02, 0.1, 0.25, 0.5, 1.0):
        learner = OnlineLinearModel("logistic", SGD(rate), use_ids=False)
        print(
            f"{rate}: {error_with(stream, learner, PeriodicAlarm(period=10**9), NoResponse())[0]:.4f}",
            end="; ",
            flush=True,
        )
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["overhead", "recovery", "responses"], action="append")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="A NumPy version")  # a peer's dependency
    parts = {
        "overhead": lambda: overhead(arguments.rounds),
        "recovery": lambda: recovery(arguments.seeds),
        "responses": responses,
    }
    for name in arguments.part or parts:
        parts[name]()


if __name__ == "__main__":
    main()
