from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.datasets.streams import (
    AbruptDrift,
    GradualDrift,
    IncrementalDrift,
    RecurringDrift,
    error_stream,
    rating_stream,
)

SHAPES = [
    AbruptDrift(at=30, size=0.7),
    GradualDrift(start=20, stop=80, size=0.7),
    IncrementalDrift(start=20, stop=80, size=0.7),
    RecurringDrift(start=10, period=25, size=0.7),
]


@pytest.mark.parametrize("drift", SHAPES)
def test_a_drift_starts_from_nothing_and_never_exceeds_its_size(drift):
    magnitude = drift.magnitude(100)
    assert magnitude.shape == (100,)
    assert magnitude[0] == 0
    assert magnitude.max() == pytest.approx(0.7)
    assert magnitude.min() == 0


@pytest.mark.parametrize("drift", SHAPES)
def test_nothing_changes_before_the_first_change_point_and_something_does_right_after(drift):
    first = drift.change_points(100)[0]
    magnitude = drift.magnitude(100)
    assert not magnitude[:first].any()
    assert magnitude[first : first + 2].any()


def test_change_points_are_exactly_where_a_recurring_or_abrupt_drift_jumps():
    for drift in (AbruptDrift(at=30), RecurringDrift(start=10, period=25)):
        jumps = np.flatnonzero(np.diff(drift.magnitude(100))) + 1
        assert drift.change_points(100) == tuple(jumps)


def test_change_points_beyond_the_stream_are_not_told():
    assert AbruptDrift(at=100).change_points(100) == ()
    assert RecurringDrift(start=40, period=50).change_points(100) == (40, 90)


def test_an_abrupt_drift_without_a_place_comes_half_way():
    assert AbruptDrift().change_points(90) == (45,)


def test_a_gradual_drift_mixes_two_worlds_in_the_announced_proportion():
    drift = GradualDrift(start=0, stop=20_000, size=1.0)
    drawn = drift.draw(20_000, np.random.default_rng(1))
    assert set(drawn) == {0.0, 1.0}
    for part in np.split(drawn - drift.magnitude(20_000), 4):
        assert abs(part.mean()) < 4 * 0.5 / np.sqrt(5000)


