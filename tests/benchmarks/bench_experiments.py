"""Experiments: units assigned a second, and 10 million outcomes analysed (run by `make bench`).

CPU time of one thread, rounds interleaved, best of several. Beside us: the hash of GrowthBook's SDK and the documents' bare MD5, one
at a time; pandas, scipy and statsmodels for the analysis. The analysis runs in a process of its own, whose peak memory is measured.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

N_ONE, N_MANY, N_ROUNDS = 100_000, 2_000_000, 5
N_OUTCOMES, N_USERS = 10_000_000, 1_000_000
SHARES = {"old": 0.5, "new": 0.5}


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def assignment() -> None:
    from growthbook.core import gbhash

    from coursekit.delivery.experiments import ABExperiment, Assignment, Layer

    texts, numbers = [f"user-{at}" for at in range(N_ONE)], np.arange(N_MANY)
    ours = {}
    for name, coverage in (("all take part", 1.0), ("half take part", 0.5)):
        layer = Layer(name)
        layer.extend("test", coverage)
        ours[name] = Assignment("test", SHARES, layer)
        ours[name].variants_of(numbers[:10])  # compiles
    logged = ABExperiment("logged", SHARES, "value")
    many = [f"user-{at}" for at in range(N_MANY // 4)]
    works = {
        **{
            f"one at a time, {name}": (N_ONE, lambda a=a: [a.variant_of(unit) for unit in texts])
            for name, a in ours.items()
        },
        "one at a time, assigned and logged": (
            N_ONE,
            lambda: [logged.assign(unit) for unit in texts],
        ),
        "GrowthBook's FNV-1a, one at a time": (
            N_ONE // 4,
            lambda: [gbhash("test", unit, 2) < 0.5 for unit in texts[: N_ONE // 4]],
        ),
        "bare MD5, one at a time": (
            N_ONE,
            lambda: [int(hashlib.md5(unit.encode()).hexdigest(), 16) % 2 for unit in texts],
        ),
        **{
            f"array of integers, {name}": (N_MANY, lambda a=a: a.variants_of(numbers))
            for name, a in ours.items()
        },
        "list of texts, all take part": (
            len(many),
            lambda: ours["all take part"].variants_of(many),
        ),
    }
    best = dict.fromkeys(works, np.inf)
    for _ in range(N_ROUNDS):
        for name, (n, work) in works.items():
            best[name] = min(best[name], cpu_seconds(work) / n)
    print("\n## Assignment\n\n| how | units a second |\n|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1 / seconds:,.0f} |")


def analysis(who: str) -> None:
    """Read 10 million outcomes of 1 million users in chunks, and compare two variants by user."""
    rng = np.random.default_rng(0)
    users = np.arange(N_USERS)
    chunks = [
        (rng.integers(0, N_USERS, 1_000_000), rng.gamma(2.0, 1.0, 1_000_000))
        for _ in range(N_OUTCOMES // 1_000_000)
    ]
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = cpu_seconds(lambda: print(PEOPLE[who](users, chunks)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{seconds:.2f} {(peak - base) / 1024:.0f} {peak / 1024:.0f}")


def by_coursekit(users: np.ndarray, chunks: list[tuple[np.ndarray, np.ndarray]]) -> float:
    from coursekit.delivery.experiments import ABExperiment, FixedSample

    experiment = ABExperiment(
        "test", SHARES, "value", duration_hours=0, stopping=FixedSample(N_USERS)
    )
    experiment.assign_many(users)
    for units, values in chunks:
        experiment.record_many(units, values)
    return float(experiment.results().comparisons[0].difference.p_value)


def by_pandas(users: np.ndarray, chunks: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The usual way: one frame of all outcomes, grouped by user; MD5 parity as the assignment."""
    import pandas as pd
    from scipy import stats

    frame = pd.DataFrame(
        {
            "user": np.concatenate([c[0] for c in chunks]),
            "value": np.concatenate([c[1] for c in chunks]),
        }
    )
    totals = frame.groupby("user")["value"].sum().reindex(users, fill_value=0.0)
    is_new = np.array(
        [int(hashlib.md5(str(user).encode()).hexdigest(), 16) % 2 for user in users.tolist()], bool
    )
    return float(stats.ttest_ind(totals[is_new], totals[~is_new], equal_var=False).pvalue)


PEOPLE = {"coursekit": by_coursekit, "pandas and scipy": by_pandas}


def analyses() -> None:
    print(f"\n## {N_OUTCOMES:,} outcomes of {N_USERS:,} users, assigned and analysed\n")
    print("| who | CPU s | memory above the input, MB | peak, MB |\n|---|---|---|---|")
    for who in PEOPLE:
        done = subprocess.run(
            [sys.executable, __file__, who], capture_output=True, text=True, check=True
        )
        seconds, grown, peak = done.stdout.split()[-3:]
        print(f"| {who} | {seconds} | {grown} | {peak} |", flush=True)


def tests() -> None:
    """One comparison of 20,000 units, from arrays."""
    from scipy import stats
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    from coursekit.evaluation.statistics import Moments, welch_test

    control, treatment = np.random.default_rng(1).normal(size=(2, 10_000))
    works = {
        "coursekit": lambda: welch_test(Moments.of(control), Moments.of(treatment)),
        "scipy": lambda: stats.ttest_ind(treatment, control, equal_var=False).confidence_interval(),
        "statsmodels": lambda: CompareMeans(
            DescrStatsW(treatment), DescrStatsW(control)
        ).tconfint_diff(usevar="unequal"),
    }
    best = dict.fromkeys(works, np.inf)
    for _ in range(200):
        for name, work in works.items():
            best[name] = min(best[name], cpu_seconds(work))
    print("\n## Welch's test with its interval, 2 x 10,000 units\n\n| who | µs |\n|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1e6 * seconds:,.0f} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        analysis(sys.argv[1])
    else:
        assignment()
        analyses()
        tests()
