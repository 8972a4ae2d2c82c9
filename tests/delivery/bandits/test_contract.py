"""The contract suite of bandit policies (see contract.py)."""

import copy
import math
import pickle
import sys

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.core.state import load_state, save_state
from coursekit.delivery import bandits
from coursekit.delivery.bandits.policy import ArmPolicy
from coursekit.delivery.bandits.simulation import simulate
from tests.delivery.bandits.contract import N_ARMS, N_FEATURES, POLICIES

pytestmark = pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES)

MEANS = np.array([0.2, 0.7, 0.4, 0.3])


def contexts(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, N_FEATURES))


def play(policy, n: int, seed: int = 0) -> list[tuple[int, float]]:
    """Let a policy play, and return what it did; rewards depend on the arm and the seed alone."""
    done = []
    for x, chance in zip(contexts(n, seed), np.random.default_rng(seed).random(n), strict=True):
        arm = policy.pull(x)
        done.append((arm, float(chance < MEANS[arm])))
        policy.update(arm, done[-1][1], context=x)
    return done


def same(state, other) -> bool:
    if isinstance(state, dict):
        return state.keys() == other.keys() and all(same(state[key], other[key]) for key in state)
    return np.array_equal(state, other)


def test_it_plays_and_prefers_the_best_arm(make):
    policy = make()
    assert isinstance(policy, bandits.Policy)
    assert policy.n_arms == N_ARMS
    arms = [arm for arm, _ in play(policy, 1500)]
    assert all(type(arm) is int and 0 <= arm < N_ARMS for arm in arms)
    assert np.bincount(arms[500:], minlength=N_ARMS).argmax() == 1


def test_every_arm_is_tried(make):
    assert {arm for arm, _ in play(make(), 300)} == set(range(N_ARMS))


def test_two_of_a_kind_do_the_same(make):
    assert play(make(), 300) == play(make(), 300)


def test_propensities_are_probabilities_and_asking_changes_nothing(make):
    policy = make()
    play(policy, 50)
    before = copy.deepcopy(policy.get_state())
    x = contexts(1)[0]
    shares = policy.propensities(x)
    assert shares.shape == (N_ARMS,)
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert same(policy.get_state(), before)


@pytest.mark.parametrize("n_seen", [0, 3, 40])
def test_arms_are_pulled_as_often_as_propensities_say(make, n_seen):
    """20,000 pulls; each of 144 frequencies is more than 5 standard errors off by chance with
    probability 6e-7: the test fails by chance once in 10,000 runs of other seeds.
    """
    policy = make()
    play(policy, n_seen)
    x = contexts(1, seed=9)[0]
    shares = policy.propensities(x)
    pulls = np.bincount([policy.pull(x) for _ in range(20_000)], minlength=N_ARMS) / 20_000
    assert (np.abs(pulls - shares) <= 5 * np.sqrt(shares * (1 - shares) / 20_000) + 1e-9).all()


def test_a_decision_holds_its_arm_propensity_and_context(make):
    policy, twin = make(), make()
    play(policy, 30), play(twin, 30)
    x = contexts(1)[0]
    decision = policy.decide(x)
    assert decision.arm == twin.pull(x)
    assert decision.propensity == twin.propensities(x)[decision.arm] > 0
    assert np.array_equal(decision.context, x)
    x[0] += 1.0
    assert decision.context[0] != x[0]


def test_batches_equal_single_updates(make):
    one_by_one, batch = make(), make()
    rng = np.random.default_rng(1)
    arms, rewards = rng.integers(N_ARMS, size=60), (rng.random(60) < 0.5).astype(float)
    shares, xs = rng.uniform(0.1, 1.0, 60), contexts(60)
    for arm, reward, share, x in zip(arms.tolist(), rewards, shares, xs, strict=True):
        one_by_one.update(arm, reward, context=x, propensity=share)
    batch.update_many(arms, rewards, contexts=xs, propensities=shares)
    assert same(batch.get_state(), one_by_one.get_state())


