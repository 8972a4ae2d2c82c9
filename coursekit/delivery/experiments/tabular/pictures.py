"""The figures of a report: sample ratio, lifts, lift while units arrived, power."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from coursekit.delivery.experiments.tabular.reading import ExperimentTable
from coursekit.delivery.experiments.tabular.records import ExperimentReport
from coursekit.delivery.experiments.tabular.report import moments_of
from coursekit.delivery.experiments.tabular.verdict import in_percent, shortened
from coursekit.evaluation.statistics import (
    always_valid_test,
    detectable_effect,
    lift,
    mixture_variance,
    power_of_means,
)
from coursekit.figures.style import course_style, figure_of, group_thousands, look, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["pictures"]

_N_LOOKS = 80
_FIRST_LOOK = 100  # units in each variant: before, the variance is hardly known
_N_SHOWN = 12  # rows of a figure


def pictures(table: ExperimentTable, report: ExperimentReport) -> Iterator[tuple[Axes, str]]:
    """Yield each figure with its alt text."""
    yield _ratio(report)
    yield _lifts(report)
    over_time = None if table.is_aggregated else _over_time(table, report)
    if over_time is not None:
        yield over_time
    yield _power(table, report)


@course_style()
def _ratio(report: ExperimentReport) -> tuple[Axes, str]:
    """Observed share of each variant, with the planned one."""
    n, names = sum(report.counts), report.variants[:_N_SHOWN]
    state = "as planned" if report.ratio_is_planned else "not as planned"
    axes = new_axes(
        title=f"Sample ratio: {state}",
        x_label="share of the units, %",
        height=1.6 + 0.36 * len(names),
    )
    role = look("model" if report.ratio_is_planned else "alarm")
    rows = np.arange(len(names))
    observed = np.array(report.counts[: len(names)]) / n
    planned = 100 * np.array(report.shares[: len(names)])
    width = 1.96 * np.sqrt(observed * (1 - observed) / n)
    axes.vlines(
        planned, rows - 0.32, rows + 0.32, color=look("baseline").colour, lw=2.4, label="planned"
    )
    axes.errorbar(
        100 * observed,
        rows,
        xerr=100 * width,
        fmt=role.marker,
        color=role.colour,
        label="observed, 95 % interval",
    )
    _name_rows(axes, names)
    figure_of(axes).legend(loc="outside lower center", ncols=2)
    alt = (
        f"Observed shares of {len(report.variants)} variants beside the planned ones: "
        + "; ".join(
            f"{name} {100 * count / n:.2f} % for {100 * share:.2f} %"
            for name, count, share in zip(names, report.counts, report.shares, strict=False)
        )
    )
    return axes, alt + "."


@course_style()
def _lifts(report: ExperimentReport) -> tuple[Axes, str]:
    """The lift of every comparison with its interval."""
    shown = [each for each in report.comparisons if not math.isnan(each.lift)][:_N_SHOWN]
    n = sum(each.is_shown for each in report.comparisons)
    title = f"{n} of {len(report.comparisons)} differences {'is' if n == 1 else 'are'} shown"
    axes = new_axes(
        title=title,
        x_label="lift over the control, 95 % interval, %",
        height=1.3 + 0.36 * max(len(shown), 1),
    )
    for row, each in enumerate(shown):
        role = look("model" if each.is_shown else "baseline")
        ends = [[100 * (each.lift - each.lift_low)], [100 * (each.lift_high - each.lift)]]
        axes.errorbar(
            [100 * each.lift], [row], xerr=ends, fmt=role.marker, color=role.colour, capsize=3
        )
    axes.axvline(0, color="#222222", linewidth=1)
    single = len({each.outcome for each in shown}) == 1
    _name_rows(
        axes, [each.treatment if single else f"{each.outcome}, {each.treatment}" for each in shown]
    )
    alt = "Lifts with 95 % intervals: " + "; ".join(
        f"{each.outcome}, {each.treatment}: {in_percent(each.lift)} "
        f"({in_percent(each.lift_low)} to {in_percent(each.lift_high)})"
        for each in shown
    )
    return axes, alt + "."


@course_style()
def _over_time(table: ExperimentTable, report: ExperimentReport) -> tuple[Axes, str] | None:
    """The lift of the treatments in the first outcome, as units arrived, with its interval."""
    outcome, n_units = table.outcomes[0], len(table.variant_of)
    arrived = np.stack([(table.variant_of == at).cumsum() for at in range(len(table.variants))])
    ready = np.flatnonzero(arrived.min(axis=0) >= max(2, min(_FIRST_LOOK, min(report.counts) // 2)))
    first = max(int(ready[0]) + 1, n_units // _N_LOOKS)
    looks = np.unique(np.linspace(first, n_units, _N_LOOKS).astype(int))
    moments = [moments_of(table, outcome, int(size)) for size in looks]
    if any(float(each[0].mean) <= 0 for each in moments):
        return None
    axes = new_axes(x_label="units, in the order of the file", y_label=f"lift of {outcome.name}, %")
    last = ""
    roles = ("model", "challenger", "second", "third")
    for at, (name, role) in enumerate(zip(table.variants[1:], map(look, roles), strict=False), 1):
        effects = [lift(each[0], each[at]) for each in moments]
        if not float(effects[-1].variance):
            continue
        mixture = mixture_variance(effects[-1].variance)  # narrowest at the end
        found = [always_valid_test(each, mixture=mixture) for each in effects]
        low, high = (np.array([getattr(each, end) for each in found]) for end in ("low", "high"))
        middle = np.array([each.estimate for each in found])
        axes.plot(
            looks, 100 * middle, color=role.colour, linestyle=role.dashes, label=shortened(name)
        )
        axes.fill_between(looks, 100 * low, 100 * high, color=role.colour, alpha=0.15, linewidth=0)
        ends = " to ".join(in_percent(float(each[-1])) for each in (low, high))
        last += f" {name} ends at {in_percent(float(middle[-1]))} ({ends})."
    axes.axhline(0, color="#222222", linewidth=1)
    axes.set_title("Lift with an interval that holds at every look")
    final = [each for each in report.comparisons if each.outcome == outcome.name]
    reach = 100 * max(max(abs(each.lift_low), abs(each.lift_high)) for each in final)
    axes.set_ylim(-4 * reach, 4 * reach)  # the first, wide intervals may leave the picture
    group_thousands(axes.xaxis)
    axes.legend(loc="upper right")
    return axes, f"Lift of {outcome.name} while {n_units:,} units arrived.{last}"


@course_style()
def _power(table: ExperimentTable, report: ExperimentReport) -> tuple[Axes, str]:
    """The power of the finished test against the true lift of the first outcome."""
    control, *treatments = moments_of(table, table.outcomes[0])
    treated = min(treatments, key=lambda each: float(each.n))
    ratio, n = float(treated.n / control.n), float(control.n)
    size = detectable_effect(n, ratio=ratio, level=report.level)
    sizes = np.linspace(0, 2 * size, 120)
    power = [100 * power_of_means(d, n, ratio=ratio, level=report.level) for d in sizes]
    spread, mean = float(np.sqrt(control.variance)), float(control.mean)
    scale, unit = (
        (100 * spread / mean, "%") if mean > 0 and spread else (1.0, "standard deviations")
    )
    role, plain = look("model"), look("baseline")
    axes = new_axes(
        title=f"A true lift of {scale * size:.3g} {unit} is found in 80 of 100 such tests",
        x_label=f"true lift of {table.outcomes[0].name}, {unit}",
        y_label="power, %",
    )
    axes.plot(scale * sizes, power, color=role.colour)
    axes.plot([scale * size] * 2, [0, 80], color=plain.colour, linestyle=plain.dashes)
    axes.plot([0, scale * size], [80, 80], color=plain.colour, linestyle=plain.dashes)
    axes.set_ylim(0, 103)
    alt = (
        f"Power against the true lift, with the units of this test: 80 % at a lift of "
        f"{scale * size:.3g} {unit}, {power[60 // 2]:.0f} % at half of it."
    )
    return axes, alt


def _name_rows(axes: Axes, names: list[str] | tuple[str, ...]) -> None:
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.tick_params(axis="y", labelsize=10, labelcolor="#222222")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
