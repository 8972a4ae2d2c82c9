"""What every buffer promises: bounded memory, queries that change nothing, exact state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError, StateFormatError
from coursekit.core.state import load_state, save_state
from coursekit.forecasting import buffers
from coursekit.forecasting.buffers import SlidingWindowBuffer, WindowBuffer
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.windows import WINDOW_FIELDS, WindowSet


def windows_of(categories: Any, start: int = 0, length: int = 4) -> WindowSet:
    """Windows that can be told apart by their origin."""
    n = len(categories)
    origin = np.arange(start, start + n)
    return WindowSet(
        inputs=np.tile(origin[:, None, None], (1, length, 2)).astype(np.float32),
        targets=np.tile(origin[:, None], (1, length)).astype(np.float32),
        category=np.asarray(categories, dtype=np.int64),
        scale=np.ones((n, 2), dtype=np.float32),
        origin=origin,
    )


def rows_of(n: int, start: int = 0) -> MetricFrame:
    time = np.arange(start, start + n)
    return MetricFrame(
        servers=("a",), metrics=("m",), server=np.zeros(n), time=time, values=time[:, None]
    )


BUFFERS: dict[str, Callable[[], Any]] = {
    "reservoir": lambda: buffers.ReservoirBuffer(10, seed=3),
    "balanced": lambda: buffers.BalancedBuffer(10, seed=3),
    "prioritized": lambda: buffers.PrioritizedBuffer(10, seed=3),
    "sliding": lambda: SlidingWindowBuffer(hours=10),
    "sliding, bounded": lambda: SlidingWindowBuffer(hours=100, max_rows=10),
}


def fill(buffer: Any, n: int, start: int = 0) -> None:
    if isinstance(buffer, SlidingWindowBuffer):
        buffer.add(rows_of(n, start))
    else:
        buffer.add(windows_of(np.arange(start, start + n) % 3, start))


def kept(buffer: Any) -> list[int]:
    if isinstance(buffer, SlidingWindowBuffer):
        return [] if not buffer.size else buffer.get_window().time.tolist()
    return [] if not buffer.size else buffer.contents().origin.tolist()


@pytest.fixture(params=BUFFERS)
def buffer(request: pytest.FixtureRequest) -> Any:
    return BUFFERS[request.param]()


def test_every_buffer_is_in_the_contract() -> None:
    tested = {type(make()).__name__ for make in BUFFERS.values()}
    assert {name for name in buffers.__all__ if name.endswith("Buffer")} == tested | {
        "WindowBuffer"
    }


def test_it_grows_to_its_size_and_no_further(buffer: Any) -> None:
    sizes = []
    for start in range(0, 60, 4):
        fill(buffer, 4, start)
        sizes.append(buffer.size)
    assert sizes == [4, 8] + [10] * 13
    assert len(set(kept(buffer))) == 10


def test_ready_means_enough(buffer: Any) -> None:
    assert not buffer.is_ready()
    fill(buffer, 5)
    assert buffer.is_ready(5) and not buffer.is_ready(6)


def test_adding_at_once_equals_adding_in_parts(buffer: Any) -> None:
    parts = buffer.clone()
    fill(buffer, 50)
    for start in range(0, 50, 5):
        fill(parts, 5, start)
    assert kept(parts) == kept(buffer)


def test_an_empty_addition_changes_nothing(buffer: Any) -> None:
    fill(buffer, 0)
    assert buffer.size == 0
    fill(buffer, 12)
    before = kept(buffer)
    fill(buffer, 0)
    assert kept(buffer) == before


def test_an_empty_buffer_says_so(buffer: Any) -> None:
    read = buffer.get_window if isinstance(buffer, SlidingWindowBuffer) else buffer.contents
    with pytest.raises(InvalidParameterError, match=f"{type(buffer).__name__} is empty"):
        read()


def test_a_state_is_exact(buffer: Any, tmp_path: Path) -> None:
    """Saved, loaded and continued, a buffer keeps what the original keeps."""
    fill(buffer, 25)
    save_state(tmp_path / "b", buffer.get_state(), kind="buffer")
    again = buffer.clone()
    again.set_state(load_state(tmp_path / "b", kind="buffer"))
    assert kept(again) == kept(buffer)
    for each in (buffer, again):
        fill(each, 40, start=25)
    assert kept(again) == kept(buffer)
    assert _comparable(again.get_state()) == _comparable(buffer.get_state())


def _comparable(state: Any) -> str:
    return json.dumps(state, default=lambda array: array.tolist(), sort_keys=True)


def test_a_state_is_a_copy(buffer: Any) -> None:
    fill(buffer, 25)
    state = buffer.get_state()
    text = _comparable(state)
    fill(buffer, 30, start=25)
    assert _comparable(state) == text


def test_an_empty_state_round_trip(buffer: Any) -> None:
    state = buffer.get_state()
    fill(buffer, 5)
    buffer.set_state(state)
    assert buffer.size == 0
    fill(buffer, 5)
    assert buffer.size == 5


def test_a_state_of_another_size_is_refused(buffer: Any) -> None:
    fill(buffer, 5)
    state = buffer.get_state()
    name = "hours" if isinstance(buffer, SlidingWindowBuffer) else "max_size"
    other = type(buffer)(**{**buffer.config(), name: 3})
    with pytest.raises(StateFormatError, match=name):
        other.set_state(state)
    assert other.size == 0


def test_other_shapes_change_nothing(buffer: Any) -> None:
    fill(buffer, 25)
    before = kept(buffer)
    if isinstance(buffer, SlidingWindowBuffer):
        with pytest.raises(InvalidSampleError, match="step_seconds"):
            buffer.add(MetricFrame.from_state(rows_of(3).to_state() | {"step_seconds": 60}))
    else:
        with pytest.raises(InvalidParameterError, match="`windows` must be windows of shapes"):
            buffer.add(windows_of([0], length=5))
    assert kept(buffer) == before


@pytest.mark.parametrize("name", sorted(set(BUFFERS) - {"sliding", "sliding, bounded"}))
class TestReplay:
    """What the buffers of windows promise on top."""

    def test_a_sample_is_of_what_is_kept_and_changes_nothing(self, name: str) -> None:
        buffer: WindowBuffer = BUFFERS[name]()
        fill(buffer, 40)
        before = _comparable(buffer.get_state())
        sample = buffer.sample(500, np.random.default_rng(0))
        assert set(sample.origin.tolist()) == set(kept(buffer))
        assert (sample.targets[:, 0] == sample.origin).all()  # the fields belong together
        assert _comparable(buffer.get_state()) == before
        again = buffer.sample(500, np.random.default_rng(0))
        assert np.array_equal(sample.origin, again.origin)

    def test_memory_is_bounded(self, name: str) -> None:
        buffer: WindowBuffer = BUFFERS[name]()
        fill(buffer, 1)
        n_bytes = buffer.n_bytes
        fill(buffer, 1000, start=1)
        assert buffer.n_bytes == n_bytes
        assert buffer.n_seen == 1001

    def test_what_is_kept_is_a_copy(self, name: str) -> None:
        buffer: WindowBuffer = BUFFERS[name]()
        windows = windows_of([0, 1, 2])
        buffer.add(windows)
        for field in WINDOW_FIELDS:
            getattr(windows, field)[...] = -1
            getattr(buffer.contents(), field)[...] = -1
        assert sorted(kept(buffer)) == [0, 1, 2]