@pytest.mark.parametrize("cut", [0, 1, 333])
def test_a_saved_state_continues_as_if_nothing_had_happened(make, cut, tmp_path):
    original, other = make(), make()
    play(original, cut)
    save_state(tmp_path / "state", original.get_state(), kind="Policy")
    play(other, 77, seed=8)  # what it did before must not matter
    other.set_state(load_state(tmp_path / "state", kind="Policy"))
    assert play(other, 200, seed=2) == play(original, 200, seed=2)
    assert same(other.get_state(), original.get_state())


def test_a_state_is_a_copy(make):
    policy = make()
    play(policy, 50)
    state = policy.get_state()
    before = copy.deepcopy(state)
    play(policy, 50, seed=1)
    assert same(state, before)
    other = make()
    other.set_state(state)
    play(other, 50, seed=2)
    assert same(state, before)


@pytest.mark.parametrize("change", ["class", "config", "memory", "shape", "missing", "nothing"])
def test_a_state_of_something_else_is_refused_and_nothing_changes(make, change):
    policy = make()
    play(policy, 50)
    before = policy.get_state()
    state = copy.deepcopy(before)
    if change == "missing":
        del state["memory"]
    elif change == "nothing":
        state = {}
    elif change == "shape":
        name = "theta" if "theta" in state["memory"] else "_memory"
        state["memory"][name] = state["memory"][name][..., :-1]
    else:
        state[change] = {"class": "SomeOther", "config": {"n_arms": 9}, "memory": {}}[change]
    with pytest.raises(StateFormatError):
        policy.set_state(state)
    assert same(policy.get_state(), before)


def test_a_clone_has_the_settings_and_no_memory(make):
    policy = make()
    play(policy, 50)
    clone = policy.clone()
    assert repr(clone) == repr(policy)
    assert play(clone, 100, seed=1) == play(make(), 100, seed=1)


def test_copies_and_pickles_go_on_by_themselves(make):
    policy = make()
    play(policy, 50)
    twins = [copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))]
    wanted = play(policy, 100, seed=1)
    assert [play(twin, 100, seed=1) for twin in twins] == [wanted, wanted]


BAD_REWARDS = [math.nan, math.inf, -math.inf, 1e300, 10**400, None, "0.5", 1j, [1.0]]


@pytest.mark.parametrize("bad", BAD_REWARDS, ids=lambda bad: repr(bad)[:12])
def test_a_bad_reward_is_named_and_changes_nothing(make, bad):
    policy = make()
    play(policy, 20)
    before = policy.get_state()
    x = contexts(2)
    with pytest.raises(InvalidSampleError, match="`reward` must be"):
        policy.update(0, bad, context=x[0])
    with pytest.raises(InvalidSampleError, match="`reward` must be"):
        rewards = np.empty(2, dtype=object)
        rewards[:] = [1.0, bad]
        policy.update_many([0, 1], rewards, contexts=x)
    assert same(policy.get_state(), before)


def test_rewards_outside_the_range_are_refused(make):
    policy = make()
    for bad in (-0.1, 1.1, 2):
        if policy._reward_range == (0.0, 1.0):
            with pytest.raises(InvalidSampleError, match=r"in \[0, 1\]"):
                policy.update(0, bad, context=np.ones(N_FEATURES))
        else:
            policy.update(0, bad, context=np.ones(N_FEATURES))


@pytest.mark.parametrize("bad", [-1, N_ARMS, 1.0, True, None, "0", 10**30])
def test_a_bad_arm_is_named_and_changes_nothing(make, bad):
    policy = make()
    before = policy.get_state()
    with pytest.raises(InvalidSampleError, match="`arm` must be an arm from 0 to 3"):
        policy.update(bad, 1.0, context=np.ones(N_FEATURES))
    assert same(policy.get_state(), before)


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.5, math.nan, "0.5"])
def test_a_bad_propensity_is_named(make, bad):
    with pytest.raises(InvalidSampleError, match="`propensity` must be"):
        make().update(0, 1.0, context=np.ones(N_FEATURES), propensity=bad)


