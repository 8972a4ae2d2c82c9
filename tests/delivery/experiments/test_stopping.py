"""Stopping rules over a whole experiment: false positives in A/A with many looks.

2,000 A/A experiments with 10,000 normal outcomes per arm and a look every 100. A rule at exactly
5 % shows a share with a standard deviation of 0.49 points.
"""

from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.delivery.experiments import AlwaysValid, FixedSample, GroupSequential
from coursekit.delivery.experiments.stopping import StoppingRule
from coursekit.evaluation.statistics import Effect

RUNS, LOOKS, BLOCK = 2000, 100, 100


def rejections(rule: StoppingRule, level: float = 0.05) -> float:
    """The share of A/A runs in which a look that may conclude rejects."""
    rng = np.random.default_rng(11)
    n = BLOCK * np.arange(1, LOOKS + 1)
    steps = rng.normal(scale=np.sqrt(2 * BLOCK), size=(RUNS, LOOKS))
    estimates = steps.cumsum(axis=1) / n  # differences of means of n normal outcomes
    rejected = np.zeros(RUNS, bool)
    for at, size in enumerate(n.tolist()):
        if rule.look(2 * size):
            effect = Effect(estimate=estimates[:, at], variance=np.full(RUNS, 2 / size))
            low_high = _intervals(rule, effect, 2 * size, level)
            rejected |= (low_high[0] > 0) | (low_high[1] < 0)
    return float(rejected.mean())


def _intervals(rule, effect: Effect, n_units: int, level: float):
    """The width of the interval depends on the variance only, so one test serves all runs."""
    one = rule.test(Effect(estimate=0.0, variance=float(effect.variance[0])), n_units, level)
    return effect.estimate + one.low, effect.estimate + one.high


def test_always_valid_is_at_most_its_level() -> None:
    """True rate about 2 %: more than 5 % is 9 standard deviations away."""
    assert rejections(AlwaysValid(2 * BLOCK * LOOKS)) <= 0.05


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_group_sequential_is_at_its_level(spending: str) -> None:
    """Within 1.5 points but for 1 seed in 470."""
    rule = GroupSequential(2 * BLOCK * LOOKS, n_looks=10, spending=spending)
    assert rejections(rule) == pytest.approx(0.05, abs=0.015)
    assert len(rule.fractions) == 10


def test_a_fixed_sample_is_looked_at_once() -> None:
    """Within 2 points of 5 % but for 1 seed in 20,000."""
    assert rejections(FixedSample(2 * BLOCK * LOOKS)) == pytest.approx(0.05, abs=0.02)


def test_the_p_value_of_a_group_sequential_test_is_the_level_at_its_bound() -> None:
    rule = GroupSequential(1000, n_looks=5)
    for n_units in (200, 400, 600):
        rule.look(n_units)
    for level in (0.001, 0.05, 0.4):
        bound = float(rule.test(Effect(estimate=0.0, variance=1.0), 600, level).high)
        found = rule.test(Effect(estimate=bound, variance=1.0), 600, 0.05)
        assert found.p_value == pytest.approx(level, rel=2e-3)


def test_before_the_first_look_nothing_is_known() -> None:
    found = GroupSequential(1000).test(Effect(estimate=9.0, variance=1.0), 10, 0.05)
    assert (found.p_value, found.low, found.high) == (1.0, -np.inf, np.inf)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: FixedSample(1), InvalidParameterError),
        (lambda: GroupSequential(100, n_looks=0), InvalidParameterError),
        (lambda: GroupSequential(100, spending="often"), UnknownNameError),
    ],
)
def test_bad_plans_are_named(call, error) -> None:
    with pytest.raises(error, match="must be"):
        call()
