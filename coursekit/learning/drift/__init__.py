"""Drift detectors: raise an alarm when the distribution of a stream of numbers changes (lesson 05).

>>> from coursekit.learning import drift
>>> detector = drift.ADWIN(delta=0.01)
>>> detector.update(0.3)
>>> detector.drift_detected
False

The classes are imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from coursekit.core.errors import UnknownNameError

if TYPE_CHECKING:
    from coursekit.learning.drift.detector import Detector, DriftDetector
    from coursekit.learning.drift.detectors.adwin import ADWIN
    from coursekit.learning.drift.detectors.ddm import DDM
    from coursekit.learning.drift.detectors.eddm import EDDM
    from coursekit.learning.drift.detectors.hddm_a import HDDM_A
    from coursekit.learning.drift.detectors.hddm_w import HDDM_W
    from coursekit.learning.drift.detectors.kswin import KSWIN
    from coursekit.learning.drift.detectors.mean_shift import ConceptDriftDetector
    from coursekit.learning.drift.detectors.page_hinkley import PageHinkley
    from coursekit.learning.drift.glr.bernoulli import BernoulliGLR
    from coursekit.learning.drift.glr.gaussian import GaussianGLR

__all__ = [
    "DETECTORS",
    "ADWIN",
    "BernoulliGLR",
    "ConceptDriftDetector",
    "DDM",
    "Detector",
    "DriftDetector",
    "EDDM",
    "GaussianGLR",
    "HDDM_A",
    "HDDM_W",
    "KSWIN",
    "PageHinkley",
    "detector_named",
]

DETECTORS: Mapping[str, str] = {
    "ConceptDriftDetector": "detectors.mean_shift",
    "PageHinkley": "detectors.page_hinkley",
    "DDM": "detectors.ddm",
    "EDDM": "detectors.eddm",
    "HDDM_A": "detectors.hddm_a",
    "HDDM_W": "detectors.hddm_w",
    "ADWIN": "detectors.adwin",
    "KSWIN": "detectors.kswin",
    "BernoulliGLR": "glr.bernoulli",
    "GaussianGLR": "glr.gaussian",
}
"""Name of every detector -> its module, in the order of lesson 05."""


def detector_named(name: str, **settings: Any) -> DriftDetector:
    """Create a detector by its name.

    Raises
    ------
    UnknownNameError
        If there is no such detector; the message lists the known ones.
    InvalidParameterError
        If a setting is outside its range.

    Examples
    --------
    >>> detector_named("DDM", warm_start=50)
    DDM(warm_start=50, warning_threshold=2.0, drift_threshold=3.0)
    """
    if name not in DETECTORS:
        raise UnknownNameError(f"There is no detector {name!r}; there are {', '.join(DETECTORS)}.")
    detector: DriftDetector = __getattr__(name)(**settings)
    return detector


def __getattr__(name: str) -> Any:
    file = "detector" if name in {"Detector", "DriftDetector"} else DETECTORS.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{file}"), name)
