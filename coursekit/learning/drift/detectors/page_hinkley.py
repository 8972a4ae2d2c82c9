"""The Page-Hinkley test: alarm when a cumulative sum rises too far above its minimum."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Count, NonNegative, Positive, Share
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, Direction, N, watched

__all__ = ["PageHinkley"]

# Layout of the memory, shape (15,): N and CHANGE, statistics, settings. RISE is m_t, RISE_MIN its
# minimum, RISE_FROM where that was; FALL the same for falls.
MEAN, RISE, RISE_MIN, RISE_FROM, FALL, FALL_MAX, FALL_FROM = range(2, 9)
MIN_SAMPLES, DELTA, THRESHOLD, ALPHA, WATCH_RISE, WATCH_FALL = range(9, 15)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    memory[MEAN] += (1.0 / memory[N]) * (value - memory[MEAN])
    deviation = value - memory[MEAN]  # from the mean that includes the value
    memory[RISE] = memory[ALPHA] * memory[RISE] + deviation - memory[DELTA]
    memory[FALL] = memory[ALPHA] * memory[FALL] + deviation + memory[DELTA]
    if memory[RISE] < memory[RISE_MIN]:
        memory[RISE_MIN], memory[RISE_FROM] = memory[RISE], memory[N]
    if memory[FALL] > memory[FALL_MAX]:
        memory[FALL_MAX], memory[FALL_FROM] = memory[FALL], memory[N]
    if memory[N] < memory[MIN_SAMPLES]:
        return IN_CONTROL
    if memory[WATCH_RISE] and memory[RISE] - memory[RISE_MIN] > memory[THRESHOLD]:
        memory[CHANGE] = memory[RISE_FROM]
        return DRIFT
    if memory[WATCH_FALL] and memory[FALL_MAX] - memory[FALL] > memory[THRESHOLD]:
        memory[CHANGE] = memory[FALL_FROM]
        return DRIFT
    return IN_CONTROL


class PageHinkley(DriftDetector, step=step):
    r"""Compare the cumulative sum of deviations from the running mean with its minimum.

    Model: $m_t = \alpha m_{t-1} + (x_t - \bar x_t) - \delta$, alarm when $m_t - \min_{s\le t} m_s >
    \lambda$. For falls, the same with $+\delta$ and the maximum.

    Parameters
    ----------
    min_samples : int, 1 or more
        No alarm before this number of values.
    delta : float, 0 or more
        $\delta$, the tolerated change of the mean, in the unit of the values.
    threshold : float, greater than 0
        $\lambda$, in the unit of the values: it must be tuned to the variance of each stream.
    alpha : float, in (0, 1]
        $\alpha$, the forgetting factor of the sum.
    direction : {"up", "down", "both"}
        Which changes raise alarms.

    Notes
    -----
    Equals River's, alarm for alarm. MOA (the one in CapyMOA 0.15) and frouros (0.9) compare $m_t$
    itself with $\lambda$, without its minimum, for rises only: as $m_t$ falls by $\delta$ per
    value, their delay is about twice as long and grows with the length of the stream.

    Examples
    --------
    >>> detector = PageHinkley(threshold=20)
    >>> detector.update_many(np.repeat([0.0, 1.0], 100))
    array([122])
    >>> PageHinkley(threshold=-1)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `threshold` must be a finite number greater ...

    References
    ----------
    E. S. Page (1954), "Continuous inspection schemes", doi:10.2307/2333009.
    """

    def __init__(
        self,
        min_samples: Count = 30,
        delta: NonNegative = 0.005,
        threshold: Positive = 50.0,
        alpha: Share = 0.9999,
        direction: Direction = "both",
    ) -> None:
        memory = np.zeros(15)
        memory[[RISE_MIN, FALL_MAX]] = math.inf, -math.inf
        memory[MIN_SAMPLES:] = min_samples, delta, threshold, alpha, *watched(direction)
        super().__init__(memory)
