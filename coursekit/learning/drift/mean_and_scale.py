"""The default detector of the adaptation manager: likelihood ratio tests for the mean of the errors
and for their scale (lesson 06).
"""

from __future__ import annotations

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import integer
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.glr import gaussian
from coursekit.learning.drift.glr.gaussian import CHANGE, KNOWN, GaussianGLR, N
from coursekit.learning.drift.kernels import DRIFT, IN_CONTROL

__all__ = ["MeanAndScale"]

# Memory, shape (2, 7, CAPACITY): that of a GaussianGLR for the errors, and for their sizes.
TESTS = MEAN, SCALE = range(2)
# Indices in the first row of each that GaussianGLR does not use: number of errors still to ignore
# (in the first test), and signal of the latest value.
N_IGNORED, ALARMED = 17, 18

test_step, test_scan = gaussian.step, gaussian.scan


@compiled
def step(memory, value):
    """Update both tests with one value."""
    if memory[MEAN, KNOWN, N_IGNORED] > 0.0:
        memory[MEAN, KNOWN, N_IGNORED] -= 1.0
        return IN_CONTROL
    of_mean, of_scale = test_step(memory[MEAN], value), test_step(memory[SCALE], abs(value))
    memory[MEAN, KNOWN, ALARMED], memory[SCALE, KNOWN, ALARMED] = of_mean, of_scale
    return max(of_mean, of_scale)


@compiled
def scan(memory, values, signal):
    """Update with values until an alarm or the end: as `step`, one test after the other."""
    n_ignored = min(int(memory[MEAN, KNOWN, N_IGNORED]), values.size)
    memory[MEAN, KNOWN, N_IGNORED] -= n_ignored
    values, before = values[n_ignored:], memory[MEAN].copy()
    n_of_mean, of_mean = test_scan(memory[MEAN], values, IN_CONTROL)
    n, of_scale = test_scan(memory[SCALE], np.abs(values[:n_of_mean]), IN_CONTROL)
    if n < n_of_mean:  # an alarm for the scale; the test for the mean must not be ahead of it
        memory[MEAN] = before
        of_mean = test_scan(memory[MEAN], values[:n], IN_CONTROL)[1]
    memory[MEAN, KNOWN, ALARMED], memory[SCALE, KNOWN, ALARMED] = of_mean, of_scale
    return n_ignored + n, max(of_mean, of_scale)


class MeanAndScale(DriftDetector):
    """Monitor signed errors: alarm when their mean changes or their scale increases.

    A shift of all targets changes the mean of the errors first; a change of user factors changes
    their scale only. So errors and their absolute values are each monitored by a
    :class:`~coursekit.learning.drift.glr.gaussian.GaussianGLR`. After an alarm both restart.

    Parameters
    ----------
    samples_between_false_alarms : float, 400 or more
        Average run length to a false alarm (ARL0) of each test on independent errors. Errors of a
        recommender are dependent (consecutive ratings of one user), which raises the false alarm
        rate about tenfold: hence the large default.
    warm_up : int, 0 or more
        Number of initial errors to ignore, while the model has few data. Not repeated after an
        alarm.

    Examples
    --------
    >>> errors = np.random.default_rng(7).normal(np.repeat([0.0, 0.5], 1000), 1.0)
    >>> MeanAndScale().update_many(errors)
    array([1101])
    """

    __slots__ = ()
    _step = staticmethod(step)
    _scan = staticmethod(scan)

    def __init__(self, samples_between_false_alarms: float = 1_000_000, warm_up: int = 100) -> None:
        config = {
            "samples_between_false_alarms": samples_between_false_alarms,
            "warm_up": integer("warm_up", warm_up, at_least=0),
        }
        tests = [GaussianGLR(samples_between_false_alarms, direction=d) for d in ("both", "up")]
        memory = np.stack([test._at_start for test in tests])
        memory[MEAN, KNOWN, N_IGNORED] = warm_up
        super().__init__(memory, config)

    def _restart(self) -> None:
        self.reset_baseline()
        self._memory[MEAN, KNOWN, N_IGNORED] = 0.0

    def _n_since_change(self) -> int:
        alarmed = next(test for test in TESTS if self._memory[test, KNOWN, ALARMED] == DRIFT)
        return int(self._memory[alarmed, KNOWN, N] - self._memory[alarmed, KNOWN, CHANGE])
