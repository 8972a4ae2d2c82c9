"""Streams and settings on which our alarms are compared with those of other libraries.

Shared by the test (which reads the stored alarms) and by `tests/benchmarks/peer_alarms.py` (which
stores them). The streams are made of `random.Random(seed).random()`, the one generator whose
numbers Python promises to keep.
"""

import random
from collections.abc import Callable

from coursekit.learning import drift

N_STREAMS = 50
N_SAMPLES = 2000
N_WORLDS = 4


def errors(seed: int) -> list[float]:
    """Errors, 0 or 1, at four rates in turn."""
    rng = random.Random(seed)
    rates = [0.02 + 0.58 * rng.random() for _ in range(N_WORLDS)]
    return [float(rng.random() < rates[t * N_WORLDS // N_SAMPLES]) for t in range(N_SAMPLES)]


def reals(seed: int) -> list[float]:
    """Real numbers, nearly normal with standard deviation 1, at four levels in turn."""
    rng = random.Random(seed)
    levels = [3 * rng.random() for _ in range(N_WORLDS)]
    return [
        levels[t * N_WORLDS // N_SAMPLES] + sum(rng.random() for _ in range(12)) - 6
        for t in range(N_SAMPLES)
    ]


CASES: dict[str, tuple[Callable[[int], list[float]], Callable[[], drift.DriftDetector]]] = {
    "river: PageHinkley()": (errors, lambda: drift.PageHinkley()),
    "river: PageHinkley(threshold=10)": (reals, lambda: drift.PageHinkley(threshold=10)),
    "river: PageHinkley(threshold=5, mode='down')": (
        reals,
        lambda: drift.PageHinkley(threshold=5, direction="down"),
    ),
    "river: binary.DDM()": (errors, lambda: drift.DDM()),
    "river: binary.DDM(warm_start=100, drift_threshold=2.5)": (
        errors,
        lambda: drift.DDM(warm_start=100, drift_threshold=2.5),
    ),
    "river: binary.EDDM()": (errors, lambda: drift.EDDM()),
    "river: binary.EDDM(warm_start=10, alpha=0.9, beta=0.8)": (
        errors,
        lambda: drift.EDDM(warm_start=10, alpha=0.9, beta=0.8),
    ),
    "river: binary.HDDM_A()": (errors, lambda: drift.HDDM_A()),
    "river: binary.HDDM_A(two_sided_test=True)": (errors, lambda: drift.HDDM_A(direction="both")),
    "river: binary.HDDM_W()": (errors, lambda: drift.HDDM_W()),
    "river: binary.HDDM_W(lambda_val=0.02, two_sided_test=True)": (
        errors,
        lambda: drift.HDDM_W(weight=0.02, direction="both"),
    ),
    "river: ADWIN()": (errors, lambda: drift.ADWIN()),
    "river: ADWIN(delta=0.01, clock=1, max_buckets=3)": (
        reals,
        lambda: drift.ADWIN(delta=0.01, clock=1, max_buckets=3),
    ),
    "river: KSWIN(seed=1)": (reals, lambda: drift.KSWIN(seed=1)),
    "river: KSWIN(seed=1, alpha=0.05, stat_size=17)": (
        reals,
        lambda: drift.KSWIN(seed=1, alpha=0.05, stat_size=17),
    ),
    "moa: ADWIN": (errors, lambda: drift.ADWIN(keep_recent=True)),
    "moa: HDDM_A_Test, one-sided": (errors, lambda: drift.HDDM_A()),
}
"""Peer and its settings -> (streams, our detector with the same definition)."""
