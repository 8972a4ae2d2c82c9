"""Reservoir sampling: a uniform sample of everything seen so far in bounded memory."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import Ints
from coursekit.forecasting.buffers.buffer import WindowBuffer
from coursekit.forecasting.windows import WindowSet

__all__ = ["ReservoirBuffer"]


class ReservoirBuffer(WindowBuffer):
    r"""After $n$ windows each of them is kept with the same probability $\min(1, m/n)$.

    Update: window number $n > m$ replaces a random one with probability $m/n$.

    Parameters
    ----------
    max_size : int
        $m$.
    seed : int

    References
    ----------
    J. S. Vitter (1985), "Random sampling with a reservoir", algorithm R, doi:10.1145/3147.3165.
    """

    def _places(self, windows: WindowSet) -> list[tuple[int, int]]:
        kept = []
        for at in range(len(windows)):
            self._n_seen += 1
            if self._size < self.max_size:
                place, self._size = self._size, self._size + 1
            else:
                place = int(self._rng.integers(self._n_seen))
            if place < self.max_size:
                kept.append((at, place))
        return kept

    def _draw(self, n: int, rng: np.random.Generator) -> Ints:
        return rng.integers(self._size, size=n)
