"""Matrix factorization and factorization machines beside river: speed, accuracy, memory, state (run by `make bench`).

CPU time of one thread, cases interleaved, best of several rounds. Both sides get the same events in time order; events are made
before the clock starts, on both sides. Predictions are clipped to the rating scale, on both sides. Tuning: the same number of
random settings for every learner, progressively scored on the same data.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import load_state, save_state
from coursekit.datasets.ratings import read_ratings
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.optim import SGD, AdaGrad, GaussianBelief, Optimizer

DATA = Path(os.environ.get("COURSEKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
STREAMS = {
    "ml-latest-small": ("ml-latest-small/ratings.csv.gz", (0.5, 5.0)),
    "movietweetings": ("movietweetings-100k/ratings.dat.gz", (0.0, 10.0)),
}

FILMS = {
    "ml-latest-small": ("ml-latest-small/movies.csv.gz", ","),
    "movietweetings": ("movietweetings-100k/movies.dat.gz", "::"),
}


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def best_rates(
    cases: dict[str, Callable[[], Callable[[], object]]], n: int, rounds: int
) -> dict[str, float]:
    """Samples per CPU second of each case, the rounds interleaved; `cases[name]()` prepares and returns what is timed."""
    rates = dict.fromkeys(cases, 0.0)
    for _ in range(rounds):
        for name, prepare in cases.items():
            rates[name] = max(rates[name], n / cpu_seconds(prepare()))
    return rates


# ---- speed


def river_run(model: object, events: list[tuple[object, object, float]]) -> Callable[[], None]:
    def run() -> None:
        for user, item, target in events:
            model.predict_one(user, item)
            model.learn_one(user, item, target)

    return run


def river_fm_run(model: object, events: list[tuple[dict[str, str], float]]) -> Callable[[], None]:
    def run() -> None:
        for x, target in events:
            model.predict_one(x)
            model.learn_one(x, target)

    return run


def one_by_one(model: object, samples: list[OnlineSample]) -> Callable[[], None]:
    def run() -> None:
        for sample in samples:
            model.partial_fit(sample)

    return run


def in_chunks(model: object, chunks: list[Chunk]) -> Callable[[], None]:
    def run() -> None:
        for chunk in chunks:
            model.partial_fit_many(chunk)

    return run


def speed(stream: Chunk, rounds: int) -> None:
    from river import facto, optim, reco

    samples = list(stream)
    triples = [(sample.user_id, sample.item_id, sample.target) for sample in samples]
    one_hots = [({"user": str(user), "item": str(item)}, target) for user, item, target in triples]
    cuts = (
        ("one by one", one_by_one, samples),
        ("chunks of 256", in_chunks, list(stream.chunks(256))),
        ("chunks of 4096", in_chunks, list(stream.chunks(4096))),
    )
    warm_up(stream)

    def ours(
        Learner: type, optimizers: tuple[str, ...], k: int
    ) -> dict[str, Callable[[], Callable[[], None]]]:
        """One case for each optimizer and cut; each round starts with a new learner."""
        return {
            f"ours, {name}, {how}": lambda name=name, drive=drive, events=events: drive(
                Learner(k, optimizer=name), events
            )
            for name in optimizers
            for how, drive, events in cuts
        }

    def river_mf(k: int) -> object:
        return reco.BiasedMF(
            n_factors=k, bias_optimizer=optim.SGD(0.03), latent_optimizer=optim.SGD(0.03), seed=1
        )

    for k in (10, 50):
        families = {
            "matrix factorization": {
                "river BiasedMF": lambda k=k: river_run(river_mf(k), triples),
                **ours(OnlineMatrixFactorization, ("sgd", "adagrad", "belief"), k),
            },
            "matrix factorization, second pass (no new ids)": {
                "river BiasedMF": lambda k=k: second_pass(river_run(river_mf(k), triples)),
                **{
                    name: lambda prepare=prepare: second_pass(prepare())
                    for name, prepare in ours(
                        OnlineMatrixFactorization, ("sgd", "belief"), k
                    ).items()
                },
            },
            "factorization machine": {
                "river FMRegressor": lambda k=k: river_fm_run(
                    facto.FMRegressor(n_factors=k, intercept=3.5, seed=1), one_hots
                ),
                **ours(OnlineFactorizationMachine, ("sgd", "belief"), k),
            },
        }
        for family, cases in families.items():
            rates = best_rates(cases, len(stream), rounds)
            print(
                f"\n{family}, {k} factors\n\n| learner | samples per CPU second | x river |\n|---|---|---|"
            )
            own = next(iter(rates.values()))
            for name, rate in rates.items():
                print(f"| {name} | {rate:,.0f} | {rate / own:.1f} |", flush=True)


def second_pass(run: Callable[[], None]) -> Callable[[], None]:
    run()
    return run


def warm_up(stream: Chunk) -> None:
    """Compile, so that no case pays for it."""
    for k in (10, 50):
        for name in ("sgd", "adagrad", "belief"):
            for learner in (
                OnlineMatrixFactorization(k, optimizer=name),
                OnlineFactorizationMachine(k, optimizer=name),
            ):
                learner.partial_fit(stream[0])
                learner.partial_fit_many(stream.slice(0, 300))


# ---- accuracy


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def river_candidates(kind: str, k: int, budget: int) -> Iterator[Callable[[], object]]:
    from river import optim, reco

    rng = np.random.default_rng(1)
    for _ in range(budget):
        bias, latent = (
            (log_uniform(rng, 0.01, 0.1), log_uniform(rng, 0.01, 0.1))
            if kind == "SGD"
            else (log_uniform(rng, 0.1, 0.8), log_uniform(rng, 0.03, 0.4))
        )
        l2_bias, l2_latent, scale = (
            log_uniform(rng, 1e-3, 0.1),
            log_uniform(rng, 1e-3, 0.1),
            log_uniform(rng, 0.01, 0.2),
        )
        optimizer = optim.SGD if kind == "SGD" else optim.AdaGrad
        yield (
            lambda bias=bias, latent=latent, l2_bias=l2_bias, l2_latent=l2_latent, scale=scale, optimizer=optimizer: (
                reco.BiasedMF(
                    n_factors=k,
                    bias_optimizer=optimizer(bias),
                    latent_optimizer=optimizer(latent),
                    l2_bias=l2_bias,
                    l2_latent=l2_latent,
                    latent_initializer=optim.initializers.Normal(sigma=scale, seed=1),
                )
            )
        )


def our_candidates(
    kind: str, k: int, budget: int
) -> Iterator[Callable[[], OnlineMatrixFactorization]]:
    rng = np.random.default_rng(1)
    for _ in range(budget):
        if kind == "belief":
            settings: dict[str, Any] = {
                "optimizer": GaussianBelief(
                    noise=log_uniform(rng, 0.15, 1.5),
                    bias_variance=log_uniform(rng, 0.03, 0.6),
                    factor_variance=log_uniform(rng, 0.01, 0.12),
                    bias_walk=log_uniform(rng, 3e-5, 2e-3),
                    factor_walk=log_uniform(rng, 1e-6, 1e-4),
                )
            }
        else:
            bounds = [(0.02, 0.2)] * 2 if kind == "sgd" else [(0.1, 0.8), (0.03, 0.4)]
            bias_rate, rate = (log_uniform(rng, *each) for each in bounds)
            bias_penalty, penalty = (log_uniform(rng, 1e-3, 0.1) for _ in range(2))
            optimizer: Optimizer = SGD(rate)
            if kind == "adagrad":
                optimizer = AdaGrad(rate, initial_memory=log_uniform(rng, 0.01, 2.0))
            settings = {"optimizer": optimizer, "bias_rate": bias_rate, "regularization": penalty}
            settings |= {"user_bias_reg": bias_penalty, "item_bias_reg": bias_penalty}
        settings["initial_scale"] = log_uniform(rng, 0.01, 0.2)
        yield lambda settings=settings: OnlineMatrixFactorization(k, **settings, seed=1)


def with_genres(stream: Chunk, path: str, separator: str) -> Chunk:
    """The stream with the genres of its films as side features, each event's of length 1."""
    text = gzip.decompress((DATA / path).read_bytes()).decode()
    rows = (
        csv.reader(text.splitlines())
        if separator == ","
        else (line.split(separator) for line in text.splitlines())
    )
    genres = {row[0].lstrip("0"): row[2].split("|") for row in rows if len(row) >= 3}
    features = []
    for item in stream.item_ids:
        names = genres.get(str(item).lstrip("0"), [])
        features.append({f"genre={name}": len(names) ** -0.5 for name in names})
    return Chunk(
        user_ids=stream.user_ids,
        item_ids=stream.item_ids,
        targets=stream.targets,
        features=features,
    )


