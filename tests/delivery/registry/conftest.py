"""A registry on every store: SQLite, fakeredis, and a Redis server of the tests' own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from coursekit.core.clock import ManualClock
from coursekit.delivery.registry.address import store_at
from coursekit.delivery.registry.artifacts import Artifacts
from coursekit.delivery.registry.redis import RedisStore
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.delivery.registry.store import RegistryStore

SERVER = pytest.param("redis", marks=pytest.mark.needs("redis-server"))


@dataclass
class Place:
    """Where a registry is; `open` connects to it once more."""

    folder: Path
    url: str | None = None
    fake: Any = None

    def store(self) -> RegistryStore:
        if self.fake is not None:
            return RedisStore(fakeredis.FakeRedis(server=self.fake, decode_responses=True))
        return store_at(self.url or self.folder / "registry.sqlite")

    def open(self, *, by: str = "ada", clock: ManualClock | None = None) -> ModelRegistry:
        artifacts = Artifacts(self.folder / "artifacts")
        return ModelRegistry(self.store(), artifacts, by=by, clock=clock or ManualClock(1000.0))


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    if kind == "redis":
        return Place(folder, url=request.getfixturevalue("redis_url"))
    return Place(folder, fake=fakeredis.FakeServer() if kind == "fakeredis" else None)


@pytest.fixture(params=["sqlite", "fakeredis", SERVER])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_of(request.param, tmp_path, request)


@pytest.fixture(params=["sqlite", SERVER])
def shared_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place that other processes reach, too."""
    return place_of(request.param, tmp_path, request)


@pytest.fixture
def registry(place: Place):
    with place.open() as opened:
        yield opened
