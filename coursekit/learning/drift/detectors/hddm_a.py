"""HDDM-A: alarm when two means differ by more than Hoeffding's bound."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Proportion, number
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.domain import UNIT
from coursekit.learning.drift.kernels import (
    CHANGE,
    DRIFT,
    IN_CONTROL,
    WARNING,
    Direction,
    N,
    watched,
)

__all__ = ["HDDM_A"]

# Layout of the memory, shape (12,): N and CHANGE, statistics, settings. LOW and HIGH are the cut
# points for rises and falls: their number of values and their mean.
MEAN, LOW_N, LOW_MEAN, HIGH_N, HIGH_MEAN = range(2, 7)
WATCH_RISE, WATCH_FALL, CUT_LOG, DRIFT_LOG, WARNING_LOG = range(7, 12)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    n = memory[N]
    memory[MEAN] += (1.0 / n) * (value - memory[MEAN])
    mean = memory[MEAN]
    bound = _bound(n, memory[CUT_LOG])
    if n == 1.0 or memory[LOW_MEAN] + _bound(memory[LOW_N], memory[CUT_LOG]) >= mean + bound:
        memory[LOW_N], memory[LOW_MEAN] = n, mean
    if n == 1.0 or memory[HIGH_MEAN] - _bound(memory[HIGH_N], memory[CUT_LOG]) <= mean - bound:
        memory[HIGH_N], memory[HIGH_MEAN] = n, mean
    signal = IN_CONTROL
    memory[CHANGE] = memory[HIGH_N]
    if memory[WATCH_RISE]:
        signal = _compare(n, memory[LOW_N], mean - memory[LOW_MEAN], memory)
        if signal == DRIFT:
            memory[CHANGE] = memory[LOW_N]
    if memory[WATCH_FALL]:
        signal = max(signal, _compare(n, memory[HIGH_N], memory[HIGH_MEAN] - mean, memory))
    return signal


@compiled
def _bound(n, log):
    """Hoeffding's bound for the mean of n values in [0, 1]: sqrt(log / 2n), log = ln(1 / delta)."""
    return math.sqrt(1.0 / (2.0 * n) * log)


@compiled
def _compare(n, cut, change, memory):
    """Return the signal of the test of the mean of n values against that of the first `cut`."""
    if cut == n:
        return IN_CONTROL
    ratio = (n - cut) / cut * (1.0 / n)  # (n - c) / cn
    if change >= math.sqrt(ratio / 2.0 * memory[DRIFT_LOG]):
        return DRIFT
    if change >= math.sqrt(ratio / 2.0 * memory[WARNING_LOG]):
        return WARNING
    return IN_CONTROL


class HDDM_A(DriftDetector, step=step):  # noqa: N801 - its name in the literature
    r"""Compare the mean of all values with the mean up to the best cut point, by Hoeffding's
    inequality.

    Model: the cut point is where $\bar x_c + \varepsilon_c$ was lowest, with $\varepsilon_n =
    \sqrt{\ln(1/\delta) / 2n}$. Alarm when $\bar x_n - \bar x_c \ge \sqrt{\frac{n-c}{2cn}
    \ln\frac{2}{\delta}}$; warning the same with its own $\delta$.

    Parameters
    ----------
    drift_confidence : float, in (0, 1)
        $\delta$ of an alarm: the level of one comparison at one fixed cut. Cut and time are
        selected from the data, so it is not the false alarm rate.
    warning_confidence : float, in (0, 1)
        $\delta$ of a warning, at least `drift_confidence`.
    direction : {"up", "down", "both"}
        Which changes raise alarms. River's `two_sided_test` is "both".

    Notes
    -----
    Equals River's, alarm for alarm, and MOA's when that is told to be one-sided. By default MOA
    also tests for decreases, and restarts after one without an alarm. Values must lie in [0, 1],
    the range that the inequality needs.

    Examples
    --------
    >>> errors = np.tile([1, 0, 0, 0, 0], 200), np.tile([1, 0], 200)
    >>> HDDM_A().update_many(np.concatenate(errors))
    array([1040])

    References
    ----------
    I. Frias-Blanco et al. (2015), "Online and non-parametric drift detection methods based on
    Hoeffding's bounds", doi:10.1109/TKDE.2014.2345382.
    """

    _domain = UNIT

    def __init__(
        self,
        drift_confidence: Proportion = 0.001,
        warning_confidence: Proportion = 0.005,
        direction: Direction = "up",
    ) -> None:
        number("warning_confidence", warning_confidence, at_least=drift_confidence)
        logs = math.log(2.0 / drift_confidence), math.log(2.0 / warning_confidence)
        memory = np.zeros(12)
        memory[WATCH_RISE:] = *watched(direction), math.log(1.0 / drift_confidence), *logs
        super().__init__(memory)
