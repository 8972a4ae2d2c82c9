"""The weighted ensemble: its formula, its bound, its members."""

import itertools
import math

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import AbruptDrift, rating_stream
from coursekit.learning.learners.ensemble import WeightedEnsemble
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.learner import OnlineLearner
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization


class Scripted(OnlineLearner):
    """A member that says what it is told to say."""

    def __init__(self, answers):
        super().__init__()
        self.answers = list(answers)

    def predict(self, user_id, item_id, features=None):
        return self.answers[self.samples_processed]

    def partial_fit(self, sample):
        loss = self.evaluate_sample(sample)
        self.samples_processed += 1
        return loss


def play(answers, targets, share, target_range=(0.0, 1.0)):
    ensemble = WeightedEnsemble(
        [Scripted([*row, 0.0]) for row in answers.T], target_range=target_range, share=share
    )
    chunk = Chunk(user_ids=[1] * len(targets), item_ids=[1] * len(targets), targets=targets)
    return ensemble, ensemble.partial_fit_many(chunk)


def test_the_shares_are_exponential_weights_mixed_with_a_fixed_share():
    rng = np.random.default_rng(0)
    answers, targets = rng.random((30, 3)), rng.random(30)
    ensemble, losses = play(answers, targets, share=0.1)
    shares = np.full(3, 1 / 3)
    for answer, target, loss in zip(answers, targets, losses, strict=True):
        assert loss == pytest.approx((target - shares @ answer) ** 2)
        shares *= np.exp(-0.5 * (target - answer) ** 2)
        shares = 0.9 * shares / shares.sum() + 0.1 / 3
    np.testing.assert_allclose(ensemble.shares, shares)


def adversarial(seed, n, n_members):
    """Streams that try to hurt: the target goes to the far end from the ensemble's own answer."""
    rng = np.random.default_rng(seed)
    answers = rng.choice([0.0, 0.3, 1.0], (n, n_members))
    targets = rng.random(n) if seed % 2 else (answers.mean(axis=1) < 0.5).astype(float)
    return answers, targets


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_members", [2, 5])
def test_without_share_it_is_never_worse_than_the_best_member_by_more_than_a_constant(
    seed, n_members
):
    answers, targets = adversarial(seed, 2000, n_members)
    ensemble, losses = play(answers, targets, share=0.0)
    regret = np.cumsum(losses)[:, None] - np.cumsum((targets[:, None] - answers) ** 2, axis=0)
    assert regret.max() <= ensemble.regret_bound(2000) == pytest.approx(2 * math.log(n_members))


def best_with_switches(losses, n_switches):
    """The least total loss of a sequence of members with at most so many switches, by dynamic
    programming.
    """
    best = np.full((n_switches + 1, losses.shape[1]), 0.0)
    for row in losses:
        moved = best.copy()
        for s in range(1, n_switches + 1):
            moved[s] = np.minimum(best[s], best[s - 1].min())
        best = moved + row
    return best.min()


@pytest.mark.parametrize("n_switches", [0, 1, 4])
@pytest.mark.parametrize("seed", range(4))
def test_with_a_share_it_follows_the_best_sequence_of_members(seed, n_switches):
    answers, targets = adversarial(seed, 400, 3)
    for block in range(5):  # the members take turns in being right
        answers[80 * block : 80 * (block + 1), block % 3] = targets[80 * block : 80 * (block + 1)]
    ensemble, losses = play(answers, targets, share=0.01)
    regret = losses.sum() - best_with_switches((targets[:, None] - answers) ** 2, n_switches)
    assert regret <= ensemble.regret_bound(400, n_switches)


def test_the_bound_is_what_the_book_says():
    ensemble = WeightedEnsemble(
        [Scripted([0.0]) for _ in range(4)], target_range=(1.0, 5.0), share=0.01
    )
    expected = 2 * 16 * (4 * math.log(4) + 3 * math.log(100) + 96 * math.log(1 / 0.99))
    assert ensemble.regret_bound(100, n_switches=3) == pytest.approx(expected)
    still = WeightedEnsemble([Scripted([0.0])], target_range=(0.0, 1.0), share=0.0)
    assert (still.regret_bound(100), still.regret_bound(100, n_switches=1)) == (0.0, math.inf)


