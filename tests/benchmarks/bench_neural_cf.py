"""Neural collaborative filtering: the step of everybody's first PyTorch version, ours, and by hand (run by `make bench`).

CPU time of one thread. 10,000 users x 10,000 items, embeddings of 64, hidden layers of 128 and 64, float32. The peers' environment
has no PyTorch: where it is missing, the script starts itself again with the course's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from coursekit.core.events import Chunk
from coursekit.datasets.ratings import read_ratings
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.neural_cf import (
    OnlineNeuralCollaborativeFiltering,
    one_torch_thread,
)
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering

DATA = Path(os.environ.get("COURSEKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
SIZE = 10_000


def uniform_stream(n: int, seed: int = 0) -> Chunk:
    rng = np.random.default_rng(seed)
    users, items = rng.integers(SIZE, size=n), rng.integers(SIZE, size=n)
    return Chunk(user_ids=users, item_ids=items, targets=rng.normal(3.5, 1.0, n))


def plain_pytorch(sparse: bool) -> Callable[[Chunk], None]:
    """The usual module, with dense Adam on everything or with the best of PyTorch's own sparse optimisers."""
    import torch

    users = torch.nn.Embedding(SIZE, 64, sparse=sparse)
    items = torch.nn.Embedding(SIZE, 64, sparse=sparse)
    layers = torch.nn.Sequential(
        torch.nn.Linear(128, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )
    tables = [users.weight, items.weight]
    if sparse:
        optimizers = [
            torch.optim.Adagrad(tables, lr=0.1),
            torch.optim.SGD(layers.parameters(), lr=0.003),
        ]
    else:
        optimizers = [torch.optim.Adam([*tables, *layers.parameters()], lr=0.001)]

    def step(chunk: Chunk) -> None:
        at_users, at_items = torch.tensor(chunk.user_ids), torch.tensor(chunk.item_ids)
        targets = torch.tensor(chunk.targets, dtype=torch.float32)
        outputs = layers(torch.cat([users(at_users), items(at_items)], dim=1)).squeeze(1)
        loss = torch.nn.functional.mse_loss(outputs, targets)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def speed(rounds: int) -> None:
    """µs of CPU per sample, by batch size; all ids are known."""
    known = uniform_stream(20_000, seed=1)
    torch_model, by_hand = (
        OnlineNeuralCollaborativeFiltering(),
        CompiledNeuralCollaborativeFiltering(),
    )
    by_hand.predict_then_learn_many(known)
    torch_model.set_model_state(by_hand.get_model_state())
    single = [*uniform_stream(1000, seed=2)]
    chunks = {
        size: [*uniform_stream(max(3000, 8 * size), seed=2).chunks(size)] for size in (32, 256)
    }

    def one_by_one(learner: OnlineLearner) -> Callable[[], int]:
        def run() -> int:
            for sample in single:
                learner.partial_fit(sample)
            return len(single)

        return run

    def batches(step: Callable[[Chunk], object], size: int) -> Callable[[], int]:
        def run() -> int:
            for chunk in chunks[size]:
                step(chunk)
            return sum(map(len, chunks[size]))

        return run

    dense, sparse = plain_pytorch(sparse=False), plain_pytorch(sparse=True)
    of_one = [Chunk.of([sample]) for sample in single[:300]]

    def ones(step: Callable[[Chunk], object]) -> Callable[[], int]:
        def run() -> int:
            for chunk in of_one:
                step(chunk)
            return len(of_one)

        return run

    cases = {
        "PyTorch, dense Adam": [ones(dense), batches(dense, 32), batches(dense, 256)],
        "PyTorch, its sparse AdaGrad and SGD": [ones(sparse), batches(sparse, 32), batches(sparse, 256)],
        "ours, PyTorch": [one_by_one(torch_model), batches(torch_model.batch_update, 32), batches(torch_model.batch_update, 256)],
        "ours, by hand": [one_by_one(by_hand), batches(by_hand.batch_update, 32), batches(by_hand.batch_update, 256)],
        "ours, by hand, chunks one after the other": [
            None, batches(by_hand.partial_fit_many, 32), batches(by_hand.partial_fit_many, 256)
        ],
    }  # fmt: skip
    best = {name: [np.inf] * 3 for name in cases}
    for _ in range(rounds):
        for name, works in cases.items():
            for at, work in enumerate(works):
                if work is not None:
                    began = time.process_time()
                    n = work()
                    best[name][at] = min(best[name][at], (time.process_time() - began) / n * 1e6)
    print("\n| µs per sample | one by one | batches of 32 | of 256 |\n|---|---|---|---|")
    for name, row in best.items():
        print(
            f"| {name} | {' | '.join('' if np.isinf(cell) else f'{cell:.1f}' for cell in row)} |",
            flush=True,
        )


def accuracy() -> None:
    """Progressive RMSE, predicted on arrival, by batch size: the price of batching."""
    for name, file, clip in (
        ("ml-latest-small", "ml-latest-small/ratings.csv.gz", (0.5, 5.0)),
        ("MovieTweetings", "movietweetings-100k/ratings.dat.gz", (0.0, 10.0)),
    ):
        stream = read_ratings(DATA / file)
        n = len(stream)

        def rmse(
            learner: OnlineLearner,
            size: int,
            stream: Chunk = stream,
            clip: tuple[float, float] = clip,
        ) -> float:
            parts = [
                learner.predict_then_learn_many(chunk)
                if size == 1
                else learner.predict_then_batch_update(chunk)
                for chunk in stream.chunks(4096 if size == 1 else size)
            ]
            predictions = np.clip(np.concatenate(parts), *clip)
            return float(np.sqrt(np.mean((predictions - stream.targets) ** 2)))

        print(
            f"\n| {name}, {n:,} ratings, RMSE on arrival | one by one | 8 | 32 | 128 | 256 |\n|---|---|---|---|---|---|"
        )
        for label, make in (
            ("neural CF, by hand, defaults", CompiledNeuralCollaborativeFiltering),
            (
                "the same, rates x 10",
                lambda: CompiledNeuralCollaborativeFiltering(
                    learning_rate=0.03, embedding_rate=0.1
                ),
            ),
            ("MF, 10 factors, defaults", lambda: OnlineMatrixFactorization(10)),
        ):
            cells = [f"{rmse(make(), size):.4f}" for size in (1, 8, 32, 128, 256)]
            print(f"| {label} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["speed", "accuracy"], action="append")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        own = Path(__file__).parents[2] / ".venv" / "bin" / "python"
        sys.exit(subprocess.run([own, *sys.argv], check=False).returncode)
    warnings.filterwarnings(
        "ignore", message="Sparse invariant checks"
    )  # of PyTorch's own sparse AdaGrad
    parts = {"speed": lambda: speed(arguments.rounds), "accuracy": accuracy}
    with one_torch_thread():
        for name in arguments.part or parts:
            parts[name]()


if __name__ == "__main__":
    main()
