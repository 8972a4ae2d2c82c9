"""The contract suite of learners (see contract.py)."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.core.errors import (
    ArithmeticOverflowError,
    InvalidParameterError,
    InvalidSampleError,
    StateFormatError,
)
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import load_state, save_state
from tests.learning.learners.contract import LEARNERS

pytestmark = pytest.mark.parametrize("make", LEARNERS.values(), ids=LEARNERS)


def stream(n, *, seed=0, n_users=20, n_items=30):
    """Ratings of known structure, a third of them with side features, weights from 0 to 2."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, n_users, n), rng.integers(0, n_items, n)
    taste, appeal = rng.normal(size=n_users), rng.normal(size=n_items)
    features = [
        {"hour": float(rng.random()), "genre": str(rng.choice(["a", "b"]))}
        if rng.random() < 0.3
        else None
        for _ in range(n)
    ]
    return Chunk(
        user_ids=[f"u{user}" for user in users],
        item_ids=items.tolist(),
        targets=3 + 0.5 * (taste[users] + appeal[items]) + 0.3 * rng.normal(size=n),
        weights=rng.choice([0.0, 0.5, 1.0, 2.0], n),
        features=features,
    )


def queries(chunk):
    """Known, half-known and unknown pairs."""
    known = [(sample.user_id, sample.item_id, sample.features) for sample in list(chunk)[:20]]
    return [
        *known,
        ("stranger", known[0][1], None),
        (known[0][0], "unheard of", {"hour": 0.5}),
        ("stranger", "unheard of", None),
    ]


def answers(learner, chunk):
    return np.array([learner.predict(*query) for query in queries(chunk)])


def test_the_loss_is_the_error_before_the_update(make):
    learner = make()
    for sample in stream(300):
        before = learner.evaluate_sample(sample)
        assert learner.partial_fit(sample) == pytest.approx(before, abs=1e-12)


def test_learning_beats_the_running_mean(make):
    chunk = stream(4000)
    losses = make().partial_fit_many(chunk)
    means = np.cumsum(chunk.targets) / np.arange(1, len(chunk) + 1)
    assert losses[1:].mean() < ((chunk.targets[1:] - means[:-1]) ** 2).mean()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), size=st.sampled_from([1, 7, 256]), n=st.integers(1, 400))
def test_cutting_the_stream_changes_nothing(make, seed, size, n):
    chunk = stream(n, seed=seed)
    one_by_one, in_chunks = make(), make()
    losses = [one_by_one.partial_fit(sample) for sample in chunk]
    chunk_losses = np.concatenate([in_chunks.partial_fit_many(part) for part in chunk.chunks(size)])
    np.testing.assert_allclose(chunk_losses, losses, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        answers(in_chunks, chunk), answers(one_by_one, chunk), rtol=1e-12, atol=1e-12
    )
    assert in_chunks.samples_processed == one_by_one.samples_processed == n


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), cut=st.integers(0, 300))
def test_a_saved_learner_continues_as_if_nothing_had_happened(make, tmp_path_factory, seed, cut):
    path = tmp_path_factory.mktemp("state") / "learner.state"
    chunk = stream(300, seed=seed)
    straight, first = make(), make()
    straight.partial_fit_many(chunk)
    first.partial_fit_many(chunk.slice(0, cut))
    save_state(path, first.get_model_state(), kind="learner")
    second = make()
    second.set_model_state(load_state(path, kind="learner"))
    second.partial_fit_many(chunk.slice(cut, 300))
    np.testing.assert_array_equal(answers(second, chunk), answers(straight, chunk))
    assert second.samples_processed == 300


def test_state_is_a_copy_in_both_directions(make):
    chunk = stream(200)
    learner = make()
    learner.partial_fit_many(chunk.slice(0, 100))
    state = learner.get_model_state()
    before = answers(learner, chunk)
    learner.partial_fit_many(chunk.slice(100, 200))
    learner.set_model_state(state)
    learner.partial_fit_many(chunk.slice(100, 200))
    learner.set_model_state(state)
    np.testing.assert_array_equal(answers(learner, chunk), before)


def test_asking_changes_nothing(make):
    chunk = stream(200)
    asked, silent = make(), make()
    for sample in chunk:
        asked.predict(f"new {sample.user_id}", "never seen", {"colour": "red"})
        asked.predict(sample.user_id, sample.item_id, sample.features)
        asked.predict_many(chunk.user_ids[:5], chunk.item_ids[:5], chunk.features[:5])
        asked.partial_fit(sample)
    silent.partial_fit_many(chunk)
    np.testing.assert_allclose(
        answers(asked, chunk), answers(silent, chunk), rtol=1e-12, atol=1e-12
    )


def test_many_predictions_equal_single_ones(make):
    chunk = stream(200)
    learner = make()
    learner.partial_fit_many(chunk)
    users, items, features = map(list, zip(*queries(chunk), strict=True))
    np.testing.assert_allclose(
        learner.predict_many(users, items, features), answers(learner, chunk), rtol=1e-12
    )


def test_two_learners_with_one_seed_agree(make):
    chunk = stream(200)
    left, right = make(), make()
    left.partial_fit_many(chunk)
    right.partial_fit_many(chunk)
    np.testing.assert_array_equal(answers(left, chunk), answers(right, chunk))


