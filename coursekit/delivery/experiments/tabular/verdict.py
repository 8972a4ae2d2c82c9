"""What a report shows, in two sentences and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator

from coursekit.delivery.experiments.tabular.records import ExperimentReport, OutcomeComparison

__all__ = ["in_percent", "in_words", "shortened", "table_lines", "verdict"]


def verdict(report: ExperimentReport) -> tuple[str, str]:
    """Return two sentences: what the first outcome shows, and how far to trust it."""
    first = [each for each in report.comparisons if each.outcome == report.comparisons[0].outcome]
    if not report.ratio_is_planned:
        found = " : ".join(f"{n:,}" for n in report.counts)
        if report.shares_are_assumed:
            return (
                f"Do not use this comparison yet: the variants have {found} units, which equal "
                f"shares do not explain ({in_words(report.ratio_p_value)}).",
                "Name the planned shares with --split if they were not equal; if they were, the "
                "assignment or the log is broken.",
            )
        planned = " : ".join(f"{share:.3g}" for share in report.shares)
        return (
            f"Do not use this comparison: the variants have {found} units where {planned} was "
            f"planned ({in_words(report.ratio_p_value)}), so the assignment or the log is broken.",
            "Any difference in the table may come from who was counted and not from the "
            "treatment; find the cause and repeat the experiment.",
        )
    shown = [each for each in first if each.is_shown]
    control, outcome = shortened(report.variants[0]), first[0].outcome
    if len(first) == 1:
        only = first[0]
        said = _shown(only, f" against {control}") if shown else _not_shown(only, control)
    elif shown:
        best = max(shown, key=lambda each: abs(float(each.difference.estimate)))
        said = (
            f"{len(shown)} of {len(first)} treatments differ from {control} in {outcome}; the "
            f"largest difference: {_shown(best)}"
        )
    else:
        said = (
            f"None of the {len(first)} treatments is shown to differ from {control} in {outcome} "
            f"(smallest adjusted p = {min(each.adjusted_p_value for each in first):.2g})."
        )
    if shown:
        trust = (
            f"The sample ratio is the planned one ({in_words(report.ratio_p_value)}), so this can "
            "be trusted if the test ended when it was planned to, not when the difference appeared."
        )
    else:
        smallest = max(each.detectable for each in first)
        size = f"{smallest:.3g}"
        if not math.isnan(first[0].lift):
            size = in_percent(max(each.detectable_lift for each in first))
        trust = (
            f"A difference of {size} or more would have been found in 80 of 100 such tests, a "
            "smaller one needs more units: not shown is not the same as equal."
            if smallest
            else "Nobody in the control had the outcome, so it is not known how small a difference "
            "such a test finds: not shown is not the same as equal."
        )
    return said, trust


def table_lines(report: ExperimentReport) -> Iterator[str]:
    """Yield the lines of the table: ratio check, estimates, comparisons, assumptions."""
    width = max(12, *(len(shortened(name)) for name in report.variants))
    state = "as planned" if report.ratio_is_planned else "NOT as planned"
    yield f"Sample ratio: {state} (chi-square test, {in_words(report.ratio_p_value)})"
    for name, n, share in zip(report.variants, report.counts, report.shares, strict=True):
        observed = n / sum(report.counts)
        yield f"  {shortened(name):<{width}}  {n:>12,} units  {observed:>7.2%}  planned {share:.2%}"
    for outcome in dict.fromkeys(each.outcome for each in report.comparisons):
        yield ""
        yield f"{outcome}"
        for each in (each for each in report.estimates if each.outcome == outcome):
            name = shortened(each.variant)
            yield f"  {name:<{width}}  mean {each.mean:>12.6g}  ± {each.standard_error:.3g}"
        for found in (each for each in report.comparisons if each.outcome == outcome):
            name, test = shortened(found.treatment), found.difference
            yield (
                f"  {name:<{width}}  difference {float(test.estimate):+.4g} "
                f"({float(test.low):+.4g} to {float(test.high):+.4g})"
                f"{_lift_words(found)}, {in_words(found.adjusted_p_value)}"
            )
    yield ""
    yield "Assumed"
    yield from (f"  {each}" for each in report.assumptions)


def shortened(name: str) -> str:
    """Return a name of at most 36 characters."""
    return name if len(name) <= 36 else f"{name[:35].rstrip()}…"


def in_words(p_value: float) -> str:
    """Return "p = 0.03", or "p < 0.0001".

    >>> in_words(0.0312), in_words(1e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"


def in_percent(share: float) -> str:
    """Return a share in percent, with the digits that it deserves.

    >>> in_percent(0.1234), in_percent(0.00512), in_percent(4.2)
    ('12.3 %', '0.51 %', '420 %')
    """
    percent = 100 * share
    digits = 0 if abs(percent) >= 100 else (1 if abs(percent) >= 10 else 2)
    return f"{percent:.{digits}f} %"


def _shown(each: OutcomeComparison, against: str = "") -> str:
    rose = float(each.difference.estimate) > 0
    if math.isnan(each.lift):
        size = f"by {abs(float(each.difference.estimate)):.4g}"
        interval = f"{float(each.difference.low):.4g} to {float(each.difference.high):.4g}"
    else:
        size = f"by {in_percent(abs(each.lift))}"
        interval = f"{_signed(each.lift_low)} to {_signed(each.lift_high)}"
    return (
        f"{shortened(each.treatment)} {'raised' if rose else 'lowered'} {each.outcome} {size}"
        f"{against} ({100 * (1 - each.difference.level):g} % interval {interval}, "
        f"{in_words(each.adjusted_p_value)})."
    )


def _not_shown(each: OutcomeComparison, control: str) -> str:
    found = each.difference
    if math.isnan(each.lift):
        interval = f"between {float(found.low):+.4g} and {float(found.high):+.4g}"
    else:
        interval = f"between {_signed(each.lift_low)} and {_signed(each.lift_high)}"
    return (
        f"No difference in {each.outcome} is shown: {shortened(each.treatment)} against {control} "
        f"is {interval} ({100 * (1 - found.level):g} % interval, "
        f"{in_words(each.adjusted_p_value)})."
    )


def _signed(share: float) -> str:
    return f"{'+' if share >= 0 else '−'}{in_percent(abs(share))}"


def _lift_words(each: OutcomeComparison) -> str:
    if math.isnan(each.lift):
        return ""
    return f", lift {_signed(each.lift)} ({_signed(each.lift_low)} to {_signed(each.lift_high)})"
