"""What an update of the model minimises, and on which windows (lesson 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["ContinualMethod", "SlidingWindow"]


class ContinualMethod(Stateful):
    """Base class: batches of recent windows, and no further term in the loss.

    A trainer calls `start` once with the base model, then for each update `batch`, `penalty` and
    `observe` per step, and `remember` with the windows that were new in it.
    """

    def start(self, model: Forecaster, windows: WindowSet) -> None:
        """Prepare with the base model and windows that it was trained on."""

    def batch(self, recent: WindowSet, n: int, rng: np.random.Generator) -> WindowSet:
        """Return the `n` windows of the next step."""
        return recent.take(rng.integers(len(recent), size=n))

    def penalty(
        self, model: Forecaster, windows: WindowSet, quantiles: torch.Tensor
    ) -> torch.Tensor:
        """Return the further term of the loss for a batch."""
        return quantiles.new_zeros(())

    def observe(self, losses: Floats) -> None:
        """Receive the losses of the windows of the last batch."""

    def remember(self, model: Forecaster, windows: WindowSet) -> None:
        """Receive the windows that were new in an accepted update."""


class SlidingWindow(ContinualMethod):
    """Learn from the recent windows only: adapts fast, and forgets what they do not show."""

    def config(self) -> State:
        """Return no settings."""
        return {}
