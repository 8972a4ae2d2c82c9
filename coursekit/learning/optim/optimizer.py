"""Base class of the optimizers: validated, immutable settings and a memory layout.

An optimizer object holds settings only. The memory (sums of squared gradients, variances) is stored
with the weights: by a factor model in the rows of its table, by a
:class:`~coursekit.learning.optim.descent.Descent` beside its vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import UnknownNameError
from coursekit.core.state import State
from coursekit.core.validation import number, require

__all__ = ["Optimizer", "optimizer_named"]

_FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """Settings of an update: finite numbers, 0 or more; those in `positive` greater than 0.

    Every optimizer has a `learning_rate`. Those that update a vector of weights also have a
    `radius`, greater than 0: every weight is kept in [-radius, radius] (projection onto a box),
    infinite for none. The regret bounds need it finite.
    """

    name: ClassVar[str]
    tag: ClassVar[int]
    """Its number in compiled code."""
    n_memories: ClassVar[int]
    """Memory per weight, in numbers."""
    positive: ClassVar[tuple[str, ...]] = ("learning_rate",)
    own: ClassVar[tuple[str, ...]] = ()
    """Settings of its update besides the learning rate, at most three."""

    def __post_init__(self) -> None:
        for setting in fields(self):
            name, value = setting.name, getattr(self, setting.name)
            if name == "radius":
                require(value > 0, name, "greater than 0", value)
            elif name in self.positive:
                number(name, value, above=0)
            else:
                number(name, value, at_least=0)

    def config(self) -> State:
        """Return name and settings; None stands for an infinite radius."""
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        return {
            "name": self.name,
            **{name: None if value == math.inf else value for name, value in values.items()},
        }

    def settings(self) -> _FloatArray:
        """Return the settings of the compiled `update`, shape (5,): rate, up to three own,
        radius.
        """
        own = [getattr(self, name) for name in self.own]
        rate, radius = (getattr(self, name) for name in ("learning_rate", "radius"))
        return np.array([rate, *own, *[0.0] * (3 - len(own)), radius])

    def discounted(self, memory: _FloatArray, start: npt.ArrayLike, keep: float) -> _FloatArray:
        """Return memory with the evidence since `start` reduced to the share `keep`.

        Parameters
        ----------
        memory : array, shape (n_memories, ...)
        start : array
            Initial value of memory[0], broadcast against it.
        keep : float, in (0, 1]
        """
        return memory

    def at_rate(self, memory: _FloatArray, before: float) -> _FloatArray:
        """Return memory for the present rate with the same weights as at the rate `before`."""
        return memory


def optimizer_named(optimizer: str | Optimizer | State, known: Sequence[Optimizer]) -> Any:
    """Return an optimizer by its name or its config; an optimizer is returned unchanged.

    Parameters
    ----------
    optimizer : str, Optimizer or dict
        A name, an optimizer, or what `Optimizer.config` returned.
    known : sequence of Optimizer
        The optimizers that a learner supports, with its defaults.

    Raises
    ------
    UnknownNameError
        If the learner does not support it.
    """
    by_name = {each.name: each for each in known}
    settings = dict(optimizer) if isinstance(optimizer, dict) else {}
    name = settings.pop("name", getattr(optimizer, "name", optimizer))
    expected = f"one of {', '.join(map(repr, by_name))}, or such an object"
    require(name in by_name, "optimizer", expected, optimizer, UnknownNameError)
    if settings:
        infinite = {key: math.inf if value is None else value for key, value in settings.items()}
        return type(by_name[name])(**infinite)
    return optimizer if isinstance(optimizer, Optimizer) else by_name[name]
