"""Analyse an experiment from a file: ratio check, estimates, tests with correction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.core.validation import number
from coursekit.delivery.experiments.assignment import shares_of
from coursekit.delivery.experiments.tabular.reading import ExperimentTable, OutcomeColumn
from coursekit.delivery.experiments.tabular.records import (
    Estimate,
    ExperimentReport,
    OutcomeComparison,
)
from coursekit.evaluation.statistics import (
    Inference,
    Moments,
    cuped,
    detectable_effect,
    difference,
    effect_size,
    fixed_test,
    holm,
    lift,
    ratio_moments,
    sample_ratio_p_value,
    two_proportion_test,
    welch_test,
)

__all__ = ["analyse", "moments_of", "parse_split"]

_POWER = 0.8


def analyse(
    table: ExperimentTable, *, split: Mapping[str, float] | None = None, level: float = 0.05
) -> ExperimentReport:
    """Analyse an experiment, once, at its end.

    Parameters
    ----------
    table : ExperimentTable
    split : mapping, optional
        Variant -> planned share; default: equal shares.
    level : float, in (0, 1)

    Raises
    ------
    InvalidParameterError, UnknownNameError
        If the split does not name each variant once, or is no split.
    InvalidSampleError
        If a ratio's denominators sum to 0.
    """
    level = number("level", level, above=0, below=1)
    shares = _shares(table.variants, split)
    said = list(table.assumptions)
    if split is None:
        said.append("The planned shares are equal, as no --split was given.")
    counts = _counts(table)
    estimates, comparisons = [], []
    for outcome in table.outcomes:
        moments = moments_of(table, outcome)
        estimates += [
            Estimate(
                outcome=outcome.name,
                variant=variant,
                n=int(each.n),
                mean=float(each.mean),
                standard_error=float(np.sqrt(each.squared_error)),
            )
            for variant, each in zip(table.variants, moments, strict=True)
        ]
        comparisons += [
            _compared(table, outcome, moments[0], treated, variant, level)
            for variant, treated in zip(table.variants[1:], moments[1:], strict=True)
        ]
    adjusted = holm([float(each.difference.p_value) for each in comparisons])
    said += list(
        dict.fromkeys(f"{each.outcome}: {each.difference.method}." for each in comparisons)
    )
    if len(comparisons) > 1:
        said.append(
            f"P-values are adjusted for {len(comparisons)} comparisons (Holm); each interval "
            "stands alone."
        )
    said.append("The test was planned to end here, and was not stopped because of its result.")
    return ExperimentReport(
        file=table.file,
        n_rows=table.n_rows,
        variants=table.variants,
        counts=counts,
        shares=tuple(shares.values()),
        shares_are_assumed=split is None,
        ratio_p_value=sample_ratio_p_value(counts, tuple(shares.values())),
        estimates=tuple(estimates),
        comparisons=tuple(
            replace(each, adjusted_p_value=float(p))
            for each, p in zip(comparisons, adjusted, strict=True)
        ),
        level=level,
        assumptions=tuple(said),
    )


def moments_of(
    table: ExperimentTable, outcome: OutcomeColumn, first: int | None = None
) -> list[Moments]:
    """Return the moments of an outcome in each variant, over all or the first units."""
    units = slice(0, first)
    values, bottom = outcome.values[units], outcome.denominators
    if table.is_aggregated and bottom is not None:
        order = np.argsort(table.variant_of)
        return [
            Moments.of_counts(float(s), float(n))
            for s, n in zip(values[order], bottom[order], strict=True)
        ]
    masks = [table.variant_of[units] == at for at in range(len(table.variants))]
    if bottom is not None:
        return [ratio_moments(values[each], bottom[units][each]) for each in masks]
    groups = [values[each] for each in masks]
    if table.before is not None:
        groups = cuped(groups, [table.before[units][each] for each in masks])
    elif is_binary(values):
        return [Moments.of_counts(float(each.sum()), len(each)) for each in groups]
    return [Moments.of(each) for each in groups]


def is_binary(values: npt.NDArray[np.float64]) -> bool:
    """Return whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def parse_split(text: str) -> dict[str, float]:
    """Return the shares in a text such as "control=0.5,new=0.5".

    >>> parse_split("control=0.5, new=0.5")
    {'control': 0.5, 'new': 0.5}
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.rpartition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            name = ""
        if not name.strip():
            raise InvalidParameterError(
                f"`split` must be shares such as control=0.5,new=0.5, got {text!r}."
            )
    return shares


def _compared(
    table: ExperimentTable,
    outcome: OutcomeColumn,
    control: Moments,
    treated: Moments,
    variant: str,
    level: float,
) -> OutcomeComparison:
    found = _tested(table, outcome, control, treated, level)
    n, ratio = float(control.n), float(treated.n / control.n)
    size = detectable_effect(n, ratio=ratio, level=level, power=_POWER)
    detectable, mean = size * float(np.sqrt(control.variance)), float(control.mean)
    relative = (math.nan,) * 3
    if mean > 0:
        of_lift = fixed_test(lift(control, treated), level=level)
        relative = float(of_lift.estimate), float(of_lift.low), float(of_lift.high)
    return OutcomeComparison(
        outcome=outcome.name,
        treatment=variant,
        difference=found,
        lift=relative[0],
        lift_low=relative[1],
        lift_high=relative[2],
        effect_size=float(effect_size(control, treated)),
        adjusted_p_value=1.0,
        detectable=detectable,
        detectable_lift=detectable / mean if mean > 0 else math.nan,
    )


def _tested(
    table: ExperimentTable, outcome: OutcomeColumn, control: Moments, treated: Moments, level: float
) -> Inference:
    is_ratio = outcome.denominators is not None and not table.is_aggregated
    if is_ratio:
        method = "Welch's t-test of a ratio of sums (delta method)"
        return fixed_test(difference(control, treated), level=level, method=method)
    if table.before is not None:
        method = "Welch's t-test, adjusted for the measurement before (CUPED)"
        return fixed_test(difference(control, treated), level=level, method=method)
    if table.is_aggregated or is_binary(outcome.values):
        pairs = [(float(each.mean * each.n), float(each.n)) for each in (control, treated)]
        return two_proportion_test(*pairs, level=level)
    return welch_test(control, treated, level=level)


def _counts(table: ExperimentTable) -> tuple[int, ...]:
    """Return the units of each variant; the trials of the first outcome, if aggregated."""
    weights = table.outcomes[0].denominators if table.is_aggregated else None
    counts = np.bincount(table.variant_of, weights, minlength=len(table.variants))
    return tuple(int(n) for n in counts)


def _shares(variants: tuple[str, ...], split: Mapping[str, float] | None) -> dict[str, float]:
    if split is None:
        return dict.fromkeys(variants, 1 / len(variants))
    if set(split) != set(variants):
        raise UnknownNameError(
            f"`split` must name the variants {', '.join(variants)}, got {', '.join(split)}."
        )
    return shares_of({variant: split[variant] for variant in variants})
