"""Defaults are safe: finite, and better than biases alone, on every stream there is, made up or
real.
"""

import numpy as np
import pytest

from coursekit import datasets
from coursekit.core.errors import ArithmeticOverflowError
from coursekit.core.events import Chunk
from coursekit.datasets.drift_shapes import (
    AbruptDrift,
    GradualDrift,
    IncrementalDrift,
    RecurringDrift,
)
from coursekit.datasets.ratings import read_ratings
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

DRIFTS = {
    "no drift": None,
    "abrupt": AbruptDrift(at=2500, size=0.5),
    "gradual": GradualDrift(start=2000, stop=3000, size=0.5),
    "incremental": IncrementalDrift(start=1000, stop=4000, size=0.5),
    "recurring": RecurringDrift(start=1000, period=1000, size=0.5),
}
REAL = {
    "ml-latest-small": "ml-latest-small/ratings.csv.gz",
    "movietweetings": "movietweetings-100k/ratings.dat.gz",
}


def progressive_rmse(learner, stream):
    return float(np.sqrt(learner.partial_fit_many(stream).mean()))


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("Learner", [OnlineMatrixFactorization, OnlineFactorizationMachine])
def test_on_made_up_streams(Learner, drift):
    """Each of ten seeds must agree, so no luck is involved: the smallest margin seen over 50 seeds
    is 0.7 %.
    """
    for seed in range(10):
        stream = rating_stream(n_samples=5000, seed=seed, drift=drift)
        assert progressive_rmse(Learner(), stream) < progressive_rmse(Learner(n_factors=0), stream)


@pytest.mark.parametrize("path", REAL.values(), ids=REAL)
def test_on_real_ratings(path, real_data):
    stream = read_ratings(real_data / path)
    assert progressive_rmse(OnlineMatrixFactorization(), stream) < progressive_rmse(
        OnlineMatrixFactorization(n_factors=0), stream
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "belief"])
@pytest.mark.parametrize("scale", [0.2, 1.0, 2.5], ids=["clicks", "five stars", "ten points"])
def test_every_optimizer_stays_finite_on_targets_of_any_usual_size(optimizer, scale):
    stream = rating_stream(n_samples=5000, seed=0)
    scaled = Chunk(
        user_ids=stream.user_ids, item_ids=stream.item_ids, targets=scale * stream.targets
    )
    losses = OnlineMatrixFactorization(n_factors=10, optimizer=optimizer).partial_fit_many(scaled)
    assert np.isfinite(losses).all()
    assert losses[-1000:].mean() < 0.9 * scaled.targets.var()


def test_plain_sgd_on_large_targets_says_so_instead_of_returning_nan():
    stream = rating_stream(n_samples=5000, seed=0)
    large = Chunk(user_ids=stream.user_ids, item_ids=stream.item_ids, targets=100 * stream.targets)
    with pytest.raises(ArithmeticOverflowError, match="smaller `learning_rate`"):
        OnlineMatrixFactorization(n_factors=10, optimizer="sgd").partial_fit_many(large)


def test_side_features_of_real_films_help_at_the_defaults():
    """Genres and decades: a belief that let them drift like people's tastes would be worse with
    them than without.
    """
    films = datasets.load()
    plain, informed = films.ratings, films.with_item_features()
    assert progressive_rmse(OnlineFactorizationMachine(), informed) < 0.99 * progressive_rmse(
        OnlineFactorizationMachine(), plain
    )
