"""Rules for many looks: their error rates under no effect, and their formulas beside oracles.

The A/A runs: 2,000 experiments with a conversion rate of 10 % in both arms, 10,000 outcomes per
arm, a look every 100. A rule with a false positive rate of exactly 5 % shows a share with a
standard deviation of 0.49 points.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.evaluation.statistics import (
    Effect,
    Moments,
    always_valid_test,
    difference,
    effect_size,
    fixed_test,
    group_sequential_bounds,
    level_spent,
    mixture_log_e,
    mixture_variance,
    sample_ratio_log_e,
    sample_ratio_p_value,
    two_proportion_log_e,
)

RUNS, LOOKS, BLOCK, RATE = 2000, 100, 100, 0.10


@pytest.fixture(scope="module")
def blocks() -> np.ndarray:
    """Successes in each block, shape (2 arms, runs, looks)."""
    return np.random.default_rng(7).binomial(BLOCK, RATE, size=(2, RUNS, LOOKS)).astype(float)


@pytest.fixture(scope="module")
def effects(blocks: np.ndarray) -> Effect:
    """The estimated difference at every look, shape (runs, looks)."""
    n = BLOCK * np.arange(1, LOOKS + 1)
    return difference(*(Moments.of_counts(arm.cumsum(axis=1), n) for arm in blocks))


def share(rejections: np.ndarray) -> float:
    """The share of runs with a rejection at any look."""
    return float(rejections.any(axis=1).mean())


def mixture() -> float:
    """Tuned for half of the planned outcomes."""
    return mixture_variance(2 * RATE * (1 - RATE) / (LOOKS * BLOCK / 2))


def test_always_valid_keeps_its_level_at_every_look(effects: Effect) -> None:
    """True rate about 2 %: more than 5 % of 2,000 runs is 9 standard deviations away."""
    found = always_valid_test(effects, mixture=mixture())
    assert share(found.p_value <= 0.05) <= 0.05
    assert share((found.low > 0) | (found.high < 0)) <= 0.05


def test_the_exact_process_keeps_its_level_at_every_look(blocks: np.ndarray) -> None:
    """True rate about 2.3 %: more than 5 % of 2,000 runs is 8 standard deviations away."""
    counts = np.stack([blocks, np.full(blocks.shape, BLOCK)], axis=-1)
    assert share(two_proportion_log_e(*counts) >= np.log(20)) <= 0.05


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_group_sequential_spends_its_level(spending: str, effects: Effect) -> None:
    """A rule at exactly 5 % leaves 3.5 to 6.5 % for 1 seed in 470."""
    looks = np.arange(9, LOOKS, 10)  # ten looks at every tenth block
    bounds = group_sequential_bounds((looks + 1) / LOOKS, spending=spending)
    z = np.abs(effects.estimate / effects.standard_error)[:, looks]
    assert share(z >= bounds) == pytest.approx(0.05, abs=0.015)


def test_group_sequential_at_every_look_spends_its_level_too(effects: Effect) -> None:
    """False failures: as above."""
    bounds = group_sequential_bounds(np.arange(1, LOOKS + 1) / LOOKS)
    z = np.abs(effects.estimate / effects.standard_error)
    assert share(z >= bounds) == pytest.approx(0.05, abs=0.015)


def test_naive_rules_do_not(blocks: np.ndarray, effects: Effect) -> None:
    """Both rates are 20 standard deviations or more above what is asserted."""
    assert share(fixed_test(effects).p_value <= 0.05) > 0.25  # Welch at every look
    last = [Moments.of_counts(arm, BLOCK) for arm in blocks]
    assert share(np.abs(effect_size(*last)) > 0.2) > 0.99  # "|d| > 0.2 on the last 100"


def test_a_real_effect_is_found() -> None:
    """Power at +20 % is above 85 % for every rule; 200 runs leave less than 70 % never."""
    rng = np.random.default_rng(1)
    arms = [rng.binomial(BLOCK, rate, size=(200, LOOKS)) for rate in (0.10, 0.12)]
    n = BLOCK * np.arange(1, LOOKS + 1)
    effect = difference(*(Moments.of_counts(arm.cumsum(axis=1), n) for arm in arms))
    z = np.abs(effect.estimate / effect.standard_error)
    counts = [np.stack([arm, np.full(arm.shape, BLOCK)], axis=-1) for arm in arms]
    assert share(always_valid_test(effect, mixture=mixture()).p_value <= 0.05) > 0.7
    assert share(z >= group_sequential_bounds(n / n[-1])) > 0.7
    assert share(two_proportion_log_e(*counts) >= np.log(20)) > 0.7


# ---- formulas


def test_the_mixture_is_an_integral_of_likelihood_ratios() -> None:
    v, tau2, estimate = 0.02, 0.05, 0.31

    def ratio(delta: float) -> float:
        odds = np.exp((estimate * delta - delta**2 / 2) / v)
        return float(odds * stats.norm.pdf(delta, scale=np.sqrt(tau2)))

    oracle, _ = integrate.quad(ratio, -5, 5, epsabs=1e-13, points=[0, estimate])
    found = mixture_log_e(Effect(estimate=estimate, variance=v), tau2)
    assert np.exp(found) == pytest.approx(oracle, rel=1e-10)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_the_interval_inverts_the_test(level: float) -> None:
    effect = Effect(estimate=0.4, variance=0.01)
    found = always_valid_test(effect, mixture=0.07, level=level)
    at_the_end = Effect(estimate=effect.estimate - found.low, variance=0.01)
    assert mixture_log_e(at_the_end, 0.07) == pytest.approx(-np.log(level), abs=1e-10)
    assert found.high - effect.estimate == pytest.approx(effect.estimate - found.low, abs=1e-12)


@pytest.mark.parametrize("level", [0.001, 0.05, 0.3])
def test_the_mixture_variance_gives_the_narrowest_interval(level: float) -> None:
    v = 0.03

    def width(log_tau2: float) -> float:
        effect = Effect(estimate=0.0, variance=v)
        return float(always_valid_test(effect, mixture=np.exp(log_tau2), level=level).high)

    best = mixture_variance(v, level=level)
    oracle = optimize.minimize_scalar(width, bounds=(-12, 4), method="bounded").x
    assert np.log(best) == pytest.approx(oracle, abs=1e-4)
    assert width(np.log(best)) <= width(oracle) * (1 + 1e-12)


def test_the_exact_process_is_an_e_variable() -> None:
    """Its mean over every outcome of two blocks of three is at most 1, whatever the common rate."""
    pairs = [(c, t) for c in range(4) for t in range(4)]
    for rate in (0.02, 0.3, 0.9):
        chance = {pair: np.prod(stats.binom.pmf(pair, 3, rate)) for pair in pairs}
        mean = 0.0
        for one in pairs:
            for two in pairs:
                c, t = ([[each[arm], 3] for each in (one, two)] for arm in (0, 1))
                e_value = np.exp(two_proportion_log_e(c, t)[-1])
                mean += chance[one] * chance[two] * float(e_value)
        assert mean <= 1 + 1e-12


def test_bounds_are_those_of_ldbounds() -> None:
    """R package ldbounds, five equal looks, two-sided 5 %, O'Brien-Fleming spending."""
    found = group_sequential_bounds([0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(found, [4.877, 3.357, 2.680, 2.290, 2.031], atol=1e-3)


def test_one_look_is_the_usual_test() -> None:
    assert group_sequential_bounds([1.0]) == pytest.approx(stats.norm.isf(0.025), abs=1e-10)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_two_looks_agree_with_the_bivariate_normal(spending: str) -> None:
    first, second = group_sequential_bounds([0.3, 1.0], spending=spending)
    spent = level_spent([0.3, 1.0], spending=spending)
    assert 2 * stats.norm.sf(first) == pytest.approx(spent[0], rel=1e-9)
    both = stats.multivariate_normal(cov=[[1, np.sqrt(0.3)], [np.sqrt(0.3), 1]])
    inside = both.cdf([first, second], lower_limit=[-first, -second])
    assert 1 - inside == pytest.approx(0.05, abs=1e-7)


def test_irregular_and_many_looks_spend_the_level() -> None:
    """Brownian paths: 20,000 of them leave the bounds at 5 %, within 4 standard errors."""
    fractions = np.sort(np.random.default_rng(5).uniform(0.02, 1, 30))
    fractions[-1] = 1.0
    bounds = group_sequential_bounds(fractions)
    steps = np.sqrt(np.diff(fractions, prepend=0))
    paths = (np.random.default_rng(6).normal(size=(20_000, 30)) * steps).cumsum(axis=1)
    out = share(np.abs(paths) >= bounds * np.sqrt(fractions))
    assert out == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


# ---- sample ratio


def test_the_chi_square_test_agrees_with_scipy() -> None:
    counts, shares = [480, 310, 210], np.array([0.5, 0.3, 0.2])
    oracle = stats.chisquare(counts, 1000 * shares).pvalue
    assert sample_ratio_p_value(counts, shares * 7) == pytest.approx(oracle, abs=1e-12)
    assert sample_ratio_p_value([0, 0], [1, 1]) == 1.0


def test_the_sequential_ratio_check_is_a_ratio_of_likelihoods() -> None:
    counts, shares = np.array([480, 310, 210]), np.array([0.5, 0.3, 0.2])
    oracle = stats.dirichlet_multinomial.logpmf(
        counts, 1000 * shares, 1000
    ) - stats.multinomial.logpmf(counts, 1000, shares)
    assert sample_ratio_log_e(counts, shares) == pytest.approx(oracle, abs=1e-10)


def test_a_hundred_looks_at_a_correct_split_raise_no_alarm() -> None:
    """1,000 correct splits: the bound of 5 % holds by Ville's inequality, about 1.5 % is true."""
    n = np.random.default_rng(2).binomial(1000, 0.5, size=(1000, 100)).cumsum(axis=1)
    counts = np.stack([n, 1000 * np.arange(1, 101) - n], axis=-1)
    assert share(sample_ratio_log_e(counts, [1, 1]) >= np.log(20)) <= 0.05
    p_values = np.array(
        [[sample_ratio_p_value(row, [1, 1]) for row in run] for run in counts[:100]]
    )
    assert share(p_values <= 0.05) > 0.2  # what peeking at the chi-square test does


def test_a_wrong_split_is_found() -> None:
    assert sample_ratio_log_e([25_500, 24_500], [1, 1]) >= np.log(20)
    assert sample_ratio_log_e([51_000, 49_000], [1, 1]) >= np.log(1000)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: group_sequential_bounds([0.5, 0.5]), "`fractions` must increase"),
        (lambda: group_sequential_bounds([0.5, 1.1]), "`fractions` must increase"),
        (lambda: group_sequential_bounds([]), "`fractions` must increase"),
        (lambda: mixture_variance(0.0), "`variance` must be"),
        (lambda: sample_ratio_log_e([1, 2], [1, 1], concentration=0), "`concentration` must be"),
    ],
)
def test_bad_settings_are_named(call, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sample_ratio_p_value([1, 2, 3], [1, 1]), "`counts` must be 2 numbers"),
        (lambda: sample_ratio_p_value([1, 2], [1, 0]), "`shares` must be"),
        (lambda: two_proportion_log_e([[5, 3]], [[1, 3]]), "`control` must have successes"),
        (lambda: two_proportion_log_e([[1, 3]], [[1, 3], [1, 3]]), "`treatment` must hold"),
    ],
)
def test_bad_counts_are_named(call, words: str) -> None:
    with pytest.raises(InvalidSampleError, match=words):
        call()
