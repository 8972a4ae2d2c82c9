"""The known detectors beside independent oracles (whether they agree with other libraries:
test_peers.py).
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from coursekit.core.errors import InvalidParameterError
from coursekit.learning.drift import (
    ADWIN,
    DDM,
    EDDM,
    HDDM_A,
    HDDM_W,
    KSWIN,
    ConceptDriftDetector,
    PageHinkley,
)
from coursekit.learning.drift.detectors.kswin import chance_of_gap, largest_gap
from coursekit.learning.drift.glr.student_t import two_sided_p_value

# ---- the course's detector


def test_the_p_value_is_the_one_of_students_test():
    rng = np.random.default_rng(0)
    values = rng.normal(np.linspace(0, 0.3, 1000), np.linspace(1, 2, 1000))
    detector = ConceptDriftDetector(window_size=300, min_samples=50, threshold=0.001)
    assert detector.p_value == 1.0
    for block, start in enumerate(range(0, 1000, 50)):
        detector.update_many(values[start : start + 50])
        if block:
            expected = stats.ttest_ind(
                values[start : start + 50], values[max(0, start - 300) : start]
            ).pvalue
            assert detector.p_value == pytest.approx(expected, rel=1e-9)
    assert detector.n_samples == 1000


@pytest.mark.parametrize(("direction", "alternative"), [("up", "greater"), ("down", "less")])
def test_one_direction_is_tested_on_one_side(direction, alternative):
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 200)
    if direction == "down":
        values = -values
    detector = ConceptDriftDetector(window_size=200, min_samples=100, direction=direction)
    detector.update_many(values)
    expected = stats.ttest_ind(values[100:], values[:100], alternative=alternative).pvalue
    assert detector.p_value == pytest.approx(
        expected if expected < 0.5 else 2 * (1 - expected), rel=1e-9
    )


def test_alarms_are_as_rare_as_the_level_says():
    """Expected: 0.05 in 1,000 values, so 500 in ten million. Poisson: outside 400 to 600 with a
    probability below 1e-5.
    """
    rng = np.random.default_rng(2)
    alarms = ConceptDriftDetector().update_many(rng.normal(7, 3, 10_000_000))
    assert 400 < len(alarms) < 600


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_for_errors_the_level_holds_nearly(rate):
    """Expected 500 in ten million; means of 100 errors are not quite normal, which makes 590 of
    them at a rate of 0.05. A count is so far from 400 and 700 with a probability below 1e-4.
    """
    rng = np.random.default_rng(3)
    assert 400 < len(ConceptDriftDetector().update_many(rng.random(10_000_000) < rate)) < 700


def test_warnings_are_the_tests_that_would_be_alarms_if_there_were_but_one():
    """5 % of the blocks, less those that are alarms; binomial, 5,000 blocks: 4 to 6 % in all but
    one of 1,000 runs.
    """
    rng = np.random.default_rng(4)
    detector = ConceptDriftDetector(min_samples=20, window_size=200)
    warned = 0
    for _ in range(5000):
        detector.update_many(rng.normal(0, 1, 20))
        warned += detector.warning_detected
    assert 0.035 < warned / 5000 < 0.055


def test_a_change_shows_at_the_end_of_a_block_in_both_directions():
    rng = np.random.default_rng(5)
    for size in (1.0, -1.0):
        assert ConceptDriftDetector().update_many(
            rng.normal(np.repeat([0, size], 1000), 1.0)
        ).tolist() == [1099]


def test_constants_are_equal_or_different_without_a_division_by_zero():
    detector = ConceptDriftDetector(min_samples=10, window_size=20)
    assert detector.update_many(np.repeat([2.0, 3.0], [50, 30])).tolist() == [59]
    assert detector.p_value == 1.0  # after the restart: 3.0 beside 3.0


@pytest.mark.parametrize("freedom", [1.0, 1.7, 5.0, 98.0, 1e4])
@pytest.mark.parametrize("t", [0.0, 0.3, -1.0, 2.5, 7.0, 40.0, -1e3])
def test_students_t_is_that_of_scipy(t, freedom):
    assert two_sided_p_value(t, freedom) == pytest.approx(
        2 * stats.t.sf(abs(t), freedom), rel=1e-10, abs=1e-300
    )


# ---- Page-Hinkley


def test_page_hinkley_is_its_formula():
    """Everything since the start, summed anew at each value."""
    rng = np.random.default_rng(0)
    values = rng.normal(np.repeat([0.0, 0.4], 300), 1.0)
    delta, threshold = 0.1, 12.0
    sums = []
    for t in range(1, len(values) + 1):
        sums.append((sums[-1] if sums else 0.0) + values[t - 1] - values[:t].mean() - delta)
        if t >= 30 and sums[-1] - min(sums) > threshold:
            break
    detector = PageHinkley(delta=delta, threshold=threshold, alpha=1.0, direction="up")
    first = detector.update_many(values[:t])
    assert first.tolist() == [t - 1]
    assert detector.n_since_change == t - 1 - int(np.argmin(sums))


def test_direction_matters():
    rise = np.repeat([0.0, 1.0], 200)
    assert len(PageHinkley(direction="up", threshold=20).update_many(rise)) == 1
    assert len(PageHinkley(direction="down", threshold=20).update_many(rise)) == 0
    assert len(PageHinkley(direction="down", threshold=20).update_many(-rise)) == 1
    for cls in (HDDM_A, HDDM_W):
        better = np.concatenate([np.tile([1.0, 1.0, 0.0], 300), np.zeros(300)])
        assert len(cls(direction="up").update_many(better)) == 0
        assert len(cls(direction="down").update_many(better)) == 1


# ---- ADWIN


def window_by_brute_force(values, delta=0.002, shortest=5):
    """The longest run of latest values that no cut splits, all cuts tried at each value (no
    buckets).
    """
    window: list[float] = []
    for value in values:
        window.append(value)
        again = True
        while again:
            again = False
            n, variance = len(window), np.var(window)
            log = math.log(2 * math.log(n) / delta) if n > 1 else 0.0
            for cut in range(shortest, n - shortest + 1):
                m = 1 / (cut - shortest + 1) + 1 / (n - cut - shortest + 1)
                bound = math.sqrt(2 * m * variance * log) + 2 / 3 * log * m
                if abs(np.mean(window[:cut]) - np.mean(window[cut:])) > bound:
                    window, again = window[1:], True
                    break
    return window


def test_with_buckets_of_one_adwin_is_brute_force():
    rng = np.random.default_rng(1)
    values = rng.normal(np.repeat([0.0, 2.0], 60), 0.5)
    detector = ADWIN(clock=1, max_buckets=200, grace_period=0, keep_recent=True)
    detector.update_many(values)
    window = window_by_brute_force(values)
    assert detector.width == len(window) < 100
    assert detector.estimation == pytest.approx(np.mean(window))


def test_the_window_of_adwin_is_always_the_latest_values():
    rng = np.random.default_rng(2)
    values = rng.normal(np.repeat([0.0, 3.0, 1.0], 700), 1.0)
    detector = ADWIN(keep_recent=True)
    widths = []
    for t, value in enumerate(values):
        detector.update(value)
        widths.append(detector.width)
        assert detector.estimation == pytest.approx(
            values[t + 1 - detector.width : t + 1].mean(), abs=1e-9
        )
    assert sum(after < before for before, after in pairwise(widths)) >= 2


def test_adwins_memory_holds_the_spread_of_the_window():
    rng = np.random.default_rng(3)
    values = rng.normal(5, 2, 5000)
    detector = ADWIN()
    detector.update_many(values)
    assert detector.width == 5000
    assert detector.get_state()["memory"]["_memory"][0, 3] == pytest.approx(
        ((values - values.mean()) ** 2).sum()
    )


# ---- KSWIN


@pytest.mark.parametrize("r", [2, 5, 17, 30])
def test_the_chance_of_a_gap_is_scipys_exact_p_value(r):
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.5, 1.0, 2.0):
        left, right = rng.normal(0, 1, r), rng.normal(shift, 1, r)
        gap = largest_gap(left, right)
        expected = stats.ks_2samp(left, right, method="exact")
        assert gap / r == pytest.approx(expected.statistic)
        assert chance_of_gap(gap, r) == pytest.approx(expected.pvalue)


def test_ties_are_counted_as_scipy_counts_them():
    rng = np.random.default_rng(1)
    for _ in range(50):
        left, right = rng.integers(0, 4, 20).astype(float), rng.integers(0, 5, 20).astype(float)
        assert largest_gap(left, right) / 20 == pytest.approx(
            stats.ks_2samp(left, right, method="exact").statistic
        )


def test_kswin_sees_a_change_of_spread():
    rng = np.random.default_rng(2)
    alarms = KSWIN(alpha=1e-4, window_size=300, stat_size=100).update_many(
        rng.normal(0, np.repeat([1.0, 4.0], 1000))
    )
    assert len(alarms) >= 1
    assert 1000 < alarms[0] < 1200


# ---- settings


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ConceptDriftDetector(threshold=0),
        lambda: ConceptDriftDetector(threshold=1.7),
        lambda: ConceptDriftDetector(threshold=math.nan),
        lambda: ConceptDriftDetector(min_samples=1),
        lambda: ConceptDriftDetector(window_size=150, min_samples=100),
        lambda: ConceptDriftDetector(window_size=1000.0),
        lambda: ConceptDriftDetector(direction="left"),
        lambda: PageHinkley(threshold=-1),
        lambda: PageHinkley(delta=-1),
        lambda: PageHinkley(alpha=1.5),
        lambda: PageHinkley(min_samples=0),
        lambda: PageHinkley(direction="left"),
        lambda: DDM(warm_start=0),
        lambda: DDM(warm_start=True),
        lambda: DDM(drift_threshold=math.inf),
        lambda: DDM(warning_threshold=0),
        lambda: EDDM(alpha=0.8, beta=0.9),
        lambda: EDDM(alpha=1.1),
        lambda: EDDM(beta=0),
        lambda: HDDM_A(drift_confidence=0),
        lambda: HDDM_A(drift_confidence=0.1, warning_confidence=0.05),
        lambda: HDDM_W(weight=1),
        lambda: HDDM_W(warning_confidence=1),
        lambda: ADWIN(delta=1),
        lambda: ADWIN(clock=0),
        lambda: ADWIN(max_buckets=1),
        lambda: ADWIN(grace_period=-1),
        lambda: KSWIN(alpha=0),
        lambda: KSWIN(stat_size=60),
        lambda: KSWIN(seed=-1),
    ],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(InvalidParameterError, match=r"`\w+` must be .*, got "):
        wrong()
