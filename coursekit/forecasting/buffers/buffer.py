"""Base class of the buffers that keep past windows (lesson 19)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.arrays import Ints
from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import integer, require
from coursekit.forecasting.windows import WINDOW_FIELDS, WindowSet

__all__ = ["WindowBuffer"]


class WindowBuffer(Stateful):
    """At most `max_size` windows in arrays of fixed size; a subclass says which are kept and drawn.

    Parameters
    ----------
    max_size : int
    seed : int
        Of the choice which windows to keep.
    """

    def __init__(self, max_size: int, seed: int = 0) -> None:
        self.max_size = integer("max_size", max_size)
        self.seed = integer("seed", seed, at_least=0)
        self._rng = np.random.default_rng(seed)
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._size = 0
        self._n_seen = 0

    def config(self) -> State:
        """Return size and seed."""
        return {"max_size": self.max_size, "seed": self.seed}

    @property
    def size(self) -> int:
        """Number of windows kept."""
        return self._size

    @property
    def n_seen(self) -> int:
        """Number of windows added so far."""
        return self._n_seen

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays; constant once the first windows have been added."""
        return sum(array.nbytes for array in self._arrays.values())

    def is_ready(self, min_samples: int = 1) -> bool:
        """Return whether at least `min_samples` windows are kept."""
        return self._size >= min_samples

    def add(self, windows: WindowSet) -> None:
        """Add windows in order; which of all windows so far are kept depends on the class.

        Raises
        ------
        InvalidParameterError
            If their shape differs from that of the windows before; nothing has changed.
        """
        if len(windows) == 0:
            return
        shapes = {name: getattr(windows, name).shape[1:] for name in WINDOW_FIELDS}
        if not self._arrays:
            self._arrays = {
                name: np.zeros((self.max_size, *shape), getattr(windows, name).dtype)
                for name, shape in shapes.items()
            }
        ours = {name: array.shape[1:] for name, array in self._arrays.items()}
        require(shapes == ours, "windows", f"windows of shapes {ours}", shapes)
        for at, place in self._places(windows):
            for name, array in self._arrays.items():
                array[place] = getattr(windows, name)[at]

    @abstractmethod
    def _places(self, windows: WindowSet) -> list[tuple[int, int]]:
        """Return (number of the window, its place) for those to keep; counts them."""

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> Ints:
        """Return `n` places drawn with replacement."""

    def sample(self, n: int, rng: np.random.Generator) -> WindowSet:
        """Return `n` windows drawn with replacement; the buffer does not change.

        Raises
        ------
        InvalidParameterError
            If the buffer is empty.
        """
        self._require_windows()
        return self._at(self._draw(integer("n", n, at_least=0), rng))

    def contents(self) -> WindowSet:
        """Return copies of all windows kept."""
        self._require_windows()
        return self._at(np.arange(self._size))

    def _at(self, places: Ints) -> WindowSet:
        return WindowSet(**{name: array[places] for name, array in self._arrays.items()})

    def _require_windows(self) -> None:
        if self._size == 0:
            raise InvalidParameterError(f"The {type(self).__name__} is empty; add windows first.")

    def _get_memory(self) -> State:
        kept = {name: array[: self._size].copy() for name, array in self._arrays.items()}
        counts = {"size": self._size, "n_seen": self._n_seen}
        return {"arrays": kept, "rng": self._rng.bit_generator.state, **counts}

    def _check_memory(self, memory: State) -> None:
        missing = {"arrays", "rng", "size", "n_seen"} - memory.keys()
        if missing:
            raise StateFormatError(f"The state of {type(self).__name__} has no {sorted(missing)}.")
        names, size = set(memory["arrays"]), memory["size"]
        lengths = {len(array) for array in memory["arrays"].values()}
        whole = names == set(WINDOW_FIELDS) and lengths == {size} and size <= self.max_size
        if not (whole or (not names and size == 0)):
            raise StateFormatError(
                f"The state of {type(self).__name__} holds {sorted(lengths)} windows in {names}, "
                f"expected {size} of at most {self.max_size} in each of {WINDOW_FIELDS}."
            )

    def _set_memory(self, memory: State) -> None:
        self._arrays = {}
        for name, kept in memory["arrays"].items():
            self._arrays[name] = np.zeros((self.max_size, *kept.shape[1:]), kept.dtype)
            self._arrays[name][: len(kept)] = kept
        self._size, self._n_seen = memory["size"], memory["n_seen"]
        self._rng.bit_generator.state = memory["rng"]
