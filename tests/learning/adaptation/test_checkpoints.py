"""States of a learner that hold what has changed alone: exact, and small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.core.errors import ArithmeticOverflowError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.datasets.streams import rating_stream
from coursekit.learning.adaptation.checkpoints import LearnerStates
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
    states = LearnerStates(learner, max_states=3)
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
    whole, log = learner.changes_since(None)
    assert (whole.is_whole, len(whole.rows)) == (True, 140)
    part = STREAM.slice(0, 20)
    learner.predict_then_batch_update(part)
    learner.partial_fit(OnlineSample(user_id="new", item_id=part.item_ids[0], target=3.0))
    changes, log = learner.changes_since(log)
    assert not changes.is_whole
    assert len(changes.rows) == len(set(part.user_ids)) + len(set(part.item_ids)) + 1
    assert changes.ids["user"][0] == ["new"]
    unchanged, _ = learner.changes_since(log)
    assert len(unchanged.rows) == 0


def test_changes_are_whole_for_whoever_does_not_hold_the_newest_log():
    learner = OnlineMatrixFactorization(n_factors=3)
    _, first = learner.changes_since(None)
    _, second = learner.changes_since(None)
    assert learner.changes_since(first)[0].is_whole
    assert learner.changes_since(second)[0].is_whole