def test_batches_of_different_lengths_are_refused(make):
    with pytest.raises(InvalidSampleError, match="`rewards` must have 2 rows"):
        make().update_many([0, 1], [1.0], contexts=contexts(2))


def test_any_kind_of_number_will_do(make):
    policy, other = make(), make()
    x = np.ones(N_FEATURES)
    policy.update(1, 1.0, context=x)
    for arm, reward in (
        (np.int64(1), 1),
        (1, True),
        (1, np.float32(1)),
        (np.uint8(1), np.bool_(1)),
    ):
        other.update(arm, reward, context=x.tolist())
        policy.update(1, 1.0, context=x)
    other.update(1, 1.0, context=x)
    assert same(other.get_state(), policy.get_state())


def test_input_is_not_written_to(make):
    x = contexts(1)[0]
    x.flags.writeable = False
    policy = make()
    policy.update(policy.decide(x).arm, 1.0, context=x)


def test_memory_does_not_grow_and_stays_finite(make):
    policy = make()
    sizes = []
    for _ in range(2):
        play(policy, 5000)
        sizes.append(len(pickle.dumps(policy)) + sys.getsizeof(policy))
    assert abs(sizes[1] - sizes[0]) < 64
    memory = policy.get_state()["memory"]
    assert all(np.isfinite(each).all() for each in memory.values() if isinstance(each, np.ndarray))


def test_it_can_be_shown(make):
    assert repr(make()).startswith(f"{type(make()).__name__}(n_arms=4, ")


def test_settings_outside_their_range_are_named(make):
    settings = make().config()
    for bad in (1, 2.5, True, None):
        with pytest.raises(InvalidParameterError, match="`n_arms` must be"):
            type(make())(**(settings | {"n_arms": bad}))
    with pytest.raises(InvalidParameterError, match="`seed` must be"):
        type(make())(**(settings | {"seed": -1}))
    if "discount" in settings:
        with pytest.raises(InvalidParameterError, match="`discount` must be"):
            type(make())(**(settings | {"discount": 0.0}))


def test_one_simulated_run_is_the_loop_of_pulls_and_updates(make):
    policy = make()
    if not isinstance(policy, ArmPolicy):
        pytest.skip("simulated with contexts")
    run = simulate(policy, MEANS, 400, seed=6)
    rng = np.random.default_rng(np.random.SeedSequence(6, spawn_key=(1,)))
    arms, rewards = [], []
    for _ in range(400):
        arm = policy.pull()
        reward = float(rng.random(1)[0] < MEANS[arm])
        policy.update(arm, reward)
        arms.append(arm), rewards.append(reward)
    assert run.arms[0].tolist() == arms
    assert run.rewards[0].tolist() == rewards


def test_simulated_runs_side_by_side_do_what_each_would_do_alone(make):
    """The runs share random numbers, so what can be compared is the rule: the same memory, played
    in a row of bandits or alone, gives the same values and the same next memory.
    """
    policy = make()
    if not isinstance(policy, ArmPolicy):
        pytest.skip("simulated with contexts")
    play(policy, 60)
    row = policy.widened(3)
    row._learn(
        (np.arange(3), np.array([2, 0, 2])), np.array([1.0, 0.0, 0.0]), None, np.full(3, 0.5)
    )
    for at, (arm, reward) in enumerate([(2, 1.0), (0, 0.0), (2, 0.0)]):
        alone = copy.deepcopy(policy)
        alone.update(arm, reward, propensity=0.5)
        assert np.array_equal(row._memory[:, at], alone._memory)
        for rule in ("bounds", "posteriors", "_means"):
            if hasattr(policy, rule):
                values = np.reshape(getattr(alone, rule)(), (-1, N_ARMS))
                assert np.array_equal(
                    np.reshape(getattr(row, rule)(), (-1, 3, N_ARMS))[:, at], values
                )
