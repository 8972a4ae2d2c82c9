"""DDM: an error rate that has risen above the best it has been."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, WARNING, BinaryDetector
from coursekit.learning.drift.settings import require, require_count

__all__ = ["DDM"]

# Layout of the memory: what is known so far, then the settings.
N, RATE, LOWEST, LOWEST_RATE, LOWEST_STD, LOWEST_AT = range(6)
WARM_START, WARNING_THRESHOLD, DRIFT_THRESHOLD = range(6, 9)


@compiled
def step(memory, value):
    """Move on by one value."""
    memory[N] += 1.0
    n = memory[N]
    memory[RATE] += (1.0 / n) * (value - memory[RATE])
    rate = memory[RATE]
    std = math.sqrt(rate * (1.0 - rate) / n)
    if n <= memory[WARM_START]:
        return CALM
    if rate + std <= memory[LOWEST]:
        memory[LOWEST], memory[LOWEST_RATE], memory[LOWEST_STD], memory[LOWEST_AT] = (
            rate + std,
            rate,
            std,
            n,
        )
    if rate + std > memory[LOWEST_RATE] + memory[DRIFT_THRESHOLD] * memory[LOWEST_STD]:
        return DRIFT
    if rate + std > memory[LOWEST_RATE] + memory[WARNING_THRESHOLD] * memory[LOWEST_STD]:
        return WARNING
    return CALM


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end."""
    for t in range(values.size):
        signal = step(memory, values[t])
        if signal == DRIFT:
            return t + 1, signal
    return values.size, signal


class DDM(BinaryDetector):
    r"""Compare the error rate with the lowest it has been, in standard deviations.

    Model: $p_t$ is the error rate since the restart, $s_t = \sqrt{p_t(1-p_t)/t}$, and $(p,
    s)_{\min}$ the pair with the lowest $p_t + s_t$. Warning when $p_t + s_t > p_{\min} + 2
    s_{\min}$, alarm when $p_t + s_t > p_{\min} + 3 s_{\min}$.

    Parameters
    ----------
    warm_start : int, 1 or more
        No warning and no alarm before more than so many values.
    warning_threshold, drift_threshold : float, greater than 0
        The 2 and the 3 above.

    Notes
    -----
    Equals River's, alarm for alarm. MOA begins one value earlier to look for the minimum. The rate
    is taken over everything since the restart, so that the detector grows slower with age; and
    because the minimum is searched for, not given, 3 standard deviations are no stated level: at an
    error rate of 0.05 it raises about one false alarm in 10,000 values.

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

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(
        self, warm_start: int = 30, warning_threshold: float = 2.0, drift_threshold: float = 3.0
    ) -> None:
        warm_start = require_count("warm_start", warm_start)
        for name, value in (
            ("warning_threshold", warning_threshold),
            ("drift_threshold", drift_threshold),
        ):
            require(0 < value < math.inf, name, "greater than 0", value)
        memory = np.zeros(9)
        memory[LOWEST] = math.inf
        memory[WARM_START:] = warm_start, warning_threshold, drift_threshold
        settings = {
            "warm_start": warm_start,
            "warning_threshold": warning_threshold,
            "drift_threshold": drift_threshold,
        }
        super().__init__(settings, memory)

    def _n_since_change(self) -> int:
        return int(self._memory[N] - self._memory[LOWEST_AT])
