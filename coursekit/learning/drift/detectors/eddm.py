"""EDDM: errors that come closer together than they used to."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, WARNING, BinaryDetector
from coursekit.learning.drift.settings import require, require_count

__all__ = ["EDDM"]

# Layout of the memory: what is known so far, then the settings.
N, N_ERRORS, LAST_ERROR, MEAN, SQUARES, LARGEST, LARGEST_AT, SIGNAL = range(8)
WARM_START, ALPHA, BETA = range(8, 11)


@compiled
def step(memory, value):
    """Move on by one value."""
    memory[N] += 1.0
    if value != 1.0:
        return int(memory[SIGNAL])  # between errors nothing is measured
    memory[N_ERRORS] += 1.0
    distance = memory[N] - memory[LAST_ERROR]
    memory[LAST_ERROR] = memory[N]
    before = memory[MEAN]
    memory[MEAN] += (1.0 / memory[N_ERRORS]) * (distance - before)
    memory[SQUARES] += (distance - before) * (distance - memory[MEAN])
    if memory[N] <= memory[WARM_START]:
        return CALM
    variance = memory[SQUARES] / (memory[N_ERRORS] - 1.0) if memory[N_ERRORS] > 1.0 else 0.0
    reach = memory[MEAN] + 2.0 * math.sqrt(variance)
    if reach > memory[LARGEST]:
        memory[LARGEST], memory[LARGEST_AT] = reach, memory[N]
    elif memory[N_ERRORS] > memory[WARM_START]:
        level = reach / memory[LARGEST]
        memory[SIGNAL] = (
            DRIFT if level < memory[BETA] else WARNING if level < memory[ALPHA] else CALM
        )
    return int(memory[SIGNAL])


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end."""
    for t in range(values.size):
        signal = step(memory, values[t])
        if signal == DRIFT:
            return t + 1, signal
    return values.size, signal


class EDDM(BinaryDetector):
    r"""Watch the distance between errors, which shrinks when errors become more frequent.

    Model: $p_t$ and $s_t$ are mean and standard deviation of the distances between errors so far,
    in samples. With $\ell_t = (p_t + 2s_t) / \max_{u \le t}(p_u + 2s_u)$: warning when $\ell_t <
    \alpha$, alarm when $\ell_t < \beta$.

    Parameters
    ----------
    warm_start : int, 1 or more
        No warning and no alarm before more than so many errors.
    alpha : float, in (0, 1]
        $\alpha$, where a warning begins.
    beta : float, in (0, `alpha`]
        $\beta$, where an alarm begins.

    Notes
    -----
    Equals River's, alarm for alarm. MOA and frouros divide the variance of n distances by n instead
    of n - 1 and look for the maximum from the 29th and 30th value on, River from the 31st: another
    start, so another maximum. At the usual settings all raise 10 to 20 false alarms in 10,000
    values: the maximum remembers the largest fluctuation of the first few distances for good.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> errors = np.concatenate([rng.random(2000) < 0.1, rng.random(2000) < 0.4])
    >>> EDDM(alpha=0.8, beta=0.75).update_many(errors)
    array([2544, 2650])

    References
    ----------
    M. Baena-Garcia et al. (2006), "Early drift detection method", Fourth International Workshop on
    Knowledge Discovery from Data Streams.
    """

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(self, warm_start: int = 30, alpha: float = 0.95, beta: float = 0.9) -> None:
        warm_start = require_count("warm_start", warm_start)
        require(0 < alpha <= 1, "alpha", "in (0, 1]", alpha)
        require(0 < beta <= alpha, "beta", f"in (0, {alpha}]", beta)
        memory = np.zeros(11)
        memory[LARGEST] = -1.0
        memory[WARM_START:] = warm_start, alpha, beta
        super().__init__({"warm_start": warm_start, "alpha": alpha, "beta": beta}, memory)

    def _n_since_change(self) -> int:
        return int(self._memory[N] - self._memory[LARGEST_AT])
