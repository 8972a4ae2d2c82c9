"""CUSUM: alarm when the deviations from the mean of a warm-up add up."""

from __future__ import annotations

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Count, NonNegative, Positive
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, N

__all__ = ["CUSUM"]

# Layout of the memory, shape (10,): N and CHANGE, statistics, settings.
MEAN, RISE, RISE_FROM, FALL, FALL_FROM = range(2, 7)
WARM_UP, SLACK, THRESHOLD = range(7, 10)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    n = memory[N]
    if n <= memory[WARM_UP]:
        memory[MEAN] += (1.0 / n) * (value - memory[MEAN])
        memory[RISE_FROM] = memory[FALL_FROM] = n
        return IN_CONTROL
    memory[RISE] = max(0.0, memory[RISE] + value - memory[MEAN] - memory[SLACK])
    memory[FALL] = max(0.0, memory[FALL] - value + memory[MEAN] - memory[SLACK])
    if max(memory[RISE], memory[FALL]) > memory[THRESHOLD]:
        memory[CHANGE] = memory[RISE_FROM if memory[RISE] > memory[FALL] else FALL_FROM]
        return DRIFT
    if memory[RISE] == 0.0:
        memory[RISE_FROM] = n
    if memory[FALL] == 0.0:
        memory[FALL_FROM] = n
    return IN_CONTROL


class CUSUM(DriftDetector, step=step):
    r"""Add up deviations from the mean of the first values.

    Model: $S^+_t = \max(0, S^+_{t-1} + x_t - \bar x - k)$ with the mean $\bar x$ of the warm-up,
    alarm when $S^+_t > h$; for falls, $S^-_t$ with the sign of the deviation changed.

    Parameters
    ----------
    warm_up : int, 1 or more
        Values that the mean is taken of.
    slack : float, 0 or more
        $k$, half of the smallest change worth an alarm, in the unit of the values.
    threshold : float, greater than 0
        $h$, in the unit of the values.

    Examples
    --------
    >>> CUSUM(threshold=5).update_many(np.repeat([0.0, 1.0], 100))
    array([105])

    References
    ----------
    E. S. Page (1954), "Continuous inspection schemes", doi:10.2307/2333009.
    """

    def __init__(
        self, warm_up: Count = 50, slack: NonNegative = 0.1, threshold: Positive = 10.0
    ) -> None:
        memory = np.zeros(10)
        memory[WARM_UP:] = warm_up, slack, threshold
        super().__init__(memory)
