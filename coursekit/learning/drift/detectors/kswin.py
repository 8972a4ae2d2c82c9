"""KSWIN: a Kolmogorov-Smirnov test of the latest values against a sample of those before."""

from __future__ import annotations

import math
import random
from functools import partial
from itertools import count
from typing import Annotated

import numpy as np

from coursekit.core.arrays import Ints
from coursekit.core.compiled import compiled
from coursekit.core.validation import Natural, Proportion, integer
from coursekit.learning.drift.detector import DriftDetector
from coursekit.learning.drift.kernels import CHANGE, DRIFT, IN_CONTROL, N

__all__ = ["KSWIN"]

# Layout of the memory, shape (WINDOW + window_size,): N and CHANGE, the number of values in the
# window, the window, oldest value first.
LENGTH, WINDOW = range(2, 4)

SMALLEST_DISTANCE = 0.1  # smaller distances raise no alarm, whatever their p-value


@compiled
def push(memory, value):
    """Append a value to the window; a full one drops its oldest value."""
    size = memory.size - WINDOW
    memory[N] += 1.0
    if memory[LENGTH] < size:
        memory[WINDOW + int(memory[LENGTH])] = value
        memory[LENGTH] += 1.0
        return
    for at in range(WINDOW, memory.size - 1):
        memory[at] = memory[at + 1]
    memory[memory.size - 1] = value


@compiled
def largest_gap(left, right):
    """Return the Kolmogorov-Smirnov distance of two samples of r values, in units of 1 / r."""
    left, right = np.sort(left), np.sort(right)
    i = j = gap = 0
    while i < left.size and j < right.size:
        at = min(left[i], right[j])
        while i < left.size and left[i] == at:
            i += 1
        while j < right.size and right[j] == at:
            j += 1
        gap = max(gap, abs(i - j))
    return gap


def chance_of_gap(gap: int, r: int) -> float:
    r"""Return the exact probability that the Kolmogorov-Smirnov distance of two samples of r values
    from one continuous distribution is at least `gap` / r.

    $2 \sum_{k\ge1} (-1)^{k-1} \binom{2r}{r-kg} \big/ \binom{2r}{r}$, by the reflection
    principle (B. V. Gnedenko, V. S. Korolyuk, 1951).

    >>> round(chance_of_gap(13, 30), 4)
    0.0065
    """
    if gap == 0:
        return 1.0
    paths = sum((-1) ** (k - 1) * math.comb(2 * r, r - k * gap) for k in range(1, r // gap + 1))
    return float(2 * paths / math.comb(2 * r, r))


class KSWIN(DriftDetector):
    r"""Test the latest r values of a window against r drawn from the rest (Kolmogorov-Smirnov).

    Model: alarm when $D = \sup_x |F_{new}(x) - F_{old}(x)|$ is greater than 0.1 and so large that
    two samples of r values from one distribution differ as much with a probability of at most
    $\alpha$.

    Parameters
    ----------
    alpha : float, in (0, 1)
        $\alpha$ of one test. There is a test at every value: with the default there is about one
        false alarm in 1,000 values.
    window_size : int
        Length of the window, at least twice `stat_size`.
    stat_size : int, 2 or more
        r, the number of values on either side.
    seed : int
        Of the random sample; the generator is reset after every alarm, as in River.
    keep_recent : bool
        After an alarm, continue with the latest r values instead of none.

    Notes
    -----
    Equals River's with the same seed, alarm for alarm. The authors keep the latest r values after
    an alarm (`keep_recent=True`); River copies them and then empties the window.
    Changes of variance and shape are detected too. For values 0 and 1 its power is low: with r = 30
    the error rate has to change by about 0.4. Time grows with the window, not with the stream.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> KSWIN(alpha=0.001).update_many(rng.normal(np.repeat([0, 2], 500), 1))
    array([515])

    References
    ----------
    C. Raab, M. Heusinger, F.-M. Schleif (2020), "Reactive soft prototype computing for concept
    drift streams", doi:10.1016/j.neucom.2019.11.111.
    """

    _memory_names = (*DriftDetector._memory_names, "_rng_state")

    def __init__(
        self,
        alpha: Proportion = 0.005,
        window_size: int = 100,
        stat_size: Annotated[int, partial(integer, at_least=2)] = 30,
        seed: Natural = 0,
        keep_recent: bool = False,
    ) -> None:
        self._r = r = stat_size
        self._seed, self._keep_recent = seed, keep_recent
        self._critical_gap = next(
            g
            for g in count()
            if g / r > SMALLEST_DISTANCE and (g > r or chance_of_gap(g, r) <= alpha)
        )
        super().__init__(np.zeros(WINDOW + integer("window_size", window_size, at_least=2 * r)))
        self._rng = random.Random(seed)  # noqa: S311 - draws for a test, not for secrets

    def _step(self, memory, value):
        """Update with one value."""
        push(memory, value)
        memory[CHANGE] = memory[N] - self._r
        if memory[LENGTH] < memory.size - WINDOW:
            return IN_CONTROL
        begin = memory.size - self._r  # where the latest r values begin
        drawn = self._rng.sample(range(WINDOW, begin), self._r)
        different = largest_gap(memory[drawn], memory[begin:]) >= self._critical_gap
        return DRIFT if different else IN_CONTROL

    def _scan(self, memory, values, signal):
        for used, value in enumerate(values.tolist(), start=1):
            signal = self._step(memory, value)
            if signal == DRIFT:
                return used, signal
        return len(values), signal

    def reset_baseline(self) -> None:
        """Return to the initial state."""
        super().reset_baseline()
        self._rng = random.Random(self._seed)  # noqa: S311

    def _restart(self) -> None:
        if not self._keep_recent:
            self.reset_baseline()
            return
        self._memory[WINDOW : WINDOW + self._r] = self._memory[-self._r :].copy()
        self._memory[LENGTH] = self._r

    @property
    def _rng_state(self) -> Ints:
        return np.array(self._rng.getstate()[1], dtype=np.int64)

    @_rng_state.setter
    def _rng_state(self, words: Ints) -> None:
        version, _, spare = self._rng.getstate()
        self._rng.setstate((version, tuple(words.tolist()), spare))
