"""Base class of the optimizers: validated, immutable settings and a memory layout.

An optimizer object holds settings only. The memory (sums of squared gradients, variances) is stored
with the weights: by a factor model in the rows of its table, by a
:class:`~coursekit.learning.optim.descent.Descent` beside its vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.errors import UnknownNameError
from coursekit.core.state import State
from coursekit.core.validation import require

__all__ = ["Optimizer", "Radius", "one_of"]


def _positive(name: str, value: float) -> float:
    require(value > 0, name, "greater than 0", value)
    return value


Radius = Annotated[float, _positive]
"""Greater than 0, infinite for no limit."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """Settings of an update.

    Every optimizer has a `learning_rate`. Those that update a vector of weights also have a
    `radius`, greater than 0: every weight is kept in [-radius, radius] (projection onto a box),
    infinite for none. The regret bounds need it finite.
    """

    name: ClassVar[str]
    tag: ClassVar[int]
    """Its number in compiled code."""
    n_memories: ClassVar[int]
    """Memory per weight, in numbers."""

    def config(self) -> State:
        """Return name and settings; None stands for an infinite radius."""
        values = {name: None if x == math.inf else x for name, x in asdict(self).items()}
        return {"name": self.name, **values}

    def settings(self) -> Floats:
        """Return the settings of the compiled `update`, shape (5,): rate, up to three of its own,
        radius.
        """
        rate, *own, radius = asdict(self).values()
        return np.array([rate, *own, *[0.0] * (3 - len(own)), radius])

    def discounted(self, memory: Floats, start: ArrayLike, keep: float) -> Floats:
        """Return memory with the evidence since `start` reduced to the share `keep`.

        Parameters
        ----------
        memory : array, shape (n_memories, ...)
        start : array
            Initial value of memory[0], broadcast against it.
        keep : float, in (0, 1]
        """
        return memory

    def at_rate(self, memory: Floats, before: float) -> Floats:
        """Return memory for the present rate with the same weights as at the rate `before`."""
        return memory


def one_of(*known: Optimizer) -> Callable[[str, Any], Any]:
    """Return the check of a setting that is one of the `known` kinds of optimizers.

    It accepts an optimizer, its name, which stands for the known one with its defaults, and what
    `Optimizer.config` returned. It raises UnknownNameError for any other.
    """
    by_name = {each.name: each for each in known}

    def check(setting: str, optimizer: Any) -> Any:
        settings = dict(optimizer) if isinstance(optimizer, dict) else {}
        name = settings.pop("name", getattr(optimizer, "name", optimizer))
        expected = f"one of {', '.join(map(repr, by_name))}, or such an object"
        require(name in by_name, setting, expected, optimizer, UnknownNameError)
        if settings:
            values = {key: math.inf if x is None else x for key, x in settings.items()}
            return type(by_name[name])(**values)
        return optimizer if isinstance(optimizer, Optimizer) else by_name[name]

    return check
