"""The exact likelihood-ratio detector for errors that are 0 or 1."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.learning.drift.detector import CALM, DRIFT, BinaryDetector
from coursekit.learning.drift.glr.convex_hull import CAPACITY, push
from coursekit.learning.drift.settings import require, require_direction

__all__ = ["BernoulliGLR"]

# A side counts the ones, to see a rise, or the zeros, to see a fall. It has three rows: what is
# known, and the hull.
KNOWN, POSITIONS, COUNTS = range(3)
# Layout of the first row: what is known so far, then the settings. PAUSED: the latest value was not
# one to count. SURPRISE: what the best split left unexplained when all were looked at last. CHANGE:
# where that split was. QUIET: the value no side counts.
N, COUNT, PAUSED, N_CORNERS, SURPRISE, CHANGE = range(6)
COUNTED, QUIET, THRESHOLD = range(6, 9)


@compiled
def step(memory, value, n_quiet):
    """Move on by `n_quiet` values that no side counts, then by one more."""
    if n_quiet > 0:
        pause(memory, n_quiet)
    signal = CALM
    for side in range(memory.shape[0]):
        if value == memory[side, KNOWN, COUNTED]:
            signal = _count(memory[side])
        else:
            memory[side, KNOWN, N] += 1.0
            memory[side, KNOWN, PAUSED] = 1.0
    return signal


@compiled
def pause(memory, n_quiet):
    """Move on by values that no side counts: they can raise no alarm."""
    for side in range(memory.shape[0]):
        memory[side, KNOWN, N] += n_quiet
        memory[side, KNOWN, PAUSED] = 1.0


@compiled
def _count(side):
    """Count one value and look for a change."""
    known, positions, counts = side[KNOWN], side[POSITIONS], side[COUNTS]
    if known[PAUSED] != 0.0:  # only where a run begins can the hull have a corner
        known[N_CORNERS] = push(positions, counts, int(known[N_CORNERS]), known[N], known[COUNT])
        known[PAUSED] = 0.0
    known[N] += 1.0
    known[COUNT] += 1.0
    n, count = known[N], known[COUNT]
    together = _surprise(count, n)
    if (
        together - known[SURPRISE] < known[THRESHOLD]
    ):  # no split explains more than the best one did then
        return CALM
    apart = together
    for at in range(int(known[N_CORNERS])):
        k, before = positions[at], counts[at]
        if before * (n - k) < (count - before) * k:
            surprise = _surprise(before, k) + _surprise(count - before, n - k)
            if surprise < apart:
                apart, known[CHANGE] = surprise, k
    known[SURPRISE] = apart
    return DRIFT if together - apart >= known[THRESHOLD] else CALM


@compiled
def _surprise(count, n):
    """Minus the logarithm of the highest likelihood that `count` ones among n values can have."""
    rest = n - count
    if count == 0.0 or rest == 0.0:
        return 0.0
    return n * math.log(n) - count * math.log(count) - rest * math.log(rest)


@compiled
def scan(memory, values, signal):
    """Move on until an alarm or the end."""
    quiet = memory[0, KNOWN, QUIET]
    n_quiet = 0
    for t in range(values.size):
        if values[t] == quiet:
            n_quiet += 1
        else:
            signal = step(memory, values[t], n_quiet)
            n_quiet = 0
            if signal == DRIFT:
                return t + 1, signal
    if n_quiet > 0:
        pause(memory, n_quiet)
    return values.size, CALM


class BernoulliGLR(BinaryDetector):
    r"""Ask of every possible change point at once how much better two error rates explain the
    stream than one.

    Model: with $H(c, n)$ minus the log likelihood of c errors among n values at the rate c / n, and
    $S_k$ the errors among the first k values, the log likelihood ratio is $\Lambda_n = \max_k\,
    H(S_n, n) - H(S_k, k) - H(S_n - S_k, n - k)$, over the k that a change of the wanted direction
    separates. Alarm when $\Lambda_n \ge \ln(\text{samples between false alarms})$.

    No k is left out: the maximum is always at a corner of the convex hull of the points $(k, S_k)$,
    of which there are about ln n. Two more savings change no alarm either. A right answer is no
    evidence of a rise, so only errors are looked at. And what the best split leaves unexplained
    never shrinks, so the corners are only gone through when $H(S_n, n)$ has grown enough.

    Parameters
    ----------
    samples_between_false_alarms : float, greater than 10
        How many samples of an unchanged stream you want between two alarms, on average: 100,000 is
        one false alarm in ten streams of 10,000. In simulations at error rates from 0.01 to 0.5,
        10,000 or more are kept to within a factor of 3, and if anything alarms are rarer than
        wanted; of 1,000, they are up to 4 times rarer.
    direction : {"up", "down", "both"}
        Which changes count. A model that errs less often is usually no reason to act.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> errors = np.concatenate([rng.random(5000) < 0.2, rng.random(5000) < 0.4])
    >>> detector = BernoulliGLR()
    >>> first = next(t for t, error in enumerate(errors) if detector.add_error(error))
    >>> first, first + 1 - detector.n_since_change
    (5125, 5037)

    References
    ----------
    G. Romano, I. Eckley, P. Fearnhead, G. Rigaill (2023), "Fast online changepoint detection via
    functional pruning CUSUM statistics", arXiv:2110.08205. K. Ward et al. (2024), "A
    constant-per-iteration likelihood ratio test for online changepoint detection for exponential
    family models", arXiv:2302.04743.
    """

    __slots__ = ("_n_quiet", "_quiet")
    _scan = staticmethod(scan)

    def __init__(
        self, samples_between_false_alarms: float = 100_000, direction: str = "up"
    ) -> None:
        wanted = samples_between_false_alarms
        require(10 < wanted < math.inf, "samples_between_false_alarms", "greater than 10", wanted)
        rise, fall = require_direction(direction)
        self._quiet = math.nan if rise and fall else 0.0 if rise else 1.0  # nan: no value is quiet
        self._n_quiet = 0  # so many of them wait outside the memory
        memory = np.zeros((int(rise + fall), 3, CAPACITY))
        memory[:, KNOWN, COUNTED] = [1.0] * int(rise) + [0.0] * int(fall)
        memory[:, KNOWN, QUIET] = -1.0 if rise and fall else self._quiet
        memory[:, KNOWN, THRESHOLD] = math.log(wanted)
        super().__init__({"samples_between_false_alarms": wanted, "direction": direction}, memory)

    def update(self, value: float) -> None:
        """Look at one more value, 0 or 1.

        Raises
        ------
        InvalidSampleError
            If the value is neither; nothing has changed.
        """
        if value == self._quiet:
            if self._signal == DRIFT:
                self._restart()
            self._n_quiet += 1
            return
        if value == 1:
            value = 1.0
        elif value == 0:
            value = 0.0
        else:
            self._refuse(value)
        if self._signal == DRIFT:
            self._restart()
        self._signal = step(self._memory, value, self._n_quiet)
        self._n_quiet = 0

    def _settle(self) -> None:
        if self._n_quiet:
            pause(self._memory, self._n_quiet)
            self._n_quiet = 0

    def _memory_changed(self) -> None:
        self._n_quiet = 0

    def _n_since_change(self) -> int:
        known = next(
            side[KNOWN] for side in self._memory if not side[KNOWN, PAUSED]
        )  # the side that counted the latest value
        return int(known[N] - known[CHANGE])
