"""Update of one weight of a vector by any optimizer, for compiled learners.

The kernels of factor models and networks call the update functions of single optimizers
(:func:`~coursekit.learning.optim.sgd.sgd`, :func:`~coursekit.learning.optim.adagrad.adagrad`,
:func:`~coursekit.learning.optim.gaussian_belief.belief`) directly: the memory of a row is in the
row, biases and factors have different rates, and a belief needs the error and the predictive
variance, not a gradient.
"""

from __future__ import annotations

from coursekit.core.compiled import compiled
from coursekit.learning.optim.adagrad import ADAGRAD_TAG, adagrad
from coursekit.learning.optim.adam import adam
from coursekit.learning.optim.ftrl import FTRL_TAG, ftrl
from coursekit.learning.optim.sgd import SGD_TAG, sgd

__all__ = ["update"]


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
