"""Assignment: planned shares, ramps that move nobody, layers that share nobody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from coursekit.core.errors import InvalidParameterError
from coursekit.delivery.experiments import Assignment, Layer
from coursekit.delivery.experiments.hashing import texts_of

IDS = np.arange(100_000)


def assignment(coverage: float = 1.0, layer: Layer | None = None, name: str = "a") -> Assignment:
    layer = layer or Layer("all")
    layer.extend(name, coverage)
    return Assignment(name, {"control": 0.5, "one": 0.3, "two": 0.2}, layer)


@pytest.mark.parametrize("coverage", [1.0, 0.25])
def test_one_at_a_time_and_many_at_once_agree(coverage: float) -> None:
    mine = assignment(coverage)
    units = [*range(-300, 300), *(f"user-{k}" for k in range(300))]
    names = [*mine.shares, None]
    assert [names[k] for k in mine.variants_of(units)] == [mine.variant_of(u) for u in units]


def test_the_shares_are_the_planned_ones() -> None:
    """A right assignment has p < 1e-6 for one salt in a million."""
    counts = np.bincount(assignment().variants_of(IDS))
    assert stats.chisquare(counts, len(IDS) * np.array([0.5, 0.3, 0.2])).pvalue > 1e-6


@given(st.lists(st.integers(0, 100), min_size=2, max_size=6))
def test_a_ramp_moves_nobody(steps: list[int]) -> None:
    layer = Layer("all")
    mine = Assignment("a", {"old": 0.5, "new": 0.5}, layer)
    before = np.full(2000, -1)
    for percent in sorted(set(steps) - {0}):
        layer.extend("a", percent / 100)
        now = mine.variants_of(IDS[:2000])
        assert np.array_equal(now[before >= 0], before[before >= 0])
        before = now
        assert layer.share_of("a") == pytest.approx(percent / 100, abs=1e-9)


def test_a_ramp_keeps_the_split_of_who_joins() -> None:
    """Coverage and variant have salts of their own: the first 10 % are split as all others."""
    counts = np.bincount(assignment(0.1).variants_of(IDS) + 1, minlength=4)[1:]
    assert counts.sum() / len(IDS) == pytest.approx(0.1, abs=0.005)  # 5 standard errors
    assert stats.chisquare(counts, counts.sum() * np.array([0.5, 0.3, 0.2])).pvalue > 1e-6


def test_experiments_of_a_layer_share_no_unit() -> None:
    layer = Layer("page")
    one, two = assignment(0.4, layer, "one"), assignment(0.3, layer, "two")
    layer.extend("one", 0.6)
    in_one, in_two = (each.variants_of(IDS) >= 0 for each in (one, two))
    assert not np.any(in_one & in_two)
    assert (in_one.mean(), in_two.mean()) == pytest.approx((0.6, 0.3), abs=0.008)
    layer.release("two")
    layer.extend("one", 0.9)
    assert np.all(one.variants_of(IDS)[in_one] >= 0)


def test_two_layers_are_independent() -> None:
    """Correlation of taking part below 4 / sqrt(n): fails for one pair in 16,000."""
    first, second = assignment(0.5, Layer("x")), assignment(0.5, Layer("y"))
    both = np.corrcoef(*(each.variants_of(IDS) >= 0 for each in (first, second)))
    assert abs(both[0, 1]) < 4 / np.sqrt(len(IDS))


def test_the_state_of_a_layer_round_trips() -> None:
    layer, twin = Layer("page"), Layer("page")
    layer.extend("one", 0.123)
    layer.extend("two", 0.4)
    twin.set_state(layer.get_state())
    assert twin.share_of("two") == 0.4 and twin.share_of("three") == 0.0
    units = texts_of(IDS[:1000])
    assert np.array_equal(twin.owns_many("one", units), layer.owns_many("one", units))


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.1, "at least 0.4"), (0.9, "at most 0.7"), (0.0, "in \\(0, 1\\]"), (1.5, "in \\(0, 1\\]")],
)
def test_a_share_that_cannot_be_given_is_named(share: float, words: str) -> None:
    layer = Layer("page")
    layer.extend("other", 0.3)
    layer.extend("mine", 0.4)
    with pytest.raises(InvalidParameterError, match=f"`share` must be {words}"):
        layer.extend("mine", share)
    assert layer.share_of("mine") == 0.4


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"a": 1.0}, "two variants or more"),
        ({"a": 0.5, "b": 0.4}, "must sum to 1, got 0.9"),
        ({"a": 1.0, "b": 0.0}, r"`shares\['b'\]` must be"),
    ],
)
def test_shares_that_are_no_plan_are_named(shares: dict[str, float], words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        Assignment("a", shares, Layer("all"))
