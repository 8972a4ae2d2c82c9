from __future__ import annotations

import numpy as np
from scipy import stats

from coursekit.forecasting.buffers import BalancedBuffer, ReservoirBuffer
from tests.forecasting.buffers.test_contract import windows_of


def test_every_window_is_kept_equally_often() -> None:
    """A chi-squared test at level 1e-4: one choice of seeds in 10,000 would fail."""
    counts = np.zeros(40)
    for seed in range(1000):
        buffer = ReservoirBuffer(10, seed=seed)
        buffer.add(windows_of(np.zeros(40)))
        counts[buffer.contents().origin] += 1
    assert counts.sum() == 10_000
    # sampled without replacement the variance is smaller by (1 - 10/40) * 40/39
    statistic = ((counts - 250) ** 2 / 250).sum() / (0.75 * 40 / 39) * 39 / 40
    assert stats.chi2.sf(statistic, df=39) > 1e-4


def test_a_rare_server_keeps_its_share() -> None:
    categories = np.where(np.arange(1000) % 100 == 0, 1, 0)
    balanced, plain = BalancedBuffer(20), ReservoirBuffer(20)
    for buffer in (balanced, plain):
        buffer.add(windows_of(categories))
    assert (balanced.contents().category == 1).sum() == 10  # all 10 that came
    assert (plain.contents().category == 1).sum() < 5
    drawn = balanced.sample(4000, np.random.default_rng(0)).category
    assert abs(drawn.mean() - 0.5) < 5 * 0.5 / 4000**0.5


def test_the_memory_is_shared_equally() -> None:
    buffer = BalancedBuffer(12)
    rng = np.random.default_rng(0)
    buffer.add(windows_of(rng.choice(4, 2000, p=[0.7, 0.2, 0.05, 0.05])))
    assert np.bincount(buffer.contents().category).tolist() == [3, 3, 3, 3]


def test_within_a_server_the_balanced_buffer_is_a_reservoir() -> None:
    """Mean origin of what is kept of a server that fills its share: that of all; 5 sigma."""
    means = []
    for seed in range(300):
        buffer = BalancedBuffer(10, seed=seed)
        buffer.add(windows_of(np.arange(200) % 2))
        means.append(buffer.contents().origin.mean())
    error = 200 / 12**0.5 / (10 * 300) ** 0.5
    assert abs(np.mean(means) - 99.5) < 5 * error
