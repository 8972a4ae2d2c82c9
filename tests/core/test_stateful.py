from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.core.state import load_state, save_state
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count


class Inner(Stateful):
    _memory_names = ("total",)

    def __init__(self) -> None:
        self.total = 0.0


class Outer(Stateful):
    _memory_names = ("rows", "inner", "notes")

    def __init__(self, width: int = 3) -> None:
        self.width = width
        self.rows = np.zeros((2, width))
        self.inner = Inner()
        self.notes: list[Any] = []


def used() -> Outer:
    outer = Outer()
    outer.rows += 1.5
    outer.inner.total = 7.0
    outer.notes = [{"at": 3, "values": np.arange(4)}]
    return outer


def test_a_state_continues_exactly_through_a_file(tmp_path: Any) -> None:
    save_state(tmp_path / "o.state", used().get_state(), kind="Outer")
    outer = Outer()
    outer.set_state(load_state(tmp_path / "o.state", kind="Outer"))
    assert outer.rows.tolist() == used().rows.tolist()
    assert outer.inner.total == 7.0
    assert outer.notes[0]["values"].tolist() == [0, 1, 2, 3]


def test_a_state_is_a_copy_both_ways() -> None:
    outer, other = used(), Outer()
    state = outer.get_state()
    outer.rows += 1
    outer.notes[0]["values"][0] = 9
    assert state["memory"]["rows"][0, 0] == 1.5
    other.set_state(state)
    other.rows += 1
    other.notes[0]["values"][0] = 9
    assert state["memory"]["rows"][0, 0] == 1.5
    assert state["memory"]["notes"][0]["values"][0] == 0


class Wrapper(Stateful):
    def __init__(self, part: Stateful, *, names: tuple[str, ...] = (), **settings: Any) -> None:
        self.part = part


class Scaled(Outer):
    def __init__(self, factor: Count = 2, **settings: Any) -> None:
        super().__init__(**settings)


def test_settings_are_the_arguments_of_the_constructor_with_their_defaults() -> None:
    assert Outer().config() == {"width": 3}
    assert Scaled(4, width=5).config() == {"factor": 4, "width": 5}
    assert Scaled(4, width=5).clone().config() == {"factor": 4, "width": 5}
    with pytest.raises(InvalidParameterError, match="`factor`"):
        Scaled(0)
    with pytest.raises(TypeError, match="height"):
        Scaled(height=1)


def test_settings_that_are_objects_are_written_and_cloned() -> None:
    wrapper = Wrapper(used(), names=("a", "b"))
    assert wrapper.config() == {"part": {"width": 3}, "names": ["a", "b"]}
    clone = wrapper.clone()
    assert clone.part is not wrapper.part
    assert clone.part.rows.sum() == 0.0
    assert Wrapper(len).config() == {"part": "len", "names": []}


def test_a_clone_has_the_settings_and_no_memory() -> None:
    clone = used().clone()
    assert (clone.width, clone.inner.total, clone.notes) == (3, 0.0, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("memory"), "memory missing"),
        (lambda state: state.update({"class": "Other"}), "is of Other with"),
        (lambda state: state.update(config={"width": 4}), "expected Outer with {'width': 3}"),
        (lambda state: state["memory"].pop("rows"), "has no rows"),
        (lambda state: state["memory"].update(rows=np.zeros(3)), "1 dimensions, expected 2"),
        (lambda state: state["memory"]["inner"]["memory"].clear(), "state of Inner has no total"),
    ],
)
def test_a_state_of_something_else_is_refused_and_nothing_changes(
    change: Any, message: str
) -> None:
    state, outer = used().get_state(), Outer()
    before = outer.get_state()
    change(state)
    with pytest.raises(StateFormatError, match=message):
        outer.set_state(state)
    assert repr(outer.get_state()) == repr(before)
