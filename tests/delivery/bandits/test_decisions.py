"""Decisions that wait for their rewards."""

import math

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError, StateFormatError, UnknownNameError
from coursekit.core.state import load_state, save_state
from coursekit.delivery import bandits
from coursekit.delivery.bandits.decisions import PendingDecisions


def desk(policy=None, **settings):
    return PendingDecisions(policy or bandits.EXP3(3, gamma=0.3, seed=1), **settings)


def test_late_rewards_are_learnt_with_the_propensity_of_their_decision():
    late, by_hand = desk(), bandits.EXP3(3, gamma=0.3, seed=1)
    made = [late.decide() for _ in range(20)]
    for id_, decision in reversed(made):
        late.reward(id_, 0.5)
        by_hand.update(decision.arm, 0.5, propensity=decision.propensity)
    assert np.array_equal(late.policy._memory, by_hand._memory)
    assert len(late) == 0


def test_rewards_in_any_order_leave_the_same_evidence():
    orders = []
    for order in (slice(None), slice(None, None, -1)):
        made = desk(bandits.BernoulliThompson(3, seed=2))
        decisions = [made.decide() for _ in range(30)]
        for id_, decision in decisions[order]:
            made.reward(id_, float(decision.arm == 1))
        orders.append(made.policy.posteriors())
    assert np.array_equal(*orders)


def test_contexts_are_remembered():
    made = desk(bandits.LinUCB(2, 2))
    (first, one), (second, two) = made.decide([1.0, 0.0]), made.decide([0.0, 1.0])
    made.reward_many({second: 1.0, first: -1.0})
    by_hand = bandits.LinUCB(2, 2)
    by_hand.update(two.arm, 1.0, context=[0.0, 1.0])
    by_hand.update(one.arm, -1.0, context=[1.0, 0.0])
    assert np.array_equal(made.policy.theta, by_hand.theta)


@pytest.mark.parametrize("bad", [math.nan, 2.0, None])
def test_a_batch_with_a_bad_reward_is_learnt_not_at_all_and_keeps_waiting(bad):
    made = desk()
    first, second = made.decide()[0], made.decide()[0]
    before = made.policy.propensities()
    with pytest.raises(InvalidSampleError, match="`reward` must be"):
        made.reward_many({first: 1.0, second: bad})
    assert np.array_equal(made.policy.propensities(), before)
    made.reward_many({first: 1.0, second: 1.0})
    assert len(made) == 0


def test_a_reward_is_taken_once_and_an_unknown_id_is_named():
    made = desk()
    id_, _ = made.decide()
    made.reward(id_, 1.0)
    for unknown in (id_, 7, -1):
        with pytest.raises(UnknownNameError, match=f"Decision {unknown} does not wait"):
            made.reward(unknown, 1.0)
    other, _ = made.decide()
    with pytest.raises(UnknownNameError):
        made.reward_many({other: 1.0, 99: 1.0})
    assert len(made) == 1


def test_beyond_its_capacity_the_oldest_is_dropped_and_counted():
    made = desk(capacity=2)
    ids = [made.decide()[0] for _ in range(5)]
    assert (len(made), made.n_dropped) == (2, 3)
    with pytest.raises(UnknownNameError, match="more than 2 waited"):
        made.reward(ids[0], 1.0)
    made.reward_many(dict.fromkeys(ids[-2:], 1.0))


@pytest.mark.parametrize("policy", [bandits.EXP3(3, seed=1), bandits.LinUCB(3, 2)])
def test_a_saved_state_continues_with_what_was_waiting(policy, tmp_path):
    made = desk(policy)
    ids = [made.decide([1.0, 0.5])[0] for _ in range(4)]
    made.reward(ids[1], 1.0)
    save_state(tmp_path / "state", made.get_state(), kind="PendingDecisions")
    other = made.clone()
    assert len(other) == 0
    other.set_state(load_state(tmp_path / "state", kind="PendingDecisions"))
    for each in (made, other):
        each.reward_many({ids[3]: 0.0, ids[0]: 1.0})
    again = made.decide([0.0, 1.0]), other.decide([0.0, 1.0])
    assert again[0][0] == again[1][0] == 4
    assert again[0][1].arm == again[1][1].arm
    assert again[0][1].propensity == again[1][1].propensity
    assert len(made) == len(other) == 2


def test_a_state_of_another_policy_is_refused():
    made = desk()
    with pytest.raises(StateFormatError):
        made.set_state(desk(bandits.UCB1(3)).get_state())
