"""The contract suite of detectors (see contract.py)."""

import copy
import math
import pickle
import sys

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import load_state, save_state
from coursekit.learning.drift import DDM, PageHinkley
from coursekit.learning.drift.detector import Detector
from coursekit.learning.drift.domain import FINITE
from tests.learning.drift.contract import DETECTORS

pytestmark = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)


def stream(n: int = 2500, seed: int = 0) -> np.ndarray:
    """Errors at a low and a high rate in turn, 500 values each: every detector accepts them."""
    rng = np.random.default_rng(seed)
    high = np.arange(n) // 500 % 2 == 1
    rates = np.where(high, rng.uniform(0.4, 0.7), rng.uniform(0.02, 0.2))
    return np.where(rng.random(n) < rates, 1.0, 0.0)


def signals(detector, values) -> list[tuple[bool, bool, int, int]]:
    """Everything a detector says about each value."""
    said = []
    for value in values:
        detector.update(value)
        said.append(
            (
                detector.drift_detected,
                detector.warning_detected,
                detector.n_samples,
                detector.n_since_change,
            )
        )
    return said


def same(state, other) -> bool:
    """Whether two states are equal to the last bit."""
    if isinstance(state, dict):
        return state.keys() == other.keys() and all(same(state[key], other[key]) for key in state)
    return np.array_equal(state, other)


def alarms(detector, values) -> list[int]:
    return [t for t, said in enumerate(signals(detector, values)) if said[0]]


def test_it_speaks_the_protocol(make):
    detector = make()
    assert isinstance(detector, Detector)
    assert not detector.drift_detected
    assert not detector.warning_detected
    assert (detector.n_samples, detector.n_since_change) == (0, 0)
    assert detector.update(0.0) is None
    assert detector.n_samples == 1
    with pytest.raises(AttributeError):
        detector.drift_detected = True


def test_it_finds_something_so_that_these_tests_mean_something(make):
    assert len(alarms(make(), stream())) >= 2


def test_two_of_a_kind_say_the_same(make):
    assert signals(make(), stream()) == signals(make(), stream())


def test_an_alarm_is_no_warning_and_knows_when_the_change_began(make):
    for t, (drift, warning, n, since) in enumerate(signals(make(), stream())):
        assert not (drift and warning)
        assert (1 <= since <= n) if drift else since == 0, t


@pytest.mark.parametrize("size", [1, 7, 256, 2500])
def test_chunks_give_the_alarms_and_the_state_of_the_loop(make, size):
    values = stream()
    one_by_one, in_chunks = make(), make()
    found = [
        start + at
        for start in range(0, len(values), size)
        for at in in_chunks.update_many(values[start : start + size])
    ]
    assert found == alarms(one_by_one, values)
    assert same(in_chunks.get_state(), one_by_one.get_state())


def test_it_starts_afresh_after_an_alarm_or_says_otherwise(make):
    detector = make()
    values = stream()
    first = alarms(make(), values)[0]
    detector.update_many(values[: first + 1])
    assert detector.drift_detected
    if "keep_recent=True" in repr(detector):
        return
    fresh = make()
    assert signals(detector, values[first + 1 :]) == signals(fresh, values[first + 1 :])


@pytest.mark.parametrize("cut", [0, 1, 333, 1777])
def test_a_saved_state_continues_as_if_nothing_had_happened(make, cut, tmp_path):
    values = stream()
    original = make()
    signals(original, values[:cut])
    save_state(tmp_path / "state", original.get_state(), kind="Detector")
    other = make()
    other.update_many(values[::-1])  # what it saw before must not matter
    other.set_state(load_state(tmp_path / "state", kind="Detector"))
    assert signals(other, values[cut:]) == signals(original, values[cut:])


def test_a_state_taken_at_an_alarm_continues_too(make):
    values = stream()
    original, other = make(), make()
    first = alarms(make(), values)[0]
    original.update_many(values[: first + 1])
    other.set_state(original.get_state())
    assert other.drift_detected
    assert other.n_since_change == original.n_since_change
    assert signals(other, values[first + 1 :]) == signals(original, values[first + 1 :])


def test_a_state_is_a_copy(make):
    detector = make()
    detector.update_many(stream(700))
    state = detector.get_state()
    before = copy.deepcopy(state)
    detector.update_many(stream(700, seed=1))
    assert same(state, before)
    other = make()
    other.set_state(state)
    other.update_many(stream(700, seed=2))
    assert same(state, before)


