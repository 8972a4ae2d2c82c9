"""The exposure log: one row a unit, one variant a unit, all or nothing."""

from __future__ import annotations

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError, StateFormatError, UnknownNameError
from coursekit.delivery.experiments.exposures import ExposureLog


def log_of(units: list, variants: list[int], at: float = 1.0) -> ExposureLog:
    log = ExposureLog()
    log.expose_many(units, np.array(variants), at=at)
    return log


def test_many_at_once_are_one_by_one() -> None:
    rng = np.random.default_rng(0)
    units = rng.integers(0, 3000, 20_000)
    one, many = ExposureLog(), ExposureLog()
    for at, part in enumerate(np.split(units, 4)):
        for unit in part.tolist():
            one.expose(unit, unit % 3, at=at)
        many.expose_many(part, part % 3, at=at)
    np.testing.assert_equal(many.get_state(), one.get_state())
    assert len(many) == len(set(units.tolist()))


def test_a_unit_keeps_its_variant_and_its_first_time() -> None:
    log = log_of(["ada", "bob"], [0, 1])
    log.expose("ada", 0, at=9.0)
    assert log.first_exposed_at.tolist() == [1.0, 1.0]
    with pytest.raises(InvalidSampleError, match="'ada' was exposed to variant 0 before, got 1"):
        log.expose("ada", 1, at=9.0)


def test_many_are_logged_or_none() -> None:
    log = log_of(["ada", "bob"], [0, 1])
    before = log.get_state()
    with pytest.raises(InvalidSampleError, match="Unit 'bob' was exposed to another variant"):
        log.expose_many(["new", "bob"], np.array([1, 0]), at=2.0)
    np.testing.assert_equal(log.get_state(), before)
    assert log.expose("next", 1, at=3.0) == 2


def test_unknown_units_are_named() -> None:
    log = log_of(["ada"], [0])
    with pytest.raises(UnknownNameError, match="'bob' was never exposed"):
        log.rows_of(["ada", "bob"])
    assert log.rows_of(["ada", "ada"]).tolist() == [0, 0]


def test_a_damaged_state_is_refused() -> None:
    log = log_of(["ada", "bob"], [0, 1])
    state = log.get_state()
    state["memory"]["times"] = state["memory"]["times"][:1]
    with pytest.raises(StateFormatError, match="columns of different lengths"):
        log.set_state(state)
    assert len(log) == 2
