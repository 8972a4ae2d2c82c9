"""An experiment from assignment to results; every stopping rule under the same contract."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.clock import ManualClock
from coursekit.core.errors import (
    IllegalTransitionError,
    InvalidParameterError,
    InvalidSampleError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.state import load_state, save_state
from coursekit.delivery.experiments import (
    ABExperiment,
    AlwaysValid,
    ExperimentResults,
    FixedSample,
    GroupSequential,
    Layer,
    Metric,
    Recommendation,
)
from coursekit.evaluation.statistics import Moments, cuped, ratio_moments, welch_test

SHARES = {"old": 0.5, "new": 0.5}
RULES = [FixedSample(4000), GroupSequential(4000, n_looks=4), AlwaysValid(4000)]


def experiment(metric: Metric | str = "value", **settings) -> ABExperiment:
    defaults = {"clock": ManualClock(), "duration_hours": 0, "min_samples": 2}
    return ABExperiment("test", settings.pop("shares", SHARES), metric, **defaults | settings)


def run(subject: ABExperiment, n: int, effect: float, *, seed: int = 0, metric: str | None = None):
    """Assign n new units and record a normal outcome of each, shifted in the second variant."""
    rng = np.random.default_rng(seed)
    units = 10**6 * seed + subject.n_units + np.arange(n)
    variants = subject.assign_many(units)
    values = rng.normal(1, 1, n) + effect * (variants == 1)
    subject.record_many(units[variants >= 0], values[variants >= 0], metric)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
class TestEveryStoppingRule:
    def test_a_large_effect_is_shipped(self, rule) -> None:
        subject = experiment(stopping=rule.clone())
        run(subject, 4000, effect=0.5)
        results = subject.results()
        assert (results.recommendation, results.winner) == (Recommendation.SHIP, "new")
        assert results.comparisons[0].difference.p_value < 1e-6
        assert type(rule).__name__ in results.stopping_rule

    def test_harm_keeps_the_control(self, rule) -> None:
        subject = experiment(stopping=rule.clone())
        run(subject, 4000, effect=-0.5)
        assert subject.results().recommendation is Recommendation.KEEP

    def test_nothing_is_concluded_without_an_effect(self, rule) -> None:
        subject = experiment(stopping=rule.clone())
        run(subject, 4000, effect=0.0, seed=3)
        results = subject.results()
        expected = Recommendation.CONTINUE if isinstance(rule, AlwaysValid) else Recommendation.KEEP
        assert results.recommendation is expected
        low, high = results.comparisons[0].lift_low, results.comparisons[0].lift_high
        assert low < 0 < high

    def test_min_samples_are_waited_for(self, rule) -> None:
        subject = experiment(stopping=rule.clone(), min_samples=3000)
        run(subject, 4000, effect=1.0)
        results = subject.results()
        assert results.recommendation is Recommendation.COLLECT
        assert "3,000 units" in results.reason

    def test_the_duration_is_waited_for(self, rule) -> None:
        clock = ManualClock()
        subject = experiment(stopping=rule.clone(), duration_hours=24, clock=clock)
        run(subject, 4000, effect=1.0)
        clock.advance(hours=23.9)
        assert subject.results().recommendation is Recommendation.COLLECT
        clock.advance(hours=0.1)
        assert subject.results().recommendation is Recommendation.SHIP

    def test_a_restored_experiment_continues_as_if_nothing_had_happened(
        self, rule, tmp_path: Path
    ) -> None:
        one, two = (experiment(stopping=rule.clone(), coverage=0.8) for _ in range(2))
        run(one, 2000, effect=0.1)
        one.assign("ada")
        one.results()
        save_state(tmp_path / "a.state", one.get_state(), kind="ABExperiment")
        two.set_state(load_state(tmp_path / "a.state", kind="ABExperiment"))
        for each in (one, two):
            each.ramp(0.9)
            run(each, 1500, effect=0.1, seed=1)
        assert one.results() == two.results()

    def test_the_p_value_and_the_interval_agree(self, rule) -> None:
        for seed in range(10):
            subject = experiment(stopping=rule.clone())
            run(subject, 4000, effect=0.08, seed=seed)
            found = subject.results().comparisons[0].difference
            assert (found.p_value <= 0.05) == (found.low > 0 or found.high < 0)


def test_the_interval_of_a_fixed_sample_is_that_of_welch() -> None:
    subject = experiment(stopping=FixedSample(1000))
    rng = np.random.default_rng(5)
    values, variants = rng.normal(size=1000), subject.assign_many(np.arange(1000))
    subject.record_many(np.arange(1000), values)
    expected = welch_test(Moments.of(values[variants == 0]), Moments.of(values[variants == 1]))
    found = subject.results().comparisons[0].difference
    assert (found.low, found.p_value) == pytest.approx((expected.low, expected.p_value), abs=1e-12)


def test_outcomes_count_once_for_each_unit() -> None:
    subject = experiment()
    units = np.arange(40)
    variants = subject.assign_many(units)
    for _ in range(50):  # 50 events a user are no 2,000 samples
        subject.record_many(units, np.full(40, 0.5))
    subject.record(0, 1.0)
    arms = {arm.variant: arm for arm in subject.results().arms}
    assert arms["old"].n_units + arms["new"].n_units == 40
    assert arms["old"].n_outcomes + arms["new"].n_outcomes == 2001
    of_first = "new" if variants[0] else "old"
    n = arms[of_first].n_units
    assert arms[of_first].mean == pytest.approx(25 + 1 / n)


def test_units_without_outcomes_count_as_zero() -> None:
    subject = experiment()
    units = np.arange(100)
    variants = subject.assign_many(units)
    subject.record_many(units[:50], np.ones(50))
    expected = np.mean((variants == 0)[:50].sum() / (variants == 0).sum())
    assert subject.results().arms[0].mean == pytest.approx(expected)


def test_a_conversion_counts_once() -> None:
    subject = experiment(Metric(name="bought", kind="conversion"))
    subject.assign_many(np.arange(20))
    for _ in range(3):
        subject.record(3, 1.0)
    subject.record(4, 0.0)
    means = [arm.mean * arm.n_units for arm in subject.results().arms]
    assert sum(means) == pytest.approx(1.0)
    with pytest.raises(InvalidSampleError, match="`bought` is a conversion: 0 or 1"):
        subject.record(3, 2.0)


def test_a_metric_per_event_is_the_delta_method() -> None:
    subject = experiment(Metric(name="click", kind="per_event"))
    rng = np.random.default_rng(0)
    variants = subject.assign_many(np.arange(300))
    units = np.repeat(np.arange(300), rng.integers(1, 9, 300))
    clicks = rng.binomial(1, 0.3, len(units)).astype(float)
    subject.record_many(units, clicks)
    per_unit = np.bincount(units, clicks), np.bincount(units)
    expected = ratio_moments(*(each[variants == 0] for each in per_unit))
    arm = subject.results().arms[0]
    assert arm.mean == pytest.approx(expected.mean, abs=1e-12)
    assert arm.standard_deviation**2 == pytest.approx(expected.variance, abs=1e-12)


def test_measurements_before_the_experiment_narrow_the_interval() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=2000)
    values = before + 0.3 * rng.normal(size=2000)
    plain, adjusted = experiment(stopping=FixedSample(10)), experiment(stopping=FixedSample(10))
    for subject in (plain, adjusted):
        variants = subject.assign_many(np.arange(2000))
        subject.record_many(np.arange(2000), values)
    for unit in range(2000):
        adjusted.record_before(unit, before[unit])
    found = adjusted.results().comparisons[0].difference
    assert found.standard_error < 0.35 * plain.results().comparisons[0].difference.standard_error
    groups = cuped(*([each[variants == k] for k in (0, 1)] for each in (values, before)))
    assert found.estimate == pytest.approx(groups[1].mean() - groups[0].mean(), abs=1e-10)


def test_a_guardrail_vetoes() -> None:
    latency = Metric(name="latency", kind="per_event", better="lower", tolerance=0.02)
    for harm, expected in ((0.5, Recommendation.VETOED), (0.0, Recommendation.SHIP)):
        subject = experiment(guardrails=[latency], stopping=FixedSample(4000))
        run(subject, 4000, effect=0.5)
        units = np.arange(4000)
        variants = subject.log.variants
        values = 10 + harm * (variants == 1) + np.random.default_rng(2).normal(size=4000)
        subject.record_many(units, values, "latency")
        results = subject.results()
        assert results.recommendation is expected
        assert results.guardrails[0].worse == bool(harm)


def test_a_wrong_sample_ratio_makes_the_results_invalid() -> None:
    subject = experiment()
    run(subject, 4000, effect=1.0)
    for unit in range(10_000, 10_600):  # logged twice by mistake, in one variant only
        subject.log.expose(unit, 1, at=0.0)
    results = subject.results()
    assert results.recommendation is Recommendation.INVALID
    assert not results.ratio_check.passed and results.winner is None


def test_several_treatments_share_the_level() -> None:
    subject = experiment(shares={"old": 0.4, "a": 0.3, "b": 0.3}, stopping=FixedSample(6000))
    run(subject, 6000, effect=0.4)
    results = subject.results()
    assert [each.treatment for each in results.comparisons] == ["a", "b"]
    assert results.level_each == pytest.approx(0.025)
    assert results.comparisons[0].difference.level == pytest.approx(0.025)
    assert results.winner == "a"


def test_looks_of_a_plan_are_counted_once() -> None:
    subject = experiment(stopping=GroupSequential(4000, n_looks=4))
    seen = []
    for _ in range(8):
        run(subject, 500, effect=0.0)
        seen.append(subject.results().recommendation)
        subject.results()  # looking again between two planned looks spends nothing
    assert subject.stopping.fractions == [0.25, 0.5, 0.75, 1.0]
    assert seen[::2] == [Recommendation.COLLECT] * 4


def test_before_any_unit_there_is_nothing_to_compare() -> None:
    results = experiment().results()
    assert isinstance(results, ExperimentResults)
    assert results.comparisons == () and math.isnan(results.arms[0].mean)


def test_a_stopped_experiment_is_over() -> None:
    layer = Layer("page")
    subject = experiment(layer=layer, coverage=0.4)
    subject.assign_many(np.arange(100))
    subject.stop()
    assert subject.assign("ada") is None and set(subject.assign_many([1, 2]).tolist()) == {-1}
    assert layer.free_share == 1.0
    for verb in (lambda: subject.record(1, 1.0), subject.stop, lambda: subject.ramp(0.5)):
        with pytest.raises(IllegalTransitionError, match="'test' is stopped"):
            verb()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda e: e.record("bob", 1.0), UnknownNameError, "'bob' was never exposed"),
        (lambda e: e.record_many(["ada", "bob"], [1, 2]), UnknownNameError, "'bob' was never"),
        (lambda e: e.record("ada", math.nan), InvalidSampleError, "`value` must be finite"),
        (lambda e: e.record("ada", 1.0, "sales"), UnknownNameError, "`metric` must be one of"),
        (lambda e: e.record_many(["ada"], [1, 2]), InvalidParameterError, "`values` must have"),
        (lambda e: e.ramp(1.5), InvalidParameterError, "`share` must be"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(call, error, words: str) -> None:
    subject = experiment()
    subject.assign("ada")
    before = subject.get_state()
    with pytest.raises(error, match=words):
        call(subject)
    np.testing.assert_equal(subject.get_state(), before)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"level": 1}, "`level` must be"),
        ({"min_samples": 1}, "`min_samples` must be"),
        ({"duration_hours": -1}, "`duration_hours` must be"),
        ({"guardrails": [Metric(name="value")]}, "`guardrails` must have names of their own"),
    ],
)
def test_bad_settings_are_named(settings, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        experiment(**settings)


def test_a_state_of_another_plan_is_refused() -> None:
    with pytest.raises(StateFormatError, match="The state is of"):
        experiment().set_state(experiment(level=0.01).get_state())


def test_no_input_is_changed() -> None:
    subject = experiment()
    units, values = np.arange(100), np.ones(100)
    subject.assign_many(units)
    subject.record_many(units, values)
    subject.record_many(units, values)
    assert np.array_equal(units, np.arange(100)) and np.all(values == 1)
