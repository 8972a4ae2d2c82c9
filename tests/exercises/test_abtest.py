"""What the exercise abtest claims in its text is true."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.rehearsal import running

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "abtest"


@pytest.fixture(scope="module")
def finished():
    notebook = read_notebook(FOLDER / "abtest.ipynb")
    with running(notebook, FOLDER, 120) as (subject, _):
        yield subject


def test_half_of_the_treated_in_one_experiment_are_treated_in_the_other(finished):
    colour, price = (np.array(finished.get("both")[name]) for name in ("colour", "price"))
    assert 0.47 < price[colour].mean() < 0.53


def test_the_example_of_step_2_has_three_users_with_the_mean_4(finished):
    assert finished.get("shop").call("summary") == (3, 4.0, 21.0)


def test_the_comparison_is_welchs_test_of_scipy(finished):
    rng = np.random.default_rng(2)
    one, other = rng.normal(0.0, 1.0, 12), rng.normal(0.7, 2.0, 9)
    both = [
        finished.new("Summary", len(x), float(x.mean()), float(x.var(ddof=1))) for x in (one, other)
    ]
    oracle = stats.ttest_ind(other, one, equal_var=False)
    interval = oracle.confidence_interval(0.95)
    expected = [other.mean() - one.mean(), interval.low, interval.high, oracle.pvalue]
    assert finished.call("compare", *both) == pytest.approx(expected, rel=1e-10)


def test_the_sample_ratio_is_the_chi_square_test_of_scipy(finished):
    counts = {"a": 610, "b": 290, "c": 100}
    expected = stats.chisquare([610, 290, 100], [600, 300, 100]).pvalue
    got = finished.call("ratio_p", counts, {"c": 0.1, "a": 0.6, "b": 0.3})
    assert got == pytest.approx(expected, rel=1e-10)


def test_fifty_looks_find_many_effects_that_do_not_exist(finished):
    assert finished.get("peeking") > 0.2


def test_always_valid_looks_keep_the_level_and_find_a_small_effect_less_often(finished):
    assert finished.get("false_positives") <= 0.05
    assert 0.5 < finished.get("at_any_look") < finished.get("at_the_end")


def test_the_same_ratio_is_a_defect_only_among_many_users(finished):
    halves = {"a": 0.5, "b": 0.5}
    assert finished.call("ratio_p", {"a": 50_700, "b": 49_300}, halves) < 0.001
    assert finished.call("ratio_p", {"a": 507, "b": 493}, halves) > 0.05


def test_lost_visitors_make_a_good_looking_comparison_invalid(finished):
    word, statuses, _, _ = finished.call("run_shop")
    assert (word, statuses) == ("promoted", {"v1": "retired", "v2": "production"})
    word, statuses, _, (_, low, _, p) = finished.call("run_shop", lost=0.05)
    assert (word, statuses) == ("invalid", {"v1": "production", "v2": "failed"})
    assert low > 0 and p < 0.05
