"""The figures of lesson 08 say in their alt text what they draw."""

from __future__ import annotations

import numpy as np
import pytest

from coursekit.figures.delivery import registry


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    """Axes and alt texts, instead of pictures."""
    found: list = []
    monkeypatch.setattr(registry, "show", lambda axes, *, alt: found.append((axes, alt)))
    return found


def test_versions_are_drawn_at_the_end_of_their_blocks(shown) -> None:
    errors = {"one": np.array([1.0, 1.25]), "two": np.array([2.0, 3.0])}
    roles = {"one": "model", "two": "alarm"}
    registry.show_versions(errors, start=5_000, title="x", roles=roles)
    ((axes, alt),) = shown
    assert axes.lines[0].get_xdata().tolist() == [6_000, 7_000]
    assert "from rating 5,000 on. one: 1.00, 1.25; two: 2.00, 3.00." in alt


def test_moves_are_counted(shown) -> None:
    registry.show_moves({"begin": 2, "middle": 1, "end": 0})
    ((axes, alt),) = shown
    assert axes.get_title(loc="left").startswith("3 of 9 moves")
    assert alt.endswith("begin 2, middle 1, end 0.")


def test_a_kill_after_the_last_write_leaves_what_it_left(shown) -> None:
    registry.show_kills({"two": [1, 0, 1], "one": [1, 1]}, roles={"two": "alarm", "one": "model"})
    ((axes, alt),) = shown
    assert [line.get_ydata().tolist() for line in axes.lines[:2]] == [[1, 0, 1], [1, 1, 1]]
    assert alt.endswith("two 1, 0, 1; one 1, 1.")


def test_races_are_percentages(shown) -> None:
    registry.show_races({"a": 200 / 3, "b": 0.0}, roles={"a": "alarm", "b": "model"})
    assert shown[0][1].endswith("a 67 %, b 0 %.")


def test_bits_beyond_all_bounds_leave_a_gap(shown) -> None:
    damaged = np.full(64, 1.5)
    damaged[50:52], damaged[52:] = 3.0, np.inf
    registry.show_flipped_bits(damaged, 1.5, visible=0.01)
    ((axes, alt),) = shown
    assert axes.get_yscale() == "log" and axes.get_title(loc="left").startswith("50 of 64")
    assert np.isnan(axes.lines[0].get_ydata()[22:]).all()
    assert "Up to bit 49 it stays at 1.50 points" in alt and "for 12 bits" in alt