@pytest.mark.parametrize("change", ["class", "config", "memory", "shape", "missing", "nothing"])
def test_a_state_of_something_else_is_refused_and_nothing_changes(make, change):
    detector = make()
    detector.update_many(stream(700))
    before = detector.get_state()
    state = copy.deepcopy(before)
    if change == "missing":
        del state["memory"]
    elif change == "nothing":
        state = {}
    elif change == "shape":
        state["memory"]["_memory"] = state["memory"]["_memory"][..., :-1]
    else:
        state[change] = {"class": "SomeOther", "config": {"threshold": 1.0}, "memory": {}}[change]
    with pytest.raises(StateFormatError):
        detector.set_state(state)
    assert same(detector.get_state(), before)


def test_forgetting_leaves_nothing_behind(make):
    detector = make()
    detector.update_many(stream(1333))
    detector.reset_baseline()
    assert detector.n_samples == 0
    assert not detector.drift_detected
    assert signals(detector, stream(seed=1)) == signals(make(), stream(seed=1))


def test_a_clone_has_the_settings_and_no_memory(make):
    detector = make()
    detector.update_many(stream(1333))
    clone = detector.clone()
    assert repr(clone) == repr(detector)
    assert signals(clone, stream(seed=1)) == signals(make(), stream(seed=1))


def test_copies_and_pickles_go_on_by_themselves(make):
    detector = make()
    detector.update_many(stream(1333))
    twins = [copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))]
    wanted = signals(detector, stream(seed=1))
    assert [signals(twin, stream(seed=1)) for twin in twins] == [wanted, wanted]


def test_add_error_looks_and_answers(make):
    values = stream()
    detector = make()
    assert [t for t, value in enumerate(values) if detector.add_error(value)] == alarms(
        make(), values
    )


def test_any_kind_of_number_will_do(make):
    values = stream(1500)
    wanted = alarms(make(), values.tolist())
    for convert in (int, bool, np.float32, np.int64, np.bool_, np.float64):
        assert alarms(make(), [convert(value) for value in values]) == wanted
    for dtype in (bool, np.int8, np.float32):
        assert make().update_many(values.astype(dtype)).tolist() == wanted
    assert make().update_many(values.tolist()).tolist() == wanted


BAD = [math.nan, math.inf, -math.inf, 1e300, 10**400, None, "0.5", "1", 1j, [1.0]]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad)[:20])
def test_bad_input_is_named_and_changes_nothing(make, bad):
    detector = make()
    detector.update_many(stream(700))
    before = detector.get_state()
    with pytest.raises(InvalidSampleError, match="`value` must be"):
        detector.update(bad)
    with pytest.raises(InvalidSampleError, match="`values"):
        detector.update_many([0.0, 1.0, bad] if not isinstance(bad, list) else [bad])
    assert same(detector.get_state(), before)


def test_the_bad_value_of_a_chunk_is_named_by_its_place(make):
    with pytest.raises(InvalidSampleError, match=r"`values\[2\]` must be .*, got nan"):
        make().update_many([0.0, 1.0, math.nan, 1.0])


def test_values_outside_the_range_are_refused(make):
    detector = make()
    if detector._domain is FINITE:
        detector.update(-3.7)
        return
    for bad in (-0.1, 1.1, 2):
        with pytest.raises(InvalidSampleError):
            detector.update(bad)


def test_an_empty_chunk_is_nothing(make):
    detector = make()
    assert detector.update_many([]).tolist() == []
    assert detector.n_samples == 0


def test_input_is_not_written_to(make):
    values = stream()
    values.flags.writeable = False
    make().update_many(values)


def test_a_constant_raises_no_alarm(make):
    for value in (0.0, 1.0):
        assert make().update_many(np.full(10_000, value)).tolist() == []


def test_memory_does_not_grow(make):
    """Calm streams, so that no restart hides growth."""
    detector = make()
    sizes = []
    rng = np.random.default_rng(0)
    for _ in range(2):
        detector.update_many(np.where(rng.random(20_000) < 0.2, 1.0, 0.0))
        sizes.append(len(pickle.dumps(detector)) + sys.getsizeof(detector))
    assert abs(sizes[1] - sizes[0]) < 64  # counters take a byte or two more or less when pickled


def test_it_can_be_shown(make):
    assert repr(make()).endswith(")")
    assert "=" in repr(make())


def test_another_class_is_another_state(make):
    other = PageHinkley() if isinstance(make(), DDM) else DDM()
    with pytest.raises(StateFormatError, match=type(make()).__name__):
        make().set_state(other.get_state())
