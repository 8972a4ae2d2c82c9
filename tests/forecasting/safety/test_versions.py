from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coursekit.core.errors import (
    DataUnavailableError,
    IntegrityError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.processes import clean_environment
from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import VersionStore


def bias(model: Forecaster) -> float:
    return float(model.weights()["output_layer.bias"][0])


def set_bias(model: Forecaster, value: float) -> Forecaster:
    weights = model.weights()
    weights["output_layer.bias"][0] = value
    model.set_weights(weights)
    return model


@pytest.fixture
def store(model: Forecaster, tmp_path: Path) -> VersionStore:
    """Versions 1 to 4, of which 3 are kept; the bias says which is which."""
    store = VersionStore(tmp_path / "models", keep=3)
    for number in range(1, 5):
        store.save(set_bias(model, number), at=3600.0 * number, reason="test")
    return store


def test_the_last_versions_are_kept_with_their_history(store: VersionStore) -> None:
    assert [version.number for version in store.versions] == [2, 3, 4]
    files = sorted(path.name for path in store.folder.iterdir())
    assert files == ["history.json", *(version.file for version in store.versions)]
    assert bias(store.load()) == 4.0
    assert bias(store.load(2)) == 2.0
    again = VersionStore(store.folder, keep=3)
    assert again.versions == store.versions


def test_rolling_back_drops_the_newest(store: VersionStore) -> None:
    assert bias(store.roll_back()) == 3.0
    assert bias(VersionStore(store.folder).load()) == 3.0
    assert bias(store.roll_back()) == 2.0
    with pytest.raises(DataUnavailableError, match="no earlier version"):
        store.roll_back()
    assert bias(store.load()) == 2.0


def test_a_damaged_file_is_named_or_passed_over(store: VersionStore) -> None:
    newest = store.folder / store.versions[-1].file
    content = newest.read_bytes()
    newest.write_bytes(content[:-4] + b"\0\0\0\1")
    with pytest.raises(IntegrityError):
        store.load(4)
    assert bias(store.load()) == 3.0
    newest.write_bytes((store.folder / store.versions[0].file).read_bytes())  # another version
    with pytest.raises(IntegrityError):
        store.load(4)
    newest.unlink()
    with pytest.raises(IntegrityError, match="version 4 is missing"):
        store.load(4)
    assert bias(store.load()) == 3.0


def test_other_hyper_parameters_are_refused(store: VersionStore) -> None:
    wider = ModelConfig(hidden_size=16, hidden_continuous_size=4)
    with pytest.raises(StateFormatError, match="other hyper-parameters"):
        store.load(config=wider)


def test_an_unknown_version_and_an_empty_store_are_named(
    store: VersionStore, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match=r"one of \[2, 3, 4\], got 1"):
        store.load(1)
    with pytest.raises(DataUnavailableError, match="holds no version"):
        VersionStore(tmp_path / "empty").load()
    (store.folder / "history.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(StateFormatError, match="no history"):
        VersionStore(store.folder)


KILLER = """
import itertools, os, signal, sys, time
from coursekit.forecasting.safety import VersionStore

def write_for_ever(folder):
    store = VersionStore(folder, keep=2)
    model = store.load()
    os.write(ready, b"x")
    for at in itertools.count(1.0):
        weights = model.weights()
        weights["output_layer.bias"][:] = at
        model.set_weights(weights)
        store.save(model, at=at, reason="update")

VersionStore(sys.argv[1]).load()  # loads the libraries once, before the forks
for pause in map(float, sys.argv[2:]):
    listen, ready = os.pipe()
    child = os.fork()
    if child == 0:
        write_for_ever(sys.argv[1])
    os.read(listen, 1)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    store = VersionStore(sys.argv[1], keep=2)
    newest = store.versions[-1]
    bias = float(store.load(newest.number).weights()["output_layer.bias"][0])
    print(newest.number, newest.created_at, bias, len(list(store.folder.iterdir())), flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_model(model: Forecaster, tmp_path: Path) -> None:
    """A process that saves without pause is killed (SIGKILL) 12 times, at other moments."""
    folder = tmp_path / "models"
    VersionStore(folder, keep=2).save(set_bias(model, 0.0), at=0.0, reason="base")
    pauses = [f"{0.003 * 1.5**n:.4f}" for n in range(12)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", KILLER, str(folder), *pauses],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment() | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(pauses)
    assert all(float(at) == float(bias) for _, at, bias, _ in lines)  # whole, and the one it says
    assert len({number for number, *_ in lines}) > 3  # it did write between the kills
