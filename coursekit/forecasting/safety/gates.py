"""Gates: a candidate replaces the model in production only if measurements say so (lesson 18).

A gate that says no returns a decision with its reason; it raises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from coursekit.core.validation import number
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

__all__ = ["AnchorGate", "Gate", "GateDecision", "HoldOut", "RecentGate", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether a candidate may go on, and why.

    Parameters
    ----------
    accepted : bool
    reason : str
    candidate, production : float
        Mean absolute errors that were compared; NaN where the gate had no windows.
    """

    accepted: bool
    reason: str
    candidate: float = float("nan")
    production: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoldOut:
    """Windows to measure models on, and the time from which their targets were never learnt.

    Parameters
    ----------
    windows : WindowSet
    start : float
        Errors at earlier time steps do not count.
    """

    windows: WindowSet
    start: float = -math.inf

    def __len__(self) -> int:
        return len(self.windows)

    def error(self, model: Forecaster) -> float:
        """Return the mean absolute error of a model; NaN without windows."""
        if len(self) == 0:
            return math.nan
        errors = model.step_errors(self.windows)
        time = self.windows.origin[:, None] + np.arange(errors.shape[1])
        return float(errors[time >= self.start].mean())


class Gate(Protocol):
    """Compares a candidate with the model in production."""

    def check(self, candidate: Forecaster, production: Forecaster, recent: HoldOut) -> GateDecision:
        """Return whether the candidate passes.

        Parameters
        ----------
        candidate, production : Forecaster
        recent : HoldOut
            The latest rows, which neither model was trained on.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentGate:
    """The error on the latest rows may rise by at most a share `tolerance`.

    Parameters
    ----------
    tolerance : float, 0 or more
    """

    tolerance: float = 0.05

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, at_least=0)

    def check(self, candidate: Forecaster, production: Forecaster, recent: HoldOut) -> GateDecision:
        """Compare the errors on the latest rows; without any the candidate does not pass."""
        new, old = recent.error(candidate), recent.error(production)
        limit = (1 + self.tolerance) * old
        reason = f"recent rows: {new:.3g}, limit {limit:.3g}" if len(recent) else "no recent rows"
        return GateDecision(accepted=new <= limit, reason=reason, candidate=new, production=old)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnchorGate:
    """The error on a fixed set of old windows may exceed that of the base model by a `slack`.

    The limit does not follow the model in production, so small steps cannot add up to forgetting.
    Without slack the gate blocks adaptation: after a shift the best model for the present is worse
    on the past.

    Parameters
    ----------
    anchor : HoldOut
        Old windows.
    base_error : float
        Mean absolute error of the base model on them.
    slack : float, 0 or more
        A share of `base_error`.
    """

    anchor: HoldOut
    base_error: float
    slack: float = 0.5

    def __post_init__(self) -> None:
        number("slack", self.slack, at_least=0)
        number("base_error", self.base_error, at_least=0)

    def check(self, candidate: Forecaster, production: Forecaster, recent: HoldOut) -> GateDecision:
        """Compare the error on the anchor with the limit."""
        error, limit = self.anchor.error(candidate), (1 + self.slack) * self.base_error
        return GateDecision(
            accepted=error <= limit,
            reason=f"anchor: {error:.3g}, limit {limit:.3g}",
            candidate=error,
            production=self.anchor.error(production),
        )


def decide(
    gates: Sequence[Gate], candidate: Forecaster, production: Forecaster, recent: HoldOut
) -> GateDecision:
    """Return the first refusal, else the decision of the first gate."""
    decisions = []
    for gate in gates:
        decisions.append(gate.check(candidate, production, recent))
        if not decisions[-1].accepted:
            return decisions[-1]
    return decisions[0] if decisions else GateDecision(accepted=True, reason="no gate")
