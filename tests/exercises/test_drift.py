"""What the exercise drift claims in its text is true."""

from pathlib import Path

import numpy as np
import pytest

from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.rehearsal import running
from coursekit.learning.adaptation.responses import Boost
from coursekit.learning.drift import PageHinkley

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "drift"


@pytest.fixture(scope="module")
def finished():
    notebook = read_notebook(FOLDER / "drift.ipynb")
    with running(notebook, FOLDER, 120) as (subject, _):
        yield subject


def one_by_one(values):
    return [[float(value)] for value in values]


def test_the_example_by_hand_has_the_variance_13(finished):
    stats = finished.new("RunningStats")
    stats.map("update", one_by_one([2, 4, 9]))
    assert (stats.get("mean"), stats.call("variance")) == (5, 13)


def test_the_textbooks_formula_loses_a_variance_of_one_in_time_stamps(finished):
    stamps = finished.get("stamps")
    stats = finished.new("RunningStats")
    stats.map("update", one_by_one(stamps))
    truth = np.var(stamps - 1.7e9, ddof=1)
    assert stats.call("variance") == pytest.approx(truth, rel=1e-6)
    assert abs(np.mean(stamps**2) - np.mean(stamps) ** 2 - truth) > 0.5


def test_page_hinkley_agrees_with_the_courses_own_up_to_the_first_alarm(finished):
    rng = np.random.default_rng(4)
    for shift in (-2.0, 2.0):
        values = rng.normal(np.repeat([0.0, shift], 200), 1.0)
        own = PageHinkley(min_samples=1, delta=0.05, threshold=20.0, alpha=1.0)
        found = finished.call("alarms", finished.new("PageHinkley"), values)
        assert found[0] == own.update_many(values)[0]


def test_the_same_threshold_finds_the_change_in_minutes_and_cries_wolf_in_seconds(finished):
    minutes = finished.get("minutes")
    found = finished.call("alarms", finished.new("PageHinkley"), minutes)
    assert 100 < found[0] < 130
    assert finished.call("alarms", finished.new("PageHinkley"), 60 * minutes)[0] <= 3


def test_the_rule_of_thumb_has_dozens_of_times_more_false_alarms_than_the_test(finished):
    errors, means, before = (finished.get(name) for name in ("errors", "means", "before"))
    rule = np.sum(np.abs(means[1:] / before - 1) > 0.05)
    test = len(finished.call("alarms", finished.new("ShiftTest", level=0.01), errors))
    assert rule > 1000
    assert 20 < test < 40


def test_larger_blocks_keep_the_promise_better(finished):
    false_alarms = {}
    for size in (50, 500):
        errors = np.abs(np.random.default_rng(8).normal(size=2000 * size))
        false_alarms[size] = len(
            finished.call("alarms", finished.new("ShiftTest", block_size=size, level=0.01), errors)
        )
    assert abs(false_alarms[500] - 20) < 12  # standard deviation 4.5
    assert false_alarms[500] < false_alarms[50]


def test_one_change_is_one_alarm_with_a_new_beginning_and_twenty_without(finished):
    worlds = finished.get("worlds")
    assert len(finished.call("alarms", finished.new("ShiftTest"), worlds[:2000])) == 20
    assert finished.call("alarms", finished.new("Watch", finished.new("ShiftTest")), worlds) == [
        1049,
        2049,
    ]


def test_the_boost_is_that_of_the_courses_own_response(finished):
    manager = finished.new(
        "Manager",
        finished.new("Biases"),
        finished.new("Scripted", [1]),
        rate=0.5,
        factor=4.0,
        n_boost=100,
    )
    rates = [step[1] for step in manager.map("process", [["ada", "gravity", 1.0]] * 120)]
    boost = Boost(factor=4.0, n_samples=100)
    boost._n_left = 100
    right = []
    for _ in rates:
        right.append(0.5 * boost.rate_factor)
        boost.observe(1, None, None)
    assert rates == pytest.approx(right, rel=1e-12)


def test_a_boost_for_one_event_helps_by_a_few_percent_and_one_that_lasts_fourfold(finished):
    needed = {}
    for factor, n_boost in ((1.0, 500), (5.0, 1), (5.0, 500)):
        detector = finished.new("Scripted", [601])
        manager = finished.new(
            "Manager", finished.new("Biases"), detector, factor=factor, n_boost=n_boost
        )
        steps = manager.map(
            "process", [["ada", "gravity", 7.0 if event < 600 else 4.0] for event in range(1000)]
        )
        needed[factor, n_boost] = sum(step[0] > 0.25 for step in steps[600:])
    assert needed[1.0, 500] > needed[5.0, 1] > 0.9 * needed[1.0, 500]
    assert needed[5.0, 500] < 0.25 * needed[1.0, 500]


def test_a_forgotten_detector_raises_an_alarm_when_honest_ratings_return(finished):
    honest = np.random.default_rng(9).normal(7.0, 1.0, 1000)
    manager = finished.new(
        "SafeManager", finished.new("Biases"), finished.new("Watch", finished.new("ShiftTest"))
    )
    alarms = {}
    for keeps_detector in (True, False):
        manager.map("process", [["ada", "gravity", target] for target in honest[:500]])
        manager.call("checkpoint")
        manager.map("process", [["ada", "gravity", 0.0]] * 500)
        detector = manager.get("detector")
        manager.call("rollback")
        if not keeps_detector:
            manager.set("detector", detector)
        steps = manager.map("process", [["ada", "gravity", target] for target in honest[500:]])
        alarms[keeps_detector] = sum(step[2] for step in steps)
    assert alarms[True] == 0
    assert alarms[False] >= 1


def test_on_real_ratings_the_alarm_comes_with_the_first_block_and_only_the_lasting_boost_helps(
    finished,
):
    found, after = finished.get("found"), finished.get("after")
    for places in found.values():
        assert 6049 in places
        assert places[0] < 5000
    error = {name: np.mean(losses) ** 0.5 for name, losses in after.items()}
    assert error["no boost"] - 0.05 < error["for one event"] < error["no boost"]
    assert error["for 500 events"] < error["no boost"] - 0.4


def test_a_smaller_accident_is_found_at_the_small_rate_and_over_before_it_is_seen_at_the_large_one(
    finished,
):
    events = [
        [user, film, target + (at >= 6000)]
        for at, (user, film, target) in enumerate(finished.get("events"))
    ]
    seen = {}
    for rate in (0.005, 0.02):
        manager = finished.new(
            "Manager", finished.new("Biases"), finished.new("Scripted", []), rate=0.02, factor=1.0
        )
        manager.map("process", events[:1000])
        manager.set("rate", rate)
        manager.set("detector", finished.new("Watch", finished.new("ShiftTest")))
        seen[rate] = any(step[2] for step in manager.map("process", events[1000:7000])[5000:])
    assert seen == {0.005: True, 0.02: False}
