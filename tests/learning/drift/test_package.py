"""The package: names, laziness, and the same alarms with and without a compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import coursekit.learning.drift as drift
from coursekit.core.errors import UnknownNameError

ROOT = Path(__file__).resolve().parents[3]


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_name_leads_to_a_detector_of_that_name():
    for name in drift.DETECTORS:
        detector = drift.detector_named(name)
        assert type(detector).__name__ == name
        assert isinstance(detector, drift.DriftDetector)
        assert getattr(drift, name) is type(detector)
        assert name in drift.__all__


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(
        UnknownNameError, match=r"no detector 'ADWINN'.*ConceptDriftDetector.*ADWIN.*GaussianGLR"
    ):
        drift.detector_named("ADWINN")
    with pytest.raises(AttributeError, match="ADWINN"):
        drift.ADWINN  # noqa: B018


def test_importing_the_package_loads_no_compiler_and_no_detector():
    loaded = run("import coursekit.learning.drift, sys; print(*sys.modules)").split()
    assert not {
        "numba",
        "torch",
        "matplotlib",
        "pandas",
        "scipy",
        "numpy",
        "coursekit.learning.drift.detectors.adwin",
    } & set(loaded)


def test_a_detector_loads_nothing_for_drawing_or_tables():
    loaded = run(
        "from coursekit.learning import drift; drift.ADWIN().update(0.0); import sys; "
        "print(*sys.modules)"
    ).split()
    assert not {"torch", "matplotlib", "pandas"} & set(loaded)


ALARMS = """
import json
import numpy as np
from tests.learning.drift.contract import DETECTORS
rng = np.random.default_rng(0)
values = np.where(rng.random(1500) < np.repeat([0.1, 0.6, 0.2], 500), 1.0, 0.0)
print(json.dumps({name: make().update_many(values).tolist() for name, make in DETECTORS.items()}))
"""


def test_the_same_source_without_a_compiler_raises_the_same_alarms():
    compiled, plain = json.loads(run(ALARMS)), json.loads(run(ALARMS, COURSEKIT_COMPILE="0"))
    assert compiled == plain
    assert sum(map(len, plain.values())) > 20
