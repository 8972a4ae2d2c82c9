"""Verbs in any order, by several authors: the registry agrees with a model of a few lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

import fakeredis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from coursekit.core.clock import ManualClock
from coursekit.core.errors import CourseKitError
from coursekit.delivery.registry.version import TRANSITIONS, ModelStatus
from tests.delivery.registry.conftest import Place
from tests.delivery.registry.test_processes import check_history

NUMBERS = st.integers(1, 5)


class Verbs(RuleBasedStateMachine):
    """`expected` holds the status of each version as the table of transitions says."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.registries = [place.open(by=name, clock=self.clock) for name in ("ada", "bob")]
        self.model_id = "ratings"
        self.expected: dict[str, str] = {}
        self.alias: str | None = None

    def teardown(self) -> None:
        for registry in self.registries:
            registry.close()

    def attempt(self, who: int, verb: str, *arguments: object, **settings: object) -> bool:
        self.clock.advance(seconds=1)
        try:
            getattr(self.registries[who], verb)(self.model_id, *arguments, **settings)
        except CourseKitError:
            return False
        return True

    def move(self, version: str, status: str) -> None:
        self.expected[version] = status
        if self.alias == version and status in {"production", "retired", "failed"}:
            self.alias = None

    def may(self, version: str, status: ModelStatus) -> bool:
        return (
            version in self.expected and status in TRANSITIONS[ModelStatus(self.expected[version])]
        )

    def live(self) -> str | None:
        return next((v for v, status in self.expected.items() if status == "production"), None)

    @rule(who=st.integers(0, 1), number=NUMBERS)
    def register(self, who: int, number: int) -> None:
        version = str(number)
        done = self.attempt(who, "register_model", algorithm="Mean", version=version)
        assert done == (version not in self.expected)
        self.expected.setdefault(version, "staged")

    @rule(who=st.integers(0, 1), number=NUMBERS, status=st.sampled_from(ModelStatus))
    def update(self, who: int, number: int, status: ModelStatus) -> None:
        version = str(number)
        legal = self.may(version, status) and not (status == "production" and self.live())
        assert self.attempt(who, "update_model_status", version, status, why="x") == legal
        if legal:
            self.move(version, status)

    @rule(who=st.integers(0, 1), number=NUMBERS, replacing=st.none() | NUMBERS)
    def promote(self, who: int, number: int, replacing: int | None) -> None:
        version, live = str(number), self.live()
        is_live = live is not None and version == live
        legal = is_live or (
            self.may(version, ModelStatus.PRODUCTION)
            and (replacing is None or str(replacing) == live)
        )
        wanted = None if replacing is None else str(replacing)
        assert self.attempt(who, "promote", version, why="x", replacing=wanted) == legal
        if legal and not is_live:
            if live:
                self.move(live, "retired")
            self.move(version, "production")

    @rule(who=st.integers(0, 1), number=NUMBERS)
    def point(self, who: int, number: int) -> None:
        version = str(number)
        legal = self.expected.get(version) in {"training", "staged", "shadow"}
        assert self.attempt(who, "set_alias", "challenger", version) == legal
        if legal:
            self.alias = version

    @invariant()
    def agrees(self) -> None:
        for registry in self.registries:
            found = {each.version: each.status for each in registry.list_models(self.model_id)}
            assert found == self.expected
            live = registry.store.production(self.model_id)
            assert (live and live.version) == self.live()
            aliases = {} if self.alias is None else {"challenger": self.alias}
            assert registry.store.aliases(self.model_id) == aliases

    @invariant()
    def history_is_complete(self) -> None:
        check_history(self.registries[0], self.model_id)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "fakeredis"])
def test_verbs_in_any_order(kind: str) -> None:
    def machine() -> Verbs:
        fake = fakeredis.FakeServer() if kind == "fakeredis" else None
        return Verbs(Place(Path(tempfile.mkdtemp(dir=folder)), fake=fake))

    with tempfile.TemporaryDirectory() as folder:
        few = settings(max_examples=40, stateful_step_count=30)
        run_state_machine_as_test(machine, settings=few)
