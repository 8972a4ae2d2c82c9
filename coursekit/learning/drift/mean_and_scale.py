"""The default detector of the adaptation manager: likelihood ratio tests for the mean of the errors
and for their scale (lesson 06).
"""

from __future__ import annotations

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.validation import Natural
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.glr import gaussian
from coursekit.learning.drift.glr.gaussian import KNOWN, GaussianGLR
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL

__all__ = ["MeanAndScale"]

# Memory, shape (2, 7, CAPACITY): that of a GaussianGLR for the errors, and for their sizes.
TESTS = MEAN, SCALE = range(2)
# Index in the first row of the first test that GaussianGLR does not use: number of errors still to
# ignore.
N_IGNORED = 17

test_step, test_scan = gaussian.step, gaussian.scan


@compiled
def step(memory, value):
    """Update both tests with one value."""
    if memory[MEAN, KNOWN, N_IGNORED] > 0.0:
        memory[MEAN, KNOWN, N_IGNORED] -= 1.0
        return IN_CONTROL
    of_mean, of_scale = test_step(memory[MEAN], value), test_step(memory[SCALE], abs(value))
    return _either(memory, of_mean, of_scale)


@compiled
def _either(memory, of_mean, of_scale):
    """Return the signal of both tests, with the change point where the first looks for it."""
    if of_mean != DRIFT and of_scale == DRIFT:
        memory[MEAN, KNOWN, CHANGE] = memory[SCALE, KNOWN, CHANGE]
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
    return n_ignored + n, _either(memory, of_mean, of_scale)


class MeanAndScale(DriftDetector, step=step, scan=scan):
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

    def __init__(
        self, samples_between_false_alarms: float = 1_000_000, warm_up: Natural = 100
    ) -> None:
        tests = [GaussianGLR(samples_between_false_alarms, direction=d) for d in ("both", "up")]
        memory = np.stack([test._at_start for test in tests])
        memory[MEAN, KNOWN, N_IGNORED] = warm_up
        super().__init__(memory)

    def _restart(self) -> None:
        self.reset_baseline()
        self._memory[MEAN, KNOWN, N_IGNORED] = 0.0
