from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from coursekit.core.errors import InvalidSampleError
from coursekit.forecasting.buffers import PrioritizedBuffer, SumTree
from tests.forecasting.buffers.test_contract import windows_of

LEAVES = st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda x: sum(x) > 0)


@given(LEAVES, st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
def test_the_tree_finds_what_a_running_sum_finds(leaves: list[float], shares: list[float]) -> None:
    tree = SumTree(len(leaves))
    tree.set(np.arange(len(leaves)), np.array(leaves))
    assert tree.total == pytest.approx(sum(leaves))
    found = tree.find(np.array(shares) * tree.total)
    running = np.cumsum(leaves)
    for share, at in zip(shares, found.tolist(), strict=True):
        assert leaves[at] > 0
        slack = 1e-9 * tree.total
        assert running[at] - leaves[at] - slack <= share * tree.total <= running[at] + slack


@given(LEAVES, st.integers(0, 10**6))
def test_changed_leaves_leave_exact_sums(leaves: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = SumTree(len(leaves))
    for _ in range(5):
        at = rng.integers(len(leaves), size=3)
        tree.set(at, np.array(leaves)[at])
    tree.set(np.arange(len(leaves)), np.array(leaves))
    fresh = SumTree(len(leaves))
    fresh.set(np.arange(len(leaves)), np.array(leaves))
    assert tree.total == fresh.total


def test_windows_are_drawn_by_priority() -> None:
    """Frequencies within 5 standard errors (false failure below 1e-5); the seed is fixed."""
    buffer = PrioritizedBuffer(4, alpha=0.5)
    buffer.add(windows_of([0] * 4))
    buffer.set_priorities([0, 1, 2, 3], [1.0, 4.0, 9.0, 16.0])
    expected = np.array([1, 2, 3, 4]) / 10
    _, places = buffer.sample_places(20_000, np.random.default_rng(0))
    found = np.bincount(places, minlength=4) / 20_000
    assert (np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / 20_000)).all()
    weights = buffer.weights(np.arange(4))
    np.testing.assert_allclose(weights * expected, 0.1)  # weighted draws are uniform again
    assert weights.max() == 1.0


def test_alpha_0_draws_uniformly() -> None:
    buffer = PrioritizedBuffer(2, alpha=0.0)
    buffer.add(windows_of([0, 0]))
    buffer.set_priorities([0], [1e6])
    drawn = buffer.sample(10_000, np.random.default_rng(0)).origin.mean()
    assert abs(drawn - 0.5) < 5 * 0.5 / 100


def test_the_oldest_is_replaced_and_the_new_one_is_drawn_soon() -> None:
    buffer = PrioritizedBuffer(3)
    buffer.add(windows_of([0] * 3))
    buffer.set_priorities([0, 1, 2], [0.01, 0.01, 50.0])
    buffer.add(windows_of([0], start=3))
    assert sorted(buffer.contents().origin.tolist()) == [1, 2, 3]
    drawn = buffer.sample(2000, np.random.default_rng(0)).origin
    assert 0.4 < (drawn == 3).mean() < 0.6  # as likely as the largest priority so far


@pytest.mark.parametrize(
    ("places", "priorities"), [([3], [1.0]), ([-1], [1.0]), ([0], [0.0]), ([0], [np.nan])]
)
def test_bad_priorities_change_nothing(places: list[int], priorities: list[float]) -> None:
    buffer = PrioritizedBuffer(5)
    buffer.add(windows_of([0] * 3))
    before = buffer.get_state()["memory"]["leaves"].tolist()
    with pytest.raises(InvalidSampleError, match="`p"):
        buffer.set_priorities(places, priorities)
    assert buffer.get_state()["memory"]["leaves"].tolist() == before
