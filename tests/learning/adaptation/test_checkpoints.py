"""States of a learner that hold what has changed alone: exact, and small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.core.errors import ArithmeticOverflowError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.linear import OnlineLinearModel
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

LEARNERS = {
    "mf": lambda optimizer: OnlineMatrixFactorization(n_factors=3, optimizer=optimizer, seed=1),
    "fm": lambda optimizer: OnlineFactorizationMachine(n_factors=3, optimizer=optimizer, seed=1),
    "linear, which logs nothing": lambda optimizer: OnlineLinearModel(),
}
STREAM = rating_stream(2000, 60, 80, seed=0)
SIDES = Chunk(
    user_ids=STREAM.user_ids,
    item_ids=STREAM.item_ids,
    targets=STREAM.targets,
    features=[{"hour": at % 24 / 24, "day": str(at // 300)} for at in range(2000)],
)


def assert_same(left, right):
    """Two states are equal, bit for bit."""
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        for name in left:
            assert_same(left[name], right[name])
    else:
        np.testing.assert_array_equal(left, right)


def learn_chunk(learner, part):
    learner.partial_fit_many(part)


def learn_batch(learner, part):
    learner.predict_then_batch_update(part)


def learn_singly(learner, part):
    for sample in part:
        learner.partial_fit(sample)


def overflow_late(learner, part):
    bad = Chunk(
        user_ids=["newcomer", "huge", "never"],
        item_ids=["new", "huge", "never"],
        targets=np.array([3.0, 1e308, 3.0]),
    )
    with pytest.raises(ArithmeticOverflowError):
        learner.partial_fit_many(bad)


def overflow_at_once(learner, part):
    with pytest.raises(ArithmeticOverflowError):
        learner.partial_fit(OnlineSample(user_id="x", item_id="y", target=1e308))


def discount(learner, part):
    learner.discount_evidence(0.1)


def return_to_now(learner, part):
    learner.set_model_state(learner.get_model_state())


def raise_rate(learner, part):
    learner.learning_rate *= 1.05  # however often, SGD stays finite
    learner.model_version += 1


STEPS = [
    learn_chunk,
    learn_batch,
    learn_singly,
    overflow_late,
    overflow_at_once,
    discount,
    return_to_now,
    raise_rate,
]


class LastThree:
    """The last three checkpoints of a learner, as a manager keeps them."""

    def __init__(self, learner):
        self.learner, self.kept = learner, []

    def add(self):
        self.kept.append(self.learner.checkpoint(self.kept[-1] if self.kept else None))
        del self.kept[:-3]

    def go_back(self, at):
        del self.kept[at + 1 :]
        self.learner.go_back(self.kept[at])


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("optimizer", ["sgd", "belief"])
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 90)), min_size=1, max_size=12),
    sides=st.booleans(),
    back=st.integers(0, 2),
)
def test_every_state_that_is_kept_is_exact(name, optimizer, steps, sides, back):
    learner, start, expected = LEARNERS[name](optimizer), 0, []
    states = LastThree(learner)
    stream = SIDES if sides else STREAM
    for step, size in steps:
        step(learner, stream.slice(start, start + size))
        start += size
        states.add()
        expected = [*expected, learner.get_model_state()][-3:]
    learn_chunk(learner, stream.slice(start, start + 50))
    at = max(len(expected) - 1 - back, 0)
    states.go_back(at)
    assert_same(learner.get_model_state(), expected[at])
    learn_chunk(learner, stream.slice(start, start + 50))
    states.add()
    after = learner.get_model_state()
    learn_chunk(learner, stream.slice(0, 50))
    states.go_back(min(at + 1, 2))
    assert_same(learner.get_model_state(), after)


def test_a_state_copies_only_the_rows_that_changed():
    learner = OnlineMatrixFactorization(n_factors=3)
    learner.partial_fit_many(STREAM)
    first = learner.checkpoint()
    assert len(first[1].rows) == 140
    part = STREAM.slice(0, 20)
    learner.predict_then_batch_update(part)
    learner.partial_fit(OnlineSample(user_id="new", item_id=part.item_ids[0], target=3.0))
    second = learner.checkpoint(first)
    assert len(first[1].rows) == len(set(part.user_ids)) + len(set(part.item_ids))
    assert second[1].n_rows == 141
    learner.checkpoint(second)
    assert len(second[1].rows) == 0


def test_a_state_is_whole_if_the_one_before_is_not_the_newest():
    learner = OnlineMatrixFactorization(n_factors=3)
    learner.partial_fit_many(STREAM)
    first, second = learner.checkpoint(), learner.checkpoint()
    third = learner.checkpoint(first)
    for each in (first, second, third):
        assert each[1].numbers is None and each[1].newer is None
        assert len(each[1].rows) == 140


def test_a_state_survives_that_the_learner_was_set_to_another():
    learner = OnlineMatrixFactorization(n_factors=3)
    learner.partial_fit_many(STREAM.slice(0, 500))
    before, initial = learner.get_model_state(), OnlineMatrixFactorization(3).get_model_state()
    kept = learner.checkpoint()
    learner.partial_fit_many(STREAM.slice(500, 900))
    learner.set_model_state(initial)
    learner.partial_fit_many(STREAM.slice(900, 1000))
    learner.go_back(kept)
    assert_same(learner.get_model_state(), before)
