from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import load_state, save_state
from coursekit.forecasting.fleet import MetricFrame


def frame_of(rows: list[tuple[int, int, float]], **settings: Any) -> MetricFrame:
    server, time, values = (list(column) for column in zip(*rows, strict=True))
    return MetricFrame(
        **{
            "servers": ("a", "b"),
            "metrics": ("cpu",),
            "server": server,
            "time": time,
            "values": np.array(values)[:, None],
        }
        | settings
    )


def rows_of(frame: MetricFrame) -> list[tuple[str, int, float]]:
    columns = (frame.server.tolist(), frame.time.tolist(), frame.values[:, 0].tolist())
    return [(frame.servers[s], t, v) for s, t, v in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([(0, 1, 1.0), (0, 1, 2.0)], {}, "server 'a' breaks that at step 1"),
        ([(0, 2, 1.0), (0, 1, 2.0)], {}, "server 'a' breaks that at step 1"),
        ([(1, 1, 1.0), (0, 2, 2.0)], {}, "server 'a' breaks that at step 2"),
        ([(0, 1, 1.0), (1, 4, np.nan)], {}, r"`cpu` .* got nan \(server 'b', step 4\)"),
        ([(0, 1, np.inf)], {}, "`cpu` must be a finite number"),
        ([(2, 1, 1.0)], {}, "must index the 2 servers"),
        ([(0, 1, 1.0)], {"known": ("cpu",)}, "the target first"),
        ([(0, 1, 1.0)], {"metrics": ("cpu", "cpu")}, "shape"),
        ([(0, 1, 1.0)], {"time": [1, 2]}, r"`time` must have shape \(1,\)"),
    ],
)
def test_bad_rows_are_named(rows: Any, settings: Any, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        frame_of(rows, **settings)


def test_joined_frames_are_sorted_and_later_rows_replace_earlier_ones() -> None:
    first = frame_of([(0, 1, 1.0), (0, 3, 3.0), (1, 1, 10.0)])
    second = frame_of([(0, 2, 2.0), (1, 1, 30.0)], servers=("b", "c"))
    assert rows_of(MetricFrame.joined([first, second])) == [
        ("a", 1, 1.0),
        ("a", 3, 3.0),
        ("b", 1, 10.0),
        ("b", 2, 2.0),
        ("c", 1, 30.0),
    ]
    again = frame_of([(0, 3, 5.0)])
    assert rows_of(MetricFrame.joined([first, again]))[1] == ("a", 3, 5.0)
    with pytest.raises(InvalidSampleError, match="equal metrics"):
        MetricFrame.joined([first, frame_of([(0, 1, 1.0)], step_seconds=60)])


def test_the_future_is_appended_to_each_server() -> None:
    frame = frame_of([(0, 1, 1.0), (1, 5, 9.0)])
    ahead = frame.with_future(2)
    assert rows_of(ahead) == [
        ("a", 1, 1.0), ("a", 2, 0.0), ("a", 3, 0.0), ("b", 5, 9.0), ("b", 6, 0.0), ("b", 7, 0.0),
    ]  # fmt: skip
    assert rows_of(ahead.tail(1)) == [("a", 3, 0.0), ("b", 7, 0.0)]
    assert rows_of(frame.of_servers(["b"])) == [("b", 5, 9.0)]


def test_a_frame_survives_a_file(tmp_path: Any) -> None:
    frame = frame_of([(0, 1, 1.0), (1, 5, 9.0)])
    save_state(tmp_path / "f", frame.to_state(), kind="frame")
    again = MetricFrame.from_state(load_state(tmp_path / "f", kind="frame"))
    assert rows_of(again) == rows_of(frame)
    assert (again.servers, again.metrics, again.known) == (frame.servers, frame.metrics, ())


def test_pandas_shows_the_names() -> None:
    table = frame_of([(1, 5, 9.0)]).to_pandas()
    assert table.to_dict("records") == [{"server": "b", "time": 5, "cpu": 9.0}]
