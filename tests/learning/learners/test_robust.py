"""Clipping and trimming, and what an attack does without and with them."""

import numpy as np
import pytest
from scipy.stats import trim_mean

from coursekit.core.errors import InvalidParameterError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
from coursekit.learning.learners.robust import RobustLearner, clipped, push_attack, trimmed_mean


def learner(optimizer="sgd"):
    return OnlineMatrixFactorization(n_factors=3, optimizer=optimizer, seed=1)


def test_the_trimmed_mean_is_scipys():
    gradients = np.random.default_rng(0).standard_cauchy((41, 5))
    for trim in (0.0, 0.1, 0.3, 0.49):
        np.testing.assert_allclose(
            trimmed_mean(gradients, trim), trim_mean(gradients, trim, axis=0)
        )


def test_clipping_keeps_the_direction_and_bounds_the_length():
    rng = np.random.default_rng(1)
    for gradient in rng.normal(size=(50, 3)) * 3:
        short = clipped(gradient, 2.0)
        assert np.linalg.norm(short) == pytest.approx(min(2.0, np.linalg.norm(gradient)))
        assert np.linalg.norm(gradient) * short == pytest.approx(np.linalg.norm(short) * gradient)


def test_the_size_of_errors_is_learnt_and_liars_cannot_move_it_far():
    stream = rating_stream(4000, 30, 40, seed=0, drift=None, noise_std=0.5)
    robust = RobustLearner(learner())
    losses = robust.partial_fit_many(stream)
    honest = np.median(np.sqrt(losses[2000:])) / 0.6745
    assert robust.error_size == pytest.approx(honest, rel=0.25)
    for _ in range(5):
        robust.partial_fit(OnlineSample(user_id="liar", item_id=3, target=1e6))
    assert robust.error_size == pytest.approx(honest, rel=0.4)


def test_a_wild_event_moves_the_model_like_one_at_the_bound():
    moves = []
    for target in (20.0, 1e4):
        robust = RobustLearner(learner())
        robust.partial_fit_many(rating_stream(2000, 30, 40, seed=0, drift=None))
        before = robust.predict(3, 4)
        robust.partial_fit(OnlineSample(user_id=3, item_id=4, target=target))
        moves.append(robust.predict(3, 4) - before)
    assert moves[0] == pytest.approx(moves[1], rel=0.02)
    assert 0 < moves[0] < 1.0


@pytest.mark.parametrize("optimizer", ["sgd", "belief"])
@pytest.mark.parametrize("how", ["one by one", "in batches"])
def test_an_attack_moves_the_plain_learner_more_than_the_protected_one(optimizer, how):
    """A twentieth of all events are forged ratings of 30 for one item; what a newcomer is told of
    it is compared.
    """
    damage = []
    for seed in range(4):
        honest = rating_stream(3000, 60, 20, seed=seed, drift=None)
        item = int(np.bincount(honest.item_ids).argmax())
        attacked, forged = push_attack(honest, item_id=item, target=30.0, share=0.05, seed=seed)
        assert forged.mean() == pytest.approx(0.05, abs=1e-3)
        of_item = np.array(honest.item_ids) == item
        truth = honest.expected[of_item].mean()
        row = []
        for model in (learner(optimizer), RobustLearner(learner(optimizer), trim=0.1)):
            if how == "one by one":
                model.partial_fit_many(attacked)
            else:
                for batch in attacked.chunks(32):
                    model.batch_update(batch)
            row.append(abs(model.predict("newcomer", item) - truth))
        damage.append(row)
    plain, protected = np.mean(damage, axis=0)
    assert plain > 5
    assert protected < {"sgd": 0.25, "belief": 0.75}[optimizer] * plain


def test_protection_costs_little_when_nobody_lies():
    stream = rating_stream(4000, 30, 40, seed=0, drift=None)
    plain, robust = (
        learner().partial_fit_many(stream),
        RobustLearner(learner()).partial_fit_many(stream),
    )
    assert robust[1000:].mean() < 1.05 * plain[1000:].mean()


def test_trimming_leaves_out_the_least_credible():
    robust, plain = RobustLearner(learner(), clip=1e9, trim=0.25), learner()
    events = [OnlineSample(user_id=u, item_id=0, target=3.0) for u in range(4)]
    for each in (robust, plain):
        each.partial_fit_many(Chunk.of(events * 20))
    liar = OnlineSample(user_id=2, item_id=0, target=9.0)
    honest = [OnlineSample(user_id=u, item_id=0, target=3.2) for u in (0, 1, 3)]
    loss = robust.batch_update([honest[0], liar, *honest[1:]])
    assert loss > 5
    plain.batch_update(
        [honest[0], OnlineSample(user_id=2, item_id=0, target=9.0, weight=0.0), *honest[1:]]
    )
    assert robust.predict(2, 0) == plain.predict(2, 0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RobustLearner(learner(), clip=0.0), "clip"),
        (lambda: RobustLearner(learner(), trim=0.5), "trim"),
        (lambda: clipped([1.0], max_norm=0.0), "max_norm"),
        (lambda: trimmed_mean([[1.0]], trim=-0.1), "trim"),
        (
            lambda: push_attack(
                rating_stream(9, 2, 2, seed=0), item_id=1, target=5.0, share=0.5, seed=0
            ),
            "share",
        ),
    ],
)
def test_a_setting_out_of_range_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        make()