def river_rmse(model: object, stream: Chunk, scale: tuple[float, float]) -> float:
    predictions = np.empty(len(stream))
    for at, (user, item, target) in enumerate(
        zip(stream.user_ids, stream.item_ids, stream.targets.tolist(), strict=True)
    ):
        predictions[at] = model.predict_one(user, item)
        model.learn_one(user, item, target)
    return rmse(predictions, stream, scale)


def our_rmse(model: OnlineMatrixFactorization, stream: Chunk, scale: tuple[float, float]) -> float:
    return rmse(model.predict_then_learn_many(stream), stream, scale)


def rmse(predictions: np.ndarray, stream: Chunk, scale: tuple[float, float]) -> float:
    return float(np.sqrt(np.mean((stream.targets - np.clip(predictions, *scale)) ** 2)))


def accuracy(name: str, stream: Chunk, scale: tuple[float, float], budget: int) -> None:
    print(
        f"\n{name}, {len(stream):,} ratings in time order, {budget} random settings for each tuned learner\n"
    )
    print("| learner | RMSE at its defaults | best of the settings |\n|---|---|---|")
    k = 10
    print(f"| ours, biases alone | {our_rmse(OnlineMatrixFactorization(0), stream, scale):.4f} | |")
    for kind in ("SGD", "AdaGrad"):
        from river import reco

        default = (
            f"{river_rmse(reco.BiasedMF(n_factors=k, seed=1), stream, scale):.4f}"
            if kind == "SGD"
            else ""
        )
        best = min(river_rmse(make(), stream, scale) for make in river_candidates(kind, k, budget))
        print(f"| river BiasedMF, {kind} | {default} | {best:.4f} |", flush=True)
    for kind in ("sgd", "adagrad", "belief"):
        default = our_rmse(OnlineMatrixFactorization(k, optimizer=kind), stream, scale)
        best = min(our_rmse(make(), stream, scale) for make in our_candidates(kind, k, budget))
        print(f"| ours, {kind} | {default:.4f} | {best:.4f} |", flush=True)
    if name in FILMS and (DATA / FILMS[name][0]).is_file():
        informed = with_genres(stream, *FILMS[name])
        print(
            f"| ours, factorization machine, belief, with genres | {our_rmse(OnlineFactorizationMachine(k), informed, scale):.4f} | |"
        )
    print(
        f"| ours, belief, 50 factors | {our_rmse(OnlineMatrixFactorization(50), stream, scale):.4f} | |"
    )


