"""What is said about a check over a class agrees with other people's formulas and does not depend
on the order of students.
"""

import itertools

import numpy as np
import pytest
from scipy.stats import pointbiserialr

from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.publish.analytics import (
    correlation,
    items_of,
    items_table,
    upper_minus_lower,
)
from tests.grading.classroom.publish.pages.samples import check, grade, part


def student(name, *earned, worth=1, problem=""):
    """A student who has solved some checks (1), not solved (0) or left out (None) others; each has
    two tiers.
    """
    checks = []
    for n, each in enumerate(earned, 1):
        outcome = {1: Outcome.PASSED, 0: Outcome.WRONG, None: Outcome.NOT_ATTEMPTED}[each]
        checks += [
            check(f"demo-{n}", part(outcome=outcome, worth=worth), tier=tier)
            for tier in ("visible", "hidden")
        ]
    return grade(*checks, student=name, problem=problem)


CLASS = [
    student("a", 1, 1, 1, 1, 0),
    student("b", 1, 1, 1, 1, 0),
    student("c", 1, 1, 0, 1, 0),
    student("d", 1, None, 0, 0, 1),
    student("e", 1, 0, 0, 0, 1),
]


def test_difficulty_is_the_mean_share_of_points_and_the_ungraded_do_not_count():
    items = items_of([*CLASS, student("f", 0, 0, 0, 0, 0, problem="no notebook")])
    assert [item.id for item in items] == ["demo-1", "demo-2", "demo-3", "demo-4", "demo-5"]
    assert [item.difficulty for item in items] == pytest.approx([1.0, 0.6, 0.4, 0.6, 0.4])
    assert [item.not_attempted for item in items] == [0, 1, 0, 0, 0]
    assert {item.n_students for item in items} == {5}


def test_discrimination_is_the_point_biserial_correlation_with_the_rest():
    rng = np.random.default_rng(3)
    marks = (rng.random((40, 5)) < rng.random((40, 1))).astype(int)
    items = items_of([student(f"s{n}", *row.tolist()) for n, row in enumerate(marks)])
    for at, item in enumerate(items):
        rest = np.delete(marks, at, axis=1).sum(axis=1)
        assert item.discrimination == pytest.approx(pointbiserialr(marks[:, at], rest).statistic)


def test_where_nothing_varies_nothing_is_claimed():
    first, *rest = items_of(CLASS)
    assert first.discrimination is None
    assert not first.is_worth_a_look
    assert all(item.discrimination is not None for item in rest)
    same = items_of([student("a", 1, 0), student("b", 1, 0)])
    assert {(item.discrimination, item.upper_minus_lower) for item in same} == {(None, None)}
    assert items_of([]) == []
    assert items_of([student("a", 1, 0)])[0].discrimination is None


def test_a_check_that_the_weak_solve_is_worth_a_look():
    items = items_of(CLASS)
    assert items[4].discrimination < 0
    assert [item.is_worth_a_look for item in items] == [False, False, False, False, True]
    assert items_table(items).splitlines()[5].endswith("worth a look")
    assert items_table(items).splitlines()[1].split() == ["demo-1", "100%", "-", "+0.00", "0"]


def by_hand(share, total, size):
    """The mean over every order of students with equal totals of: best group minus last group."""
    orders = [order for order in itertools.permutations(range(len(total))) if all(
        total[one] >= total[other] for one, other in itertools.pairwise(order))]  # fmt: skip
    return np.mean(
        [
            np.mean(share[list(order[:size])]) - np.mean(share[list(order[-size:])])
            for order in orders
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_groups_at_both_ends_are_kelleys_with_ties_shared(seed):
    rng = np.random.default_rng(seed)
    total, share = rng.integers(0, 4, 7).astype(float), rng.random(7)
    if np.ptp(total):
        assert upper_minus_lower(share, total) == pytest.approx(
            by_hand(share, total, size=2)
        )  # round(0.27 * 7)


def test_the_order_of_students_does_not_matter():
    rng = np.random.default_rng(0)
    total, share = rng.integers(0, 5, 30).astype(float), rng.random(30)
    order = rng.permutation(30)
    assert upper_minus_lower(share[order], total[order]) == pytest.approx(
        upper_minus_lower(share, total)
    )


def test_the_ends_are_in_range():
    total = np.arange(10.0)
    assert upper_minus_lower((total > 5).astype(float), total) == 1
    assert upper_minus_lower((total < 4).astype(float), total) == -1
    assert correlation(total, -total) == pytest.approx(-1)
