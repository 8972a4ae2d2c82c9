"""Values frozen from other libraries, which do not install beside today's numpy and pandas.

gbstats 0.8.0 (`SequentialTwoSidedTTest`, which tests the lift, `RatioStatistic`,
`RegressionAdjustedStatistic`), spotify-confidence 4.1.0
(`sequential_bound_solver.bounds(t, alpha=0.05, rho=2, ztrun=8, sides=2)`) and savvi 0.2.0
(`Multinomial(0.05, shares, k=1000)`), each run in an environment of its own.
"""

from __future__ import annotations

import numpy as np
import pytest

from coursekit.evaluation.statistics import (
    Moments,
    always_valid_test,
    group_sequential_bounds,
    lift,
    ratio_moments,
    sample_ratio_log_e,
)

CONTROL = np.array([3.0, 0, 5, 2, 8, 1, 4, 4, 7, 0])
CONTROL_BEFORE = np.array([2.0, 1, 4, 2, 6, 0, 5, 3, 8, 1])
TREATMENT = np.array([5.0, 2, 7, 1, 9, 6, 3, 8, 4, 4, 10, 2])
TREATMENT_BEFORE = np.array([3.0, 2, 5, 0, 7, 6, 1, 8, 4, 2, 9, 3])


@pytest.mark.parametrize(
    ("tuning", "p_value", "low", "high"),
    [
        (5000, 0.9973940968199068, -5.6167090072477155, 6.606905085679088),
        (20, 1.0, -0.8931136827515922, 1.8833097611829648),
    ],
)
def test_the_always_valid_test_agrees_with_gbstats(
    tuning: float, p_value: float, low: float, high: float
) -> None:
    effect = lift(Moments.of(CONTROL), Moments.of(TREATMENT))
    rho2 = (-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / tuning  # gbstats' tuning
    found = always_valid_test(effect, mixture=effect.variance * 22 * rho2)
    expected = (0.49509803921568624, p_value, low, high)
    actual = (found.estimate, found.p_value, found.low, found.high)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


def test_the_ratio_agrees_with_gbstats() -> None:
    found = ratio_moments(CONTROL, CONTROL_BEFORE + 1)
    assert found.mean == pytest.approx(0.8095238095238095, abs=1e-12)
    assert found.variance == pytest.approx(0.0852696835852004, abs=1e-12)


def test_the_adjusted_outcomes_agree_with_gbstats() -> None:
    """At theta = 0.8: the variance in each variant and the difference of their means."""
    control, treatment = CONTROL - 0.8 * CONTROL_BEFORE, TREATMENT - 0.8 * TREATMENT_BEFORE
    assert Moments.of(control).variance == pytest.approx(1.527111111111111, abs=1e-12)
    assert Moments.of(treatment).variance == pytest.approx(1.3609090909090913, abs=1e-12)
    assert treatment.mean() - control.mean() == pytest.approx(0.91, abs=1e-12)


def test_the_bounds_agree_with_spotify_confidence() -> None:
    """Its solver stops at a tolerance of 1e-7 in probability and leaves out the other side."""
    found = group_sequential_bounds([0.10, 0.35, 0.60, 1.0], spending=2.0)
    np.testing.assert_allclose(found, [3.480756, 2.763573, 2.447366, 2.046602], atol=1e-3)


@pytest.mark.parametrize(
    ("counts", "e_value"),
    [
        ([48, 31, 21], 0.9140060769922279),
        ([480, 310, 210], 0.7438921985926963),
        ([6000, 2900, 2100], 4.917373931140111e18),
    ],
)
def test_the_ratio_check_agrees_with_savvi(counts: list[int], e_value: float) -> None:
    found = sample_ratio_log_e(counts, [0.5, 0.3, 0.2])
    assert np.exp(found) == pytest.approx(e_value, rel=1e-9)
