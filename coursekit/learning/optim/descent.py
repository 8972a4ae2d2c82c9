"""Gradient steps of any optimizer on a vector of weights, with the optimizer's memory (lesson 07).

The kernels of factor models and networks call the update functions of single optimizers
(:func:`~coursekit.learning.optim.sgd.sgd`, :func:`~coursekit.learning.optim.adagrad.adagrad`,
:func:`~coursekit.learning.optim.gaussian_belief.belief`) directly: the memory of a row is in the
row, biases and factors have different rates, and a belief needs the error and the predictive
variance, not a gradient.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats, Indices
from coursekit.core.compiled import compiled
from coursekit.core.stateful import Stateful
from coursekit.core.validation import number, require
from coursekit.learning.optim.adagrad import ADAGRAD_TAG, AdaGrad, adagrad
from coursekit.learning.optim.adam import Adam, adam
from coursekit.learning.optim.ftrl import FTRL_TAG, FTRLProximal, ftrl
from coursekit.learning.optim.optimizer import one_of
from coursekit.learning.optim.sgd import SGD, SGD_TAG, sgd

__all__ = ["AnyOptimizer", "Descent", "update"]

AnyOptimizer = Annotated[Any, one_of(SGD(), AdaGrad(), FTRLProximal(), Adam())]
"""An optimizer of a vector of weights, its name or its `config()`."""


@compiled
def update(tag, settings, t, weights, memory, j, gradient):
    """Update weight j in place.

    Parameters
    ----------
    tag : int
        Of the optimizer.
    settings : array, shape (5,)
        Learning rate, three settings of its own, radius (see `Optimizer.settings`).
    t : int
        Number of this step, from 1 on.
    weights : array, shape (n,)
    memory : array, shape (n_memories, n)
    j : int
    gradient : float
        Slope of the loss along weight j.
    """
    rate, first, second, third, radius = settings
    if tag == SGD_TAG:
        sgd(weights, j, rate * t**-first, gradient)
    elif tag == ADAGRAD_TAG:
        if memory[0, j] + gradient * gradient > 0.0:  # avoids 0 / 0 at a weight without gradients
            adagrad(weights, j, memory[0], j, rate, gradient)
    elif tag == FTRL_TAG:
        ftrl(weights, j, memory, rate, first, second, third, gradient)
    else:
        adam(weights, j, memory, rate, first, second, third, gradient)
    weights[j] = min(max(weights[j], -radius), radius)


@compiled
def _update_all(tag, settings, t, weights, memory, active, gradients):
    """Update weights[active[a]] along gradients[a], both of shape (n_active,)."""
    for at in range(active.size):
        update(tag, settings, t, weights, memory, active[at], gradients[at])


class Descent(Stateful):
    """Gradient steps of an optimizer on a vector of weights, dense or sparse.

    A weight without a gradient does not change, nor does its memory; Adam counts the steps of each
    weight.

    Parameters
    ----------
    optimizer : str, Optimizer or dict
        "sgd", "adagrad", "ftrl", "adam", one with settings of its own, or its `config()`.

    Attributes
    ----------
    optimizer : Optimizer
        With its initial learning rate.
    memory : array, shape (n_memories, n_weights)
        Memory of the optimizer for each weight.
    n_steps : int
        Steps done.

    Examples
    --------
    >>> weights = np.array([1.0, 1.0])
    >>> Descent(SGD(0.1)).step(weights, [2.0, 0.0])
    >>> weights
    array([0.8, 1. ])
    """

    _memory_names = ("learning_rate", "n_steps", "memory")

    def __init__(self, optimizer: AnyOptimizer) -> None:
        self.optimizer: SGD | AdaGrad | FTRLProximal | Adam = optimizer
        self._now = self.optimizer
        self.settings = self.optimizer.settings()
        self.tag = self.optimizer.tag
        self.n_steps = 0
        self.memory: Floats = np.zeros((self.optimizer.n_memories, 0))
        self._start: float = getattr(self.optimizer, "initial_memory", 0.0)

    @property
    def learning_rate(self) -> float:
        """The present rate, before its decay. Setting it changes no weight."""
        return float(self._now.learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        before, self._now = self._now, replace(self._now, learning_rate=float(value))
        self.settings = self._now.settings()
        if self._now != before:
            self.memory = self._now.at_rate(self.memory, before.learning_rate)

    def step(self, weights: Floats, gradients: ArrayLike, active: Indices | None = None) -> None:
        """Update weights in place.

        Parameters
        ----------
        weights : array, shape (n_weights,)
            Float64. It may have become longer since the last step.
        gradients : array, shape (n_weights,) or (n_active,)
        active : array of int, shape (n_active,), optional
            Distinct indices of the weights of the gradients. Default: all.
        """
        where = np.arange(len(weights)) if active is None else np.asarray(active, dtype=np.intp)
        given = np.ascontiguousarray(gradients, dtype=np.float64)
        require(given.shape == where.shape, "gradients", f"of shape {where.shape}", given.shape)
        self.reserve(len(weights))
        self.n_steps += 1
        _update_all(self.tag, self.settings, self.n_steps, weights, self.memory, where, given)

    def reserve(self, n_weights: int) -> None:
        """Extend the memory to `n_weights` weights."""
        n_known = self.memory.shape[1]
        if n_weights > n_known:
            memory = np.zeros((len(self.memory), n_weights))
            memory[:1, n_known:] = self._start
            memory[:, :n_known] = self.memory
            self.memory = memory

    def discount_evidence(self, keep: float) -> None:
        """Reduce the memory to the share `keep`, in (0, 1], of the past: later steps become
        larger.
        """
        number("keep", keep, above=0, at_most=1)
        self.n_steps = round(keep * self.n_steps)
        self.memory = self._now.discounted(self.memory, self._start, keep)
