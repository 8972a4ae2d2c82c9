from __future__ import annotations

import pytest

from coursekit.core.errors import InvalidParameterError
from coursekit.forecasting.safety import CircuitBreaker

HOUR = 3600.0


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(max_failures=3, pause_hours=2)
    for succeeded in (False, False, True, False, False):
        breaker.record(succeeded, 0.0)
        assert breaker.allows(0.0)
    breaker.record(False, HOUR)
    assert [breaker.state(hour * HOUR) for hour in (1, 2.9, 3)] == ["open", "open", "half-open"]


def test_one_try_after_the_pause_decides() -> None:
    breaker = CircuitBreaker(max_failures=2, pause_hours=1)
    breaker.record(False, 0.0)
    breaker.record(False, 0.0)
    breaker.record(False, HOUR)  # the try fails
    assert breaker.state(1.5 * HOUR) == "open"
    breaker.record(True, 2 * HOUR)
    assert breaker.state(2 * HOUR) == "closed" and breaker.n_failures == 0


def test_a_state_is_exact() -> None:
    breaker = CircuitBreaker(max_failures=1, pause_hours=1)
    breaker.record(False, 5.0)
    again = breaker.clone()
    assert again.allows(6.0)
    again.set_state(breaker.get_state())
    assert not again.allows(6.0)


def test_bad_settings_are_named() -> None:
    with pytest.raises(InvalidParameterError, match="pause_hours"):
        CircuitBreaker(pause_hours=0)
