"""A report as one HTML page without links: verdict, figures, tables, assumptions."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from pathlib import Path

from coursekit.core.files import write_atomically
from coursekit.delivery.experiments.tabular.pictures import pictures
from coursekit.delivery.experiments.tabular.reading import ExperimentTable
from coursekit.delivery.experiments.tabular.records import ExperimentReport, OutcomeComparison
from coursekit.delivery.experiments.tabular.verdict import in_percent, in_words, verdict
from coursekit.figures.style import figure_of, png

__all__ = ["write_page"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.verdict { border-left: 6px solid #0072B2; background: #f3f7fa; padding: .6rem 1rem; }
.verdict.bad { border-color: #D55E00; background: #fdf3ec; }
.verdict p { margin: .4rem 0; } .verdict p:first-child { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
.wide { overflow-x: auto; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #e6e6e6; }
th.text, td.text { text-align: left; }
th { color: #555; font-weight: 600; } img { max-width: 100%; height: auto; display: block; }
footer { color: #555; font-size: .85rem; margin-top: 2.5rem; }
"""


def write_page(table: ExperimentTable, report: ExperimentReport, path: Path) -> None:
    """Write the page of a report atomically."""
    drawn = (
        f'<img alt="{escape(alt, quote=True)}" src="data:image/png;base64,'
        f'{b64encode(png(figure_of(axes))).decode("ascii")}">'
        for axes, alt in pictures(table, report)
    )
    images = "\n".join(drawn)
    first, second = verdict(report)
    mood = "verdict" if report.ratio_is_planned else "verdict bad"
    name = escape(Path(report.file).name)
    write_atomically(
        path,
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A/B test: {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>A/B test: {name}</h1>
<section class="{mood}"><p>{escape(first)}</p><p>{escape(second)}</p></section>
<h2>Figures</h2>
{images}
<h2>Sample ratio</h2>
<p>Chi-square test against the planned shares: {escape(in_words(report.ratio_p_value))}.</p>
{_table(["variant", "units", "share", "planned"], _ratio_rows(report))}
<h2>Estimates</h2>
{_table(["outcome", "variant", "n", "mean", "standard error"], _estimate_rows(report))}
<h2>Differences from {escape(report.variants[0])}</h2>
{_table(_COMPARED, map(_comparison_row, report.comparisons))}
<h2>Assumed</h2>
<ul>{"".join(f"<li>{escape(each)}</li>" for each in report.assumptions)}</ul>
<footer>{report.n_rows:,} rows, level {report.level:g}. Written by coursekit abtest.</footer>
</body>
</html>
""",
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


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a table whose columns with names are aligned to the left."""
    n_texts = sum(name in ("outcome", "variant", "treatment") for name in head)
    kinds = [' class="text"'] * n_texts + [""] * (len(head) - n_texts)
    top = _cells("th", kinds, head)
    body = "\n".join(f"<tr>{_cells('td', kinds, row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cells(tag: str, kinds: list[str], texts: list[str]) -> str:
    return "".join(
        f"<{tag}{kind}>{escape(text)}</{tag}>" for kind, text in zip(kinds, texts, strict=True)
    )
