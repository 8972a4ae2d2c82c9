"""Drift detection by Student's t-test of the latest block against a window before it."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Proportion, integer
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.glr.student_t import two_sided_p_value
from coursekit.learning.drift.kernels import (
    CHANGE,
    DRIFT,
    IN_CONTROL,
    WARNING,
    Direction,
    N,
    watched,
)

__all__ = ["ConceptDriftDetector"]

# Rows of the memory, shape (3, width): statistics and settings, then mean and sum of squared
# deviations of each block of the baseline.
KNOWN, MEANS, SQUARES = range(3)
# Layout of the first row: N and CHANGE, statistics (of the block being filled, then of the last
# test), settings.
IN_BLOCK, MEAN, SPREAD, N_BLOCKS, P_VALUE, SIGNAL = range(2, 8)
BLOCK_SIZE, MOST_BLOCKS, LEVEL, WARNING_LEVEL, WATCH_RISE, WATCH_FALL = range(8, 14)


@compiled
def step(memory, value):
    """Update with one value."""
    known = memory[KNOWN]
    known[N] += 1.0
    known[IN_BLOCK] += 1.0
    deviation = value - known[MEAN]
    known[MEAN] += deviation / known[IN_BLOCK]
    known[SPREAD] += deviation * (value - known[MEAN])
    if known[IN_BLOCK] == known[BLOCK_SIZE]:
        known[SIGNAL] = _compare(memory)
        known[CHANGE] = known[N] - known[BLOCK_SIZE]
        _join_baseline(memory)
    return int(known[SIGNAL])


@compiled
def _compare(memory):
    """Test for equal means of block and baseline; return the signal."""
    known = memory[KNOWN]
    size, n_blocks = known[BLOCK_SIZE], int(min(known[N_BLOCKS], known[MOST_BLOCKS]))
    if n_blocks == 0:
        return IN_CONTROL
    means = memory[MEANS, :n_blocks]  # (n_blocks,)
    baseline = means.mean()
    # sum of squared deviations in the baseline = within blocks + between blocks
    squares = memory[SQUARES, :n_blocks].sum() + size * ((means - baseline) ** 2).sum()
    change = known[MEAN] - baseline
    known[P_VALUE] = _students_test(change, squares + known[SPREAD], size * n_blocks, size)
    if (change > 0.0 and known[WATCH_RISE] == 0.0) or (change < 0.0 and known[WATCH_FALL] == 0.0):
        return IN_CONTROL
    if known[WATCH_RISE] == 0.0 or known[WATCH_FALL] == 0.0:
        known[P_VALUE] /= 2.0
    if known[P_VALUE] <= known[LEVEL]:
        return DRIFT
    return WARNING if known[P_VALUE] <= known[WARNING_LEVEL] else IN_CONTROL


@compiled
def _students_test(change, squares, n_old, n_new):
    """Return the two-sided p-value of Student's test with pooled variance, from the sum of squared
    deviations.
    """
    freedom = n_old + n_new - 2.0
    variance = squares / freedom * (1.0 / n_old + 1.0 / n_new)
    if variance <= 0.0:  # both parts are constant
        return 1.0 if change == 0.0 else 0.0
    return two_sided_p_value(change / math.sqrt(variance), freedom)


@compiled
def _join_baseline(memory):
    """Add the block to the baseline; it replaces the oldest one when the baseline is full."""
    known = memory[KNOWN]
    place = int(known[N_BLOCKS] % known[MOST_BLOCKS])
    memory[MEANS, place], memory[SQUARES, place] = known[MEAN], known[SPREAD]
    known[N_BLOCKS] += 1.0
    known[IN_BLOCK], known[MEAN], known[SPREAD] = 0.0, 0.0, 0.0


class ConceptDriftDetector(DriftDetector, step=step):
    r"""Compare the mean of the latest block with that of the window before it by Student's t-test.

    Model: values are collected in blocks of `min_samples`. Each full block is compared with the
    baseline, up to `window_size` values before it, and then joins it. Alarm when the p-value is at
    most `threshold` * `min_samples` / `window_size`: the expected number of false alarms in
    `window_size` values of an unchanged stream is then at most `threshold`. Warning when the
    p-value is at most `threshold`, the level of a single test.

    Parameters
    ----------
    window_size : int, at least 2 * `min_samples`
        Length of the baseline, rounded down to whole blocks.
    threshold : float, in (0, 1)
        Expected false alarms in `window_size` values without drift: 0.05 for 1000 is one in 20,000.
        Exact for independent normal values. For errors of 0 and 1 it depends on how well a normal
        distribution fits the mean of a block: with blocks of 100 there are a sixth more false
        alarms at an error rate of 0.05, and 2.5 times as many at 0.01.
    min_samples : int, 2 or more
        Length of a block. Tests happen at the end of a block: longer blocks detect smaller changes,
        later.
    direction : {"up", "down", "both"}
        Which changes raise alarms.

    Attributes
    ----------
    p_value : float
        Of the latest test, two-sided for "both"; 1.0 before the first.

    Notes
    -----
    The naive version, an alarm when the mean of 100 values is 5 % above that of 1,000, has no
    level: the mean of 100 squared errors has a standard deviation of 14 %, so a third of all means
    pass; and testing after every value instead of every block multiplies the false alarms. The
    variance is pooled because it is the same under the null hypothesis; Welch's test would give a
    block with few errors by chance a small variance, and so a small p-value. An update takes O(1)
    time; a block takes two numbers of memory.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> detector = ConceptDriftDetector()
    >>> detector.update_many(rng.normal(np.repeat([1.0, 1.5], 2000), 1.0))
    array([2099])

    References
    ----------
    Student (1908), "The probable error of a mean", doi:10.2307/2331554.
    """

    def __init__(
        self,
        window_size: int = 1000,
        threshold: Proportion = 0.05,
        min_samples: Annotated[int, partial(integer, at_least=2)] = 100,
        direction: Direction = "both",
    ) -> None:
        most_blocks = integer("window_size", window_size, at_least=2 * min_samples) // min_samples
        levels = threshold * min_samples / window_size, threshold
        memory = np.zeros((3, max(14, most_blocks)))
        memory[KNOWN, P_VALUE] = 1.0
        memory[KNOWN, BLOCK_SIZE:14] = min_samples, most_blocks, *levels, *watched(direction)
        super().__init__(memory)

    @property
    def p_value(self) -> float:
        """Of the latest test; 1.0 before the first."""
        return float(self._memory[KNOWN, P_VALUE])
