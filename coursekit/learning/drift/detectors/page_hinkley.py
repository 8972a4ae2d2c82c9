"""The Page-Hinkley test: a cumulative sum that has risen too far above its minimum."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, DriftDetector
from coursekit.learning.drift.settings import require, require_count, require_direction

__all__ = ["PageHinkley"]

# Layout of the memory: what is known so far, then the settings.
N, MEAN, RISE, RISE_MIN, RISE_FROM, FALL, FALL_MAX, FALL_FROM = range(8)
MIN_SAMPLES, DELTA, THRESHOLD, ALPHA, WATCH_RISE, WATCH_FALL = range(8, 14)


@compiled
def step(memory, value):
    """Move on by one value."""
    memory[N] += 1.0
    memory[MEAN] += (1.0 / memory[N]) * (value - memory[MEAN])
    deviation = value - memory[MEAN]
    memory[RISE] = memory[ALPHA] * memory[RISE] + deviation - memory[DELTA]
    memory[FALL] = memory[ALPHA] * memory[FALL] + deviation + memory[DELTA]
    if memory[RISE] < memory[RISE_MIN]:
        memory[RISE_MIN], memory[RISE_FROM] = memory[RISE], memory[N]
    if memory[FALL] > memory[FALL_MAX]:
        memory[FALL_MAX], memory[FALL_FROM] = memory[FALL], memory[N]
    if memory[N] < memory[MIN_SAMPLES]:
        return CALM
    if memory[WATCH_RISE] and memory[RISE] - memory[RISE_MIN] > memory[THRESHOLD]:
        return DRIFT
    if memory[WATCH_FALL] and memory[FALL_MAX] - memory[FALL] > memory[THRESHOLD]:
        return DRIFT
    return CALM


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end."""
    for t in range(values.size):
        signal = step(memory, values[t])
        if signal == DRIFT:
            return t + 1, signal
    return values.size, signal


class PageHinkley(DriftDetector):
    r"""Sum up how far values lie above their running mean; alarm when the sum has left its minimum
    behind.

    Model: $m_t = \alpha m_{t-1} + (x_t - \bar x_t) - \delta$, alarm when $m_t - \min_{s\le t} m_s >
    \lambda$. For falls, the same with $+\delta$ and the maximum.

    Parameters
    ----------
    min_samples : int, 1 or more
        No alarm before so many values.
    delta : float, 0 or more
        $\delta$, the change per value that is tolerated, in the unit of the values.
    threshold : float, greater than 0
        $\lambda$, in the unit of the values: its meaning depends on their spread, so it has to be
        set anew for every stream.
    alpha : float, in (0, 1]
        $\alpha$, how much of the sum is kept at each value.
    direction : {"up", "down", "both"}
        Which changes count.

    Notes
    -----
    Equals River's, alarm for alarm. MOA (the one in CapyMOA 0.15) and frouros (0.9) compare $m_t$
    itself with $\lambda$ and leave the minimum out, for rises only: as $m_t$ drifts down by
    $\delta$ per value, they need about twice as many values to notice the same change, and the more
    the older the stream is.

    Examples
    --------
    >>> detector = PageHinkley(threshold=20)
    >>> detector.update_many(np.repeat([0.0, 1.0], 100))
    array([122])
    >>> PageHinkley(threshold=-1)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `threshold` must be greater than 0, got -1.

    References
    ----------
    E. S. Page (1954), "Continuous inspection schemes", doi:10.2307/2333009.
    """

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(
        self,
        min_samples: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 0.9999,
        direction: str = "both",
    ) -> None:
        min_samples = require_count("min_samples", min_samples)
        require(0 <= delta < math.inf, "delta", "a finite number, 0 or more", delta)
        require(0 < threshold < math.inf, "threshold", "greater than 0", threshold)
        require(0 < alpha <= 1, "alpha", "in (0, 1]", alpha)
        memory = np.zeros(14)
        memory[[RISE_MIN, FALL_MAX]] = math.inf, -math.inf
        memory[MIN_SAMPLES:] = min_samples, delta, threshold, alpha, *require_direction(direction)
        settings = {
            "min_samples": min_samples,
            "delta": delta,
            "threshold": threshold,
            "alpha": alpha,
            "direction": direction,
        }
        super().__init__(settings, memory)

    def _n_since_change(self) -> int:
        n, rise, rise_min, rise_from, fall_from = self._memory[
            [N, RISE, RISE_MIN, RISE_FROM, FALL_FROM]
        ]
        risen = self._memory[WATCH_RISE] and rise - rise_min > self._memory[THRESHOLD]
        return int(n - (rise_from if risen else fall_from))
