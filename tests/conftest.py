"""What every test can use: services by name, the real data, one thread, seeded examples."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cache
from pathlib import Path

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before numpy and torch read it: sums come out the same on every machine
os.environ.setdefault(
    "MPLBACKEND", "module://matplotlib_inline.backend_inline"
)  # as notebooks do: draws, opens no window

import hypothesis
import pytest
import redis

from coursekit.commands.doctor.machine import SERVICES
from tests.services import RedisServer

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

hypothesis.settings.register_profile("course", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("course")

collect_ignore_glob = [
    "**/*.ipynb",
    "benchmarks/*",
    "project/additions/*",
]  # notebooks and additions are material for tests; benchmarks need their peers


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Search the tests for tests only: doctests belong to the library."""
    collectors = yield
    return [collector for collector in collectors if type(collector).__name__ != "DoctestModule"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour `@pytest.mark.needs("chromium")`: skip without it, but fail under CI=true."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            trouble = _trouble(name)
            if trouble:
                sentence = f"{name}: {trouble}. To fix it: {SERVICES[name].fix()}"
                pytest.fail(
                    f"{sentence} (CI=true demands it)", pytrace=False
                ) if IN_CI else pytest.skip(sentence)


@cache
def _trouble(name: str) -> str | None:
    return SERVICES[name].trouble()


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the course."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data sets; a test that wants it is skipped where it is not."""
    candidates = (
        [Path(os.environ["COURSEKIT_DATA"])]
        if "COURSEKIT_DATA" in os.environ
        else [ROOT.parent / "shared" / "data"]
    )
    for folder in candidates:
        if folder.is_dir():
            return folder
    pytest.skip(f"no real data in {candidates[0]}; name its folder in COURSEKIT_DATA")


@pytest.fixture
def chromium() -> str:
    """The browser's program; use it together with `@pytest.mark.needs("chromium")`."""
    program = SERVICES["chromium"].find()
    assert program is not None
    return program


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    """A Redis server; use it together with `@pytest.mark.needs("redis-server")`."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis server with an empty database."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


def pytest_report_header() -> list[str]:
    """Say once what this run can and cannot test."""
    states = [f"{name}: {'missing' if _trouble(name) else 'there'}" for name in SERVICES]
    return [f"course: {', '.join(states)}{' (CI: nothing may be missing)' if IN_CI else ''}"]


def pytest_configure(config: pytest.Config) -> None:
    """Leave the plugins' own slips out of "warnings are errors"."""
    config.addinivalue_line(
        "filterwarnings", "ignore:.*:DeprecationWarning:(nbval|jupyter_client|zmq|tornado)"
    )
