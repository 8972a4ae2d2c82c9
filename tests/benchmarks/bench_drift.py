"""Drift detectors beside river, frouros and MOA: agreement, speed, delay, false alarms, people's marks (run by `make bench`).

CPU time of one thread, rounds interleaved, best of several. One at a time means `update` and a look at the flag, on both sides. frouros
needs an environment of its own (it pins older packages), MOA a Java machine; name them to have them measured:

    python bench_drift.py --frouros /path/to/frouros/env/bin/python --moa /path/to/jpype/env/bin/python /path/to/moa.jar
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("COURSEKIT_DATA", ROOT.parent / "shared" / "data"))

N_ERRORS = 200_000
N_SLOW = 4_000  # for detectors that take a tenth of a millisecond for a value


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def errors(n: int) -> np.ndarray:
    return np.where(np.random.default_rng(0).random(n) < 0.2, 1.0, 0.0)


def reals(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=n)


# ---- agreement


def agreement(moa: list[str]) -> None:
    from peer_alarms import alarms_of_peer

    from tests.learning.drift.peer_cases import CASES, N_STREAMS

    print(f"\n## Agreement, alarm for alarm, on {N_STREAMS} streams of 2,000 values each\n")
    print("| peer | alarms | streams that agree |\n|---|---|---|")
    found = dict(alarms_of_peer("river"))
    if moa:
        script = str(Path(__file__).with_name("peer_alarms.py"))
        done = subprocess.run(
            [moa[0], script, "moa", "--jar", moa[1], "--print"],
            capture_output=True,
            text=True,
            check=True,
        )
        found |= json.loads(done.stdout.splitlines()[-1])
    for case, theirs in found.items():
        stream, make = CASES[case]
        agree = sum(
            make().update_many(stream(seed)).tolist() == theirs[seed] for seed in range(N_STREAMS)
        )
        print(f"| {case} | {sum(map(len, theirs)):,} | {agree} of {N_STREAMS} |", flush=True)


# ---- speed


def our_detectors() -> dict[str, tuple[Callable[[], Any], np.ndarray]]:
    from coursekit.learning import drift

    few, many = errors(N_SLOW), errors(N_ERRORS)
    return {
        "BernoulliGLR": (drift.BernoulliGLR, many),
        "BernoulliGLR, both": (lambda: drift.BernoulliGLR(direction="both"), many),
        "GaussianGLR, known std": (lambda: drift.GaussianGLR(std=1.0), reals(N_ERRORS)),
        "GaussianGLR": (drift.GaussianGLR, reals(N_ERRORS)),
        "GaussianGLR, autocorrelated": (
            lambda: drift.GaussianGLR(autocorrelated=True),
            reals(N_ERRORS),
        ),
        "ConceptDriftDetector": (drift.ConceptDriftDetector, many),
        "PageHinkley": (drift.PageHinkley, many),
        "DDM": (drift.DDM, many),
        "EDDM": (drift.EDDM, many),
        "HDDM_A": (drift.HDDM_A, many),
        "HDDM_W": (drift.HDDM_W, many),
        "ADWIN": (drift.ADWIN, many),
        "KSWIN": (drift.KSWIN, few),
    }


def river_detectors() -> dict[str, Callable[[], Any]]:
    from river import drift

    return {
        "PageHinkley": drift.PageHinkley,
        "DDM": drift.binary.DDM,
        "EDDM": drift.binary.EDDM,
        "HDDM_A": drift.binary.HDDMA,
        "HDDM_W": drift.binary.HDDMW,
        "ADWIN": drift.ADWIN,
        "KSWIN": lambda: drift.KSWIN(seed=1),
    }


def frouros_rates() -> dict[str, float]:
    """Runs in frouros' own environment."""
    from frouros.detectors import concept_drift as cd

    names = {
        "PageHinkley": "PageHinkley",
        "DDM": "DDM",
        "EDDM": "EDDM",
        "HDDM_A": "HDDMA",
        "HDDM_W": "HDDMW",
        "ADWIN": "ADWIN",
    }
    rates = {}
    for ours, theirs in {**names, "KSWIN": "KSWIN"}.items():
        values = errors(N_SLOW if ours in ("KSWIN", "ADWIN") else N_ERRORS // 4).tolist()
        detector = getattr(cd, theirs)()

        def run(detector: Any = detector, values: list[float] = values) -> None:
            for value in values:
                detector.update(value=value)
                if detector.drift:
                    detector.reset()

        rates[ours] = len(values) / cpu_seconds(run)
    return rates


def one_by_one(detector: Any, values: list[float]) -> Callable[[], None]:
    def run() -> None:
        for value in values:
            detector.update(value)
            if detector.drift_detected:
                pass

    return run


def in_chunks(detector: Any, values: np.ndarray, size: int) -> Callable[[], None]:
    chunks = [values[start : start + size] for start in range(0, len(values), size)]

    def run() -> None:
        for chunk in chunks:
            detector.update_many(chunk)

    return run


def speed(rounds: int, frouros: str | None) -> None:
    ours, theirs = our_detectors(), river_detectors()
    rates: dict[tuple[str, str], float] = {}

    def measure(name: str, column: str, n: int, work: Callable[[], None]) -> None:
        rates[name, column] = max(rates.get((name, column), 0.0), n / cpu_seconds(work))

    for make, values in ours.values():
        make().update_many(values[:500])  # compiles
        make().update(float(values[0]))
    for _ in range(rounds):
        for name, (make, values) in ours.items():
            as_list = values.tolist()
            measure(name, "one", len(values), one_by_one(make(), as_list))
            for size in (256, 4096):
                measure(name, str(size), len(values), in_chunks(make(), values, size))
            if name in theirs:
                measure(name, "river", len(values), one_by_one(theirs[name](), as_list))
        if frouros:
            done = subprocess.run(
                [frouros, __file__, "--role", "frouros"], capture_output=True, text=True, check=True
            )
            for name, rate in json.loads(done.stdout.splitlines()[-1]).items():
                rates[name, "frouros"] = max(rates.get((name, "frouros"), 0.0), rate)
    print("\n## Values per CPU second (errors at a rate of 0.2; real numbers for GaussianGLR)\n")
    print(
        "| detector | one at a time | chunks of 256 | chunks of 4096 | river | frouros | chunks / river | one / frouros |"
    )
    print("|---" * 8 + "|")
    for name in ours:
        one, small, large, river, other = (
            rates.get((name, key)) for key in ("one", "256", "4096", "river", "frouros")
        )
        cells = [f"{rate:,.0f}" if rate else "" for rate in (one, small, large, river, other)]
        cells += [
            f"{small / river:.1f} x" if river else "",
            f"{one / other:.1f} x" if other else "",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


# ---- what the likelihood ratio promises


def promises(n_streams: int) -> None:
    from coursekit.datasets.streams import AbruptDrift, error_stream
    from coursekit.learning.drift import BernoulliGLR, GaussianGLR
    from coursekit.learning.drift.evaluation import evaluate_detectors

    print(
        f"\n## BernoulliGLR at its default, {n_streams:,} streams of 10,000, a change in the middle of half of them\n"
    )
    calm = {
        f"rate {p}": lambda seed, p=p: error_stream(10_000, seed=seed, level=p)
        for p in (0.05, 0.2, 0.5)
    }
    jumps = {
        f"0.2 to {after}": lambda seed, after=after: error_stream(
            10_000, seed=seed, level=0.2, drift=AbruptDrift(size=after - 0.2)
        )
        for after in (0.3, 0.4, 0.5)
    }
    print(evaluate_detectors({"BernoulliGLR": BernoulliGLR}, {**calm, **jumps}, range(n_streams)))
    print("\nThe first 30 seeds alone:\n")
    print(evaluate_detectors({"BernoulliGLR": BernoulliGLR}, jumps, range(30)))

    print(
        "\n## Is the parameter true? Mean distance of false alarms, as a multiple of the wanted one (300 alarms each)\n"
    )
    print("| detector, stream | 1,000 | 10,000 | 100,000 |\n|---|---|---|---|")
    rng = np.random.default_rng(1)
    for direction in ("up", "both"):
        for p in (0.01, 0.05, 0.2, 0.5):
            cells = distances(
                partial(BernoulliGLR, direction=direction), lambda n, p=p: rng.random(n) < p
            )
            print(f"| BernoulliGLR, {direction}, rate {p} | {' | '.join(cells)} |", flush=True)
    draws = {
        "normal": lambda n: rng.normal(size=n),
        "exponential": lambda n: rng.exponential(size=n),
        "autocorrelation 0.5": lambda n: autoregression(rng, n, 0.5),
        "autocorrelation 0.9": lambda n: autoregression(rng, n, 0.9),
    }
    for settings in (
        {},
        {"std": 1.0},
        {"direction": "up"},
        {"min_segment": 5},
        {"autocorrelated": True},
    ):
        words = ", ".join(f"{key}={value}" for key, value in settings.items()) or "default"
        for name, draw in draws.items():
            if name == "normal" or settings in ({}, {"autocorrelated": True}):
                cells = distances(partial(GaussianGLR, **settings), draw)
                print(f"| GaussianGLR, {words}, {name} | {' | '.join(cells)} |", flush=True)


def autoregression(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -rho], rng.normal(size=n))


def distances(
    make: Callable[[float], Any], draw: Callable[[int], np.ndarray], n_alarms: int = 300
) -> list[str]:
    found = []
    for wanted in (1e3, 1e4, 1e5):
        detector, n, alarms = make(wanted), 0, 0
        while alarms < n_alarms and n < 3 * n_alarms * wanted:
            values = draw(200_000)
            alarms += len(detector.update_many(values))
            n += len(values)
        found.append(f"{n / alarms / wanted:.2f}")
    return found


# ---- the field


def field() -> None:
    from coursekit.datasets.streams import AbruptDrift, IncrementalDrift, error_stream
    from coursekit.learning import drift
    from coursekit.learning.drift.evaluation import evaluate_detectors

    makers: dict[str, Callable[[], Any]] = {
        f"river {name}": make for name, make in river_detectors().items() if name != "KSWIN"
    }
    makers |= {name: getattr(drift, name) for name in ("ConceptDriftDetector", "BernoulliGLR")}
    streams = {
        "0.2": lambda seed: error_stream(10_000, seed=seed),
        "0.05": lambda seed: error_stream(10_000, seed=seed, level=0.05),
        "0.2 to 0.3": lambda seed: error_stream(10_000, seed=seed, drift=AbruptDrift(size=0.1)),
        "0.2 to 0.4": lambda seed: error_stream(10_000, seed=seed, drift=AbruptDrift(size=0.2)),
        "0.2 to 0.5": lambda seed: error_stream(10_000, seed=seed, drift=AbruptDrift(size=0.3)),
        "0.2 to 0.4 in 2,000": lambda seed: error_stream(
            10_000, seed=seed, drift=IncrementalDrift(start=5000, stop=7000, size=0.2)
        ),
    }
    table = evaluate_detectors(makers, streams)
    print("\n## The field at its defaults: 30 seeds of 10,000 errors, the change at 5,000\n")
    print("Median delay (missed), and false alarms in 10,000 in the columns without a change.\n")
    print(f"| detector | {' | '.join(streams)} |\n" + "|---" * (len(streams) + 1) + "|")
    for name in makers:
        cells = []
        for stream in streams:
            row = table.row(name, stream)
            missed = f" ({row.n_missed} missed)" if row.n_missed else ""
            delay = "never" if math.isinf(row.median_delay) else f"{row.median_delay:.0f}"
            cells.append(f"{delay}{missed}" if row.n_changes else f"{row.false_alarms_per_10k:.2f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def people() -> None:
    from coursekit.learning import drift
    from tests.benchmarks.segmentation import change_points_of, covering_score, read_marked_series

    if not (DATA / "tcpd").is_dir():
        print(f"\nskipped: no marked series in {DATA}; set COURSEKIT_DATA")
        return
    river = river_detectors()
    makers: dict[str, Callable[[], Any]] = {
        "river ADWIN": river["ADWIN"],
        "river PageHinkley": river["PageHinkley"],
        "river KSWIN": river["KSWIN"],
        "ADWIN, with its guess of the begin": drift.ADWIN,
        "ADWIN, keep_recent": lambda: drift.ADWIN(keep_recent=True),
        "PageHinkley, with its guess of the begin": drift.PageHinkley,
        "ConceptDriftDetector": drift.ConceptDriftDetector,
        "GaussianGLR": drift.GaussianGLR,
        "GaussianGLR, autocorrelated": lambda: drift.GaussianGLR(autocorrelated=True),
    }
    marked = read_marked_series(DATA / "tcpd")
    print("\n## Covering of what people marked (Turing Change Point Dataset), default settings\n")
    print(
        f"| detector | {' | '.join(each.name for each in marked)} | mean |\n"
        + "|---" * (len(marked) + 2)
        + "|"
    )
    nothing = [covering_score(each, []) for each in marked]
    rows = {"(no change at all)": nothing}
    rows |= {
        name: [covering_score(each, change_points_of(make, each)) for each in marked]
        for name, make in makers.items()
    }
    for name, scores in rows.items():
        print(
            f"| {name} | {' | '.join(f'{score:.3f}' for score in scores)} | **{np.mean(scores):.3f}** |"
        )


def ours_in_river() -> None:
    """Our detector inside River's own retraining classifier."""
    from river import datasets, drift, evaluate, metrics, tree

    from coursekit.learning.drift import BernoulliGLR

    print(
        "\n## Ours in River's hands: DriftRetrainingClassifier on 5,000 events of ImageSegments\n"
    )
    for name, detector in {"river DDM": drift.binary.DDM(), "BernoulliGLR": BernoulliGLR()}.items():
        model = drift.DriftRetrainingClassifier(
            model=tree.HoeffdingTreeClassifier(), drift_detector=detector, train_in_background=False
        )
        print(
            name,
            evaluate.progressive_val_score(
                datasets.ImageSegments().take(5000), model, metrics.Accuracy()
            ),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=["frouros"], help=argparse.SUPPRESS)
    parser.add_argument("--frouros", help="a Python that has frouros")
    parser.add_argument(
        "--moa",
        nargs=2,
        default=[],
        metavar=("PYTHON", "JAR"),
        help="a Python that has jpype, and a moa.jar",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--streams", type=int, default=1000, help="streams for false alarms and delays"
    )
    parser.add_argument(
        "--only", choices=["agreement", "speed", "promises", "field", "people", "river"]
    )
    options = parser.parse_args()
    if options.role == "frouros":
        print(json.dumps(frouros_rates()))
        return
    parts: dict[str, Callable[[], None]] = {
        "agreement": lambda: agreement(options.moa),
        "speed": lambda: speed(options.rounds, options.frouros),
        "promises": lambda: promises(options.streams),
        "field": field,
        "people": people,
        "river": ours_in_river,
    }
    for name, part in parts.items():
        if options.only in (None, name):
            part()


if __name__ == "__main__":
    main()
