"""HDDM-A: two averages that differ by more than Hoeffding's bound allows."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, WARNING, DriftDetector
from coursekit.learning.drift.settings import require, require_direction

__all__ = ["HDDM_A"]

# Layout of the memory: what is known so far, then the settings.
N, MEAN, LOW_N, LOW_MEAN, HIGH_N, HIGH_MEAN = range(6)
WATCH_RISE, WATCH_FALL, CUT_LOG, DRIFT_LOG, WARNING_LOG = range(6, 11)


@compiled
def step(memory, value):
    """Move on by one value."""
    memory[N] += 1.0
    n = memory[N]
    memory[MEAN] += (1.0 / n) * (value - memory[MEAN])
    mean = memory[MEAN]
    bound = _bound(n, memory[CUT_LOG])
    if n == 1.0 or memory[LOW_MEAN] + _bound(memory[LOW_N], memory[CUT_LOG]) >= mean + bound:
        memory[LOW_N], memory[LOW_MEAN] = n, mean
    if n == 1.0 or memory[HIGH_MEAN] - _bound(memory[HIGH_N], memory[CUT_LOG]) <= mean - bound:
        memory[HIGH_N], memory[HIGH_MEAN] = n, mean
    signal = CALM
    if memory[WATCH_RISE]:
        signal = _compare(n, memory[LOW_N], mean - memory[LOW_MEAN], memory)
    if memory[WATCH_FALL]:
        signal = max(signal, _compare(n, memory[HIGH_N], memory[HIGH_MEAN] - mean, memory))
    return signal


@compiled
def _bound(n, log):
    """How far the mean of n values in [0, 1] may be off, at the level whose logarithm is -log."""
    return math.sqrt(1.0 / (2.0 * n) * log)


@compiled
def _compare(n, cut, change, memory):
    """Whether the mean of n values lies too far from that of the first `cut` among them."""
    if cut == n:
        return CALM
    ratio = (n - cut) / cut * (1.0 / n)
    if change >= math.sqrt(ratio / 2.0 * memory[DRIFT_LOG]):
        return DRIFT
    if change >= math.sqrt(ratio / 2.0 * memory[WARNING_LOG]):
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


class HDDM_A(DriftDetector):  # noqa: N801 - its name in the literature
    r"""Compare the mean of all values with the mean up to the best cut point, by Hoeffding's
    inequality.

    Model: the cut point is where $\bar x_c + \varepsilon_c$ was lowest, with $\varepsilon_n =
    \sqrt{\ln(1/\delta) / 2n}$. Alarm when $\bar x_n - \bar x_c \ge \sqrt{\frac{n-c}{2cn}
    \ln\frac{2}{\delta}}$; warning the same with its own $\delta$.

    Parameters
    ----------
    drift_confidence : float, in (0, 1)
        $\delta$ of an alarm. A level for one comparison at one fixed cut; cut and moment are
        searched for, so that it is no rate of false alarms.
    warning_confidence : float, in (0, 1)
        $\delta$ of a warning, at least `drift_confidence`.
    direction : {"up", "down", "both"}
        Which changes count. River's `two_sided_test` is "both".

    Notes
    -----
    Equals River's, alarm for alarm, and MOA's when that is told to be one-sided. Left alone, MOA
    watches falls too, and restarts at one without a word. Values must lie in [0, 1]: the inequality
    needs their range.

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

    __slots__ = ()
    _lowest, _highest = 0.0, 1.0
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(
        self,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        direction: str = "up",
    ) -> None:
        require(0 < drift_confidence < 1, "drift_confidence", "in (0, 1)", drift_confidence)
        expectation = f"at least `drift_confidence` ({drift_confidence}) and less than 1"
        require(
            drift_confidence <= warning_confidence < 1,
            "warning_confidence",
            expectation,
            warning_confidence,
        )
        memory = np.zeros(11)
        memory[WATCH_RISE:CUT_LOG] = require_direction(direction)
        memory[CUT_LOG] = math.log(1.0 / drift_confidence)
        memory[DRIFT_LOG:] = math.log(2.0 / drift_confidence), math.log(2.0 / warning_confidence)
        settings = {
            "drift_confidence": drift_confidence,
            "warning_confidence": warning_confidence,
            "direction": direction,
        }
        super().__init__(settings, memory)

    def _n_since_change(self) -> int:
        n, mean, low_n, low_mean, high_n = self._memory[:HIGH_MEAN]
        risen = (
            self._memory[WATCH_RISE] and _compare(n, low_n, mean - low_mean, self._memory) == DRIFT
        )
        return int(n - (low_n if risen else high_n))
