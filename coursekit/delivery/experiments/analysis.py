"""Analysis of an experiment: from the sums of its units to comparisons and a recommendation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from coursekit.delivery.experiments.metrics import Metric, UnitOutcomes
from coursekit.delivery.experiments.results import (
    Arm,
    ExperimentResults,
    MetricComparison,
    RatioCheck,
    Recommendation,
)
from coursekit.delivery.experiments.stopping import StoppingRule
from coursekit.evaluation.statistics import (
    Moments,
    cuped,
    difference,
    effect_size,
    lift,
    sample_ratio_log_e,
)

if TYPE_CHECKING:
    from coursekit.delivery.experiments.experiment import ABExperiment

__all__ = ["RATIO_LEVEL", "compare", "look_at", "moments_of_variants", "ratio_check", "recommend"]

RATIO_LEVEL = 0.01
"""Level of the sample ratio check, over all looks of an experiment together."""


def look_at(experiment: ABExperiment) -> ExperimentResults:
    """Return the results of an experiment; a look is counted if the rule wants one now."""
    log, rule, now = experiment.log, experiment.stopping, experiment.clock.now()
    control, *treatments = experiment.variants
    n_units, counts = len(log), log.counts(len(experiment.variants)).tolist()
    hours = (now - experiment.started_at) / 3600
    check = ratio_check(counts, experiment.shares)
    reason = _waiting_for(experiment, counts, hours)
    may_conclude = check.passed and not reason and rule.look(n_units)
    level_each = experiment.level / len(treatments)
    compared: dict[str, tuple[MetricComparison, ...]] = {}
    arms: tuple[Arm, ...] = ()
    for metric, outcomes in zip(experiment.metrics.values(), experiment.outcomes, strict=True):
        is_success = metric.name == experiment.success_metric
        before = experiment.before if is_success and len(experiment.before) else None
        moments = moments_of_variants(metric, outcomes, log.variants, len(counts), before)
        if is_success:
            arms = _arms(experiment.variants, log.variants, counts, outcomes, moments)
        compared[metric.name] = (
            ()
            if moments is None
            else tuple(
                compare(
                    metric,
                    treatment,
                    (moments[0], treated),
                    rule,
                    n_units,
                    level_each,
                    tolerance=0.0 if is_success else metric.tolerance,
                )
                for treatment, treated in zip(treatments, moments[1:], strict=True)
            )
        )
    success = compared.pop(experiment.success_metric)
    guardrails = tuple(each for of_metric in compared.values() for each in of_metric)
    found: tuple[Recommendation, str | None, str]
    if not check.passed:
        words = " : ".join(f"{n:,}" for n in counts)
        found = Recommendation.INVALID, None, f"The sample ratio is {words}, not the planned one."
    elif may_conclude:
        found = recommend(success, guardrails, control, rule.is_last(n_units))
    else:
        found = Recommendation.COLLECT, None, reason or "The next planned look is not due yet."
    return ExperimentResults(
        experiment_id=experiment.experiment_id,
        at=now,
        hours_run=hours,
        stopping_rule=f"{type(rule).__name__}({_settings(rule)})",
        level=experiment.level,
        level_each=level_each,
        arms=arms,
        ratio_check=check,
        comparisons=success,
        guardrails=guardrails,
        recommendation=found[0],
        winner=found[1],
        reason=found[2],
    )


def _settings(rule: StoppingRule) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in rule.config().items())


def _waiting_for(experiment: ABExperiment, counts: Sequence[int], hours: float) -> str:
    """Return why nothing can be concluded yet; empty if it can."""
    if min(counts) < experiment.min_samples:
        return f"{min(counts):,} of at least {experiment.min_samples:,} units in a variant."
    if hours < experiment.duration_hours:
        return f"{hours:.1f} of at least {experiment.duration_hours:g} hours have passed."
    return ""


def _arms(
    names: Sequence[str],
    variants: npt.NDArray[np.int64],
    counts: Sequence[int],
    outcomes: UnitOutcomes,
    moments: Sequence[Moments] | None,
) -> tuple[Arm, ...]:
    n_outcomes = np.bincount(variants, outcomes.numbers(len(variants)), minlength=len(names))
    return tuple(
        Arm(
            variant=name,
            n_units=counts[at],
            n_outcomes=int(n_outcomes[at]),
            mean=math.nan if moments is None else float(moments[at].mean),
            standard_deviation=math.nan if moments is None else math.sqrt(moments[at].variance),
        )
        for at, name in enumerate(names)
    )


def moments_of_variants(
    metric: Metric,
    outcomes: UnitOutcomes,
    variants: npt.NDArray[np.int64],
    n_variants: int,
    before: UnitOutcomes | None = None,
) -> list[Moments] | None:
    """Return the moments of each variant over its units; None if one has fewer than two.

    With measurements `before` the experiment, values are adjusted (CUPED); a unit without one
    counts as average. A metric per event is not adjusted, and needs an event in each variant.
    """
    n = len(variants)
    masks = [variants == each for each in range(n_variants)]
    if min(map(np.count_nonzero, masks)) < 2:
        return None
    if metric.kind == "per_event" and not all(outcomes.numbers(n)[each].sum() for each in masks):
        return None
    if before is None or metric.kind == "per_event":
        return [outcomes.moments(metric, each, n) for each in masks]
    values, known = outcomes.values(metric, n), before.numbers(n) > 0
    past = np.where(known, before.sums(n), before.sums(n)[known].mean() if known.any() else 0.0)
    adjusted = cuped([values[each] for each in masks], [past[each] for each in masks])
    return [Moments.of(each) for each in adjusted]


def compare(
    metric: Metric,
    treatment: str,
    moments: tuple[Moments, Moments],
    rule: StoppingRule,
    n_units: int,
    level: float,
    *,
    tolerance: float = 0.0,
) -> MetricComparison:
    """Compare a treatment with the control, given as (control, treatment), by the stopping rule."""
    control, treated = moments
    effect, relative = difference(control, treated), lift(control, treated)
    found = rule.test(effect, n_units, level)
    of_lift = None if math.isnan(float(relative.estimate)) else rule.test(relative, n_units, level)
    sign = 1.0 if metric.better == "higher" else -1.0
    ends = sorted((sign * float(found.low), sign * float(found.high)))
    return MetricComparison(
        metric=metric.name,
        treatment=treatment,
        difference=found,
        lift=float(relative.estimate),
        lift_low=math.nan if of_lift is None else float(of_lift.low),
        lift_high=math.nan if of_lift is None else float(of_lift.high),
        effect_size=float(effect_size(control, treated)),
        better=ends[0] > 0,
        worse=ends[1] < -tolerance * abs(float(control.mean)),
    )


def ratio_check(counts: Sequence[int], shares: Mapping[str, float]) -> RatioCheck:
    """Compare the units of each variant with the planned shares."""
    planned = tuple(shares.values())
    log_e = float(sample_ratio_log_e(list(counts), planned))
    p_value = math.exp(-max(log_e, 0.0))
    return RatioCheck(counts=tuple(counts), shares=planned, p_value=p_value, level=RATIO_LEVEL)


def recommend(
    comparisons: Sequence[MetricComparison],
    guardrails: Sequence[MetricComparison],
    control: str,
    is_last: bool,
) -> tuple[Recommendation, str | None, str]:
    """Return recommendation, winner and reason of a look that may conclude."""
    harm = {each.treatment: each.metric for each in guardrails if each.worse}
    good = sorted((each for each in comparisons if each.better), key=lambda each: -abs(each.lift))
    for each in good:
        if each.treatment not in harm:
            reason = f"{each.treatment} is better in {each.metric}: {_lift(each)}."
            return Recommendation.SHIP, each.treatment, reason
    if good:
        names = ", ".join(f"{each.treatment} ({harm[each.treatment]})" for each in good)
        reason = f"Better in {good[0].metric}, but vetoed by a guardrail: {names}."
        return Recommendation.VETOED, control, reason
    if comparisons and all(each.worse or each.treatment in harm for each in comparisons):
        return Recommendation.KEEP, control, f"Every treatment does harm; {control} stays."
    if is_last:
        return Recommendation.KEEP, control, "The plan has ended and no difference is shown."
    return Recommendation.CONTINUE, None, "No difference is shown yet."


def _lift(comparison: MetricComparison) -> str:
    if math.isnan(comparison.lift):
        return f"by {float(comparison.difference.estimate):.4g}"
    return (
        f"{comparison.lift:+.1%} (interval {comparison.lift_low:+.1%} to "
        f"{comparison.lift_high:+.1%})"
    )
