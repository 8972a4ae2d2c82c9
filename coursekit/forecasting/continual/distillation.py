"""Knowledge distillation: a frozen teacher keeps the student near its forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import StateFormatError
from coursekit.core.state import State
from coursekit.core.validation import number
from coursekit.forecasting.continual.method import ContinualMethod, SlidingWindow
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["Distillation"]


class Distillation(ContinualMethod):
    r"""Add $\lambda$ times the mean absolute difference to the forecasts of the base model.

    Parameters
    ----------
    weight : float, 0 or more
        $\lambda$.
    inner : ContinualMethod, optional
        What the batches are made of. On recent windows alone (the default) the teacher argues for
        the old concept where it no longer holds; with `Replay` it also speaks about old windows.

    References
    ----------
    Z. Li and D. Hoiem (2018), "Learning without forgetting", arXiv:1606.09282.
    """

    def __init__(self, weight: float = 0.5, inner: ContinualMethod | None = None) -> None:
        self.weight = number("weight", weight, at_least=0)
        self.inner = SlidingWindow() if inner is None else inner
        self.teacher: Forecaster | None = None

    def config(self) -> State:
        """Return the weight; the inner method has settings of its own."""
        return {"weight": self.weight}

    def clone(self) -> Distillation:
        """Return a new object with the same settings and without a teacher."""
        return Distillation(self.weight, self.inner.clone())

    def start(self, model: Forecaster, windows: WindowSet) -> None:
        """Make a copy of the base model the teacher."""
        self.inner.start(model, windows)
        self.teacher = _frozen(model.copy())

    def batch(self, recent: WindowSet, n: int, rng: np.random.Generator) -> WindowSet:
        """Return the batch of the inner method."""
        return self.inner.batch(recent, n, rng)

    def penalty(
        self, model: Forecaster, windows: WindowSet, quantiles: torch.Tensor
    ) -> torch.Tensor:
        """Return the inner penalty plus the distance to the teacher; 0 for it before `start`."""
        import torch

        inner = self.inner.penalty(model, windows, quantiles)
        if self.teacher is None:
            return inner
        with torch.no_grad():
            taught = self.teacher.output(windows)
        return inner + self.weight * (quantiles - taught).abs().mean()

    def observe(self, losses: Floats) -> None:
        """Hand the losses to the inner method."""
        self.inner.observe(losses)

    def remember(self, model: Forecaster, windows: WindowSet) -> None:
        """Hand the windows to the inner method."""
        self.inner.remember(model, windows)

    def _get_memory(self) -> State:
        teacher = None if self.teacher is None else self.teacher.to_state()
        return {"inner": self.inner.get_state(), "teacher": teacher}

    def _check_memory(self, memory: State) -> None:
        if not {"inner", "teacher"} <= memory.keys():
            raise StateFormatError("The state has no teacher and no inner method.")
        self.inner._check_state(memory["inner"])

    def _set_memory(self, memory: State) -> None:
        self.inner.set_state(memory["inner"])
        state = memory["teacher"]
        self.teacher = None if state is None else _frozen(Forecaster.from_state(state))


def _frozen(model: Forecaster) -> Forecaster:
    model.net.eval().requires_grad_(False)
    return model
