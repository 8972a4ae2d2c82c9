"""ADWIN: an adaptive window, shortened until its older and newer parts have equal means."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Count, Natural, Proportion, integer
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, N

__all__ = ["ADWIN"]

# Layout of the memory, shape (1 + LEVELS, width). Row 0: N and CHANGE, statistics (SQUARES is the
# sum of squared deviations in the window), settings.
WIDTH, SQUARES, TOTAL, N_LEVELS = range(2, 6)
DELTA, CLOCK, MAX_BUCKETS, MIN_WINDOW_LENGTH, GRACE_PERIOD = range(6, 11)
# Row 1 + level: number of buckets of 2**level values, then their totals and their sums of squared
# deviations, oldest first.
COUNT, TOTALS = 0, 1
LEVELS = 48  # a window of up to 2**48 values


@compiled
def step(memory, value):
    """Update with one value."""
    known = memory[0]
    known[N] += 1.0
    known[WIDTH] += 1.0
    if known[WIDTH] > 1.0:
        others = known[WIDTH] - 1.0
        deviation = value - known[TOTAL] / others  # Welford, for a window that also shrinks
        known[SQUARES] += others * deviation * deviation / known[WIDTH]
    known[TOTAL] += value
    _insert(memory, value)
    if known[N] % known[CLOCK] != 0.0 or known[WIDTH] <= known[GRACE_PERIOD]:
        return IN_CONTROL
    signal = IN_CONTROL
    while _parts_differ(memory):
        _drop_oldest(memory)
        signal = DRIFT
    known[CHANGE] = known[N] - known[WIDTH]
    return signal


@compiled
def _insert(memory, value):
    """Add a bucket with one value; where a level has too many buckets, merge its two oldest."""
    most = int(memory[0, MAX_BUCKETS])
    squares_at = TOTALS + most + 1
    total, squares = value, 0.0
    for level in range(LEVELS):
        row = memory[1 + level]
        count = int(row[COUNT])
        row[TOTALS + count], row[squares_at + count] = total, squares
        row[COUNT] = count + 1
        if level == memory[0, N_LEVELS]:
            memory[0, N_LEVELS] += 1.0
        if count < most:
            return
        size = 2.0**level
        gap = row[TOTALS] / size - row[TOTALS + 1] / size
        # merged: totals add up, S = S_0 + S_1 + n_0 n_1 / (n_0 + n_1) (mean_0 - mean_1)^2
        total = row[TOTALS] + row[TOTALS + 1]
        squares = row[squares_at] + row[squares_at + 1] + size * 0.5 * gap * gap
        _shift(row, squares_at, 2)


@compiled
def _shift(row, squares_at, n):
    """Remove the n oldest buckets of one level."""
    left = int(row[COUNT]) - n
    row[COUNT] = left
    for at in range(left):
        row[TOTALS + at] = row[TOTALS + at + n]
        row[squares_at + at] = row[squares_at + at + n]


@compiled
def _drop_oldest(memory):
    """Remove the oldest bucket from the window."""
    known = memory[0]
    level = int(known[N_LEVELS]) - 1
    row = memory[1 + level]
    squares_at = TOTALS + int(known[MAX_BUCKETS]) + 1
    size = 2.0**level
    known[WIDTH] -= size
    known[TOTAL] -= row[TOTALS]
    gap = row[TOTALS] / size - known[TOTAL] / known[WIDTH]
    known[SQUARES] -= row[squares_at] + size * known[WIDTH] * gap * gap / (size + known[WIDTH])
    _shift(row, squares_at, 1)
    if row[COUNT] == 0.0:
        known[N_LEVELS] -= 1.0


@compiled
def _parts_differ(memory):
    """Return whether |mean_0 - mean_1| > bound for any cut between buckets."""
    known = memory[0]
    width, shortest = known[WIDTH], known[MIN_WINDOW_LENGTH]
    log = math.log(2.0 * math.log(width) / known[DELTA])
    variance = known[SQUARES] / width
    old_n, old_total, new_n, new_total = 0.0, 0.0, width, known[TOTAL]
    for level in range(int(known[N_LEVELS]) - 1, -1, -1):
        row = memory[1 + level]
        size = 2.0**level
        for at in range(int(row[COUNT])):
            old_n += size
            new_n -= size
            old_total += row[TOTALS + at]
            new_total -= row[TOTALS + at]
            if new_n < shortest or new_n == 0.0:
                return False
            if old_n < shortest:
                continue
            # m = 1 / n_0 + 1 / n_1, with the shortest part taken off as River does
            per_value = 1.0 / (old_n - shortest + 1.0) + 1.0 / (new_n - shortest + 1.0)
            bound = math.sqrt(2.0 * per_value * variance * log) + 2.0 / 3.0 * log * per_value
            if abs(old_total / old_n - new_total / new_n) > bound:
                return True
    return False


class ADWIN(DriftDetector, step=step):
    r"""Keep the longest window in which no cut separates two different means.

    Model: a cut into $n_0$ older and $n_1$ newer values is a change when $|\bar x_0 - \bar x_1| >
    \sqrt{2 m \sigma^2 \ln\frac{2\ln n}{\delta}} + \tfrac23 m \ln\frac{2\ln n}{\delta}$ with $m =
    \tfrac1{n_0} + \tfrac1{n_1}$ and $\sigma^2$ the variance of the window; then the oldest values
    are dropped until no cut is a change. The window is stored in buckets of 1, 2, 4, ... values:
    memory and time grow with its logarithm.

    Parameters
    ----------
    delta : float, in (0, 1)
        $\delta$: smaller values mean fewer alarms. The bound is conservative, so false alarms are
        far rarer than $\delta$ suggests.
    clock : int, 1 or more
        Number of values between two tests.
    max_buckets : int, 2 or more
        Buckets of one size before two are merged: more of them give finer cuts.
    min_window_length : int, 1 or more
        The fewest values on either side of a cut.
    grace_period : int, 0 or more
        No test until the window is longer than this.
    keep_recent : bool
        After an alarm, continue with the shortened window instead of an empty one.

    Notes
    -----
    Equals River's, alarm for alarm. With `keep_recent=True` it equals MOA's class ADWIN: it
    continues with the shortened window, as in the paper, and raises 4 to 9 alarms while one change
    moves out of the window. frouros (0.9) omits the newest bucket of every size when it moves the
    cut, so its delay is 2 to 5 times as long. The second term of the bound is derived for values in
    [0, 1]: scale errors in other units.

    Examples
    --------
    >>> errors = np.tile([1, 0, 0, 0, 0], 200), np.tile([1, 0], 200)
    >>> ADWIN().update_many(np.concatenate(errors))
    array([1087])
    >>> ADWIN(keep_recent=True).update_many(np.concatenate(errors))
    array([1087, 1119, 1151, 1183])

    References
    ----------
    A. Bifet, R. Gavalda (2007), "Learning from time-changing data with adaptive windowing",
    doi:10.1137/1.9781611972771.42.
    """

    def __init__(
        self,
        delta: Proportion = 0.002,
        clock: Count = 32,
        max_buckets: Annotated[int, partial(integer, at_least=2)] = 5,
        min_window_length: Count = 5,
        grace_period: Natural = 10,
        keep_recent: bool = False,
    ) -> None:
        settings = delta, clock, max_buckets, min_window_length, grace_period
        memory = np.zeros((1 + LEVELS, max(11, TOTALS + 2 * (max_buckets + 1))))
        memory[0, DELTA : GRACE_PERIOD + 1] = settings
        self._keep_recent = keep_recent
        super().__init__(memory)

    @property
    def width(self) -> int:
        """Length of the window."""
        return int(self._memory[0, WIDTH])

    @property
    def estimation(self) -> float:
        """Mean of the window, 0.0 while it is empty."""
        return float(self._memory[0, TOTAL] / self.width) if self.width else 0.0

    def _restart(self) -> None:
        if not self._keep_recent:
            self.reset_baseline()
