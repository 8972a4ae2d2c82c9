"""KSWIN: do the latest values come from the same distribution as some before them?"""

from __future__ import annotations

import math
import random
from itertools import count

import numpy as np

from coursekit.core.compiled import compiled
from coursekit.core.state import State
from coursekit.learning.drift.detector import CALM, DRIFT, DriftDetector
from coursekit.learning.drift.settings import require, require_count

__all__ = ["KSWIN"]

# Layout of the memory: what is known so far, then the window, the oldest value first.
N, LENGTH, WINDOW = range(3)

SMALLEST_DISTANCE = 0.1  # no smaller distance counts, however sure it is


@compiled
def push(memory, value):
    """Put a value at the end of the window; move the window on if it is full."""
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
    """Largest difference between two empirical distribution functions of r values each, in units of
    1 / r.
    """
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
    r"""Probability that two samples of r values from one continuous distribution are `gap` / r or
    more apart, exactly.

    $2 \sum_{k\ge1} (-1)^{k-1} \binom{2r}{r-kg} \big/ \binom{2r}{r}$, by counting paths that leave a
    corridor (B. V. Gnedenko, V. S. Korolyuk, 1951).

    >>> round(chance_of_gap(13, 30), 4)
    0.0065
    """
    if gap == 0:
        return 1.0
    paths = sum((-1) ** (k - 1) * math.comb(2 * r, r - k * gap) for k in range(1, r // gap + 1))
    return float(2 * paths / math.comb(2 * r, r))


class KSWIN(DriftDetector):
    r"""Test the latest r values of a window against r drawn from the rest of it, after Kolmogorov
    and Smirnov.

    Model: alarm when $D = \sup_x |F_{new}(x) - F_{old}(x)|$ is greater than 0.1 and so large that
    two samples of r values from one distribution differ as much with a probability of at most
    $\alpha$.

    Parameters
    ----------
    alpha : float, in (0, 1)
        $\alpha$ of one test. There is a test at every value: at the default about one false alarm
        in 1,000.
    window_size : int
        Length of the window, at least twice `stat_size`.
    stat_size : int, 2 or more
        r, the number of values on either side.
    seed : int
        Where the draws come from; begun anew after every alarm, as River does.
    keep_recent : bool
        After an alarm, go on with the latest r values instead of none.

    Notes
    -----
    Equals River's with the same seed, alarm for alarm. The authors keep the latest r values after
    an alarm (`keep_recent=True`); River sets them aside and then empties the window nevertheless.
    It sees changes in spread and shape too; in 0 and 1 it sees little: with r = 30 the probability
    of an error has to change by about 0.4. Time grows with the window, not with the stream.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> KSWIN(alpha=0.001).update_many(np.concatenate([rng.normal(0, 1, 500), rng.normal(2, 1, 500)]))
    array([515])

    References
    ----------
    C. Raab, M. Heusinger, F.-M. Schleif (2020), "Reactive soft prototype computing for concept
    drift streams", doi:10.1016/j.neucom.2019.11.111.
    """

    __slots__ = ("_critical_gap", "_keep_recent", "_rng", "_seed", "_stat_size", "_window_size")

    _state_keys = DriftDetector._state_keys | {"rng"}

    def __init__(
        self,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        seed: int = 0,
        keep_recent: bool = False,
    ) -> None:
        require(0 < alpha < 1, "alpha", "in (0, 1)", alpha)
        self._stat_size = r = require_count("stat_size", stat_size, lowest=2)
        self._window_size = require_count("window_size", window_size, lowest=2 * r)
        self._seed = require_count("seed", seed, lowest=0)
        self._keep_recent = bool(keep_recent)
        self._critical_gap = next(
            g
            for g in count()
            if g / r > SMALLEST_DISTANCE and (g > r or chance_of_gap(g, r) <= alpha)
        )
        settings = {
            "alpha": alpha,
            "window_size": self._window_size,
            "stat_size": r,
            "seed": self._seed,
        }
        super().__init__(
            {**settings, "keep_recent": self._keep_recent}, np.zeros(WINDOW + self._window_size)
        )
        self._rng = random.Random(self._seed)  # noqa: S311 - draws for a test, not for secrets

    def _step(self, memory, value):
        """Move on by one value."""
        push(memory, value)
        if memory[LENGTH] < self._window_size:
            return CALM
        begin = WINDOW + self._window_size - self._stat_size
        drawn = self._rng.sample(range(WINDOW, begin), self._stat_size)
        return DRIFT if largest_gap(memory[drawn], memory[begin:]) >= self._critical_gap else CALM

    def _scan(self, memory, values, signal):
        """Move on until an alarm or the end."""
        for used, value in enumerate(values.tolist(), start=1):
            signal = self._step(memory, value)
            if signal == DRIFT:
                return used, signal
        return len(values), signal

    def reset_baseline(self) -> None:
        """Forget everything seen."""
        super().reset_baseline()
        self._rng = random.Random(self._seed)  # noqa: S311

    def _restart(self) -> None:
        if not self._keep_recent:
            self.reset_baseline()
            return
        recent = self._memory[-self._stat_size :].copy()
        self._memory[WINDOW : WINDOW + self._stat_size] = recent
        self._memory[LENGTH] = self._stat_size

    def _n_since_change(self) -> int:
        return self._stat_size

    def get_state(self) -> State:
        """Return a copy of everything the next verdict depends on, ready for `save_state`."""
        return {**super().get_state(), "rng": np.array(self._rng.getstate()[1], dtype=np.uint32)}

    def set_state(self, state: State) -> None:
        """Continue from a state as if nothing had happened in between."""
        super().set_state(state)
        version, _, spare = self._rng.getstate()
        self._rng.setstate((version, tuple(state["rng"].tolist()), spare))
