"""Online training: back up, update, validate, then accept or roll back (lesson 18)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.core.validation import integer
from coursekit.forecasting.buffers import SlidingWindowBuffer
from coursekit.forecasting.config import OnlineConfig
from coursekit.forecasting.continual import (
    ContinualMethod,
    DriftBoost,
    UpdateResult,
    fused_adam,
    method_of,
    optimisation_step,
)
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import (
    AuditTrail,
    CircuitBreaker,
    Gate,
    GateDecision,
    HoldOut,
    RecentGate,
    Screen,
    VersionStore,
    decide,
)
from coursekit.forecasting.windows import WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["OnlineTrainer"]


class OnlineTrainer:
    """Keep a model up to date; `production` is replaced only by a candidate that passed the gates.

    An update learns from the windows that end before the latest `holdout` steps, and compares
    candidate and production on these steps: neither has seen them. It makes `online_epochs` passes
    over as many windows as are new, drawn by the continual method. If a candidate is refused, its
    weights and the state of its optimizer are restored (`enable_rollback`), or it goes on learning
    while production stays (a *dual model*).

    Parameters
    ----------
    model : Forecaster
        The base model; it is not changed.
    config : OnlineConfig
    base : MetricFrame
        Trusted rows that the model was trained on; the stream continues them.
    method : ContinualMethod, optional
        Default: that of `config.strategy`.
    gates : sequence of Gate, optional
        Default: a `RecentGate` with `config.validation_threshold`.
    screen : Screen, optional
        Which windows are learnt from. Default: all.
    breaker : CircuitBreaker, optional
        Default: no pause.
    boost : DriftBoost, optional
        Learning rate after `alarm`. Default: unchanged.
    store : VersionStore, optional
        Where accepted models are saved.
    audit : AuditTrail, optional
    seed : int
        Of batches and dropout.

    Attributes
    ----------
    production : Forecaster
        Replaced as a whole, never changed in place: a reference to it stays valid.
    history : list of UpdateResult
    """

    def __init__(
        self,
        model: Forecaster,
        config: OnlineConfig,
        base: MetricFrame,
        *,
        method: ContinualMethod | None = None,
        gates: Sequence[Gate] | None = None,
        screen: Screen | None = None,
        breaker: CircuitBreaker | None = None,
        boost: DriftBoost | None = None,
        store: VersionStore | None = None,
        audit: AuditTrail | None = None,
        seed: int = 0,
    ) -> None:
        model.scaling.check(base)
        windows = model.windows(base)
        if len(windows) == 0:
            raise InvalidParameterError(
                f"`base` has no stretch of {model.config.length} consecutive time steps."
            )
        self.config = config
        self.method = method_of(config) if method is None else method
        default: list[Gate] = [RecentGate(tolerance=config.validation_threshold)]
        self.gates = tuple(default if gates is None else gates)
        self.screen, self.breaker, self.boost = screen, breaker, boost
        self.store, self.audit = store, audit
        self.production = model.copy()
        self.history: list[UpdateResult] = []
        self.buffer = SlidingWindowBuffer(config.sliding_window_hours)
        self.buffer.add(base)
        self._learner = model.copy()
        self._optimizer: torch.optim.Adam = fused_adam(self._learner, config.online_learning_rate)
        self._rng = np.random.default_rng(integer("seed", seed, at_least=0))
        self._learnt_until = base.span[1]
        self._n_steps = 0
        self._alarm_at: int | None = None
        self.method.start(self._learner, windows.take())
        if store is not None and not store.versions:
            store.save(model, at=self._seconds(base.span[1]), reason="base model")

    @property
    def holdout(self) -> int:
        """Number of latest time steps on which a candidate is validated."""
        seconds = 60 * self.config.update_frequency_minutes
        step = self.production.scaling.step_seconds
        return max(-(-seconds // step), self.production.config.horizon)

    def alarm(self) -> None:
        """Boost the learning rate from the next step on, after a drift."""
        self._alarm_at = self._n_steps

    def update(self, frame: MetricFrame) -> UpdateResult:
        """Add rows, update a candidate and validate it.

        Raises
        ------
        InvalidSampleError
            If the frame has other metrics or another time step; nothing has changed. (A frame
            without target, or with NaN, cannot be made.)
        """
        self.production.scaling.check(frame)
        self.buffer.add(frame)
        result = self._update()
        self.history.append(result)
        if self.audit is not None:
            self.audit.record("update", **asdict(result))
        return result

    def _update(self) -> UpdateResult:
        at = self._seconds(self.buffer.get_window().span[1])
        skipped = self._reason_to_skip(at)
        if skipped:
            return UpdateResult(accepted=False, reason=skipped, at=at)
        recent, fresh, held_out, n_screened = self._windows()
        counts: dict[str, Any] = {"at": at, "n_windows": len(recent), "n_screened": n_screened}
        if len(fresh) == 0:
            return UpdateResult(accepted=False, reason="no new windows", **counts)
        backup = self._backup()
        try:
            losses = self._learn(recent, n_fresh=len(fresh))
        except InvalidSampleError as error:
            self._restore(backup)
            decision, losses = GateDecision(accepted=False, reason=str(error)), []
        else:
            decision = self._validate(held_out)
        if decision.accepted or not self.config.enable_rollback:
            self._learnt_until = int(fresh.origin.max()) + self.production.config.horizon
            self.method.remember(self._learner, fresh)
        elif losses:
            self._restore(backup)
        if self.breaker is not None:
            self.breaker.record(decision.accepted, at)
        version = self._promote(at, decision.reason) if decision.accepted else None
        n_pass = max(len(losses) // self.config.online_epochs, 1)
        return UpdateResult(
            accepted=decision.accepted,
            reason=decision.reason,
            n_steps=len(losses),
            initial_loss=float(np.mean(losses[:n_pass] or np.nan)),
            final_loss=float(np.mean(losses[-n_pass:] or np.nan)),
            candidate_error=decision.candidate,
            production_error=decision.production,
            version=version,
            **counts,
        )

    def _reason_to_skip(self, at: float) -> str:
        if not self.config.enabled:
            return "updates are disabled"
        if not self.buffer.is_ready(self.config.min_samples_for_update):
            n = self.config.min_samples_for_update
            return f"too few samples: {self.buffer.size}, needed {n}"
        if self.breaker is not None and not self.breaker.allows(at):
            return "the circuit breaker is open"
        return ""

    def _windows(self) -> tuple[WindowSet, WindowSet, HoldOut, int]:
        """Return windows to learn from, the new ones among them, hold-out, number screened."""
        window = self.buffer.get_window()
        windows = self.production.windows(window)
        start = window.span[1] - self.holdout
        recent = windows.take(windows.between(-np.inf, start))
        late = windows.take(windows.origin + windows.horizon > start)
        n = len(recent)
        if self.screen is not None:
            recent = recent.take(self.screen.accepted(recent))
            late = late.take(self.screen.accepted(late))
        is_fresh = recent.origin + windows.horizon > self._learnt_until
        return recent, recent.take(is_fresh), HoldOut(windows=late, start=start), n - len(recent)

    def _learn(self, recent: WindowSet, n_fresh: int) -> list[float]:
        """Make the steps of an update and return the mean loss of each."""
        import torch

        size = self.config.online_batch_size
        losses = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._rng.integers(2**31)))
            for _ in range(self.config.online_epochs * -(-n_fresh // size)):
                self._set_rate()
                batch = self.method.batch(recent, size, self._rng)
                found = optimisation_step(
                    self._learner, self._optimizer, batch, penalty=self.method.penalty
                )
                self.method.observe(found)
                losses.append(float(found.mean()))
                self._n_steps += 1
        return losses

    def _set_rate(self) -> None:
        rate = self.config.online_learning_rate
        if self.boost is not None and self._alarm_at is not None:
            rate *= self.boost.at(self._n_steps - self._alarm_at)
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _validate(self, held_out: HoldOut) -> GateDecision:
        if not self.config.enable_validation:
            return GateDecision(accepted=True, reason="no validation")
        return decide(self.gates, self._learner, self.production, held_out)

    def _promote(self, at: float, reason: str) -> int | None:
        """Put a copy of the learner into production, on disk first."""
        candidate = self._learner.copy()
        version = None if self.store is None else self.store.save(candidate, at=at, reason=reason)
        self.production = candidate
        return None if version is None else version.number

    def _backup(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return self._learner.weights(), copy.deepcopy(self._optimizer.state_dict())

    def _restore(self, backup: tuple[dict[str, torch.Tensor], dict[str, Any]]) -> None:
        self._learner.set_weights(backup[0])
        self._optimizer.load_state_dict(backup[1])

    def _seconds(self, time: int) -> float:
        return float(time * self.production.scaling.step_seconds)
