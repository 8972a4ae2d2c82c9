"""One optimisation step in the open, and the loop of the base training (lesson 18).

`Trainer.fit` of Lightning does the same around hooks, loggers and metrics; here every operation of
a step is one line, and it can be repeated on any batch at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.core.validation import integer, number
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import Windows, WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["Penalty", "fused_adam", "optimisation_step", "quantile_losses", "train"]

Penalty = Callable[[Forecaster, WindowSet, "torch.Tensor"], "torch.Tensor"]
"""(model, windows, quantiles of these windows) -> a term added to the loss."""


def quantile_losses(
    quantiles: torch.Tensor, target: torch.Tensor, levels: tuple[float, ...]
) -> torch.Tensor:
    r"""Return the quantile loss of each window, shape (n,).

    $\frac{2}{h q} \sum_{t,j} \max(\tau_j e_{tj}, (\tau_j - 1) e_{tj})$ with $e_{tj} = y_t - \hat
    y_{tj}$; its mean is the loss that pytorch-forecasting minimises, and for the median alone it is
    the mean absolute error.

    Parameters
    ----------
    quantiles : tensor, shape (n, horizon, n_quantiles)
    target : tensor, shape (n, horizon)
    levels : tuple of float
        $\tau$.

    References
    ----------
    R. Koenker and G. Bassett (1978), "Regression quantiles", doi:10.2307/1913643.
    """
    error = target[:, :, None] - quantiles  # (n, horizon, n_quantiles)
    tau = error.new_tensor(levels)
    return 2 * (tau * error).maximum((tau - 1) * error).mean(dim=(1, 2))


def fused_adam(model: Forecaster, learning_rate: float = 0.001) -> torch.optim.Adam:
    """Return Adam over all weights in one kernel call: nine times as fast as a loop over tensors.

    References
    ----------
    D. P. Kingma and J. Ba (2015), "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """
    import torch

    rate = number("learning_rate", learning_rate, above=0)
    return torch.optim.Adam(model.net.parameters(), lr=rate, fused=True)


def optimisation_step(
    model: Forecaster,
    optimizer: torch.optim.Optimizer,
    windows: WindowSet,
    *,
    penalty: Penalty | None = None,
    clip_norm: float | None = 1.0,
    micro_batches: int = 1,
) -> Floats:
    """Make one step on a batch of windows and return the loss of each window before it.

    Parameters
    ----------
    model : Forecaster
    optimizer : torch.optim.Optimizer
    windows : WindowSet
        The batch.
    penalty : callable, optional
        A further term of the loss, see `Penalty`.
    clip_norm : float, optional
        Maximum Euclidean norm of the gradient; a longer one is shortened to it.
    micro_batches : int
        Number of parts whose gradients are accumulated: the same step with less memory at a time.

    Raises
    ------
    InvalidSampleError
        If the loss or the gradient is not finite; the weights have not changed.
    """
    import torch

    if len(windows) == 0:
        raise InvalidSampleError("A step needs at least one window.")
    parts = min(integer("micro_batches", micro_batches), len(windows))
    cuts = np.linspace(0, len(windows), parts + 1).astype(int)
    if not model.net.training:  # setting it walks all modules
        model.net.train()
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    losses = []
    for start, stop in pairwise(cuts):
        part = windows.take(slice(start, stop))
        target = torch.from_numpy(part.targets[:, model.config.encoder_length :])
        quantiles = model.output(part)
        each = quantile_losses(quantiles, target, model.config.quantiles)
        loss = each.mean()
        if penalty is not None:
            loss = loss + penalty(model, part, quantiles)
        (loss * ((stop - start) / len(windows))).backward()
        losses.append(each.detach().numpy())
    norm = torch.nn.utils.clip_grad_norm_(parameters, clip_norm or float("inf"))
    before = np.concatenate(losses).astype(np.float64)
    if not (np.isfinite(before).all() and bool(torch.isfinite(norm))):
        optimizer.zero_grad(set_to_none=True)
        raise InvalidSampleError("The loss of the batch or its gradient is not finite.")
    optimizer.step()
    return before


def train(
    model: Forecaster,
    windows: Windows,
    *,
    n_epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Floats:
    """Train on all windows, the rate falling to zero by a cosine; return the mean loss per epoch.

    Parameters
    ----------
    model : Forecaster
        Trained in place.
    windows : Windows
    n_epochs, batch_size : int
    learning_rate : float
        At the start.
    seed : int
        Of the order of the windows and of dropout; the random state of torch is restored.

    Raises
    ------
    InvalidParameterError
        If there is no window: gaps leave no stretch that is long enough.
    """
    import torch

    if len(windows) == 0:
        raise InvalidParameterError(
            f"The frame has no stretch of {model.config.length} consecutive time steps."
        )
    integer("batch_size", batch_size)
    rng = np.random.default_rng(seed)
    optimizer = fused_adam(model, learning_rate)
    n_steps = integer("n_epochs", n_epochs) * -(-len(windows) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    curve = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(n_epochs):
            order = rng.permutation(len(windows))
            losses = []
            for start in range(0, len(order), batch_size):
                batch = windows.take(order[start : start + batch_size])
                losses.append(optimisation_step(model, optimizer, batch))
                schedule.step()
            curve.append(float(np.concatenate(losses).mean()))
    model.net.eval()
    return np.array(curve)
