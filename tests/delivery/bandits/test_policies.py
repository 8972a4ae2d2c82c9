"""The numbers of each policy against an oracle: scipy, brute force, explicit matrices."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, UnknownNameError
from coursekit.delivery import bandits
from coursekit.delivery.bandits.chances import chances_of_being_largest
from coursekit.delivery.bandits.policies.kl_ucb import bernoulli_kl, upper_bounds


def fed(policy, n, seed, chances=(0.2, 0.5, 0.3), real=False):
    """Give a policy n rewards of random arms; return arms and rewards."""
    rng = np.random.default_rng(seed)
    arms = rng.integers(policy.n_arms, size=n)
    rewards = (
        rng.normal(size=n) if real else (rng.random(n) < np.array(chances)[arms]).astype(float)
    )
    policy.update_many(arms, rewards)
    return arms, rewards


def discounted(arms, rewards, discount, n_arms=3):
    """Return the discounted sums and numbers by their definition."""
    weights = discount ** np.arange(len(arms))[::-1]
    mine = arms == np.arange(n_arms)[:, None]
    return (weights * rewards * mine).sum(axis=1), (weights * mine).sum(axis=1)


@pytest.mark.parametrize("discount", [1.0, 0.95])
def test_epsilon_greedy_prefers_the_largest_discounted_mean(discount):
    policy = bandits.EpsilonGreedy(3, epsilon=0.3, discount=discount)
    sums, counts = discounted(*fed(policy, 80, seed=1), discount)
    wanted = np.full(3, 0.1)
    wanted[np.argmax(sums / counts)] += 0.7
    assert policy.propensities() == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("discount", [1.0, 0.95])
def test_ucb1_is_the_published_bound(discount):
    policy = bandits.UCB1(3, exploration=2.0, discount=discount)
    sums, counts = discounted(*fed(policy, 80, seed=2), discount)
    bound = sums / counts + np.sqrt(2 * np.log(counts.sum()) / counts)
    assert policy.bounds() == pytest.approx(bound, rel=1e-12)


@pytest.mark.parametrize("exploration", [0.0, 3.0])
def test_kl_ucb_is_the_root_that_brentq_finds(exploration):
    policy = bandits.KLUCB(3, exploration=exploration)
    sums, counts = discounted(*fed(policy, 80, seed=3), 1.0)
    level = np.log(80) + exploration * np.log(np.log(80))
    for bound, p, n in zip(policy.bounds(), sums / counts, counts, strict=True):
        root = optimize.brentq(lambda q, p=p, n=n: n * bernoulli_kl(p, q) - level, p, 1 - 1e-15)
        assert bound == pytest.approx(root, abs=1e-11)


def test_kl_bounds_hold_everywhere_on_a_grid():
    means, levels = (
        each.ravel()
        for each in np.meshgrid(
            np.r_[0.0, 1e-9, np.linspace(0.01, 0.99, 25), 1.0], np.logspace(-9, 2, 40)
        )
    )
    for p, level, q in zip(means, levels, upper_bounds(means, levels), strict=True):
        assert p <= q <= 1.0
        if 0.0 < p < 1.0 and q < 1 - 1e-6:  # nearer to 1, 1 - q is rounded
            assert bernoulli_kl(p, q) == pytest.approx(level, rel=1e-6, abs=1e-13)
        elif p == 0.0:
            assert q == pytest.approx(min(-math.expm1(-level), 1 - 2**-53), rel=1e-7)


def test_the_divergence_is_scipys():
    for p, q in [(0.0, 0.3), (1.0, 0.3), (0.2, 0.7), (0.5, 0.5), (0.3, 1.0), (0.3, 0.0)]:
        assert bernoulli_kl(p, q) == pytest.approx(stats.entropy([p, 1 - p], [q, 1 - q]), abs=1e-15)


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_bernoulli_posteriors_keep_the_prior_when_they_discount(discount):
    policy = bandits.BernoulliThompson(3, prior=(2.0, 3.0), discount=discount)
    sums, counts = discounted(*fed(policy, 60, seed=4), discount)
    wanted = [2.0 + sums, 3.0 + counts - sums]
    assert policy.posteriors() == pytest.approx(np.array(wanted), rel=1e-12)


def test_an_arm_that_is_never_pulled_again_returns_to_the_prior():
    policy = bandits.BernoulliThompson(2, prior=(2.0, 3.0), discount=0.9)
    policy.update_many([0] * 50 + [1] * 400, [1.0] * 450)
    assert policy.posteriors()[:, 0] == pytest.approx([2.0, 3.0], abs=1e-12)


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_gaussian_posteriors_are_those_of_bayes_rule(discount):
    policy = bandits.GaussianThompson(3, 0.5, prior_mean=1.0, prior_std=2.0, discount=discount)
    sums, counts = discounted(*fed(policy, 60, seed=5, real=True), discount)
    for arm in range(3):
        grid = np.linspace(-4, 4, 200_001)
        log_density = -0.5 * ((grid - 1.0) / 2.0) ** 2
        log_density += (grid * sums[arm] - 0.5 * counts[arm] * grid**2) / 0.25
        weights = np.exp(log_density - log_density.max())
        mean = np.average(grid, weights=weights)
        variance = np.average((grid - mean) ** 2, weights=weights)
        assert policy.posteriors()[:, arm] == pytest.approx([mean, variance], rel=1e-7)


def by_adaptive_quadrature(distributions, low, high):
    """Return the probability that each draw is the largest, by scipy."""
    points = sorted({float(np.clip(each.mean(), low, high)) for each in distributions})

    def density(x, arm):
        others = [each.cdf(x) for at, each in enumerate(distributions) if at != arm]
        return distributions[arm].pdf(x) * np.prod(others)

    edges = np.unique([low, *points, high])
    return np.array(
        [
            sum(
                integrate.quad(density, *pair, args=(arm,), epsabs=1e-12, limit=400)[0]
                for pair in itertools.pairwise(edges)
            )
            for arm in range(len(distributions))
        ]
    )


POSTERIORS = {
    "untouched": [(1, 1), (1, 1), (1, 1)],
    "a few rewards": [(3, 1), (2, 2), (1, 5)],
    "Jeffreys": [(0.5, 0.5), (1.5, 0.5), (0.5, 3.5)],
    "discounted": [(1.7, 1.2), (4.31, 2.9), (1.01, 7.7)],
    "a narrow one among wide ones": [(500, 4500), (1, 1), (2, 9)],
    "narrow, almost equal": [(1000, 9000), (1012, 8990), (40, 400)],
}


@pytest.mark.parametrize("posteriors", POSTERIORS.values(), ids=POSTERIORS)
def test_thompson_propensities_are_those_of_adaptive_quadrature(posteriors):
    policy = bandits.BernoulliThompson(3, prior=(0.5, 0.5))
    policy._memory = np.array(posteriors, dtype=float).T - 0.5
    wanted = by_adaptive_quadrature([stats.beta(a, b) for a, b in posteriors], 0.0, 1.0)
    error = 1e-9 if float(np.min(posteriors)) >= 1 else 1e-6
    assert policy.propensities() == pytest.approx(wanted, abs=error)


def test_gaussian_propensities_are_those_of_adaptive_quadrature():
    policy = bandits.GaussianThompson(4, reward_std=0.5)
    rng = np.random.default_rng(6)
    policy.update_many([0] * 200 + [1] * 5 + [2] * 190, rng.normal(0.3, 0.5, 395))
    means, variances = policy.posteriors()
    wanted = by_adaptive_quadrature(
        [stats.norm(*pair) for pair in zip(means, np.sqrt(variances), strict=True)], -8.0, 8.0
    )
    assert policy.propensities() == pytest.approx(wanted, abs=1e-9)


def test_two_normals_have_a_closed_form():
    means, stds = np.array([0.3, -0.2]), np.array([0.01, 1.5])
    chances = chances_of_being_largest(
        lambda x: -0.5 * ((x - means[:, None]) / stds[:, None]) ** 2, means, stds
    )
    assert chances[0] == pytest.approx(stats.norm.cdf(0.5 / np.hypot(*stds)), abs=1e-9)


def test_lin_ucb_is_the_ridge_regression_solved_from_scratch():
    rng = np.random.default_rng(7)
    policy = bandits.LinUCB(3, 4, alpha=0.8, regularization=0.5)
    xs, arms, rewards = rng.normal(size=(200, 4)), rng.integers(3, size=200), rng.normal(size=200)
    policy.update_many(arms, rewards, contexts=xs)
    x = rng.normal(size=4)
    for arm in range(3):
        mine = xs[arms == arm]
        A = 0.5 * np.eye(4) + mine.T @ mine
        theta = np.linalg.solve(A, mine.T @ rewards[arms == arm])
        assert policy.theta[arm] == pytest.approx(theta, rel=1e-9)
        bound = theta @ x + 0.8 * math.sqrt(x @ np.linalg.solve(A, x))
        assert policy.bounds(x)[arm] == pytest.approx(bound, rel=1e-9)


def test_lin_ucb_stays_exact_over_ten_thousand_updates():
    rng = np.random.default_rng(8)
    policy, xs = bandits.LinUCB(2, 5), rng.normal(size=(10_000, 5))
    A, b = np.eye(5), np.zeros(5)
    for x, reward in zip(xs, rng.normal(size=10_000).tolist(), strict=True):
        policy.update(0, reward, context=x)
        A += np.outer(x, x)
        b += reward * x
    assert policy.theta[0] == pytest.approx(np.linalg.solve(A, b), rel=1e-8)
    assert np.array_equal(policy._inverses[0], policy._inverses[0].T)


@pytest.mark.parametrize(
    "bad", [None, [1.0], [1.0, math.nan], [1.0, math.inf], ["a", 1], [[1, 2]], [1.0, 1e200]]
)
def test_lin_ucb_names_a_bad_context(bad):
    policy = bandits.LinUCB(2, 2)
    for ask in (policy.pull, policy.propensities, lambda x: policy.update(0, 1.0, context=x)):
        with pytest.raises(InvalidSampleError, match="`context` must be 2 finite numbers"):
            ask(bad)


def test_exp3_weights_are_those_of_the_paper():
    gamma, rng = 0.15, np.random.default_rng(9)
    policy, weights = bandits.EXP3(3, gamma=gamma), np.ones(3)
    for _ in range(300):
        shares = (1 - gamma) * weights / weights.sum() + gamma / 3
        assert policy.propensities() == pytest.approx(shares, rel=1e-10)
        arm, reward = int(rng.integers(3)), float(rng.random())
        policy.update(arm, reward)
        weights[arm] *= math.exp(gamma * reward / shares[arm] / 3)


def test_exp3_uses_the_propensity_of_the_decision_when_the_reward_is_late():
    policy = bandits.EXP3(2, gamma=0.5)
    policy.update_many([0, 0], [1.0, 1.0], propensities=[0.5, 0.5])
    assert policy._memory[0] == pytest.approx([0.0, -1.0])


def test_exp3_does_not_overflow():
    policy = bandits.EXP3(2, gamma=1.0)
    policy.update_many([0] * 5000, [1.0] * 5000, propensities=[1e-3] * 5000)
    assert np.isfinite(policy.propensities()).all()


def test_an_unknown_policy_is_named():
    with pytest.raises(UnknownNameError, match="EpsilonGreedy"):
        bandits.policy_named("Softmax", 3)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: bandits.EpsilonGreedy(2, epsilon=1.1), "epsilon"),
        (lambda: bandits.UCB1(2, exploration=0.0), "exploration"),
        (lambda: bandits.KLUCB(2, exploration=-1.0), "exploration"),
        (lambda: bandits.BernoulliThompson(2, prior=(0.1, 1.0)), "alpha"),
        (lambda: bandits.GaussianThompson(2, reward_std=0.0), "reward_std"),
        (lambda: bandits.LinUCB(2, 0), "n_features"),
        (lambda: bandits.EXP3(2, gamma=0.0), "gamma"),
        (lambda: bandits.UCB1(2, discount=1.5), "discount"),
    ],
)
def test_a_bad_setting_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}` must be"):
        make()
