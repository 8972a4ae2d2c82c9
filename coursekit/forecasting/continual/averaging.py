"""Exponential moving average of the weights: serve a smoother model than the one that learns."""

from __future__ import annotations

from coursekit.core.validation import number
from coursekit.forecasting.model import Forecaster

__all__ = ["WeightAverage"]


class WeightAverage:
    r"""Average the weights after each step: $\bar\theta \leftarrow d\,\bar\theta + (1-d)\,\theta$.

    Parameters
    ----------
    model : Forecaster
        Its present weights are the start.
    decay : float, in [0, 1)
        $d$; the average reaches back about $1/(1-d)$ steps.

    Attributes
    ----------
    average : Forecaster
        A model with the averaged weights.

    References
    ----------
    B. T. Polyak and A. B. Juditsky (1992), "Acceleration of stochastic approximation by averaging",
    doi:10.1137/0330046.
    """

    def __init__(self, model: Forecaster, decay: float = 0.98) -> None:
        self.decay = number("decay", decay, at_least=0, below=1)
        self.average = model.copy()

    def update(self, model: Forecaster) -> None:
        """Take in the present weights of a model."""
        import torch

        with torch.no_grad():
            averaged = list(self.average.net.parameters())
            torch._foreach_lerp_(averaged, list(model.net.parameters()), 1.0 - self.decay)
