"""EDDM: alarm when the distance between errors shrinks."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Count, Share, number
from coursekit.learning.drift.detector import BinaryDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, WARNING, N

__all__ = ["EDDM"]

# Layout of the memory, shape (11,): N and CHANGE, where the maximum was; statistics, settings.
N_ERRORS, LAST_ERROR, MEAN, SQUARES, LARGEST, SIGNAL = range(2, 8)
WARM_START, ALPHA, BETA = range(8, 11)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    if value != 1.0:
        return int(memory[SIGNAL])  # statistics change at errors only
    memory[N_ERRORS] += 1.0
    distance = memory[N] - memory[LAST_ERROR]
    memory[LAST_ERROR] = memory[N]
    before = memory[MEAN]  # Welford: mean and sum of squared deviations of the distances
    memory[MEAN] += (1.0 / memory[N_ERRORS]) * (distance - before)
    memory[SQUARES] += (distance - before) * (distance - memory[MEAN])
    if memory[N] <= memory[WARM_START]:
        return IN_CONTROL
    variance = memory[SQUARES] / (memory[N_ERRORS] - 1.0) if memory[N_ERRORS] > 1.0 else 0.0
    reach = memory[MEAN] + 2.0 * math.sqrt(variance)  # p_t + 2 s_t
    if reach > memory[LARGEST]:
        memory[LARGEST], memory[CHANGE] = reach, memory[N]
    elif memory[N_ERRORS] > memory[WARM_START]:
        level = reach / memory[LARGEST]  # l_t
        memory[SIGNAL] = (
            DRIFT if level < memory[BETA] else WARNING if level < memory[ALPHA] else IN_CONTROL
        )
    return int(memory[SIGNAL])


class EDDM(BinaryDetector, step=step):
    r"""Compare the distance between errors with its maximum.

    Model: $p_t$ and $s_t$ are mean and standard deviation of the distances between errors so far,
    in samples. With $\ell_t = (p_t + 2s_t) / \max_{u \le t}(p_u + 2s_u)$: warning when $\ell_t <
    \alpha$, alarm when $\ell_t < \beta$.

    Parameters
    ----------
    warm_start : int, 1 or more
        No warning and no alarm before more than this number of errors.
    alpha : float, in (0, 1]
        $\alpha$, where a warning begins.
    beta : float, in (0, `alpha`]
        $\beta$, where an alarm begins.

    Notes
    -----
    Equals River's, alarm for alarm. MOA and frouros divide the variance of n distances by n instead
    of n - 1 and track the maximum from the 29th and 30th value on, River from the 31st. At default
    settings all raise 10 to 20 false alarms in 10,000 values, because the maximum is that of the
    noisy estimates from the first few distances.

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

    def __init__(self, warm_start: Count = 30, alpha: Share = 0.95, beta: Share = 0.9) -> None:
        memory = np.zeros(11)
        memory[LARGEST] = -1.0
        memory[WARM_START:] = warm_start, alpha, number("beta", beta, at_most=alpha)
        super().__init__(memory)
