"""What a registry promises, on every store."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.clock import ManualClock
from coursekit.core.errors import (
    ConflictError,
    CourseKitError,
    DataUnavailableError,
    IllegalTransitionError,
    IntegrityError,
    InvalidParameterError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.datasets.streams import rating_stream
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.delivery.registry.store import Writes
from coursekit.delivery.registry.version import TRANSITIONS, ModelStatus, ModelVersion
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

PATHS = {
    ModelStatus.TRAINING: [],
    ModelStatus.STAGED: ["staged"],
    ModelStatus.SHADOW: ["staged", "shadow"],
    ModelStatus.PRODUCTION: ["staged", "production"],
    ModelStatus.RETIRED: ["staged", "production", "retired"],
    ModelStatus.FAILED: ["failed"],
}
"""Status -> how a version that is being trained gets there."""


def register(registry: ModelRegistry, n: int = 1, model_id: str = "ratings") -> None:
    for _ in range(n):
        registry.register_model(model_id, algorithm="Mean")


def content(registry: ModelRegistry) -> object:
    """Everything that a registry holds."""
    store = registry.store
    return [
        (store.versions(model), store.aliases(model), store.history(model), store.production(model))
        for model in store.models()
    ]


def live(registry: ModelRegistry) -> list[str]:
    return [each.version for each in registry.list_models("ratings", "production")]


def test_a_version_is_read_as_it_was_registered(place) -> None:
    clock = ManualClock(50.0)
    with place.open(clock=clock) as registry:
        model = OnlineMatrixFactorization(n_factors=2)
        written = registry.register_model(
            "ratings",
            model,
            version="2026.11-rc1",
            performance_metrics={"rmse": np.float32(0.5), "n": np.int64(3)},
            metadata={"data": ["a", "b"], "share": np.float64(0.25)},
        )
    with place.open() as other:
        assert other.get_model_version("ratings", "2026.11-rc1") == written
    assert written == ModelVersion(
        model_id="ratings",
        version="2026.11-rc1",
        number=1,
        algorithm="OnlineMatrixFactorization",
        status=ModelStatus.STAGED,
        created_at=50.0,
        performance_metrics={"rmse": 0.5, "n": 3.0},
        hyperparameters=json.loads(json.dumps(model.config())),
        model_path=written.model_path,
        model_hash=written.model_hash,
        metadata={"data": ["a", "b"], "share": 0.25},
    )


def test_versions_are_numbered_in_order_and_names_may_be_given(registry) -> None:
    register(registry, 2)
    registry.register_model("ratings", algorithm="Mean", version="final")
    register(registry, 1)
    register(registry, 1, "clicks")
    versions = registry.list_models("ratings")
    assert [each.version for each in versions] == ["1", "2", "final", "4"]
    assert [each.number for each in versions] == [1, 2, 3, 4]
    assert [each.model_id for each in registry.list_models()] == ["clicks", *["ratings"] * 4]
    assert registry.get_latest_version("ratings").version == "4"
    assert registry.get_latest_version("ratings", "production") is None
    assert registry.get_latest_version("nothing") is None


def test_more_than_nine_versions_stay_in_order(registry) -> None:
    register(registry, 12)
    assert [each.number for each in registry.list_models("ratings")] == list(range(1, 13))


@pytest.mark.parametrize("before", ModelStatus)
@pytest.mark.parametrize("after", ModelStatus)
def test_exactly_the_legal_moves_happen(registry, before, after) -> None:
    registry.register_model("ratings", algorithm="Mean", status="training")
    for status in PATHS[before]:
        registry.update_model_status("ratings", "1", status, why="on the way")
    stored = content(registry)
    if after in TRANSITIONS[before]:
        moved = registry.update_model_status("ratings", "1", after, why="because")
        assert moved.status == after == registry.get_model_version("ratings", "1").status
        event = registry.history("ratings")[-1]
        assert (event.before, event.after, event.why) == (before, after, "because")
    else:
        with pytest.raises(IllegalTransitionError, match=f"is in {before}; it can become .*"):
            registry.update_model_status("ratings", "1", after, why="because")
        assert content(registry) == stored


def test_every_status_can_be_reached_and_failure_is_final() -> None:
    assert {after for moves in TRANSITIONS.values() for after in moves} == set(ModelStatus) - {
        ModelStatus.TRAINING
    }
    assert TRANSITIONS.keys() == set(ModelStatus) and not TRANSITIONS[ModelStatus.FAILED]


def test_a_promotion_retires_the_version_before(place) -> None:
    clock = ManualClock(100.0)
    with place.open(clock=clock) as registry:
        register(registry, 2)
        registry.promote("ratings", "1", why="first")
        clock.advance(hours=1)
        second = registry.promote("ratings", "2", why="better")
        first = registry.get_model_version("ratings", "1")
    assert (first.status, first.deployed_at, first.retired_at) == ("retired", 100.0, 3700.0)
    assert (second.status, second.deployed_at, second.retired_at) == ("production", 3700.0, None)
    assert registry.get_latest_version("ratings", "production") == second


def test_the_older_model_that_is_promoted_again_is_the_one_in_production(registry) -> None:
    register(registry, 2)
    for version in ("1", "2", "1"):
        registry.promote("ratings", version, why="compared")
    assert registry.get_latest_version("ratings", "production").version == "1"
    assert registry.get_model_version("ratings", "1").retired_at is None


def test_a_promotion_may_be_repeated_after_a_lost_answer(registry) -> None:
    register(registry, 2)
    registry.promote("ratings", "1", why="first")
    registry.promote("ratings", "2", why="better", replacing="1")
    stored = content(registry)
    assert registry.promote("ratings", "2", why="better", replacing="1").version == "2"
    assert content(registry) == stored


def test_a_promotion_on_old_knowledge_is_refused(registry) -> None:
    register(registry, 3)
    with pytest.raises(ConflictError, match=r"which is None, got '1'"):
        registry.promote("ratings", "2", why="better", replacing="1")
    registry.promote("ratings", "3", why="first")
    stored = content(registry)
    with pytest.raises(ConflictError, match=r"which is '3', got '1'"):
        registry.promote("ratings", "2", why="better than 1", replacing="1")
    assert content(registry) == stored


def test_losers_are_retired_with_the_promotion_or_not_at_all(registry) -> None:
    register(registry, 4)
    registry.promote("ratings", "1", why="first")
    registry.promote("ratings", "2", why="won", retire=("3",))
    statuses = [each.status.value for each in registry.list_models("ratings")]
    assert statuses == ["retired", "production", "retired", "staged"]
    stored = content(registry)
    with pytest.raises(IllegalTransitionError, match="Version 3 of ratings is in retired"):
        registry.promote("ratings", "4", why="won", retire=("3",))
    with pytest.raises(InvalidParameterError, match="other than the promoted one"):
        registry.promote("ratings", "4", why="won", retire=("4",))
    assert content(registry) == stored
    registry.promote("ratings", "2", why="the control won", retire=("4",))
    assert registry.get_model_version("ratings", "4").status == "retired"
    assert live(registry) == ["2"]


def test_a_second_version_does_not_slip_into_production(registry) -> None:
    register(registry, 2)
    registry.promote("ratings", "1", why="first")
    stored = content(registry)
    with pytest.raises(IllegalTransitionError, match=r"Version 1 .* `promote` retires it"):
        registry.update_model_status("ratings", "2", "production", why="too")
    assert content(registry) == stored


def test_the_store_itself_refuses_a_second_version_in_production(registry) -> None:
    register(registry, 2)
    registry.promote("ratings", "1", why="first")
    stored = content(registry)
    second = registry.get_model_version("ratings", "2").moved_to(ModelStatus.PRODUCTION, at=1.0)
    with pytest.raises(ConflictError):
        registry.store.transact("ratings", lambda: Writes(versions=(second,)))
    assert content(registry) == stored


def test_a_rollback_returns_to_the_version_before(registry) -> None:
    register(registry, 3)
    for version in ("1", "2", "3"):
        registry.promote("ratings", version, why="newer")
    assert registry.get_previous_version("ratings").version == "2"
    assert registry.rollback("ratings", why="complaints").version == "2"
    assert live(registry) == ["2"]
    assert registry.get_model_version("ratings", "3").status == "retired"


def test_a_rollback_without_a_place_to_go_is_refused(registry) -> None:
    with pytest.raises(UnknownNameError, match="No version of 'ratings' is in production"):
        registry.rollback("ratings", why="complaints")
    register(registry, 2)
    registry.promote("ratings", "1", why="first")
    with pytest.raises(UnknownNameError, match="No other version"):
        registry.rollback("ratings", why="complaints")
    registry.promote("ratings", "2", why="newer")
    registry.update_model_status("ratings", "1", "failed", why="it was wrong")
    with pytest.raises(IllegalTransitionError, match="is in failed"):
        registry.rollback("ratings", why="complaints")
    assert live(registry) == ["2"]


def test_aliases_point_until_their_version_leaves(registry) -> None:
    register(registry, 3)
    registry.promote("ratings", "1", why="first")
    registry.set_alias("ratings", "challenger", "2")
    registry.set_alias("ratings", "candidate", "3")
    assert registry.get_model_by_alias("ratings", "champion").version == "1"
    assert registry.get_model_by_alias("ratings", "challenger").version == "2"
    registry.promote("ratings", "2", why="won")
    assert registry.get_model_by_alias("ratings", "champion").version == "2"
    assert registry.store.aliases("ratings") == {"candidate": "3"}
    registry.set_alias("ratings", "candidate", None)
    with pytest.raises(UnknownNameError, match="has no alias 'candidate'; set are: none"):
        registry.get_model_by_alias("ratings", "candidate")


def test_bad_aliases_are_refused(registry) -> None:
    register(registry, 2)
    registry.promote("ratings", "1", why="first")
    stored = content(registry)
    for alias, version, error, message in (
        ("champion", "2", IllegalTransitionError, "`promote` it"),
        ("challenger", "1", IllegalTransitionError, "it is production"),
        ("challenger", "9", UnknownNameError, "has no version '9'; it has 1, 2"),
        ("challenger", None, UnknownNameError, "has no alias 'challenger'"),
        ("a b", "2", InvalidParameterError, "`alias` must be"),
    ):
        with pytest.raises(error, match=message):
            registry.set_alias("ratings", alias, version)
    assert content(registry) == stored


def test_metrics_are_merged(registry) -> None:
    registry.register_model("ratings", algorithm="Mean", performance_metrics={"rmse": 0.9})
    registry.update_performance_metrics("ratings", "1", {"rmse": 0.8, "mae": 0.5})
    assert registry.get_model_version("ratings", "1").performance_metrics == {
        "rmse": 0.8,
        "mae": 0.5,
    }
    event = registry.history("ratings")[-1]
    assert json.loads(event.before) == {"rmse": 0.9, "mae": None}
    assert json.loads(event.after) == {"rmse": 0.8, "mae": 0.5}


def test_metrics_of_the_version_in_production_are_updated_in_place(registry) -> None:
    register(registry, 1)
    registry.promote("ratings", "1", why="first")
    registry.update_performance_metrics("ratings", "1", {"rmse": 0.8})
    assert registry.get_latest_version("ratings", "production").performance_metrics == {"rmse": 0.8}
    assert live(registry) == ["1"] and len(registry.list_models("ratings")) == 1


def test_the_history_says_who_when_and_why(place) -> None:
    clock = ManualClock(10.0)
    with place.open(by="ada", clock=clock) as ada, place.open(by="bob", clock=clock) as bob:
        register(ada, 2)
        ada.promote("ratings", "1", why="first")
        clock.advance(seconds=5)
        bob.promote("ratings", "2", why="RMSE 0.8")
        told = [
            (each.version, each.action, each.before, each.after, each.at, each.by, each.why)
            for each in ada.history("ratings")
        ]
    assert told == [
        ("1", "registered", None, "staged", 10.0, "ada", "registered"),
        ("2", "registered", None, "staged", 10.0, "ada", "registered"),
        ("1", "status", "staged", "production", 10.0, "ada", "first"),
        ("1", "status", "production", "retired", 15.0, "bob", "RMSE 0.8"),
        ("2", "status", "staged", "production", 15.0, "bob", "RMSE 0.8"),
    ]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"version": "1"}, ConflictError, "ratings has a version 1 already"),
        ({"version": ""}, InvalidParameterError, "`version` must be 1 to 100 letters"),
        ({"version": "../1"}, InvalidParameterError, "`version` must be 1 to 100 letters"),
        ({"version": 3}, InvalidParameterError, "`version` must be 1 to 100 letters"),
        ({"algorithm": None}, InvalidParameterError, "`algorithm` must be a text"),
        ({"status": "production"}, UnknownNameError, "`status` must be one of"),
        (
            {"performance_metrics": {"rmse": float("nan")}},
            InvalidParameterError,
            "`performance_metrics\\['rmse'\\]` must be a finite number, got nan",
        ),
        (
            {"performance_metrics": {"rmse": "low"}},
            InvalidParameterError,
            "`performance_metrics\\['rmse'\\]` must be a finite number, got 'low'",
        ),
        ({"metadata": {"x": object()}}, InvalidParameterError, "`metadata` must hold JSON"),
        ({"metadata": {"x": float("nan")}}, InvalidParameterError, "`metadata` must hold JSON"),
        ({"hyperparameters": {"x": {1, 2}}}, InvalidParameterError, "`hyperparameters` must hold"),
        ({"model": "a path"}, InvalidParameterError, "`model` must be an OnlineLearner"),
        ({"why": " "}, InvalidParameterError, "`why` must be a text"),
    ],
)
def test_a_bad_registration_is_named_and_leaves_no_trace(
    registry, settings, error, message
) -> None:
    register(registry, 1)
    stored = content(registry)
    with pytest.raises(error, match=message):
        registry.register_model("ratings", **{"algorithm": "Mean", **settings})
    assert content(registry) == stored


@pytest.mark.parametrize(
    "act",
    [
        lambda r: r.get_model_version("ratings", "9"),
        lambda r: r.promote("ratings", "9", why="x"),
        lambda r: r.promote("ratings", "1", why="x", retire=("9",)),
        lambda r: r.update_model_status("ratings", "9", "retired", why="x"),
        lambda r: r.update_performance_metrics("ratings", "9", {"rmse": 1.0}),
        lambda r: r.load_model("ratings", "9"),
        lambda r: r.promote("clicks", "1", why="x"),
        lambda r: r.load_model("clicks"),
        lambda r: r.update_model_status("ratings", "1", "live", why="x"),
        lambda r: r.get_latest_version("ratings", "live"),
        lambda r: r.list_models(status="live"),
    ],
)
def test_unknown_names_are_named_and_leave_no_trace(registry, act) -> None:
    register(registry, 1)
    stored = content(registry)
    with pytest.raises(UnknownNameError, match=r"'(9|clicks|live)'"):
        act(registry)
    assert content(registry) == stored


@pytest.mark.parametrize(
    "act",
    [
        lambda r: r.promote("ratings", "1", why=""),
        lambda r: r.update_model_status("ratings", "1", "retired", why=""),
        lambda r: r.update_performance_metrics("ratings", "1", {"rmse": float("inf")}),
        lambda r: r.update_performance_metrics("ratings", "1", {"": 1.0}),
        lambda r: r.set_alias("ratings", "challenger", "1", why=""),
        lambda r: r.register_model("a/b", algorithm="Mean"),
    ],
)
def test_bad_values_are_named_and_leave_no_trace(registry, act) -> None:
    register(registry, 1)
    stored = content(registry)
    with pytest.raises(InvalidParameterError, match=r"`.+` must be"):
        act(registry)
    assert content(registry) == stored


def test_an_author_has_a_name(place) -> None:
    with pytest.raises(InvalidParameterError, match="`by` must be a text"):
        place.open(by="")


# ---- artifacts


def trained() -> OnlineMatrixFactorization:
    model = OnlineMatrixFactorization(n_factors=3, seed=5)
    model.partial_fit_many(rating_stream(seed=2).slice(0, 500))
    return model


def test_a_model_comes_back_and_continues_as_it_would_have(registry) -> None:
    model = trained()
    registry.register_model("ratings", model)
    registry.promote("ratings", "1", why="first")
    twin = registry.load_model("ratings")
    rest = rating_stream(seed=2).slice(500, 900)
    np.testing.assert_array_equal(twin.partial_fit_many(rest), model.partial_fit_many(rest))


def test_a_changed_artifact_is_refused(registry, tmp_path: Path) -> None:
    version = registry.register_model("ratings", trained())
    file = tmp_path / "artifacts" / version.model_path
    whole = file.read_bytes()
    for at in (len(whole) - 1, len(whole) // 2):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises((IntegrityError, StateFormatError)):
            registry.load_model("ratings", "1")
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StateFormatError, match="cut off"):
        registry.load_model("ratings", "1")
    file.unlink()
    with pytest.raises(DataUnavailableError, match="is not in"):
        registry.load_model("ratings", "1")
    file.write_bytes(whole)
    assert registry.load_model("ratings", "1").samples_processed == 500


def test_the_artifact_of_another_version_is_refused(registry, tmp_path: Path) -> None:
    first = registry.register_model("ratings", trained())
    second = registry.register_model("ratings", OnlineMatrixFactorization(n_factors=3, seed=6))
    folder = tmp_path / "artifacts"
    (folder / first.model_path).write_bytes((folder / second.model_path).read_bytes())
    with pytest.raises(IntegrityError, match="sha256"):
        registry.load_model("ratings", "1")


class Unsaveable(OnlineMatrixFactorization):
    def get_model_state(self):
        return {**super().get_model_state(), "lock": threading.Lock()}


def test_a_model_that_cannot_be_saved_is_not_registered(registry, tmp_path: Path) -> None:
    with pytest.raises(StateFormatError, match="The state of learner cannot be saved"):
        registry.register_model("ratings", Unsaveable())
    assert registry.list_models() == [] and not list((tmp_path / "artifacts").iterdir())


def test_a_version_without_a_model_cannot_be_loaded(registry) -> None:
    register(registry, 1)
    with pytest.raises(DataUnavailableError, match="registered without a model"):
        registry.load_model("ratings", "1")


# ---- several at once


def test_threads_share_a_registry(registry) -> None:
    errors: list[CourseKitError] = []

    def work(name: str) -> None:
        try:
            for _ in range(20):
                version = registry.register_model(name, algorithm="Mean").version
                registry.promote(name, version, why="newer")
        except CourseKitError as error:
            errors.append(error)

    names = ["a", "b", "a", "b"]
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for name in ("a", "b"):
        versions = registry.list_models(name)
        assert [each.number for each in versions] == list(range(1, 41))
        assert [each.status for each in versions].count("production") == 1
        promoted = [each for each in registry.history(name) if each.after == "production"]
        assert len(promoted) == 40


def test_what_one_connection_writes_another_reads_at_once(place) -> None:
    with place.open() as one, place.open() as two:
        for number in range(1, 6):
            register(one, 1)
            one.promote("ratings", str(number), why="newer")
            assert live(two) == [str(number)]
