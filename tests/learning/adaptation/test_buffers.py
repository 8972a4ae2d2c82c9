"""Buffers of events: order, windows, mixtures of single events and chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import load_state, save_state
from coursekit.learning.adaptation.buffers import EventBuffer


def event(at):
    return OnlineSample(
        user_id=("shop", at), item_id=f"item {at}", target=float(at), timestamp=at, weight=1 + at
    )


def part(start, stop, *, bare=False):
    if stop - start == 1:
        return event(start)
    if not bare:
        return Chunk.of([event(at) for at in range(start, stop)])
    numbers = range(start, stop)
    return Chunk(
        user_ids=[("shop", at) for at in numbers],
        item_ids=[f"item {at}" for at in numbers],
        targets=np.arange(start, stop),
        features=[{"at": float(at)} for at in numbers],
    )


@given(
    sizes=st.lists(st.integers(1, 5), max_size=8),
    max_size=st.none() | st.integers(1, 12),
    newest=st.none() | st.integers(1, 12),
)
def test_a_buffer_keeps_the_newest_events_in_order(sizes, max_size, newest):
    buffer, n = EventBuffer(max_size), 0
    for size in sizes:
        buffer.add(part(n, n + size), np.arange(n, n + size, dtype=float))
        n += size
    if newest is not None:
        buffer.keep_newest(newest)
    expected = list(range(n))[-(max_size or n + 1) :][-(newest or n + 1) :]
    assert len(buffer) == len(expected)
    events, errors = buffer.take()
    assert list(events) == [event(at) for at in expected]
    assert errors.tolist() == expected
    assert len(buffer) == 0


def test_columns_that_some_chunks_lack_are_filled():
    buffer = EventBuffer()
    buffer.add(part(0, 2, bare=True), np.zeros(2))
    buffer.add(part(2, 3), np.zeros(1))
    events, _ = buffer.contents()
    assert events.features == [{"at": 0.0}, {"at": 1.0}, None]
    assert events.timestamps.tolist() == [0.0, 0.0, 2.0]
    assert events.weights.tolist() == [1.0, 1.0, 3.0]


@pytest.mark.parametrize("max_size", [None, 4])
def test_a_buffer_on_disk_is_the_same(tmp_path, max_size):
    buffer, other = EventBuffer(max_size), EventBuffer(max_size)
    for start, stop in ((0, 3), (3, 4), (4, 6)):
        buffer.add(part(start, stop), np.arange(start, stop, dtype=float))
    save_state(tmp_path / "buffer", buffer.get_state(), kind="buffer")
    other.set_state(load_state(tmp_path / "buffer", kind="buffer"))
    assert list(other.contents()[0]) == list(buffer.contents()[0])
    np.testing.assert_array_equal(other.contents()[1], buffer.contents()[1])
    empty = EventBuffer(max_size)
    save_state(tmp_path / "empty", empty.get_state(), kind="buffer")
    other.set_state(load_state(tmp_path / "empty", kind="buffer"))
    assert len(other) == 0
