from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.forecasting.inference import RollingConformal


def stream(n: int, scale: float, seed: int, horizon: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts whose interval [-1, 1] holds for a standard deviation of 0.78, and targets."""
    rng = np.random.default_rng(seed)
    quantiles = np.tile([-1.0, 0.0, 1.0], (n, horizon, 1))
    return quantiles, rng.normal(0.0, scale, (n, horizon))


def covered(quantiles: np.ndarray, targets: np.ndarray) -> float:
    return float(((quantiles[:, :, 0] <= targets) & (targets <= quantiles[:, :, -1])).mean())


@pytest.mark.parametrize("scale", [0.3, 3.0])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_interval_covers_what_it_says_whatever_the_model(scale: float, level: float) -> None:
    """Mean over 200 calibrations of 99 scores each: 5 standard errors, false failure below 1e-5."""
    found = []
    for seed in range(200):
        band = RollingConformal(2, coverage=level, window=99)
        band.update(*stream(99, scale, seed))
        quantiles, targets = stream(200, scale, seed + 10_000)
        found.append(covered(band.calibrated(quantiles), targets))
    # with 99 scores the expected coverage is exactly ceil(100 * level) / 100
    assert abs(np.mean(found) - level) < 5 * np.std(found) / len(found) ** 0.5


def test_the_correction_is_the_order_statistic_of_the_last_scores() -> None:
    band = RollingConformal(1, coverage=0.7, window=20)
    scores: list[float] = []
    rng = np.random.default_rng(0)
    for n in (1, 3, 7, 30, 2):
        targets = rng.normal(0, 3, (n, 1))
        band.update(np.zeros((n, 1, 2)), targets)
        scores += np.abs(targets[:, 0]).tolist()
        last = sorted(scores[-20:])
        rank = int(np.ceil((len(last) + 1) * 0.7 - 1e-9))
        expected = last[rank - 1] if rank <= len(last) else 0.0
        assert band.correction[0] == pytest.approx(expected)


def test_coverage_returns_after_a_shift() -> None:
    band = RollingConformal(2, window=200)
    band.update(*stream(500, 0.78, seed=0))
    quantiles, targets = stream(400, 3.0, seed=1)
    assert covered(band.calibrated(quantiles), targets) < 0.4
    band.update(quantiles, targets)
    quantiles, targets = stream(5000, 3.0, seed=2)
    assert abs(covered(band.calibrated(quantiles), targets) - 0.8) < 0.08


def test_too_few_scores_change_nothing() -> None:
    band = RollingConformal(2, coverage=0.8)
    quantiles, targets = stream(3, 5.0, seed=0)
    band.update(quantiles, targets)
    np.testing.assert_array_equal(band.calibrated(quantiles), quantiles)
    band.update(*stream(1, 5.0, seed=1))
    assert (band.correction != 0).any()


def test_quantiles_stay_in_order() -> None:
    band = RollingConformal(1, coverage=0.5, window=10)
    band.update(np.tile([-10.0, 1.0, 10.0], (10, 1, 1)), np.zeros((10, 1)))  # far too wide
    narrow = band.calibrated([[[-2.0, 1.0, 3.0]], [[-30.0, 1.0, 30.0]]])
    assert (np.diff(narrow, axis=2) >= 0).all()
    assert narrow[1].tolist() == [[-20.0, 1.0, 20.0]]


def test_input_is_not_changed_and_a_state_is_exact() -> None:
    band = RollingConformal(2, window=50)
    quantiles, targets = stream(70, 2.0, seed=0)
    before = quantiles.copy()
    band.update(quantiles, targets)
    band.calibrated(quantiles)
    np.testing.assert_array_equal(quantiles, before)
    again = band.clone()
    again.set_state(band.get_state())
    for each in (band, again):
        each.update(*stream(13, 1.0, seed=1))
    np.testing.assert_array_equal(again.correction, band.correction)
    with pytest.raises(StateFormatError):
        RollingConformal(2, window=40).set_state(band.get_state())


def test_bad_input_is_named_and_changes_nothing() -> None:
    band = RollingConformal(2, window=50)
    quantiles, targets = stream(5, 2.0, seed=0)
    with pytest.raises(InvalidSampleError, match="`targets` must be finite"):
        band.update(quantiles, np.where(targets == targets[0, 0], np.nan, targets))
    with pytest.raises(InvalidSampleError, match="`quantiles` must be finite"):
        band.update(quantiles[:, :1], targets[:, :1])
    assert band.get_state()["memory"]["_n_seen"] == 0
    with pytest.raises(InvalidParameterError, match="coverage"):
        RollingConformal(2, coverage=1.0)
