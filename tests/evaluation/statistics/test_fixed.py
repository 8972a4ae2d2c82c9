"""Welch, two proportions, delta method, CUPED and multiplicity, beside scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.evaluation.statistics import (
    Moments,
    benjamini_hochberg,
    cuped,
    cuped_coefficient,
    difference,
    e_benjamini_hochberg,
    effect_size,
    fixed_test,
    holm,
    lift,
    ratio_moments,
    two_proportion_test,
    welch_test,
)

EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


@pytest.mark.parametrize(("n_control", "n_treatment"), [(2, 3), (30, 50), (4000, 20)])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_welch_agrees_with_scipy(
    n_control: int, n_treatment: int, level: float, rng: np.random.Generator
) -> None:
    control, treatment = rng.normal(1, 2, n_control), rng.normal(1.5, 5, n_treatment)
    oracle = stats.ttest_ind(treatment, control, equal_var=False)
    interval = oracle.confidence_interval(1 - level)
    found = welch_test(Moments.of(control), Moments.of(treatment), level=level)
    expected = (treatment.mean() - control.mean(), oracle.pvalue, interval.low, interval.high)
    np.testing.assert_allclose(
        (found.estimate, found.p_value, found.low, found.high), expected, **EXACT
    )
    assert difference(Moments.of(control), Moments.of(treatment)).degrees_of_freedom == (
        pytest.approx(oracle.df, rel=1e-12)
    )


def test_many_experiments_are_tested_at_once(rng: np.random.Generator) -> None:
    control, treatment = rng.normal(size=(7, 40)), rng.normal(size=(7, 50))
    found = welch_test(Moments.of(control), Moments.of(treatment)).p_value
    oracle = stats.ttest_ind(treatment, control, equal_var=False, axis=1).pvalue
    np.testing.assert_allclose(found, oracle, **EXACT)


def test_tiny_p_values_do_not_vanish() -> None:
    far = Moments(n=1e6, mean=0.05, variance=1.0)
    assert 0 < welch_test(Moments(n=1e6, mean=0.0, variance=1.0), far).p_value < 1e-250


@pytest.mark.parametrize("counts", [((10, 100), (21, 120)), ((0, 50), (3, 60)), ((9, 9), (8, 9))])
def test_two_proportions_agree_with_statsmodels(counts: tuple[tuple[int, int], ...]) -> None:
    (s_c, n_c), (s_t, n_t) = counts
    found = two_proportion_test((s_c, n_c), (s_t, n_t))
    _, p_value = proportions_ztest([s_t, s_c], [n_t, n_c])
    low, high = confint_proportions_2indep(s_t, n_t, s_c, n_c, method="newcomb")
    np.testing.assert_allclose(
        (found.estimate, found.p_value, found.low, found.high),
        (s_t / n_t - s_c / n_c, p_value, low, high),
        **EXACT,
    )


def test_no_difference_of_certain_proportions_has_p_value_one() -> None:
    assert two_proportion_test((0, 100), (0, 100)).p_value == 1.0


def test_the_lift_is_the_delta_method(rng: np.random.Generator) -> None:
    control, treatment = rng.gamma(2, 3, 4000), rng.gamma(2, 3.3, 5000)
    found = lift(Moments.of(control), Moments.of(treatment))
    assert found.estimate == pytest.approx(treatment.mean() / control.mean() - 1, abs=1e-12)
    resampled = [
        rng.choice(treatment, 5000).mean() / rng.choice(control, 4000).mean() for _ in range(1000)
    ]
    # the standard deviation of 1,000 resamples is within 10 % but for 1 in 100,000 seeds
    assert found.standard_error == pytest.approx(np.std(resampled), rel=0.1)


def test_the_lift_over_zero_is_not_a_number() -> None:
    zero, one = Moments(n=10, mean=0.0, variance=1.0), Moments(n=10, mean=1.0, variance=1.0)
    assert np.isnan(lift(zero, one).estimate) and np.isnan(lift(zero, one).variance)


def test_effect_size_uses_the_unbiased_pooled_variance(rng: np.random.Generator) -> None:
    control, treatment = rng.normal(size=30), rng.normal(0.5, 2, size=50)
    t = stats.ttest_ind(treatment, control).statistic  # pooled: t = d / sqrt(1/n_c + 1/n_t)
    found = effect_size(Moments.of(control), Moments.of(treatment))
    assert found == pytest.approx(t * np.sqrt(1 / 30 + 1 / 50), abs=1e-12)


def test_the_ratio_is_a_linearised_mean(rng: np.random.Generator) -> None:
    views = rng.poisson(9, size=(3, 500)) + 1.0
    clicks = rng.binomial(views.astype(int), 0.2).astype(float)
    found = ratio_moments(clicks, views)
    ratio = clicks.sum(axis=1) / views.sum(axis=1)
    residuals = (clicks - ratio[:, None] * views) / views.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.mean, ratio, **EXACT)
    np.testing.assert_allclose(found.variance, residuals.var(axis=1, ddof=1), **EXACT)


def test_events_of_one_unit_are_not_counted_as_independent(rng: np.random.Generator) -> None:
    """A/A tests with 20 events a user: counting events rejects far too often, units do not.

    The 2,000 tests reject 100 times on average, with a standard deviation of 9.7; the bounds are
    4 standard deviations away, so a right test fails for 1 in 15,000 seeds.
    """
    rates = rng.beta(1, 4, size=(2, 2000, 100))
    clicks = rng.binomial(20, rates)
    users = [ratio_moments(each, np.full(each.shape, 20.0)) for each in clicks]
    by_user = np.mean(fixed_test(difference(*users)).p_value <= 0.05)
    events = [(each.sum(axis=1), np.full(2000, 2000)) for each in clicks]
    by_event = np.mean(two_proportion_test(*events).p_value <= 0.05)
    assert 0.031 <= by_user <= 0.07
    assert by_event > 0.3


def test_cuped_is_the_analysis_of_covariance(rng: np.random.Generator) -> None:
    before = [rng.normal(5, 2, size=n) for n in (80, 120, 40)]
    outcomes = [0.7 * x + shift + rng.normal(size=len(x)) for shift, x in enumerate(before)]
    dummies = np.repeat(np.eye(3), [80, 120, 40], axis=0)
    design = np.column_stack([dummies, np.concatenate(before)])
    *means, slope = np.linalg.lstsq(design, np.concatenate(outcomes))[0]
    adjusted = [each.mean() for each in cuped(outcomes, before)]
    assert cuped_coefficient(outcomes, before) == pytest.approx(slope, abs=1e-10)
    np.testing.assert_allclose(np.diff(adjusted), np.diff(means), **EXACT)


def test_cuped_removes_what_the_past_explains(rng: np.random.Generator) -> None:
    before = rng.normal(size=(2, 20_000))
    outcomes = 0.6 * before + 0.8 * rng.normal(size=before.shape)  # correlation 0.6
    adjusted = np.concatenate(cuped(list(outcomes), list(before)))
    assert adjusted.var() / outcomes.var() == pytest.approx(1 - 0.6**2, abs=0.02)


def test_a_constant_past_changes_nothing() -> None:
    assert cuped([[1.0, 2.0], [3.0, 5.0]], [[1, 1], [1, 1]])[1].tolist() == [3.0, 5.0]


@pytest.mark.parametrize(("ours", "name"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_agree_with_statsmodels(
    ours, name: str, rng: np.random.Generator
) -> None:
    for n in (1, 2, 17):
        p_values = rng.uniform(size=n) ** 3
        p_values[0] = p_values[-1]  # a tie
        np.testing.assert_allclose(ours(p_values), multipletests(p_values, method=name)[1], **EXACT)


def test_e_values_are_inverse_p_values() -> None:
    found = e_benjamini_hochberg([0.0, 50.0, 1000.0])
    np.testing.assert_allclose(found, [1.0, 3 / 2 / 50, 3 / 1000], **EXACT)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Moments.of([1.0]), "`values` must be 2 values or more"),
        (lambda: Moments.of([1.0, np.nan]), "`values` must be finite"),
        (lambda: Moments.of(["a", "b"]), "`values` must be numbers"),
        (lambda: Moments.of_counts(5, 3), "`successes` must be between"),
        (lambda: ratio_moments([1.0, 2.0], [0.0, 0.0]), "`denominators` must sum"),
        (lambda: ratio_moments([1.0, 2.0], [1.0, 2.0, 3.0]), "`denominators` must have shape"),
        (lambda: cuped([[1.0, 2.0]], []), "`before` must have one array"),
        (lambda: holm([0.5, 1.5]), "`p_values` must be numbers in"),
        (lambda: e_benjamini_hochberg([-1.0]), "`e_values` must be numbers, 0 or more"),
    ],
)
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(InvalidSampleError, match=words):
        call()


def test_a_bad_level_is_named() -> None:
    with pytest.raises(InvalidParameterError, match="`level` must be in"):
        two_proportion_test((1, 10), (2, 10), level=0)
