"""A small fleet and a small base model, trained once for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.continual.step import train
from coursekit.forecasting.fleet import MetricFrame, SimulatedFleet, simulated_fleet
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.windows import WindowSet

TINY = ModelConfig(hidden_size=8, hidden_continuous_size=4)
BASE_DAYS = 14


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads are slower on busy cores, and sum in another order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def fleet() -> SimulatedFleet:
    """Four servers whose workload shifts after 14 of 21 days."""
    return simulated_fleet("shift", n_servers=4, n_days=21, change_day=BASE_DAYS)


@pytest.fixture(scope="session")
def old_days(fleet: SimulatedFleet) -> MetricFrame:
    return fleet.frame.between(0, BASE_DAYS * 24)


@pytest.fixture(scope="session")
def new_days(fleet: SimulatedFleet) -> MetricFrame:
    """The days after the shift."""
    return fleet.frame.between(BASE_DAYS * 24, 21 * 24)


@pytest.fixture(scope="session")
def trained(old_days: MetricFrame) -> Forecaster:
    """The base model; take a copy of it to change it."""
    model = Forecaster(TINY, Scaling.fit(old_days))
    train(model, model.windows(old_days), n_epochs=4)
    return model


@pytest.fixture
def model(trained: Forecaster) -> Forecaster:
    """A copy of the base model."""
    return trained.copy()


@pytest.fixture(scope="session")
def old_windows(trained: Forecaster, old_days: MetricFrame) -> WindowSet:
    return trained.windows(old_days).take()


@pytest.fixture(scope="session")
def new_windows(trained: Forecaster, new_days: MetricFrame) -> WindowSet:
    return trained.windows(new_days).take()
