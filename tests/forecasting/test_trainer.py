from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.forecasting.config import OnlineConfig
from coursekit.forecasting.continual import DriftBoost, SlidingWindow, method_of
from coursekit.forecasting.fleet import MetricFrame, simulated_fleet
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.safety import (
    AnchorGate,
    AuditTrail,
    CircuitBreaker,
    HoldOut,
    Screen,
    VersionStore,
)
from coursekit.forecasting.trainer import OnlineTrainer
from coursekit.forecasting.windows import WindowSet

START = 14 * 24
CONFIG = OnlineConfig(
    strategy="sliding_window",
    update_frequency_minutes=360,
    min_samples_for_update=100,
    sliding_window_hours=60,
    replay_buffer_size=1000,
    online_learning_rate=0.005,
    online_epochs=4,
    online_batch_size=32,
)


def trainer_of(
    model: Forecaster, base: MetricFrame, config: OnlineConfig = CONFIG, **settings: Any
) -> OnlineTrainer:
    return OnlineTrainer(model, config, base, **settings)


def equal(first: Forecaster, second: Forecaster) -> bool:
    import torch

    theirs = second.weights()
    return all(torch.equal(weight, theirs[name]) for name, weight in first.weights().items())


def days(frame: MetricFrame, first: float, last: float) -> MetricFrame:
    return frame.between(START + 24 * first, START + 24 * last)


class Refuse:
    """A gate that never lets a candidate pass."""

    def check(self, candidate: Any, production: Any, recent: HoldOut) -> Any:
        from coursekit.forecasting.safety import GateDecision

        return GateDecision(accepted=False, reason="refused")


