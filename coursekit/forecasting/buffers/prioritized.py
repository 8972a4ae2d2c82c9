"""Prioritized replay: windows with large errors are drawn more often, by a sum tree."""

from __future__ import annotations

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats, Ints
from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import State
from coursekit.core.validation import number
from coursekit.forecasting.buffers.buffer import WindowBuffer
from coursekit.forecasting.windows import WindowSet

__all__ = ["PrioritizedBuffer", "SumTree"]


class SumTree:
    """A complete binary tree whose inner nodes hold the sums of their leaves.

    Setting a leaf and finding the leaf at a cumulative sum take O(log n), vectorised over leaves.

    Parameters
    ----------
    size : int
        Number of leaves.

    Examples
    --------
    >>> tree = SumTree(3)
    >>> tree.set(np.array([0, 1, 2]), np.array([1.0, 3.0, 2.0]))
    >>> tree.total, tree.find(np.array([0.5, 1.5, 3.9, 4.1])).tolist()
    (6.0, [0, 1, 1, 2])
    """

    def __init__(self, size: int) -> None:
        self._n_leaves = 1 << max(size - 1, 0).bit_length()
        self._nodes = np.zeros(2 * self._n_leaves)  # root at 1, children of i at 2i and 2i + 1

    @property
    def total(self) -> float:
        """Sum of all leaves."""
        return float(self._nodes[1])

    def leaves(self, n: int) -> Floats:
        """Return a copy of the first `n` leaves."""
        return self._nodes[self._n_leaves : self._n_leaves + n].copy()

    def set(self, at: Ints, values: Floats) -> None:
        """Set leaves; sums are formed anew from the children, so that errors do not add up."""
        node = np.asarray(at, dtype=np.int64) + self._n_leaves
        self._nodes[node] = values
        while node.size and node[0] > 1:
            node = np.unique(node // 2)
            self._nodes[node] = self._nodes[2 * node] + self._nodes[2 * node + 1]

    def find(self, cumulative: Floats) -> Ints:
        """Return the leaf at which the running sum of leaves exceeds each value in [0, total)."""
        rest = np.array(cumulative, dtype=np.float64)
        node = np.ones(len(rest), dtype=np.int64)
        for _ in range(self._n_leaves.bit_length() - 1):
            left = self._nodes[2 * node]
            # to the right only if there is something: rounding never leads to an empty leaf
            goes_right = (rest >= left) & (self._nodes[2 * node + 1] > 0)
            rest = np.where(goes_right, rest - left, rest)
            node = 2 * node + goes_right
        return node - self._n_leaves


class PrioritizedBuffer(WindowBuffer):
    r"""Draw window $i$ with probability $p_i^\alpha / \sum_k p_k^\alpha$; the oldest is replaced.

    A new window gets the largest priority so far, so that it is drawn soon; `set_priorities` gives
    it that of its error. Training on such a sample is biased towards large errors; `weights`
    returns the factors $(n\,P(i))^{-\beta}$ that correct it.

    Parameters
    ----------
    max_size : int
    seed : int
    alpha : float, in [0, 1]
        0 draws uniformly, 1 in proportion to the priorities.

    References
    ----------
    T. Schaul et al. (2016), "Prioritized experience replay", arXiv:1511.05952.
    """

    def __init__(self, max_size: int, seed: int = 0, alpha: float = 0.6) -> None:
        super().__init__(max_size, seed)
        self.alpha = number("alpha", alpha, at_least=0, at_most=1)
        self._tree = SumTree(self.max_size)
        self._highest = 1.0

    def config(self) -> State:
        """Return size, seed and alpha."""
        return {**super().config(), "alpha": self.alpha}

    def _places(self, windows: WindowSet) -> list[tuple[int, int]]:
        n = len(windows)
        numbers = np.arange(max(n - self.max_size, 0), n)  # the older ones would be replaced
        places = (self._n_seen + numbers) % self.max_size
        self._n_seen += n
        self._size = min(self._n_seen, self.max_size)
        self._tree.set(places, np.full(len(places), self._highest**self.alpha))
        return list(zip(numbers.tolist(), places.tolist(), strict=True))

    def _draw(self, n: int, rng: np.random.Generator) -> Ints:
        return self._tree.find(rng.random(n) * self._tree.total)

    def sample_places(self, n: int, rng: np.random.Generator) -> tuple[WindowSet, Ints]:
        """Return drawn windows and their places, for `set_priorities` and `weights`."""
        self._require_windows()
        places = self._draw(n, rng)
        return self._at(places), places

    def set_priorities(self, places: ArrayLike, priorities: ArrayLike) -> None:
        """Set the priorities of windows, usually their errors.

        Raises
        ------
        InvalidSampleError
            If a place holds no window, or a priority is not a positive number; nothing has changed.
        """
        at = np.asarray(places, dtype=np.int64)
        values = np.asarray(priorities, dtype=np.float64)
        if at.size and not 0 <= at.min() <= at.max() < self._size:
            raise InvalidSampleError(f"`places` must be in [0, {self._size}), got {places!r}.")
        if values.shape != at.shape or not (np.isfinite(values) & (values > 0)).all():
            raise InvalidSampleError(
                f"`priorities` must be {at.size} finite numbers greater than 0, got {priorities!r}."
            )
        self._tree.set(at, values**self.alpha)
        self._highest = max(self._highest, float(values.max(initial=0.0)))

    def weights(self, places: Ints, beta: float = 1.0) -> Floats:
        """Return importance weights of drawn windows, the largest possible being 1."""
        share = self._tree.leaves(self._size) / self._tree.total
        return np.asarray((share.min() / share[places]) ** beta)

    def _get_memory(self) -> State:
        tree = {"leaves": self._tree.leaves(self._size), "highest": self._highest}
        return {**super()._get_memory(), **tree}

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._highest = memory["highest"]
        self._tree = SumTree(self.max_size)
        self._tree.set(np.arange(self._size), memory["leaves"])
