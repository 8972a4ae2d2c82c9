"""The course's own detector: a test at a stated level where a rule of thumb used to be."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, WARNING, DriftDetector
from coursekit.learning.drift.glr.student_t import two_sided_p_value
from coursekit.learning.drift.settings import require, require_count, require_direction

__all__ = ["ConceptDriftDetector"]

# Rows of the memory: what is known, then mean and sum of squared deviations of the latest blocks.
KNOWN, MEANS, SQUARES = range(3)
# Layout of the first row: what is known so far (of the block being filled, then of the last
# comparison), then the settings.
N, IN_BLOCK, MEAN, SPREAD, N_BLOCKS, P_VALUE, SIGNAL = range(7)
BLOCK_SIZE, MOST_BLOCKS, LEVEL, WARNING_LEVEL, WATCH_RISE, WATCH_FALL = range(7, 13)


@compiled
def step(memory, value):
    """Move on by one value."""
    known = memory[KNOWN]
    known[N] += 1.0
    known[IN_BLOCK] += 1.0
    deviation = value - known[MEAN]
    known[MEAN] += deviation / known[IN_BLOCK]
    known[SPREAD] += deviation * (value - known[MEAN])
    if known[IN_BLOCK] == known[BLOCK_SIZE]:
        known[SIGNAL] = _compare(memory)
        _join_baseline(memory)
    return int(known[SIGNAL])


@compiled
def _compare(memory):
    """Test whether the block has the mean of the baseline."""
    known = memory[KNOWN]
    size, n_blocks = known[BLOCK_SIZE], int(min(known[N_BLOCKS], known[MOST_BLOCKS]))
    if n_blocks == 0:
        return CALM
    baseline = memory[MEANS, :n_blocks].mean()
    squares = (
        memory[SQUARES, :n_blocks].sum() + size * ((memory[MEANS, :n_blocks] - baseline) ** 2).sum()
    )
    change = known[MEAN] - baseline
    known[P_VALUE] = _students_test(change, squares + known[SPREAD], size * n_blocks, size)
    if (change > 0.0 and known[WATCH_RISE] == 0.0) or (change < 0.0 and known[WATCH_FALL] == 0.0):
        return CALM
    if known[WATCH_RISE] == 0.0 or known[WATCH_FALL] == 0.0:
        known[P_VALUE] /= 2.0
    if known[P_VALUE] <= known[LEVEL]:
        return DRIFT
    return WARNING if known[P_VALUE] <= known[WARNING_LEVEL] else CALM


@compiled
def _students_test(change, squares, n_old, n_new):
    """Student's two-sided test of two means with one variance; the sum of squared deviations in,
    the p-value out.
    """
    freedom = n_old + n_new - 2.0
    variance = squares / freedom * (1.0 / n_old + 1.0 / n_new)
    if variance <= 0.0:  # two constants
        return 1.0 if change == 0.0 else 0.0
    return two_sided_p_value(change / math.sqrt(variance), freedom)


@compiled
def _join_baseline(memory):
    """Make the block part of the baseline, in place of the oldest one if there is no room."""
    known = memory[KNOWN]
    place = int(known[N_BLOCKS] % known[MOST_BLOCKS])
    memory[MEANS, place], memory[SQUARES, place] = known[MEAN], known[SPREAD]
    known[N_BLOCKS] += 1.0
    known[IN_BLOCK], known[MEAN], known[SPREAD] = 0.0, 0.0, 0.0


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end."""
    for t in range(values.size):
        signal = step(memory, values[t])
        if signal == DRIFT:
            return t + 1, signal
    return values.size, signal


class ConceptDriftDetector(DriftDetector):
    r"""Compare the mean of the latest block with the mean of the window before it, by Student's
    t-test.

    Model: values are gathered in blocks of `min_samples`. Each full block is compared with the up
    to `window_size` values before it, the baseline, and then joins them. Alarm when the p-value is
    at most `threshold` * `min_samples` / `window_size`, so that in every `window_size` values of an
    unchanged stream at most `threshold` false alarms are to be expected. Warning when the p-value
    is at most `threshold`, as if there were but this one test.

    Parameters
    ----------
    window_size : int, at least 2 * `min_samples`
        Length of the baseline; cut down to whole blocks.
    threshold : float, in (0, 1)
        Expected false alarms in `window_size` values without drift: 0.05 for 1000 is one in 20,000.
        Exact for independent normal values. For errors of 0 and 1 it holds as well as the normal
        distribution fits the mean of a block: at an error rate of 0.05 and blocks of 100 there are
        a sixth more false alarms, at 0.01 two and a half times as many.
    min_samples : int, 2 or more
        Length of a block. A change shows at the end of a block: larger ones see smaller changes,
        later.
    direction : {"up", "down", "both"}
        Which changes count.

    Attributes
    ----------
    p_value : float
        Of the latest comparison, two-sided for "both"; 1.0 before the first.

    Notes
    -----
    Two changes make the naive version of it honest. It called a change "significant" when the mean
    of 100 values was 5 % off that of 1,000; the mean of 100 squared errors scatters by 14 %, so
    that a third of all such means were. And it asked after every single value, which is a hundred
    chances for one mistake. The test assumes one variance, because "nothing has changed" is what it
    has to doubt; Welch's, with two, would take a block that by luck has few errors, and so a small
    variance, for a sure sign. An update is O(1): a block costs two numbers.

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

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(
        self,
        window_size: int = 1000,
        threshold: float = 0.05,
        min_samples: int = 100,
        direction: str = "both",
    ) -> None:
        min_samples = require_count("min_samples", min_samples, lowest=2)
        window_size = require_count("window_size", window_size, lowest=2 * min_samples)
        require(0 < threshold < 1, "threshold", "in (0, 1)", threshold)
        most_blocks = window_size // min_samples
        memory = np.zeros((3, max(13, most_blocks)))
        memory[KNOWN, P_VALUE] = 1.0
        memory[KNOWN, BLOCK_SIZE:13] = (
            min_samples,
            most_blocks,
            threshold * min_samples / window_size,
            threshold,
            *require_direction(direction),
        )
        settings = {
            "window_size": window_size,
            "threshold": threshold,
            "min_samples": min_samples,
            "direction": direction,
        }
        super().__init__(settings, memory)

    @property
    def p_value(self) -> float:
        """Of the latest comparison; 1.0 before the first."""
        return float(self._memory[KNOWN, P_VALUE])

    def _n_since_change(self) -> int:
        return int(self._memory[KNOWN, BLOCK_SIZE])
