"""Elastic weight consolidation: weights that the past depends on move less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.errors import InvalidParameterError, StateFormatError
from coursekit.core.state import State
from coursekit.core.validation import integer, number
from coursekit.forecasting.continual.method import ContinualMethod
from coursekit.forecasting.continual.step import quantile_losses
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["ElasticWeightConsolidation", "fisher_diagonal"]


def fisher_diagonal(model: Forecaster, windows: WindowSet) -> dict[str, torch.Tensor]:
    r"""Return the mean over windows of the squared gradient of each window's loss.

    $F_i = \frac1n \sum_w \left(\partial L_w / \partial\theta_i\right)^2$: the empirical Fisher
    information, if the loss is the negative log-likelihood of an asymmetric Laplace distribution.
    Squaring the gradient of a batch instead averages before squaring and shrinks it by up to the
    size of the batch.

    Parameters
    ----------
    model : Forecaster
        In evaluation mode, without dropout; it does not change.
    windows : WindowSet
        One backward pass each.
    """
    import torch

    if len(windows) == 0:
        raise InvalidParameterError("The Fisher information needs at least one window.")
    was_training = model.net.training
    model.net.eval()
    parameters = dict(model.net.named_parameters())
    fisher = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for at in range(len(windows)):
        one = windows.take(slice(at, at + 1))
        target = torch.from_numpy(one.targets[:, model.config.encoder_length :])
        loss = quantile_losses(model.output(one), target, model.config.quantiles).sum()
        gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for name, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                fisher[name] += gradient**2 / len(windows)
    model.net.train(was_training)
    return fisher


class ElasticWeightConsolidation(ContinualMethod):
    r"""Add $\frac{\lambda}{2} \sum_i F_i (\theta_i - \theta^*_i)^2$ to the loss.

    $\theta^*$ are the weights and $F$ the Fisher diagonal of the base model; where $F_i$ is large
    the old windows determine $\theta_i$, and changing it costs much.

    Parameters
    ----------
    strength : float, 0 or more
        $\lambda$. Its scale depends on that of the loss, so it must be tuned.
    n_windows : int
        Windows from which the Fisher diagonal is estimated.
    seed : int
        Of their choice.

    References
    ----------
    J. Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks",
    doi:10.1073/pnas.1611835114.
    """

    def __init__(self, strength: float = 10.0, n_windows: int = 64, seed: int = 0) -> None:
        self.strength = number("strength", strength, at_least=0)
        self.n_windows = integer("n_windows", n_windows)
        self.seed = integer("seed", seed, at_least=0)
        self.fisher: dict[str, torch.Tensor] = {}
        self.center: dict[str, torch.Tensor] = {}

    def config(self) -> State:
        """Return strength, number of windows and seed."""
        return {"strength": self.strength, "n_windows": self.n_windows, "seed": self.seed}

    def start(self, model: Forecaster, windows: WindowSet) -> None:
        """Estimate the Fisher diagonal on windows of the base training."""
        rng = np.random.default_rng(self.seed)
        n = min(self.n_windows, len(windows))
        chosen = windows.take(rng.choice(len(windows), size=n, replace=False))
        self.fisher, self.center = fisher_diagonal(model, chosen), model.weights()

    def penalty(
        self, model: Forecaster, windows: WindowSet, quantiles: torch.Tensor
    ) -> torch.Tensor:
        """Return the penalty at the present weights; 0 before `start`."""
        total = quantiles.new_zeros(())
        if self.fisher:
            for name, weight in model.net.named_parameters():
                total = total + (self.fisher[name] * (weight - self.center[name]) ** 2).sum()
        return 0.5 * self.strength * total

    def _get_memory(self) -> State:
        return {
            "fisher": {name: tensor.numpy().copy() for name, tensor in self.fisher.items()},
            "center": {name: tensor.numpy().copy() for name, tensor in self.center.items()},
        }

    def _check_memory(self, memory: State) -> None:
        if not {"fisher", "center"} <= memory.keys() or set(memory["fisher"]) != set(
            memory["center"]
        ):
            raise StateFormatError("The state has no Fisher diagonal with its weights.")

    def _set_memory(self, memory: State) -> None:
        import torch

        self.fisher, self.center = (
            {name: torch.from_numpy(array.copy()) for name, array in memory[part].items()}
            for part in ("fisher", "center")
        )
