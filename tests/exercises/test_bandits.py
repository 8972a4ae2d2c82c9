"""What the exercise bandits claims in its text is true."""

from pathlib import Path

import numpy as np
import pytest

from coursekit.delivery import bandits
from coursekit.delivery.bandits import off_policy
from coursekit.grading.exercises.notebook import read_notebook
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
