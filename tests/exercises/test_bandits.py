"""What the exercise bandits claims in its text is true."""

from pathlib import Path

import numpy as np
import pytest

from coursekit.delivery import bandits
from coursekit.delivery.bandits import off_policy
from coursekit.grading.checks import run_check
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.protocol.subject import LocalSubject
from coursekit.grading.student.rehearsal import running

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "bandits"


@pytest.fixture(scope="module")
def finished():
    notebook = read_notebook(FOLDER / "bandits.ipynb")
    with running(notebook, FOLDER, 120) as (subject, _):
        yield subject


def test_the_examples_by_hand_are_right(finished):
    shares = finished.call("greedy_shares", np.array([5, 2, 1]), np.array([10, 10, 10]), 0.3)
    assert shares == pytest.approx([0.8, 0.1, 0.1])
    shares = finished.call("greedy_shares", np.array([5, 0, 1]), np.array([10, 0, 10]), 0.3)
    assert shares == pytest.approx([0.1, 0.8, 0.1])
    few, many = finished.call("ucb_bounds", np.array([1, 100]), np.array([10, 1000]))
    assert few > many
    policy = finished.new("Thompson", 2, 0.5)
    policy.map("update", [[0, 1.0], [1, 0.0]])
    assert np.array(policy.call("posterior")).tolist() == [[1.5, 1.0], [1.0, 2.0]]
    assert finished.call("decide", np.array([0.2, 0.5, 0.3]), 0.6) == (1, 0.5)
    value, _ = finished.call(
        "ips", np.array([0.0, 0, 0, 1]), np.array([0.8, 0.8, 0.8, 0.2]), np.full(4, 0.5)
    )
    assert value == 0.625


def test_the_answers_agree_with_the_courses_own(finished):
    rng = np.random.default_rng(1)
    arms, rewards = rng.integers(3, size=50), (rng.random(50) < 0.4).astype(float)
    wins, pulls = (np.bincount(arms, weights=each, minlength=3) for each in (rewards, None))
    greedy, ucb = bandits.EpsilonGreedy(3, epsilon=0.3), bandits.UCB1(3)
    thompson = bandits.BernoulliThompson(3, discount=0.9)
    for policy in (greedy, ucb, thompson):
        policy.update_many(arms, rewards)
    assert finished.call("greedy_shares", wins, pulls, 0.3) == pytest.approx(greedy.propensities())
    assert finished.call("ucb_bounds", wins, pulls) == pytest.approx(ucb.bounds())
    mine = finished.new("Thompson", 3, 0.9)
    mine.map("update", [[int(arm), reward] for arm, reward in zip(arms, rewards, strict=True)])
    assert np.array(mine.call("posterior")) == pytest.approx(thompson.posteriors())
    propensities, shares = rng.uniform(0.1, 0.9, (2, 50))
    log = off_policy.LoggedRewards(actions=arms, rewards=rewards, propensities=propensities)
    own = off_policy.inverse_propensity(log, shares)
    assert finished.call("ips", rewards, propensities, shares) == pytest.approx(
        (own.value, own.standard_error)
    )


def test_the_newspapers_log_answers_the_editor(finished):
    value, error = finished.get("value"), finished.get("error")
    assert abs(value - 0.03) < 2 * error
    arms, propensities = finished.get("arms"), finished.get("propensities")
    third = propensities[arms == 2]
    assert 200 < len(third) < 600  # "a few hundred readers only"
    assert np.median(1 / third) == pytest.approx(15, abs=0.1)


def greedy_by_loops(wins, pulls, epsilon):
    means = [w / n if n else float("inf") for w, n in zip(wins, pulls, strict=True)]
    best = [at for at, mean in enumerate(means) if mean == max(means)]
    return [
        epsilon / len(means) + (1 - epsilon) / len(best) * (at in best) for at in range(len(means))
    ]


def bounds_by_loops(wins, pulls):
    n = sum(pulls)
    return [w / k + (2 * np.log(n) / k) ** 0.5 for w, k in zip(wins, pulls, strict=True)]


class ThompsonByLoops:
    def __init__(self, n_arms, discount=1.0, seed=0):
        self.discount, self.rng = discount, np.random.default_rng(seed)
        self.alpha, self.beta = [1.0] * n_arms, [1.0] * n_arms

    def posterior(self):
        return np.array([self.alpha, self.beta])

    def pull(self):
        draws = [self.rng.beta(a, b) for a, b in zip(self.alpha, self.beta, strict=True)]
        return np.int64(np.argmax(draws))

    def update(self, arm, reward):
        for row, gain in ((self.alpha, reward), (self.beta, 1 - reward)):
            row[:] = [1 + self.discount * (each - 1) for each in row]
            row[arm] += gain


def decide_by_search(shares, u):
    arm = np.searchsorted(np.cumsum(shares), u, side="right")
    return np.array([arm, shares[arm]])


def ips_by_sums(rewards, propensities, shares):
    terms = [r * q / p for r, p, q in zip(rewards, propensities, shares, strict=True)]
    mean = sum(terms) / len(terms)
    return [mean, (sum((x - mean) ** 2 for x in terms) / (len(terms) - 1) / len(terms)) ** 0.5]


@pytest.mark.parametrize("seed", range(3))
def test_right_answers_that_are_written_differently_earn_all(seed):
    exercise = load_exercise(FOLDER)
    subject = LocalSubject(
        {
            "greedy_shares": greedy_by_loops,
            "ucb_bounds": bounds_by_loops,
            "Thompson": ThompsonByLoops,
            "decide": decide_by_search,
            "ips": ips_by_sums,
        }
    )
    for check in exercise.checks:
        report = run_check(check, subject, seed=seed, mistakes=exercise.mistakes[check.id])
        assert report.passed, report
