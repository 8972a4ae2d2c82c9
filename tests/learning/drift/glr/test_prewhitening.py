"""Values that depend on the ones before them: false alarms as rare as for independent ones, and
changes found all the same.
"""

import numpy as np
import pytest
from scipy.signal import lfilter

from coursekit.learning.drift import ADWIN, GaussianGLR
from coursekit.learning.drift.glr.prewhitening import innovation


def autoregression(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    """Values of spread 1, each correlated by `rho` with the one before."""
    return lfilter([1], [1, -rho], rng.normal(0, np.sqrt(1 - rho**2), n))


def innovations_of(values: np.ndarray) -> np.ndarray:
    known = np.zeros(4)
    return np.array([innovation(known, value) for value in values])


def test_it_is_its_formula():
    values = autoregression(np.random.default_rng(0), 300, 0.6)
    news = innovations_of(values)
    assert news[0] == 0
    agreements = [0.0]
    for t in range(1, len(values)):
        mean = values[:t].mean()
        rho = np.sin(np.pi / 2 * sum(agreements) / t)
        assert news[t] == pytest.approx(values[t] - mean - rho * (values[t - 1] - mean))
        agreements.append(np.sign(values[t] - mean) * np.sign(values[t - 1] - mean))


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_innovations_are_independent_and_of_the_right_size(rho):
    """20,000 values: both estimates have a standard error of 0.01 or less."""
    news = innovations_of(autoregression(np.random.default_rng(1), 20_000, rho))
    assert np.corrcoef(news[1:], news[:-1])[0, 1] == pytest.approx(0, abs=0.04)
    assert news.std() == pytest.approx(np.sqrt(1 - rho**2), abs=0.04)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.9])
def test_false_alarms_are_as_rare_as_wanted(rho):
    """200 are expected. The largest true deviation is a factor of 1.7 (at 0.9); a factor of 2.5 is
    off by chance with a probability below 1e-6.
    """
    wanted = 3000
    values = autoregression(np.random.default_rng(2), 200 * wanted, rho)
    alarms = GaussianGLR(wanted, autocorrelated=True).update_many(values)
    assert 200 / 2.5 < len(alarms) < 200 * 2.5


def test_where_others_raise_hundreds():
    values = autoregression(np.random.default_rng(3), 50_000, 0.9)
    assert len(GaussianGLR(autocorrelated=True).update_many(values)) <= 2
    assert len(GaussianGLR().update_many(values)) > 200
    assert len(ADWIN().update_many(values)) > 200


@pytest.mark.parametrize(("size", "slowest"), [(2.0, 40), (10.0, 6), (100.0, 3)])
def test_a_change_is_not_taken_for_dependence(size, slowest):
    for seed in range(20):
        values = autoregression(np.random.default_rng(seed), 3000, 0.5)
        values[2000:] += size
        alarms = GaussianGLR(autocorrelated=True).update_many(values)
        assert any(2000 <= alarm < 2000 + slowest for alarm in alarms), seed


def test_a_staircase_without_noise_is_climbed():
    alarms = GaussianGLR(autocorrelated=True).update_many(np.repeat([3.0, 3.5, 3.0], 100))
    assert len(alarms) == 2
    assert 100 <= alarms[0] < 110
    assert 200 <= alarms[1] < 210
