"""Class-balanced reservoir: every server keeps a share of the memory, however rare it is."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import Ints
from coursekit.core.state import State
from coursekit.forecasting.buffers.buffer import WindowBuffer
from coursekit.forecasting.windows import WindowSet

__all__ = ["BalancedBuffer"]


class BalancedBuffer(WindowBuffer):
    """Keep equally many windows of every server, and draw every server equally often.

    Update: while there is room, a window is kept. In a full buffer, a window of a server that has
    at least two windows fewer than the largest one replaces a random window of that one; any other
    window replaces one of its own server with the probability of reservoir sampling.

    Parameters
    ----------
    max_size : int
    seed : int

    References
    ----------
    A. Chrysakis and M.-F. Moens (2020), "Online continual learning from imbalanced data",
    ICML, PMLR 119:1952-1961.
    """

    def __init__(self, max_size: int, seed: int = 0) -> None:
        super().__init__(max_size, seed)
        self._places_of: dict[int, list[int]] = {}
        self._seen_of: dict[int, int] = {}

    def _places(self, windows: WindowSet) -> list[tuple[int, int]]:
        kept: dict[int, int] = {}  # place -> number of the window: a later one may replace it
        for at, server in enumerate(windows.category.tolist()):
            place = self._place_for(server)
            if place is not None:
                kept[place] = at
        return [(at, place) for place, at in kept.items()]

    def _place_for(self, server: int) -> int | None:
        self._n_seen += 1
        self._seen_of[server] = self._seen_of.get(server, 0) + 1
        mine = self._places_of.setdefault(server, [])
        if self._size < self.max_size:
            mine.append(self._size)
            self._size += 1
            return mine[-1]
        largest = max(self._places_of.values(), key=len)
        if len(largest) - len(mine) > 1:
            mine.append(largest.pop(int(self._rng.integers(len(largest)))))
            return mine[-1]
        at = int(self._rng.integers(self._seen_of[server]))
        return mine[at] if at < len(mine) else None

    def _draw(self, n: int, rng: np.random.Generator) -> Ints:
        places = [each for each in self._places_of.values() if each]
        chosen = rng.integers(len(places), size=n)
        within = rng.random(n)
        pairs = zip(chosen, within, strict=True)
        drawn = [places[s][int(u * len(places[s]))] for s, u in pairs]
        return np.array(drawn, dtype=np.int64)

    def _get_memory(self) -> State:
        servers = [
            [server, self._seen_of[server], list(places)]
            for server, places in self._places_of.items()
        ]
        return {**super()._get_memory(), "servers": servers}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._places_of = {server: list(places) for server, _, places in memory["servers"]}
        self._seen_of = {server: seen for server, seen, _ in memory["servers"]}
