"""What an update of a model in production did."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UpdateResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """What an update did.

    Parameters
    ----------
    accepted : bool
        Whether the candidate is in production now.
    reason : str
        Why, or why not.
    at : float
        Event time in seconds: the end of the latest row.
    n_windows, n_screened, n_steps : int
        Windows to learn from, windows refused by the screen, and optimisation steps.
    initial_loss, final_loss : float
        Mean loss in the first and in the last pass; NaN without a step.
    candidate_error, production_error : float
        Mean absolute errors that the gate compared; NaN without a gate.
    version : int or None
        Number in the store, if it was accepted and there is a store.
    """

    accepted: bool
    reason: str
    at: float
    n_windows: int = 0
    n_screened: int = 0
    n_steps: int = 0
    initial_loss: float = float("nan")
    final_loss: float = float("nan")
    candidate_error: float = float("nan")
    production_error: float = float("nan")
    version: int | None = None