# ---- size


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def touch_memory(n_bytes: int) -> None:
    """Let a virtual machine get its memory from the host now: the first touch of a page is not ours to measure."""
    np.ones(n_bytes // 8)


def size(n_users: int, n_items: int, n_factors: int) -> None:
    print(f"\n{n_users:,} users x {n_items:,} items x {n_factors} factors, integer ids\n")
    print(
        "| optimizer | tables, MB | resident, MB | x tables | state file, MB | saved and loaded, CPU s (wall s) | equal |\n|---|---|---|---|---|---|---|"
    )
    touch_memory(4 * 10**9)
    for name in ("belief", "sgd"):
        warm_up(Chunk(user_ids=[0, 1], item_ids=[0, 1], targets=np.array([1.0, 2.0])))
        before = resident_bytes()
        model = OnlineMatrixFactorization(n_factors, optimizer=name)
        for start in range(0, n_users, 10_000):
            users = range(start, min(start + 10_000, n_users))
            model.partial_fit_many(
                Chunk(
                    user_ids=list(users),
                    item_ids=[user % n_items for user in users],
                    targets=np.full(len(users), 3.0),
                )
            )
        used = resident_bytes() - before
        tables = (n_users + n_items) * (n_factors + 1) * 8 * (1 if name == "sgd" else 2)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.state"
            twin = OnlineMatrixFactorization(n_factors, optimizer=name)

            def round_trip(
                model: OnlineMatrixFactorization = model,
                twin: OnlineMatrixFactorization = twin,
                path: Path = path,
            ) -> None:
                save_state(path, model.get_model_state(), kind="mf")
                twin.set_model_state(load_state(path, kind="mf"))

            wall = time.perf_counter()
            seconds = cpu_seconds(round_trip)
            wall = time.perf_counter() - wall
            file_size = path.stat().st_size
        users = list(range(0, n_users, 97))
        items = [user % n_items for user in users]
        equal = np.array_equal(model.predict_many(users, items), twin.predict_many(users, items))
        print(
            f"| {name} | {tables / 1e6:.0f} | {used / 1e6:.0f} | {used / tables:.2f} | {file_size / 1e6:.0f} | {seconds:.1f} ({wall:.1f}) | {equal} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--budget", type=int, default=40, help="random settings for each tuned learner"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each speed case")
    parser.add_argument("--only", choices=["speed", "accuracy", "size"], help="one part")
    options = parser.parse_args()
    streams = {
        name: (read_ratings(DATA / path), scale)
        for name, (path, scale) in STREAMS.items()
        if (DATA / path).is_file()
    }
    if not streams and options.only != "size":
        print(f"skipped: no rating sets in {DATA}; set COURSEKIT_DATA")
    for name, (stream, scale) in streams.items():
        if options.only in (None, "speed"):
            print(f"\n## Speed, {name}")
            speed(stream, options.rounds)
        if options.only in (None, "accuracy"):
            accuracy(name, stream, scale, options.budget)
    if options.only in (None, "size"):
        size(1_000_000, 100_000, 32)


if __name__ == "__main__":
    main()
