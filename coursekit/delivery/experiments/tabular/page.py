"""The page of an A/B test: verdict, figures, tables, assumptions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from coursekit.delivery.experiments.tabular.pictures import pictures
from coursekit.delivery.experiments.tabular.reading import ExperimentTable
from coursekit.delivery.experiments.tabular.records import ExperimentReport, OutcomeComparison
from coursekit.delivery.experiments.tabular.verdict import in_percent, in_words, verdict
from coursekit.figures.page import bullets, paragraph, write_page
from coursekit.figures.page import table as as_table

__all__ = ["write_report"]


def write_report(table: ExperimentTable, report: ExperimentReport, path: Path) -> None:
    """Write the page of a report atomically."""
    ratio = f"Chi-square test against the planned shares: {in_words(report.ratio_p_value)}."
    write_page(
        path,
        title=f"A/B test: {Path(report.file).name}",
        verdict=verdict(report),
        is_sound=report.ratio_is_planned,
        figures=pictures(table, report),
        sections={
            "Sample ratio": paragraph(ratio)
            + as_table(["variant", "units", "share", "planned"], _ratio_rows(report)),
            "Estimates": as_table(
                ["outcome", "variant", "n", "mean", "standard error"],
                _estimate_rows(report),
                n_texts=2,
            ),
            f"Differences from {report.variants[0]}": as_table(
                _COMPARED, map(_comparison_row, report.comparisons), n_texts=2
            ),
            "Assumed": bullets(report.assumptions),
        },
        footer=f"{report.n_rows:,} rows, level {report.level:g}. Written by coursekit abtest.",
    )


_COMPARED = [
    "outcome",
    "treatment",
    "difference (95 % interval)",
    "lift (95 % interval)",
    "p, adjusted",
    "Cohen's d",
    "lift found in 80 of 100 tests",
]


def _ratio_rows(report: ExperimentReport) -> Iterable[list[str]]:
    n = sum(report.counts)
    for name, count, share in zip(report.variants, report.counts, report.shares, strict=True):
        yield [name, f"{count:,}", f"{count / n:.2%}", f"{share:.2%}"]


def _estimate_rows(report: ExperimentReport) -> Iterable[list[str]]:
    for each in report.estimates:
        numbers = f"{each.n:,}", f"{each.mean:.6g}", f"{each.standard_error:.3g}"
        yield [each.outcome, each.variant, *numbers]


def _comparison_row(each: OutcomeComparison) -> list[str]:
    found = each.difference
    relative = "–"
    if not math.isnan(each.lift):
        ends = f"{in_percent(each.lift_low)} to {in_percent(each.lift_high)}"
        relative = f"{in_percent(each.lift)} ({ends})"
    return [
        each.outcome,
        each.treatment,
        f"{float(found.estimate):+.4g} ({float(found.low):+.4g} to {float(found.high):+.4g})",
        relative,
        f"{each.adjusted_p_value:.2g}",
        f"{each.effect_size:+.3f}",
        "–" if math.isnan(each.detectable_lift) else in_percent(each.detectable_lift),
    ]
