"""Power and sample size beside statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from coursekit.core.errors import InvalidParameterError
from coursekit.evaluation.statistics import (
    detectable_effect,
    power_of_means,
    power_of_proportions,
    proportion_effect_size,
    sample_size_of_means,
    sample_size_of_proportions,
)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 9.0])
@pytest.mark.parametrize(("size", "n"), [(0.2, 100), (-0.5, 40), (0.01, 5000), (0.0, 30)])
def test_power_of_means_agrees_with_statsmodels(size: float, n: int, ratio: float) -> None:
    oracle = TTestIndPower().power(size, n, 0.05, ratio=ratio)
    assert power_of_means(size, n, ratio=ratio) == pytest.approx(oracle, abs=1e-10)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0])
def test_power_of_proportions_agrees_with_statsmodels(ratio: float) -> None:
    size = proportion_effectsize(0.12, 0.10)
    oracle = NormalIndPower().power(size, 3000, 0.01, ratio=ratio)
    found = power_of_proportions(0.10, 0.12, 3000, ratio=ratio, level=0.01)
    assert proportion_effect_size(0.10, 0.12) == pytest.approx(size, abs=1e-12)
    assert found == pytest.approx(oracle, abs=1e-10)


def test_the_sample_size_reaches_the_power() -> None:
    n = sample_size_of_means(0.05, power=0.9, ratio=2.0)
    assert power_of_means(0.05, n, ratio=2.0) == pytest.approx(0.9, abs=1e-9)
    assert sample_size_of_means(0.2) == pytest.approx(393.4057, abs=1e-4)  # Cohen: 394
    assert sample_size_of_proportions(0.10, 0.11) == pytest.approx(14744.1, abs=0.1)
    assert detectable_effect(n, power=0.9, ratio=2.0) == pytest.approx(0.05, abs=1e-9)


def test_power_is_what_happens() -> None:
    """5,000 simulated tests; the share of rejections is within 4 standard errors of the power."""
    from coursekit.evaluation.statistics import Moments, welch_test

    rng = np.random.default_rng(0)
    control, treatment = rng.normal(size=(2, 5000, 64))
    p_values = welch_test(Moments.of(control), Moments.of(treatment + 0.5)).p_value
    power = power_of_means(0.5, 64)
    assert np.mean(p_values <= 0.05) == pytest.approx(power, abs=4 * np.sqrt(power * 0.2 / 5000))


def test_no_sample_size_finds_no_effect() -> None:
    with pytest.raises(InvalidParameterError, match="must differ from 0"):
        sample_size_of_means(0.0)
    with pytest.raises(InvalidParameterError, match="must differ from 0"):
        sample_size_of_proportions(0.1, 0.1)
    with pytest.raises(InvalidParameterError, match="`power` must be in"):
        sample_size_of_means(0.2, power=1.0)