def members():
    rates = (
        {"optimizer": "sgd", "learning_rate": 0.01},
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"optimizer": "belief"},
    )
    return [OnlineMatrixFactorization(n_factors=3, seed=1, **each) for each in rates]


def test_after_drift_it_is_better_than_the_member_that_was_best_before():
    totals = []
    for seed in range(5):
        chunk = rating_stream(
            4000, 40, 60, seed=seed, drift=AbruptDrift(size=1.0), rating_range=(1.0, 5.0)
        )
        ensemble = WeightedEnsemble(members(), target_range=(1.0, 5.0))
        own = ensemble.partial_fit_many(chunk)
        alone = np.array([member.partial_fit_many(chunk) for member in members()])
        totals.append([own.mean(), *alone.mean(axis=1)])
        assert own.sum() <= alone.sum(axis=1).min() + ensemble.regret_bound(4000)
    mean = np.mean(totals, axis=0)
    assert mean[0] < mean[1:].min()


def test_members_learn_exactly_as_alone():
    chunk = rating_stream(300, 20, 30, seed=0)
    ensemble, alone = WeightedEnsemble(members(), target_range=(1.0, 5.0)), members()
    ensemble.partial_fit_many(chunk)
    for member, twin in zip(ensemble.learners, alone, strict=True):
        twin.partial_fit_many(chunk)
        assert member.predict(chunk.user_ids[0], chunk.item_ids[0]) == twin.predict(
            chunk.user_ids[0], chunk.item_ids[0]
        )


def test_its_pace_is_that_of_all_members():
    ensemble = WeightedEnsemble(members(), target_range=(1.0, 5.0))
    ensemble.learning_rate = 2.0
    assert [member.learning_rate for member in ensemble.learners] == [0.02, 0.2, 2.0]
    ensemble.learning_rate = 1.0
    assert [member.learning_rate for member in ensemble.learners] == [0.01, 0.1, 1.0]


def test_what_one_member_refuses_none_has_learnt():
    ensemble = WeightedEnsemble(
        [OnlineMatrixFactorization(n_factors=2), OnlineFactorizationMachine(n_factors=2)],
        target_range=(1.0, 5.0),
    )
    bad = {"user_id": 1, "item_id": 1, "target": 3.0, "features": np.array([math.nan])}
    for learn in (
        lambda: ensemble.partial_fit(OnlineSample(**bad)),
        lambda: ensemble.partial_fit_many(
            Chunk(user_ids=[1], item_ids=[1], targets=[3.0], features=[bad["features"]])
        ),
    ):
        with pytest.raises(InvalidSampleError):
            learn()
    assert [member.samples_processed for member in ensemble.learners] == [0, 0]
    assert ensemble.samples_processed == 0


def test_a_state_with_a_foreign_member_is_refused_and_nothing_changes():
    ensemble = WeightedEnsemble(members(), target_range=(1.0, 5.0))
    chunk = rating_stream(100, 10, 10, seed=0)
    ensemble.partial_fit_many(chunk)
    before = [ensemble.predict(u, i) for u, i in itertools.product(range(5), range(5))]
    state = ensemble.get_model_state()
    state["memory"]["learners"][2] = {"class": "Other", "config": {}, "memory": {}}
    ensemble.partial_fit_many(chunk)
    after = [ensemble.predict(u, i) for u, i in itertools.product(range(5), range(5))]
    with pytest.raises(StateFormatError):
        ensemble.set_model_state(state)
    assert (
        [ensemble.predict(u, i) for u, i in itertools.product(range(5), range(5))]
        == after
        != before
    )


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"learners": []}, "learners"),
        ({"target_range": (5.0, 1.0)}, "target_range"),
        ({"target_range": (0.0, math.inf)}, "target_range"),
        ({"share": 1.0}, "share"),
        ({"share": -0.1}, "share"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        WeightedEnsemble(**{"learners": members(), "target_range": (1.0, 5.0), **settings})
