"""Experience replay: every batch mixes recent windows with remembered ones."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import Floats, Ints
from coursekit.core.state import State
from coursekit.core.validation import number
from coursekit.forecasting.buffers import PrioritizedBuffer, ReservoirBuffer, WindowBuffer
from coursekit.forecasting.continual.method import ContinualMethod
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

__all__ = ["Replay"]


class Replay(ContinualMethod):
    """Draw a share `ratio` of each batch from a buffer of past windows, the rest from recent ones.

    Parameters
    ----------
    ratio : float, in (0, 1)
    buffer : WindowBuffer, optional
        Which windows are remembered and drawn. Default: a reservoir of 50,000. The priorities of a
        `PrioritizedBuffer` follow the losses.

    References
    ----------
    A. Chaudhry et al. (2019), "On tiny episodic memories in continual learning", arXiv:1902.10486.
    """

    _memory_names = ("buffer",)

    def __init__(self, ratio: float = 0.3, buffer: WindowBuffer | None = None) -> None:
        self.ratio = number("ratio", ratio, above=0, below=1)
        self.buffer = ReservoirBuffer(50_000) if buffer is None else buffer
        self._drawn: Ints | None = None

    def config(self) -> State:
        """Return the ratio; the buffer has settings of its own."""
        return {"ratio": self.ratio}

    def clone(self) -> Replay:
        """Return a new object with the same settings and an empty buffer."""
        return Replay(self.ratio, self.buffer.clone())

    def start(self, model: Forecaster, windows: WindowSet) -> None:
        """Remember the windows of the base training."""
        self.buffer.add(windows)

    def batch(self, recent: WindowSet, n: int, rng: np.random.Generator) -> WindowSet:
        """Return recent windows, then remembered ones, if there are any."""
        n_past = round(n * self.ratio) if self.buffer.is_ready() else 0
        fresh = recent.take(rng.integers(len(recent), size=n - n_past))
        if not n_past:
            self._drawn = None
            return fresh
        if isinstance(self.buffer, PrioritizedBuffer):
            past, self._drawn = self.buffer.sample_places(n_past, rng)
        else:
            past = self.buffer.sample(n_past, rng)
        return WindowSet.joined([fresh, past])

    def observe(self, losses: Floats) -> None:
        """Set the priorities of the remembered windows of the last batch to their losses."""
        if isinstance(self.buffer, PrioritizedBuffer) and self._drawn is not None:
            self.buffer.set_priorities(self._drawn, losses[-len(self._drawn) :] + 1e-6)

    def remember(self, model: Forecaster, windows: WindowSet) -> None:
        """Add the new windows to the buffer."""
        self.buffer.add(windows)
