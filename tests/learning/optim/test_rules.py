"""Update rules against their textbook formulas and a Kalman filter."""

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.learning.optim.rules import (
    ADAGRAD_TAG,
    BELIEF_TAG,
    SGD,
    SGD_TAG,
    AdaGrad,
    GaussianBelief,
    move,
    rule_named,
)


def moved(tag, value, memory, **numbers):
    row = np.array([value, memory]) if tag != SGD_TAG else np.array([value])
    move(
        tag,
        row,
        0,
        *(float(numbers[name]) for name in ("slope", "error", "spread", "rate", "penalty")),
    )
    return row


def test_sgd_steps_down_the_gradient_of_half_the_squared_error():
    row = moved(SGD_TAG, 0.5, None, slope=2.0, error=0.3, spread=1, rate=0.1, penalty=0.01)
    assert row[0] == pytest.approx(0.5 + 0.1 * (0.3 * 2.0 - 0.01 * 0.5))


def test_adagrad_divides_by_the_root_of_the_squared_gradients_so_far():
    row = moved(ADAGRAD_TAG, 0.5, 0.2, slope=2.0, error=0.3, spread=1, rate=0.1, penalty=0.0)
    assert row[1] == pytest.approx(0.2 + 0.36)
    assert row[0] == pytest.approx(0.5 + 0.1 * 0.6 / np.sqrt(0.56))


def test_a_belief_about_one_number_is_the_kalman_filter():
    rng = np.random.default_rng(0)
    row = np.array([0.0, 4.0])
    mean, variance, noise, walk = 0.0, 4.0, 0.5, 0.01
    for slope, target in rng.normal(size=(50, 2)):
        spread = noise + slope**2 * (row[1] + walk)
        move(BELIEF_TAG, row, 0, slope, target - slope * row[0], spread, walk, 0.0)
        variance += walk
        gain = variance * slope / (slope**2 * variance + noise)
        mean, variance = mean + gain * (target - slope * mean), (1 - gain * slope) * variance
    assert row == pytest.approx([mean, variance])


def test_a_belief_without_walk_is_exact_bayesian_regression_for_one_coordinate():
    rng = np.random.default_rng(1)
    slopes, targets = rng.normal(size=(2, 40))
    row, noise, prior = np.array([0.0, 2.0]), 0.3, 2.0
    for slope, target in zip(slopes, targets, strict=True):
        move(
            BELIEF_TAG, row, 0, slope, target - slope * row[0], noise + slope**2 * row[1], 0.0, 0.0
        )
    precision = 1 / prior + (slopes**2).sum() / noise
    assert row == pytest.approx([(slopes * targets).sum() / noise / precision, 1 / precision])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: SGD(bias_rate=0.0), "bias_rate"),
        (lambda: SGD(factor_penalty=-1.0), "factor_penalty"),
        (lambda: AdaGrad(initial_memory=0.0), "initial_memory"),
        (lambda: GaussianBelief(noise=float("nan")), "noise"),
        (lambda: GaussianBelief(factor_walk=float("inf")), "factor_walk"),
        (lambda: rule_named("belief").with_regularization(0.1), "regularization"),
    ],
)
def test_a_setting_out_of_range_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        make()


def test_an_unknown_rule_is_told_the_known_ones():
    with pytest.raises(UnknownNameError, match="sgd, adagrad, belief"):
        rule_named("adam")
