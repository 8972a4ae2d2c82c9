from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError
from coursekit.forecasting.fleet import on_grid


def by_hand(
    servers: list[str], seconds: list[float], values: list[list[float]], step: int, max_fill: int
) -> dict[tuple[str, int], list[float]]:
    """One cell at a time: average, else the latest value of at most `max_fill` steps before."""
    cells: dict[tuple[str, int, int], list[float]] = {}
    for server, at, row in zip(servers, seconds, values, strict=True):
        for column, value in enumerate(row):
            if not np.isnan(value):
                cells.setdefault((server, int(at // step), column), []).append(value)
    found = {}
    for server in sorted(set(servers)):
        times = [
            int(at // step) for name, at in zip(servers, seconds, strict=True) if name == server
        ]
        for time in range(min(times), max(times) + 1):
            row = []
            for column in range(len(values[0])):
                for back in range(max_fill + 1):
                    read = cells.get((server, time - back, column))
                    if read:
                        row.append(float(np.mean(read)))
                        break
            if len(row) == len(values[0]):
                found[server, time] = row
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_fill", [0, 2])
def test_the_grid_equals_one_made_cell_by_cell(seed: int, max_fill: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    servers = rng.choice(["x", "y"], n).tolist()
    seconds = rng.uniform(0, 3000, n).tolist()
    values = np.where(rng.random((n, 2)) < 0.2, np.nan, rng.normal(size=(n, 2))).tolist()
    frame, report = on_grid(
        servers, seconds, values, metrics=["a", "b"], step_seconds=60, max_fill=max_fill
    )
    expected = by_hand(servers, seconds, values, 60, max_fill)
    names = [frame.servers[at] for at in frame.server]
    assert list(zip(names, frame.time.tolist(), strict=True)) == list(expected)
    np.testing.assert_allclose(frame.values, list(expected.values()))
    assert report.n_readings == n
    assert report.n_irregular == n


def test_nothing_depends_on_a_later_reading() -> None:
    seconds, values = np.arange(0, 600, 60.0), np.arange(10.0)[:, None]
    whole, _ = on_grid(["s"] * 10, seconds, values, metrics=["m"])
    for n in range(2, 10):
        part, _ = on_grid(["s"] * n, seconds[:n], values[:n], metrics=["m"])
        assert np.array_equal(part.values, whole.values[:n])


def test_what_was_found_is_reported() -> None:
    frame, report = on_grid(
        ["s"] * 7,
        [0, 60, 60, 120, 300, 240, 900],
        [[1], [2], [4], [np.nan], [5], [6], [7]],
        metrics=["m"],
        step_seconds=60,
        max_fill=1,
    )
    assert frame.time.tolist() == [0, 1, 2, 4, 5, 6, 15]
    assert frame.values[:, 0].tolist() == [1, 3, 3, 6, 5, 5, 7]
    assert (report.n_merged, report.n_irregular, report.n_unsorted) == (1, 0, 1)
    assert (report.n_filled, report.n_missing) == (2, 9)


def test_a_long_gap_costs_no_memory() -> None:
    frame, report = on_grid(["s", "s"], [0, 60e9], [[1], [2]], metrics=["m"], step_seconds=60)
    assert len(frame) == 5
    assert report.n_missing == 10**9 - 4


@pytest.mark.parametrize(
    ("seconds", "values", "message"),
    [
        ([0.0, np.nan], [[1], [2]], "finite"),
        ([0.0, 1.0], [[1], [np.inf]], "finite or NaN"),
        ([0.0], [[1]], "Expected 1 or more readings"),
        ([5.0, 5.0], [[1], [2]], "name `step_seconds`"),
    ],
)
def test_bad_readings_are_named(
    seconds: list[float], values: list[list[float]], message: str
) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        on_grid(["s", "s"], seconds, values, metrics=["m"])
