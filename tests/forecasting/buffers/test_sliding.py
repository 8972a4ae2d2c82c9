from __future__ import annotations

import numpy as np

from coursekit.forecasting.buffers import SlidingWindowBuffer
from tests.forecasting.buffers.test_contract import rows_of


def test_rows_leave_by_their_own_time() -> None:
    """Old rows that arrive late are not kept, and do not push newer ones out."""
    buffer = SlidingWindowBuffer(hours=5)
    buffer.add(rows_of(3, start=10))
    buffer.add(rows_of(2, start=0))
    assert buffer.get_window().time.tolist() == [10, 11, 12]
    buffer.add(rows_of(1, start=8))
    assert buffer.get_window().time.tolist() == [8, 10, 11, 12]
    buffer.add(rows_of(1, start=15))
    assert buffer.get_window().time.tolist() == [11, 12, 15]


def test_any_order_of_arrival_keeps_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        buffer = SlidingWindowBuffer(hours=7)
        for start in rng.permutation(20):
            buffer.add(rows_of(1, start=int(start)))
        assert buffer.get_window().time.tolist() == list(range(13, 20))


def test_hours_are_hours_whatever_the_time_step() -> None:
    from coursekit.forecasting.fleet import MetricFrame

    rows = MetricFrame.from_state(rows_of(100).to_state() | {"step_seconds": 600})
    buffer = SlidingWindowBuffer(hours=2)
    buffer.add(rows)
    assert buffer.size == 12


def test_a_row_sent_twice_counts_once() -> None:
    buffer = SlidingWindowBuffer(hours=5)
    for _ in range(3):
        buffer.add(rows_of(4))
    assert buffer.size == 4
