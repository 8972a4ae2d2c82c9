"""The manager's own detector is two detectors at once."""

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.learning.drift import GaussianGLR
from coursekit.learning.drift.mean_and_scale import MeanAndScale


def errors(seed, n=3000):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    kind = seed % 3
    values[n // 2 :] += 1.0 if kind == 0 else 0.0
    values[n // 2 :] *= 2.0 if kind == 1 else 1.0
    return values


@pytest.mark.parametrize("seed", range(9))
def test_it_alarms_when_either_test_does_and_then_both_start_again(seed):
    level, size = GaussianGLR(2000, direction="both"), GaussianGLR(2000, direction="up")
    detector, alarms = MeanAndScale(2000, warm_up=0), []
    values = errors(seed)
    for at, value in enumerate(values):
        level.update(value)
        size.update(abs(value))
        if level.drift_detected or size.drift_detected:
            alarms.append(at)
            level.reset_baseline()
            size.reset_baseline()
        detector.update(value)
        assert detector.drift_detected == (at in alarms[-1:])
    chunked, found, start = MeanAndScale(2000, warm_up=0), [], 0
    for width in (1, 7, 300, 5, 1200, 3000):
        found += (start + chunked.update_many(values[start : start + width])).tolist()
        start += width
    assert found == alarms


@pytest.mark.parametrize("seed", range(9))
def test_chunks_leave_the_memory_of_single_values_at_alarms_too(seed):
    values = errors(seed)
    single, chunked, n_alarms = MeanAndScale(2000, warm_up=40), MeanAndScale(2000, warm_up=40), 0
    for start in range(0, len(values), 64):
        chunk = values[start : start + 64]
        alarm = next((at for at, value in enumerate(chunk) if single.add_error(value)), None)
        found = chunked.update_many(chunk if alarm is None else chunk[: alarm + 1])
        assert found.tolist() == ([] if alarm is None else [alarm])
        np.testing.assert_equal(chunked.get_state(), single.get_state())
        assert chunked.n_since_change == single.n_since_change
        n_alarms += alarm is not None
    assert n_alarms >= (seed % 3 < 2)


def test_it_sees_a_shift_a_spread_and_nothing():
    shifted, spread, calm = (MeanAndScale().update_many(errors(seed)) for seed in (0, 1, 2))
    assert 1500 < shifted[0] < 1540
    assert 1500 < spread[0] < 1600
    assert calm.size == 0


def test_the_very_first_errors_are_let_pass_but_not_those_after_an_alarm():
    values = errors(2)
    values[:40] += 5.0
    assert MeanAndScale(warm_up=0).update_many(values)[0] < 100
    detector = MeanAndScale(warm_up=40)
    assert detector.update_many(values).size == 0
    assert detector.update_many(values + 5.0)[0] < 20
    detector.update_many(values[:20])
    assert detector.drift_detected or detector.update_many(values[20:]).size > 0


def test_a_state_continues_exactly():
    values = errors(1)
    straight, second = MeanAndScale(), MeanAndScale()
    straight.update_many(values[:50])
    second.set_state(straight.get_state())
    straight.update_many(values[50:1400])
    second.set_state(straight.get_state())
    np.testing.assert_array_equal(
        second.update_many(values[1400:]), straight.update_many(values[1400:])
    )
    with pytest.raises(StateFormatError):
        second.set_state({"class": "Other"})
    with pytest.raises(StateFormatError):
        second.set_state(MeanAndScale(5000).get_state())


def test_what_is_no_number_is_refused_and_changes_nothing():
    values = errors(0)
    detector, twin = MeanAndScale(), MeanAndScale()
    for each in (detector, twin):
        each.update_many(values[:1000])
    for bad in (np.nan, np.inf, 1e200):
        with pytest.raises(InvalidSampleError):
            detector.update(bad)
    np.testing.assert_array_equal(
        detector.update_many(values[1000:]), twin.update_many(values[1000:])
    )
