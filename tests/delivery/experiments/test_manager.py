"""The manager: experiments by id, and one transaction at the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.clock import ManualClock
from coursekit.core.errors import (
    ConflictError,
    IllegalTransitionError,
    InvalidParameterError,
    UnknownNameError,
)
from coursekit.core.state import load_state, save_state
from coursekit.delivery.experiments import ABTestManager, GroupSequential, Metric
from coursekit.delivery.registry.registry import ModelRegistry


class FakeRegistry:
    """Remembers promotions; refuses them while `is_broken`."""

    def __init__(self) -> None:
        self.promotions: list[tuple[str, str, tuple[str, ...], str]] = []
        self.is_broken = False

    def promote(self, model_id: str, version: str, *, why: str, retire: Iterable[str] = ()) -> None:
        if self.is_broken:
            raise ConflictError("Somebody else has promoted.")
        self.promotions.append((model_id, version, tuple(retire), why))


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def manager(registry: FakeRegistry) -> ABTestManager:
    return ABTestManager(registry, ManualClock())


def create(manager: ABTestManager, name: str = "ranking", **settings):
    return manager.create_experiment(
        name, "films/1", ["films/2", "films/3"], None, "clicks", **settings
    )


def test_a_user_keeps_its_variant_and_outcomes_count(manager: ABTestManager) -> None:
    experiment = create(manager)
    first = manager.assign_user_to_variant("ranking", "ada")
    assert first in experiment.variants
    assert manager.assign_user_to_variant("ranking", "ada") == first
    manager.record_outcome("ranking", "ada", 2.0)
    results = manager.get_experiment_results("ranking")
    assert sum(arm.n_units for arm in results.arms) == 1
    assert [experiment.experiment_id for experiment in manager.experiments()] == ["ranking"]


def test_stopping_promotes_the_winner_and_retires_all_others_at_once(
    manager: ABTestManager, registry: FakeRegistry
) -> None:
    experiment = create(manager)
    manager.stop_experiment("ranking", "films/3", why="more clicks")
    assert registry.promotions == [("films", "3", ("1", "2"), "more clicks")]
    assert not experiment.is_running
    with pytest.raises(IllegalTransitionError, match="'ranking' is stopped"):
        manager.stop_experiment("ranking", "films/3")


def test_stopping_without_a_winner_promotes_nothing(
    manager: ABTestManager, registry: FakeRegistry
) -> None:
    create(manager)
    manager.stop_experiment("ranking")
    assert registry.promotions == []


def test_if_the_registry_refuses_the_experiment_goes_on(
    manager: ABTestManager, registry: FakeRegistry
) -> None:
    experiment = create(manager)
    registry.is_broken = True
    with pytest.raises(ConflictError):
        manager.stop_experiment("ranking", "films/2")
    assert experiment.is_running


def test_experiments_of_a_layer_share_no_user(manager: ABTestManager) -> None:
    for name, coverage in (("one", 0.3), ("two", 0.5)):
        create(manager, name, layer="page", coverage=coverage)
    taking_part = [
        {user for user in range(2000) if manager.assign_user_to_variant(name, user)}
        for name in ("one", "two")
    ]
    assert not taking_part[0] & taking_part[1] and all(taking_part)
    with pytest.raises(InvalidParameterError, match=r"at most 0\.2, what is free"):
        create(manager, "three", layer="page", coverage=0.3)
    with pytest.raises(UnknownNameError):
        manager.experiment("three")


def test_a_restored_manager_continues_as_if_nothing_had_happened(
    manager: ABTestManager, tmp_path: Path
) -> None:
    create(manager, "one", layer="page", coverage=0.3, stopping=GroupSequential(300, n_looks=3))
    create(manager, "two", layer="page", coverage=0.5, min_samples=5, duration_hours=0)
    bought = Metric(name="bought", kind="conversion")
    manager.create_experiment(
        "three", "a/1", ["a/2"], {"a/1": 0.9, "a/2": 0.1}, bought, guardrails=[Metric(name="ms")]
    )
    for experiment in manager.experiments():
        experiment.assign_many(np.arange(200))
    manager.record_outcome("two", next(iter(manager.experiment("two").log._rows)), 1.0)
    manager.stop_experiment("one")
    save_state(tmp_path / "m.state", manager.get_state(), kind="ABTestManager")
    twin = ABTestManager(FakeRegistry(), ManualClock())
    twin.set_state(load_state(tmp_path / "m.state", kind="ABTestManager"))
    for each in (manager, twin):
        each.experiment("two").ramp(0.9)
        each.experiment("two").assign_many(np.arange(200, 400))
        each.assign_user_to_variant("three", "ada")
    for name in ("one", "two", "three"):
        ours, theirs = (each.get_experiment_results(name) for each in (manager, twin))
        assert repr(ours) == repr(theirs)  # some lifts are NaN
    np.testing.assert_equal(twin.get_state(), manager.get_state())


@pytest.mark.parametrize(
    ("models", "split", "words"),
    [
        (("films/1", ["actors/2"]), None, "other versions of the model"),
        (("films/1", ["films/1"]), None, "other versions of the model"),
        (("films", ["films/2"]), None, 'named as "model/version"'),
        (("films/1", ["films/2"]), {"films/1": 1.0}, "`traffic_split` must name films/1, films/2"),
        (("films/1", ["films/2"]), {"films/1": 0.5, "films/2": 0.4}, "must sum to 1"),
    ],
)
def test_models_and_split_are_validated(manager: ABTestManager, models, split, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        manager.create_experiment("bad", *models, split, "clicks")
    assert manager.experiments() == []


def test_an_id_is_used_once_and_unknown_ids_are_named(manager: ABTestManager) -> None:
    create(manager)
    with pytest.raises(ConflictError, match="'ranking' already"):
        create(manager)
    with pytest.raises(UnknownNameError, match="no experiment 'rank'; there are ranking"):
        manager.assign_user_to_variant("rank", "ada")
    with pytest.raises(UnknownNameError, match="`winner` must be one of 'films/1'"):
        manager.stop_experiment("ranking", "films/9")


def test_the_real_registry_promotes_and_retires(tmp_path: Path) -> None:
    with ModelRegistry.at(tmp_path, by="experiments") as registry:
        for _ in range(3):
            registry.register_model("films", algorithm="MF")
        registry.promote("films", "1", why="first")
        manager = ABTestManager(registry, ManualClock())
        create(manager)
        manager.stop_experiment("ranking", "films/3")
        statuses = {each.version: each.status.value for each in registry.list_models("films")}
        assert statuses == {"1": "retired", "2": "retired", "3": "production"}
        create(manager, "again")
        registry.update_model_status("films", "2", "failed", why="corrupt")
        with pytest.raises(IllegalTransitionError):
            manager.stop_experiment("again", "films/2")
        assert registry.get_latest_version("films", "production").version == "3"
        assert manager.experiment("again").is_running