def test_an_incremental_drift_gives_every_event_the_announced_amount():
    drift = IncrementalDrift(start=3, stop=9, size=-2.0)
    np.testing.assert_array_equal(drift.draw(20, np.random.default_rng(1)), drift.magnitude(20))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: AbruptDrift(at=-1), "at"),
        (lambda: GradualDrift(start=5, stop=5), "start"),
        (lambda: IncrementalDrift(start=-1, stop=5), "start"),
        (lambda: RecurringDrift(start=0, period=0), "period"),
        (lambda: RecurringDrift(start=-2, period=3), "start"),
        (lambda: rating_stream(0, seed=1), "n_samples"),
        (lambda: rating_stream(seed=1, n_users=0), "n_users"),
        (lambda: rating_stream(seed=1, noise_std=-1), "noise_std"),
        (lambda: rating_stream(seed=1, session_length=0.5), "session_length"),
        (lambda: rating_stream(seed=1, drifting="mood"), "drifting"),
        (lambda: rating_stream(seed=1, rating_range=(5, 1)), "rating_range"),
        (lambda: error_stream(seed=1, kind="poisson"), "kind"),
        (lambda: error_stream(seed=1, level=0.8, drift=AbruptDrift(size=0.3)), "level"),
        (lambda: error_stream(seed=1, level=float("nan")), "level"),
    ],
)
def test_a_setting_out_of_range_is_named(make, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        make()


def test_the_default_stream_is_the_demonstration_of_part_one():
    stream = rating_stream(seed=3)
    assert len(stream) == 5000
    assert len(set(stream.user_ids)) == 100
    assert set(stream.item_ids) <= set(range(200))
    assert stream.change_points == (2500,)
    assert stream.magnitude.tolist() == [0.0] * 2500 + [0.5] * 2500


def test_the_same_seed_gives_the_same_stream_and_another_seed_another():
    one, same, other = rating_stream(seed=1), rating_stream(seed=1), rating_stream(seed=2)
    assert one.user_ids == same.user_ids
    np.testing.assert_array_equal(one.targets, same.targets)
    assert not np.array_equal(one.targets, other.targets)


def test_a_stream_does_not_depend_on_the_hash_salt_of_the_process():
    program = (
        "from coursekit.datasets.streams import *; print(rating_stream(50, "
        "seed=1).targets.sum().hex())"
    )
    environments = ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    sums = {
        subprocess.run(
            [sys.executable, "-c", program], env=salt, capture_output=True, text=True, check=True
        ).stdout
        for salt in environments
    }
    assert len(sums) == 1


def test_streams_that_differ_only_in_drift_share_everything_else():
    calm = rating_stream(seed=1, drift=None)
    for drift in (AbruptDrift(at=100, size=2.0), GradualDrift(start=0, stop=4000, size=2.0)):
        moved = rating_stream(seed=1, drift=drift)
        assert moved.user_ids == calm.user_ids
        assert moved.item_ids == calm.item_ids
        np.testing.assert_allclose(
            moved.targets - moved.expected, calm.targets - calm.expected, atol=1e-12
        )


def test_most_ratings_come_from_the_same_user_as_the_one_before():
    users = np.array(rating_stream(20_000, seed=1, session_length=8.0, drift=None).user_ids)
    expected = 7 / 8 + 1 / 8 / 100  # stay, or leave and be drawn again
    assert np.mean(users[1:] == users[:-1]) == pytest.approx(expected, abs=0.01)


def test_a_session_of_length_one_makes_users_independent():
    users = np.array(rating_stream(20_000, seed=1, session_length=1.0, drift=None).user_ids)
    assert np.mean(users[1:] == users[:-1]) == pytest.approx(0.01, abs=0.005)


def test_item_counts_follow_the_power_law_asked_for():
    counts = np.sort(
        np.bincount(rating_stream(200_000, seed=1, n_items=50).item_ids, minlength=50)
    )[::-1]
    slope = np.polyfit(np.log(np.arange(1, 51)), np.log(counts), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.05)
    flat = np.bincount(rating_stream(200_000, seed=1, n_items=50, popularity_skew=0.0).item_ids)
    assert flat.max() / flat.min() < 1.2


def test_time_never_runs_backwards():
    assert (np.diff(rating_stream(seed=1).timestamps) > 0).all()


def test_every_part_of_a_rating_has_the_spread_asked_for():
    quiet = {
        "user_std": 0.0,
        "item_std": 0.0,
        "taste_std": 0.0,
        "noise_std": 0.0,
        "drift": None,
        "popularity_skew": 0.0,
    }
    for name in ("user_std", "item_std", "taste_std", "noise_std"):
        stream = rating_stream(100_000, 1000, 1000, seed=1, **(quiet | {name: 0.7}))
        assert stream.targets.std() == pytest.approx(0.7, rel=0.06), name
        assert stream.targets.mean() == pytest.approx(3.0, abs=0.06), name


def test_the_best_possible_error_is_the_noise():
    assert rating_stream(100_000, seed=1, noise_std=0.4).best_rmse == pytest.approx(0.4, rel=0.01)


def test_a_change_of_tastes_of_size_one_leaves_nothing_of_the_old_ones_and_their_spread_as_it_was():
    only_tastes = {
        "user_std": 0.0,
        "item_std": 0.0,
        "noise_std": 0.0,
        "n_users": 500,
        "n_items": 500,
        "drifting": "tastes",
    }
    calm = rating_stream(50_000, seed=1, drift=None, **only_tastes).targets
    turned = rating_stream(50_000, seed=1, drift=AbruptDrift(size=1.0), **only_tastes).targets
    np.testing.assert_array_equal(turned[:25_000], calm[:25_000])
    assert abs(np.corrcoef(turned[25_000:], calm[25_000:])[0, 1]) < 0.15
    assert turned[25_000:].std() == pytest.approx(calm.std(), rel=0.1)


def test_a_rating_range_cuts_ratings_and_truth_off():
    stream = rating_stream(seed=1, mean=4.5, rating_range=(1, 5))
    assert stream.targets.max() == 5 and stream.expected.max() == 5


def test_a_slice_of_a_stream_is_a_plain_chunk():
    stream = rating_stream(seed=1)
    assert stream.slice(10, 12)[0].target == stream[10].target
    assert sum(len(chunk) for chunk in stream.chunks(512)) == 5000


def test_error_rates_follow_level_and_drift():
    stream = error_stream(
        40_000, seed=1, level=0.2, drift=IncrementalDrift(start=10_000, stop=30_000, size=0.4)
    )
    assert set(stream.values) == {0.0, 1.0}
    assert len(stream) == 40_000
    assert stream.values[:10_000].mean() == pytest.approx(0.2, abs=0.02)
    assert stream.values[10_000:30_000].mean() == pytest.approx(0.4, abs=0.02)
    assert stream.values[30_000:].mean() == pytest.approx(0.6, abs=0.02)


def test_gaussian_errors_have_the_mean_and_spread_asked_for():
    stream = error_stream(
        40_000, seed=1, kind="gaussian", level=1.0, spread=0.3, drift=AbruptDrift(size=1.0)
    )
    assert (stream.values - stream.expected).std() == pytest.approx(0.3, rel=0.02)
    assert stream.expected[[0, -1]].tolist() == [1.0, 2.0]
