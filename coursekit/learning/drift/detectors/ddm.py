"""DDM: alarm when the error rate rises too far above its minimum."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Count, Positive
from coursekit.learning.drift.detector import BinaryDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, WARNING, N

__all__ = ["DDM"]

# Layout of the memory, shape (9,): N and CHANGE, where the minimum was; statistics, settings.
RATE, LOWEST, LOWEST_RATE, LOWEST_STD = range(2, 6)
WARM_START, WARNING_THRESHOLD, DRIFT_THRESHOLD = range(6, 9)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    n = memory[N]
    memory[RATE] += (1.0 / n) * (value - memory[RATE])
    rate = memory[RATE]  # p_t
    std = math.sqrt(rate * (1.0 - rate) / n)  # s_t
    if n <= memory[WARM_START]:
        return IN_CONTROL
    if rate + std <= memory[LOWEST]:
        memory[LOWEST], memory[CHANGE] = rate + std, n
        memory[LOWEST_RATE], memory[LOWEST_STD] = rate, std
    if rate + std > memory[LOWEST_RATE] + memory[DRIFT_THRESHOLD] * memory[LOWEST_STD]:
        return DRIFT
    if rate + std > memory[LOWEST_RATE] + memory[WARNING_THRESHOLD] * memory[LOWEST_STD]:
        return WARNING
    return IN_CONTROL


class DDM(BinaryDetector, step=step):
    r"""Compare the error rate with its minimum, in standard deviations.

    Model: $p_t$ is the error rate since the restart, $s_t = \sqrt{p_t(1-p_t)/t}$, and $(p,
    s)_{\min}$ the pair with the lowest $p_t + s_t$. Warning when $p_t + s_t > p_{\min} + 2
    s_{\min}$, alarm when $p_t + s_t > p_{\min} + 3 s_{\min}$.

    Parameters
    ----------
    warm_start : int, 1 or more
        No warning and no alarm before more than this number of values.
    warning_threshold, drift_threshold : float, greater than 0
        The 2 and the 3 above.

    Notes
    -----
    Equals River's, alarm for alarm. MOA starts to track the minimum one value earlier. The rate
    is the mean over all values since the restart, so delays grow with their number. As the minimum
    is selected from the data, 3 standard deviations are not a significance level: at an error rate
    of 0.05 there is about one false alarm in 10,000 values.

    Examples
    --------
    >>> errors = np.tile([1, 0, 0, 0, 0], 200), np.tile([1, 0], 200)
    >>> DDM().update_many(np.concatenate(errors))
    array([1090])

    References
    ----------
    J. Gama, P. Medas, G. Castillo, P. Rodrigues (2004), "Learning with drift detection",
    doi:10.1007/978-3-540-28645-5_29.
    """

    def __init__(
        self,
        warm_start: Count = 30,
        warning_threshold: Positive = 2.0,
        drift_threshold: Positive = 3.0,
    ) -> None:
        memory = np.zeros(9)
        memory[LOWEST] = math.inf
        memory[WARM_START:] = warm_start, warning_threshold, drift_threshold
        super().__init__(memory)