def test_input_is_not_changed(make):
    chunk = stream(100)
    before = copy.deepcopy(chunk)
    make().partial_fit_many(chunk)
    np.testing.assert_array_equal(chunk.targets, before.targets)
    assert (chunk.user_ids, chunk.item_ids, chunk.features) == (
        before.user_ids,
        before.item_ids,
        before.features,
    )


def test_an_event_of_weight_zero_teaches_nothing(make):
    chunk = stream(100)
    learner = make()
    learner.partial_fit_many(chunk)
    before = answers(learner, chunk)
    learner.partial_fit(OnlineSample(user_id="u1", item_id=1, target=100.0, weight=0.0))
    np.testing.assert_array_equal(answers(learner, chunk), before)


def test_a_heavier_event_moves_the_prediction_further(make):
    moves = []
    for weight in (0.5, 1.0, 2.0):
        learner = make()
        learner.partial_fit_many(stream(200))
        before = learner.predict("u1", 1)
        learner.partial_fit(
            OnlineSample(user_id="u1", item_id=1, target=before + 1.0, weight=weight)
        )
        moves.append(learner.predict("u1", 1) - before)
    assert 0 < moves[0] < moves[1] < moves[2]


def test_predictions_stay_finite_over_ten_thousand_events(make):
    chunk = stream(10_000, n_users=200, n_items=300)
    learner = make()
    assert np.isfinite(learner.partial_fit_many(chunk)).all()
    assert np.isfinite(answers(learner, chunk)).all()


def test_an_update_that_would_overflow_is_refused_before_anything_changes(make):
    chunk = stream(100)
    learner, twin = make(), make()
    learner.partial_fit_many(chunk)
    twin.partial_fit_many(chunk)
    with pytest.raises(ArithmeticOverflowError, match=r"target 1e\+200 of user 'new'"):
        learner.partial_fit(
            OnlineSample(user_id="new", item_id="new", target=1e200, features={"new": 1.0})
        )
    more = stream(100, seed=1, n_users=60)
    np.testing.assert_array_equal(learner.partial_fit_many(more), twin.partial_fit_many(more))


def test_an_overflow_inside_a_chunk_keeps_the_events_before_it(make):
    chunk = stream(50)
    targets = chunk.targets.copy()
    targets[30] = -1e200
    broken = Chunk(
        user_ids=chunk.user_ids,
        item_ids=chunk.item_ids,
        targets=targets,
        weights=chunk.weights,
        features=chunk.features,
    )
    learner, twin = make(), make()
    with pytest.raises(ArithmeticOverflowError, match="Event 30"):
        learner.partial_fit_many(broken)
    twin.partial_fit_many(chunk.slice(0, 30))
    more = stream(300, seed=1)
    np.testing.assert_allclose(
        learner.partial_fit_many(more), twin.partial_fit_many(more), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(
    "state", [{}, {"class": "Other"}, {"class": "Other", "config": {}, "memory": {}}]
)
def test_a_foreign_state_is_refused_and_nothing_changes(make, state):
    chunk = stream(100)
    learner = make()
    learner.partial_fit_many(chunk)
    before = answers(learner, chunk)
    with pytest.raises(StateFormatError):
        learner.set_model_state(state)
    np.testing.assert_array_equal(answers(learner, chunk), before)


@pytest.mark.parametrize(
    "bad",
    [
        {"target": np.nan},
        {"target": np.inf},
        {"target": "4"},
        {"target": None},
        {"weight": -1.0},
        {"weight": np.nan},
        {"user_id": []},
    ],
    ids=str,
)
def test_a_sample_that_cannot_be_learnt_from_cannot_be_made(make, bad):
    with pytest.raises(InvalidSampleError, match=f"`{next(iter(bad))}`"):
        OnlineSample(**{"user_id": "u", "item_id": "i", "target": 1.0, **bad})


def test_a_batch_update_returns_the_mean_loss(make):
    samples = list(stream(32))
    in_order = make().partial_fit_many(Chunk.of(samples)).mean()
    all_before = np.mean(
        [make().evaluate_sample(sample) for sample in samples]
    )  # a true batch gradient
    assert make().batch_update(samples) in (pytest.approx(in_order), pytest.approx(all_before))
    assert make().batch_update([]) == 0.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), size=st.sampled_from([1, 7, 64]))
def test_a_batch_is_predicted_as_it_arrives_and_then_learnt(make, seed, size):
    chunk = stream(200, seed=seed)
    at_once, in_steps = make(), make()
    for part in chunk.chunks(size):
        expected = in_steps.predict_many(part.user_ids, part.item_ids, part.features)
        in_steps.batch_update(part)
        np.testing.assert_allclose(at_once.predict_then_batch_update(part), expected, rtol=1e-12)
    np.testing.assert_allclose(answers(at_once, chunk), answers(in_steps, chunk), rtol=1e-12)


def test_discounting_evidence_moves_no_prediction(make):
    chunk = stream(300)
    learner = make()
    learner.partial_fit_many(chunk)
    before = answers(learner, chunk)
    learner.discount_evidence(0.05)
    np.testing.assert_array_equal(answers(learner, chunk), before)
    learner.partial_fit_many(stream(300, seed=1))
    assert np.isfinite(answers(learner, chunk)).all()
    for keep in (0.0, 1.5, np.nan):
        with pytest.raises(InvalidParameterError, match="`keep`"):
            learner.discount_evidence(keep)