def test_updates_adapt_to_a_shift(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    trainer = trainer_of(trained, old_days)
    last = trained.windows(days(new_days, 4, 7)).take()
    results = [trainer.update(days(new_days, at, at + 1)) for at in range(4)]
    assert sum(result.accepted for result in results) >= 3
    assert trainer.production.errors(last).mean() < 0.7 * trained.errors(last).mean()
    assert results[0].final_loss < results[0].initial_loss
    assert trainer.history == results


def test_the_base_model_and_a_served_reference_never_change(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    before = trained.copy()
    trainer = trainer_of(trained, old_days, gates=[])
    served = trainer.production
    assert trainer.update(days(new_days, 0, 1)).accepted
    assert equal(served, before) and equal(trained, before)
    assert trainer.production is not served and not equal(trainer.production, before)


def test_updates_repeat_exactly(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    import torch

    found = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        trainer = trainer_of(trained, old_days, CONFIG.with_settings(strategy="replay"))
        trainer.update(days(new_days, 0, 1))
        found.append(trainer.production)
    assert equal(*found)


def test_a_refused_candidate_leaves_no_trace(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    """Weights and optimizer are restored: the next update equals one without the refused one."""
    first, second = days(new_days, 0, 1), days(new_days, 1, 2)
    trainer = trainer_of(trained, old_days)
    trainer.update(first)
    weights = trainer.production.copy()
    state = {k: v["exp_avg"].clone() for k, v in trainer._optimizer.state_dict()["state"].items()}
    gates, trainer.gates = trainer.gates, (Refuse(),)
    refused = trainer.update(second)
    assert not refused.accepted and refused.reason == "refused" and refused.n_steps > 0
    assert equal(trainer.production, weights) and equal(trainer._learner, weights)
    after = trainer._optimizer.state_dict()["state"]
    assert all(bool((after[k]["exp_avg"] == v).all()) for k, v in state.items())
    trainer.gates = gates
    assert trainer.update(days(new_days, 2, 3)).n_steps > refused.n_steps  # both days are new


def test_without_rollback_the_learner_goes_on(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    config = CONFIG.with_settings(enable_rollback=False)
    trainer = trainer_of(trained, old_days, config, gates=[Refuse()])
    trainer.update(days(new_days, 0, 1))
    assert equal(trainer.production, trained) and not equal(trainer._learner, trained)


def test_a_gate_on_old_data_alone_blocks_adaptation(
    trained: Forecaster, old_days: MetricFrame, old_windows: WindowSet, new_days: MetricFrame
) -> None:
    """What helps is an anchor with slack beside recent data, not a hold-out of the past."""
    anchor = HoldOut(windows=old_windows.take(slice(0, None, 10)))
    gate = AnchorGate(anchor=anchor, base_error=anchor.error(trained), slack=0.0)
    blocked = trainer_of(trained, old_days, gates=[gate])
    results = [blocked.update(days(new_days, at, at + 1)) for at in range(2)]
    assert not any(result.accepted for result in results)
    assert all(result.reason.startswith("anchor") for result in results)
    assert equal(blocked.production, trained)


def test_a_candidate_is_never_validated_on_what_it_learnt(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    learnt: list[int] = []

    class Spy(SlidingWindow):
        def batch(self, recent: WindowSet, n: int, rng: np.random.Generator) -> WindowSet:
            learnt.append(int(recent.origin.max()) + 6)
            return super().batch(recent, n, rng)

    validated: list[float] = []

    class SpyGate(Refuse):
        def check(self, candidate: Any, production: Any, recent: HoldOut) -> Any:
            validated.append(recent.start)
            assert len(recent) > 0
            return super().check(candidate, production, recent)

    trainer = trainer_of(trained, old_days, method=Spy(), gates=[SpyGate()])
    for at in (0.0, 0.5, 1.0):
        trainer.update(days(new_days, at, at + 0.5))
        if learnt:
            assert max(learnt) <= validated[-1]
    assert validated


def test_poisoned_windows_are_screened(trained: Forecaster, old_windows: WindowSet) -> None:
    fleet = simulated_fleet("poisoning", n_servers=4, n_days=21, change_day=14)
    base, poisoned = fleet.frame.between(0, START), days(fleet.frame, 0, 1)
    after = trained.windows(days(fleet.frame, 2, 7)).take()
    errors = {}
    for screen in (None, Screen.fit(old_windows)):
        trainer = trainer_of(trained, base, gates=[], screen=screen)
        trainer.update(poisoned)
        trainer.update(days(fleet.frame, 1, 2))
        errors[screen is not None] = trainer.production.errors(after).mean()
    assert errors[True] < 1.25 * trained.errors(after).mean()
    assert errors[False] > 1.5 * errors[True]


def test_reasons_not_to_update_are_named(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    day = days(new_days, 0, 1)
    too_few = trainer_of(trained, old_days, CONFIG.with_settings(min_samples_for_update=10**6))
    assert too_few.update(day).reason == "too few samples: 240, needed 1000000"
    disabled = trainer_of(trained, old_days, CONFIG.with_settings(enabled=False))
    assert disabled.update(day).reason == "updates are disabled"
    breaker = CircuitBreaker(max_failures=1, pause_hours=100)
    paused = trainer_of(trained, old_days, gates=[Refuse()], breaker=breaker)
    assert paused.update(day).reason == "refused"
    assert paused.update(days(new_days, 1, 2)).reason == "the circuit breaker is open"
    again = trainer_of(trained, old_days)
    assert again.update(days(new_days, 0, 0)).reason == "no new windows"
    for trainer in (too_few, disabled, paused, again):
        assert equal(trainer.production, trained)


def test_bad_frames_change_nothing(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    trainer = trainer_of(trained, old_days)
    size = trainer.buffer.size
    state = new_days.to_state()
    for change in ({"step_seconds": 60}, {"metrics": ["a", "b", "c", "event"]}):
        with pytest.raises(InvalidSampleError, match="like the model"):
            trainer.update(MetricFrame.from_state(state | change))
    assert trainer.buffer.size == size and trainer.history == []
    with pytest.raises(InvalidParameterError, match="`base` has no stretch"):
        trainer_of(trained, old_days.between(0, 10))


def test_steps_that_fail_are_undone(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    """A penalty that overflows in the third step."""

    class Broken(SlidingWindow):
        n = 0

        def penalty(self, model: Any, windows: Any, quantiles: Any) -> Any:
            self.n += 1
            return quantiles.sum() * (math.inf if self.n == 3 else 0.0)

    trainer = trainer_of(trained, old_days, method=Broken())
    result = trainer.update(days(new_days, 0, 1))
    assert not result.accepted and "not finite" in result.reason
    assert equal(trainer.production, trained) and equal(trainer._learner, trained)


def test_accepted_versions_are_stored_and_audited(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame, tmp_path: Path
) -> None:
    store, audit = VersionStore(tmp_path / "models", keep=2), AuditTrail(tmp_path / "audit.jsonl")
    trainer = trainer_of(trained, old_days, store=store, audit=audit, gates=[])
    for at in range(2):
        result = trainer.update(days(new_days, at, at + 1))
        assert result.version == at + 2
    assert [version.number for version in store.versions] == [2, 3]
    assert store.versions[-1].created_at == (START + 48) * 3600.0
    assert equal(store.load(), trainer.production)
    entries = audit.entries()
    assert [entry["version"] for entry in entries] == [2, 3]
    assert entries[0]["candidate_error"] is None and entries[0]["n_steps"] > 0


def test_an_alarm_boosts_the_rate_for_a_while(
    trained: Forecaster, old_days: MetricFrame, new_days: MetricFrame
) -> None:
    boost = DriftBoost(factor=3.0, half_life=5)
    trainer = trainer_of(trained, old_days, boost=boost)
    rates: list[float] = []

    class Spy(SlidingWindow):
        def observe(self, losses: Any) -> None:
            rates.append(trainer._optimizer.param_groups[0]["lr"])

    trainer.method = Spy()
    trainer.update(days(new_days, 0, 1))
    assert set(rates) == {0.005}
    rates.clear()
    trainer.alarm()
    trainer.update(days(new_days, 1, 2))
    assert rates[0] == pytest.approx(0.015) and rates[5] == pytest.approx(0.01)


@pytest.mark.parametrize("strategy", ["sliding_window", "replay", "ewc", "distillation"])
def test_every_online_strategy_has_a_method(strategy: str) -> None:
    assert method_of(CONFIG.with_settings(strategy=strategy)).get_state()["class"]


def test_periodic_retraining_is_no_method() -> None:
    with pytest.raises(InvalidParameterError, match=r"continual.retrain"):
        method_of(CONFIG.with_settings(strategy="periodic"))
