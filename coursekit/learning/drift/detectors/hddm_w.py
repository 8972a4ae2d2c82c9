"""HDDM-W: alarm when two weighted means differ by more than McDiarmid's bound."""

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

__all__ = ["HDDM_W"]

# A weighted mean is three numbers: number of values, mean z, and sum of squared weights w.
COUNT, MEAN, WEIGHTS = range(3)
AVERAGE_SIZE = 3

# Layout of the memory, shape (24,): N and CHANGE, five weighted means, the bounds at the cut
# points, settings.
ALL, BEFORE_RISE, SINCE_RISE, BEFORE_FALL, SINCE_FALL = range(2, 17, AVERAGE_SIZE)
LOWEST, HIGHEST = 17, 18
LAMBDA, WATCH_RISE, WATCH_FALL, DRIFT_LOG, WARNING_LOG = range(19, 24)


@compiled
def step(memory, value):
    """Update with one value."""
    memory[N] += 1.0
    _include(memory, ALL, value)
    reach = math.sqrt(memory[ALL + WEIGHTS] * memory[DRIFT_LOG] / 2.0)  # McDiarmid's bound for z_t
    if memory[ALL + MEAN] + reach < memory[LOWEST]:
        memory[LOWEST] = memory[ALL + MEAN] + reach
        _cut(memory, BEFORE_RISE, SINCE_RISE)
    else:
        _include(memory, SINCE_RISE, value)
    if memory[ALL + MEAN] - reach > memory[HIGHEST]:
        memory[HIGHEST] = memory[ALL + MEAN] - reach
        _cut(memory, BEFORE_FALL, SINCE_FALL)
    else:
        _include(memory, SINCE_FALL, value)
    signal = IN_CONTROL
    memory[CHANGE] = memory[N] - memory[SINCE_FALL + COUNT]
    if memory[WATCH_RISE]:
        signal = _compare(memory, BEFORE_RISE, SINCE_RISE)
        if signal == DRIFT:
            memory[CHANGE] = memory[N] - memory[SINCE_RISE + COUNT]
    if memory[WATCH_FALL]:
        signal = max(signal, _compare(memory, SINCE_FALL, BEFORE_FALL))
    return signal


@compiled
def _include(memory, average, value):
    """Update a weighted mean: z = lambda x + (1 - lambda) z, w = lambda^2 + (1 - lambda)^2 w."""
    weight = memory[LAMBDA]
    if memory[average + COUNT] == 0.0:
        memory[average + MEAN] = value
    else:
        memory[average + MEAN] = weight * value + (1.0 - weight) * memory[average + MEAN]
    memory[average + WEIGHTS] = weight * weight + (1.0 - weight) ** 2 * memory[average + WEIGHTS]
    memory[average + COUNT] += 1.0


@compiled
def _cut(memory, before, since):
    """Move the cut point here: `before` gets the mean of all values, `since` is empty."""
    for at in range(AVERAGE_SIZE):
        memory[before + at] = memory[ALL + at]
    memory[since + COUNT], memory[since + MEAN], memory[since + WEIGHTS] = 0.0, 0.0, 1.0


@compiled
def _compare(memory, lower, upper):
    """Return the signal of the test that mean `upper` is greater than mean `lower`."""
    if memory[lower + COUNT] == 0.0 or memory[upper + COUNT] == 0.0:
        return IN_CONTROL
    change = memory[upper + MEAN] - memory[lower + MEAN]
    weights = memory[lower + WEIGHTS] + memory[upper + WEIGHTS]
    if change > math.sqrt(weights * memory[DRIFT_LOG] / 2.0):
        return DRIFT
    if change > math.sqrt(weights * memory[WARNING_LOG] / 2.0):
        return WARNING
    return IN_CONTROL


class HDDM_W(DriftDetector, step=step):  # noqa: N801 - its name in the literature
    r"""Compare exponentially weighted means before and after the best cut point, by McDiarmid's
    inequality.

    Model: $z_t = \lambda x_t + (1-\lambda) z_{t-1}$ with $w_t$ the sum of its squared weights. The
    cut point is where $z_c + \sqrt{w_c \ln(1/\delta)/2}$ was lowest; with $z'$ the mean since,
    alarm when $z'_t - z_c > \sqrt{(w_c + w'_t) \ln(1/\delta) / 2}$; warning the same with its own
    $\delta$.

    Parameters
    ----------
    drift_confidence, warning_confidence : float, in (0, 1)
        $\delta$ of an alarm, and of a warning (at least as large).
    weight : float, in (0, 1)
        $\lambda$: the weight of the latest value; the mean looks back about 1 / $\lambda$ values.
        River's `lambda_val`.
    direction : {"up", "down", "both"}
        Which changes raise alarms. River's `two_sided_test` is "both".

    Notes
    -----
    Equals River's, alarm for alarm. MOA gives the first value of a mean the squared weight 1 (River
    $\lambda^2 + (1-\lambda)^2$), counts the alarming value once more after the restart, and keeps
    its means in static variables, so that two detectors share state. Delays are short for
    large changes (0.2 to 0.5: within 27 values); small ones are never detected, because a mean over
    1 / $\lambda$ values cannot tell them from noise.

    Examples
    --------
    >>> errors = np.tile([1, 0, 0, 0, 0], 200), np.tile([1, 0], 200)
    >>> HDDM_W(weight=0.02).update_many(np.concatenate(errors))
    array([1092])
    >>> HDDM_W().update_many(np.concatenate(errors))
    array([], dtype=int64)

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
        weight: Proportion = 0.05,
        direction: Direction = "up",
    ) -> None:
        number("warning_confidence", warning_confidence, at_least=drift_confidence)
        logs = math.log(1.0 / drift_confidence), math.log(1.0 / warning_confidence)
        memory = np.zeros(24)
        memory[ALL + WEIGHTS : LOWEST : AVERAGE_SIZE] = 1.0
        memory[LOWEST:] = math.inf, -math.inf, weight, *watched(direction), *logs
        super().__init__(memory)
