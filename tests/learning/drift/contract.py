"""What every detector promises, checked on every detector unasked.

A detector of the package without an entry in `SETTINGS` is tested with its defaults.
"""

from collections.abc import Callable
from functools import partial

from coursekit.learning import drift
from coursekit.learning.drift.mean_and_scale import MeanAndScale

SETTINGS: dict[str, Callable[[], drift.DriftDetector]] = {
    "mean shift": lambda: drift.ConceptDriftDetector(window_size=200, min_samples=20),
    "mean shift, falls": lambda: drift.ConceptDriftDetector(
        window_size=90, min_samples=30, threshold=0.2, direction="down"
    ),
    "Page-Hinkley": lambda: drift.PageHinkley(threshold=10),
    "Page-Hinkley, rises": lambda: drift.PageHinkley(threshold=5, alpha=1.0, direction="up"),
    "DDM": lambda: drift.DDM(),
    "EDDM": lambda: drift.EDDM(),
    "HDDM-A": lambda: drift.HDDM_A(),
    "HDDM-A, both": lambda: drift.HDDM_A(
        drift_confidence=0.01, warning_confidence=0.05, direction="both"
    ),
    "HDDM-W": lambda: drift.HDDM_W(),
    "HDDM-W, both": lambda: drift.HDDM_W(weight=0.02, direction="both"),
    "ADWIN": lambda: drift.ADWIN(),
    "ADWIN, recent": lambda: drift.ADWIN(delta=0.05, clock=1, max_buckets=2, keep_recent=True),
    "KSWIN": lambda: drift.KSWIN(seed=3, alpha=0.01),
    "KSWIN, recent": lambda: drift.KSWIN(
        seed=3, alpha=0.01, window_size=60, stat_size=17, keep_recent=True
    ),
    "Bernoulli GLR": lambda: drift.BernoulliGLR(200),
    "Bernoulli GLR, falls": lambda: drift.BernoulliGLR(200, direction="down"),
    "Bernoulli GLR, both": lambda: drift.BernoulliGLR(200, direction="both"),
    "Gaussian GLR": lambda: drift.GaussianGLR(500),
    "Gaussian GLR, autocorrelated": lambda: drift.GaussianGLR(500, autocorrelated=True),
    "Gaussian GLR, known std": lambda: drift.GaussianGLR(
        200, std=0.5, direction="up", min_segment=3
    ),
    "mean and scale": lambda: MeanAndScale(2000, warm_up=0),
}
"""Settings under which alarms are frequent, so that restarts are tested too."""

_WITH_SETTINGS = {type(make()).__name__ for make in SETTINGS.values()}
DETECTORS = SETTINGS | {
    name: partial(drift.detector_named, name)
    for name in drift.DETECTORS
    if name not in _WITH_SETTINGS
}
