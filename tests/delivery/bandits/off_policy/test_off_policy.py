"""Off-policy estimators: the formulas of the Open Bandit Pipeline, exact expectations, coverage."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.delivery.bandits import off_policy
from coursekit.delivery.bandits.off_policy import LoggedRewards

N_ARMS = 4


def world(n, seed, n_arms=N_ARMS):
    """A log of n decisions in 3 contexts: log, evaluated (n, K), true means (n, K), truth."""
    rng = np.random.default_rng(seed)
    fixed = np.random.default_rng(99)  # the world itself does not depend on the seed
    means = fixed.uniform(0.05, 0.6, (3, n_arms))
    logging, evaluated = fixed.dirichlet(np.ones(n_arms) * 3, (2, 3))
    contexts = rng.integers(3, size=n)
    ladder = logging[contexts].cumsum(axis=1)
    actions = (rng.random(n)[:, None] > ladder).sum(axis=1).clip(max=n_arms - 1)
    rewards = (rng.random(n) < means[contexts, actions]).astype(float)
    log = LoggedRewards(actions=actions, rewards=rewards, propensities=logging[contexts, actions])
    return log, evaluated[contexts], means[contexts], float((evaluated * means).sum(1).mean())


def test_the_estimators_are_those_of_the_open_bandit_pipeline():
    """obp's formulas, written out: InverseProbabilityWeighting, SelfNormalizedIPW, DirectMethod,
    DoublyRobust of obp/ope/estimators.py, version 0.5.7.
    """
    log, evaluated, model, _ = world(500, seed=1)
    chosen = np.arange(500), log.actions
    iw = evaluated[chosen] / log.propensities
    ips = (iw * log.rewards).mean()
    snips = (iw * log.rewards / iw.mean()).mean()
    dm = np.average(model, weights=evaluated, axis=1).mean()
    dr = (np.average(model, weights=evaluated, axis=1) + iw * (log.rewards - model[chosen])).mean()
    found = (
        off_policy.inverse_propensity(log, evaluated),
        off_policy.self_normalized(log, evaluated),
        off_policy.direct_method(log, evaluated, model),
        off_policy.doubly_robust(log, evaluated, model),
    )
    assert [each.estimator for each in found] == ["IPS", "SNIPS", "DM", "DR"]
    assert [each.value for each in found] == pytest.approx([ips, snips, dm, dr], rel=1e-13)
    assert off_policy.gain_over_the_log(log, evaluated).value == pytest.approx(
        snips - log.rewards.mean(), rel=1e-12
    )


def test_a_column_of_the_logged_actions_is_as_good_as_a_table():
    log, evaluated, _, _ = world(200, seed=2)
    column = evaluated[np.arange(200), log.actions]
    for estimate in (off_policy.inverse_propensity, off_policy.self_normalized):
        assert estimate(log, column) == estimate(log, evaluated)


def test_expectations_over_all_logs_are_exact():
    """Every log of 3 decisions of 2 arms with rewards 0 and 1, weighed by its probability: IPS is
    unbiased; DR is, with a wrong model; DR is, with wrong propensities and a right model.
    """
    logging, evaluated, means = np.array([0.3, 0.7]), np.array([0.8, 0.2]), np.array([0.6, 0.1])
    wrong_model, wrong_logging = np.array([0.9, 0.5]), np.array([0.5, 0.5])
    truth, total = float(evaluated @ means), 0.0
    expected = dict.fromkeys(("IPS", "DR, wrong model", "DR, wrong propensities"), 0.0)
    for actions in itertools.product((0, 1), repeat=3):
        for rewards in itertools.product((0.0, 1.0), repeat=3):
            chance = math.prod(
                logging[a] * (means[a] if r else 1 - means[a])
                for a, r in zip(actions, rewards, strict=True)
            )
            right = LoggedRewards(
                actions=actions, rewards=rewards, propensities=logging[list(actions)]
            )
            wrong = LoggedRewards(
                actions=actions, rewards=rewards, propensities=wrong_logging[list(actions)]
            )
            share = np.tile(evaluated, (3, 1))
            values = (
                off_policy.inverse_propensity(right, share).value,
                off_policy.doubly_robust(right, share, np.tile(wrong_model, (3, 1))).value,
                off_policy.doubly_robust(wrong, share, np.tile(means, (3, 1))).value,
            )
            for name, value in zip(expected, values, strict=True):
                expected[name] += chance * value
            total += chance
    assert total == pytest.approx(1.0)
    assert list(expected.values()) == pytest.approx([truth] * 3, rel=1e-12)


def test_intervals_are_normal_and_that_of_snips_is_the_delta_method():
    log, evaluated, _, _ = world(400, seed=3)
    iw = evaluated[np.arange(400), log.actions] / log.propensities
    ips = off_policy.inverse_propensity(log, evaluated, level=0.9)
    wanted = stats.norm.interval(0.9, ips.value, stats.sem(iw * log.rewards))
    assert (ips.low, ips.high) == pytest.approx(wanted, rel=1e-12)
    snips = off_policy.self_normalized(log, evaluated)
    x, y = iw * log.rewards, iw
    cov = np.cov(x, y)
    ratio = snips.value
    variance = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / y.mean() ** 2 / 400
    assert snips.standard_error == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """500 logs of 1,000 decisions. With a coverage of 0.95 fewer than 455 or more than 492 hits
    come by chance once in 10,000 times.
    """
    hits = dict.fromkeys(("IPS", "SNIPS", "DR"), 0)
    for seed in range(500):
        log, evaluated, _, truth = world(1000, seed)
        model = off_policy.mean_rewards(log, N_ARMS)
        for each in (
            off_policy.inverse_propensity(log, evaluated),
            off_policy.self_normalized(log, evaluated),
            off_policy.doubly_robust(log, evaluated, model),
        ):
            hits[each.estimator] += each.low <= truth <= each.high
    assert all(455 <= n <= 492 for n in hits.values()), hits


def test_a_good_model_makes_doubly_robust_the_most_precise():
    """Rewards are their mean plus little noise; mean squared errors over 200 logs differ by factors
    of 2 and more, many standard errors.
    """
    errors = dict.fromkeys(("IPS", "SNIPS", "DR"), 0.0)
    for seed in range(200):
        log, evaluated, means, truth = world(500, seed)
        noise = np.random.default_rng(seed).normal(0, 0.05, 500)
        chosen = means[np.arange(500), log.actions]
        log = LoggedRewards(
            actions=log.actions, rewards=chosen + noise, propensities=log.propensities
        )
        for each in (
            off_policy.inverse_propensity(log, evaluated),
            off_policy.self_normalized(log, evaluated),
            off_policy.doubly_robust(log, evaluated, means),
        ):
            errors[each.estimator] += (each.value - truth) ** 2
    assert 2 * errors["DR"] < errors["SNIPS"]
    assert 2 * errors["SNIPS"] < errors["IPS"]


def test_a_model_never_sees_the_row_that_it_predicts():
    log, *_ = world(60, seed=4)
    before = off_policy.mean_rewards(log, N_ARMS)
    changed = log.rewards.copy()
    changed[7] += 100.0
    after = off_policy.mean_rewards(
        LoggedRewards(actions=log.actions, rewards=changed, propensities=log.propensities), N_ARMS
    )
    fold = np.arange(60) % 5
    assert np.array_equal(after[fold == 2], before[fold == 2])
    assert (after[fold != 2, log.actions[7]] > before[fold != 2, log.actions[7]]).all()


def test_strata_have_means_of_their_own():
    log = LoggedRewards(
        actions=np.zeros(40, int), rewards=np.repeat([1.0, 3.0], 20), propensities=np.ones(40)
    )
    model = off_policy.mean_rewards(log, 1, strata=np.repeat([5, 2], 20), prior_weight=0.0)
    assert model[:, 0] == pytest.approx(log.rewards)


def test_clipping_cuts_large_weights_and_says_so():
    log = LoggedRewards(actions=[0, 0, 1], rewards=[1.0, 2.0, 4.0], propensities=[0.5, 0.01, 0.5])
    evaluated = np.tile([0.5, 0.5], (3, 1))
    assert off_policy.inverse_propensity(log, evaluated).value == pytest.approx(105 / 3)
    assert off_policy.inverse_propensity(log, evaluated, clip=10).value == pytest.approx(25 / 3)
    summary = off_policy.summarize_weights(log, evaluated, clip=10)
    assert (summary.n_clipped, summary.largest, summary.n_rewarded) == (1, 10.0, 3)
    assert summary.effective_sample_size == pytest.approx(12**2 / 102)
    assert summary.mean == pytest.approx(4.0)
    assert summary.mean_error == pytest.approx(stats.sem([1, 10, 1]))


GOOD = {"actions": [0, 1], "rewards": [0.0, 1.0], "propensities": [0.5, 0.5]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": []}, "`actions`"),
        ({"actions": [0.5, 1.0]}, "`actions`"),
        ({"actions": [0, -1]}, r"`actions\[1\]` must be 0 or more"),
        ({"rewards": [0.0]}, "`rewards` must have shape"),
        ({"rewards": [0.0, math.nan]}, r"`rewards\[1\]` must be finite"),
        ({"rewards": ["a", "b"]}, "`rewards` must be numbers"),
        ({"propensities": [0.5, 0.0]}, r"`propensities\[1\]` must be in \(0, 1\]"),
        ({"propensities": [1.5, 0.5]}, r"`propensities\[0\]` must be in \(0, 1\]"),
    ],
)
def test_a_bad_log_is_named(change, message):
    with pytest.raises(InvalidSampleError, match=message):
        LoggedRewards(**(GOOD | change))


@pytest.mark.parametrize(
    "evaluated",
    [[0.5], [0.5, 1.5], [-0.1, 0.5], [math.nan, 1.0], [[1.0], [1.0]], [[0.5, 0.6], [0.5, 0.5]],
     [[1.5, -0.5], [0.5, 0.5]], [[math.nan, 1.0], [0.5, 0.5]]],
)  # fmt: skip
def test_a_bad_evaluated_policy_is_named(evaluated):
    with pytest.raises(InvalidSampleError, match="`evaluated"):
        off_policy.inverse_propensity(LoggedRewards(**GOOD), evaluated)


def test_a_model_of_another_shape_is_named():
    log = LoggedRewards(**GOOD)
    for model in (np.zeros((2, 3)), np.full((2, 2), np.nan), np.zeros(2)):
        with pytest.raises(InvalidSampleError, match="`evaluated` and `rewards`"):
            off_policy.doubly_robust(log, np.full((2, 2), 0.5), model)


def test_a_log_without_overlap_is_refused_by_snips_and_a_single_row_by_all():
    log = LoggedRewards(**GOOD)
    with pytest.raises(InvalidSampleError, match="never chooses a logged action"):
        off_policy.self_normalized(log, [0.0, 0.0])
    one = LoggedRewards(actions=[0], rewards=[1.0], propensities=[0.5])
    with pytest.raises(InvalidSampleError, match="needs 2 decisions"):
        off_policy.inverse_propensity(one, [1.0])


@pytest.mark.parametrize("settings", [{"level": 1.0}, {"clip": 0.0}])
def test_a_bad_setting_is_named(settings):
    with pytest.raises(InvalidParameterError, match=f"`{next(iter(settings))}` must be"):
        off_policy.inverse_propensity(LoggedRewards(**GOOD), [0.5, 0.5], **settings)


def test_the_gain_of_the_logging_policy_over_itself_is_nothing():
    log, *_ = world(200, seed=5)
    gain = off_policy.gain_over_the_log(log, log.propensities)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-15)


def test_the_interval_of_the_gain_is_that_of_the_bootstrap():
    """Standard errors from 2,000 resamples are known to 2 %; the two agree within 10 %."""
    log, evaluated, _, _ = world(2000, seed=6)
    column = evaluated[np.arange(2000), log.actions]
    rng, gains = np.random.default_rng(0), []
    for _ in range(2000):
        rows = rng.integers(2000, size=2000)
        weights = column[rows] / log.propensities[rows]
        mean = log.rewards[rows].mean()
        gains.append(weights @ log.rewards[rows] / weights.sum() - mean)
    gain = off_policy.gain_over_the_log(log, column)
    assert gain.standard_error == pytest.approx(np.std(gains), rel=0.1)
