"""The learning-rate schedule: plateaus, noise, drift."""

import math

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.learning.optim.learning_rate import AdaptiveLearningRate


def run(schedule, losses):
    return np.array([schedule.update(loss) for loss in losses])


def test_the_smoothed_loss_is_the_exponentially_weighted_mean():
    schedule = AdaptiveLearningRate(patience=20)
    losses = np.random.default_rng(0).gamma(1.0, size=50)
    run(schedule, losses)
    weights = (1 - 1 / 20) ** np.arange(49, -1, -1)
    assert schedule.smoothed_loss == pytest.approx(np.average(losses, weights=weights))


def test_a_constant_loss_decays_once_every_patience_and_stops_at_the_floor():
    schedule = AdaptiveLearningRate(initial_lr=0.01, decay_factor=0.5, min_lr=0.002, patience=10)
    rates = run(schedule, [1.0] * 60)
    assert rates[[0, 8, 9, 18, 19]] == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.0025])
    assert rates[-1] == 0.002


@pytest.mark.parametrize("seed", range(5))
def test_a_slow_improvement_under_heavy_noise_is_no_plateau(seed):
    noise = np.random.default_rng(seed).chisquare(1, 4000)  # squared errors are heavy-tailed
    still = run(AdaptiveLearningRate(), noise)
    falling = run(AdaptiveLearningRate(), np.linspace(4.0, 1.0, 4000) * noise)
    assert still[-1] < 0.0045
    assert falling[-1] > 1.4 * still[-1]


def test_one_lucky_loss_costs_at_most_one_decay():
    falling = np.linspace(4.0, 1.0, 1000) + 0.1 * np.random.default_rng(2).random(1000)
    falling[5] = 0.0
    assert run(AdaptiveLearningRate(initial_lr=0.01, patience=50), falling)[-1] >= 0.0095


def test_after_a_jump_improving_from_the_new_level_keeps_the_rate():
    schedule = AdaptiveLearningRate(initial_lr=0.01, patience=50)
    assert run(schedule, np.linspace(2.0, 1.0, 500))[-1] == 0.01
    after = run(schedule, np.linspace(9.0, 5.0, 2000))
    assert (
        after[300] == after[-1] > 0.01 * 0.95**6
    )  # a few decays while the smoothed loss climbs, none in the long fall


def test_a_reset_returns_to_the_start():
    schedule, fresh = AdaptiveLearningRate(patience=5), AdaptiveLearningRate(patience=5)
    run(schedule, [1.0] * 100)
    assert schedule.learning_rate < 0.01
    schedule.reset()
    losses = np.random.default_rng(3).random(100)
    np.testing.assert_array_equal(run(schedule, losses), run(fresh, losses))


def test_many_losses_at_once_are_the_same_as_one_by_one():
    losses = np.random.default_rng(4).random(500)
    one, many = AdaptiveLearningRate(patience=9), AdaptiveLearningRate(patience=9)
    run(one, losses)
    many.update_many(losses[:123])
    many.update_many(losses[123:])
    assert many.get_state() == one.get_state()


@pytest.mark.parametrize("n_before", [0, 1, 137])
def test_a_state_continues_exactly(n_before):
    losses = np.random.default_rng(5).random(400)
    straight, stopped = AdaptiveLearningRate(patience=20), AdaptiveLearningRate(patience=20)
    run(straight, losses[:n_before])
    stopped.set_state(straight.get_state())
    np.testing.assert_array_equal(run(stopped, losses), run(straight, losses))


def test_a_state_of_other_settings_is_refused():
    schedule = AdaptiveLearningRate(patience=20)
    schedule.update(1.0)
    before = schedule.get_state()
    for state, reason in (
        ({}, "no state of AdaptiveLearningRate"),
        (AdaptiveLearningRate(patience=21).get_state(), "'patience': 21"),
    ):
        with pytest.raises(StateFormatError, match=reason):
            schedule.set_state(state)
    assert schedule.get_state() == before


def test_a_loss_that_is_no_number_is_refused_and_changes_nothing():
    schedule = AdaptiveLearningRate()
    schedule.update(1.0)
    before = schedule.get_state()
    for loss in (math.nan, math.inf):
        with pytest.raises(InvalidSampleError, match="`loss`"):
            schedule.update(loss)
    assert schedule.get_state() == before


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"initial_lr": 0.0}, "initial_lr"),
        ({"initial_lr": math.nan}, "initial_lr"),
        ({"decay_factor": 1.0}, "decay_factor"),
        ({"min_lr": 0.02}, "min_lr"),
        ({"min_lr": 0.0}, "min_lr"),
        ({"patience": 0}, "patience"),
        ({"patience": 2.5}, "patience"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        AdaptiveLearningRate(**settings)
