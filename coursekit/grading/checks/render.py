"""How a report looks: as text, as a table in a terminal, and as HTML in a notebook.

Every verdict is a word, a symbol and a colour, and no one of them is needed to understand it. The
HTML has colours of its own for the verdicts (white on a dark ground, at least 4.5 : 1) and takes
everything else from the page: it reads on a light page and on a dark one. All text is made inert
first: a part of it may come from the solution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Report
from coursekit.grading.checks.text import inert, to_html

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "COLOURS",
    "SYMBOLS",
    "advice_on",
    "html_of",
    "html_table",
    "plain_of",
    "points_text",
    "rich_tables",
]

SYMBOLS = {
    Outcome.PASSED: "✓",
    Outcome.WRONG: "✗",
    Outcome.NOT_ATTEMPTED: "○",
    Outcome.COULD_NOT_RUN: "!",
}
COLOURS = {
    Outcome.PASSED: "#00664b",
    Outcome.WRONG: "#a33c00",
    Outcome.NOT_ATTEMPTED: "#4d5560",
    Outcome.COULD_NOT_RUN: "#7a3b69",
}
"""Ground of a verdict in HTML; the text on it is white."""

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.WRONG: "red",
    Outcome.NOT_ATTEMPTED: "bright_black",
    Outcome.COULD_NOT_RUN: "magenta",
}
_HEADINGS = ("Part", "Verdict", "Points", "What to know")


def points_text(points: float, max_points: float) -> str:
    """Return earned and possible points in words.

    >>> points_text(1, 2.5)
    '1 of 2.5 points'
    """
    return f"{points:g} of {max_points:g} points"


def plain_of(report: Report) -> str:
    """Return the whole report as text that needs no colour, no symbol and no table."""
    lines = [line for check in report.checks for line in _plain_check(check)]
    return "\n".join([*lines, *(inert(note) for note in report.notes)])


def html_of(report: Report) -> str:
    """Return the whole report as HTML: a table per check, announced by a screen reader when it
    appears.
    """
    tables = "".join(_html_check(check) for check in report.checks)
    notes = "".join(f"<p>{to_html(note)}</p>" for note in report.notes)
    return f'<div class="coursekit-report" role="status">{tables}{notes}</div>'


def html_table(caption: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return an HTML table with a caption and with headings for columns and rows; cells are HTML
    already.
    """
    cell = 'style="text-align:left;vertical-align:top;padding:0.2em 0.8em 0.2em 0"'
    head = "".join(f'<th scope="col" {cell}>{heading}</th>' for heading in headings)
    body = "".join(_html_row(list(row), cell) for row in rows)
    title = (
        f'<caption style="text-align:left;font-weight:bold;padding:0.3em '
        f'0;color:inherit">{caption}</caption>'
    )
    table = '<table style="border-collapse:collapse;margin:0.4em 0;color:inherit">'
    return f"{table}{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rich_tables(report: Report) -> Iterator[Table]:
    """Yield one terminal table per check."""
    from rich.table import Table
    from rich.text import Text

    for check in report.checks:
        table = Table(title=Text(_headline(check), style="bold"), title_justify="left")
        for heading in _HEADINGS:
            table.add_column(heading, justify="right" if heading == "Points" else "left")
        for part in check.parts:
            verdict = Text(f"{SYMBOLS[part.outcome]} {part.outcome}", style=_STYLES[part.outcome])
            table.add_row(
                Text(inert(part.name)), verdict, _score(part), Text("\n".join(advice_on(part)))
            )
        yield table


def _plain_check(check: CheckReport) -> Iterator[str]:
    yield _headline(check)
    for part in check.parts:
        yield f"  [{part.outcome}] {inert(part.name)} ({_score(part)})"
        yield from (f"      {line}" for line in advice_on(part))


def _html_check(check: CheckReport) -> str:
    rows = (
        (
            to_html(part.name),
            _badge(part.outcome),
            _score(part),
            "<br>".join(map(to_html, advice_on(part))),
        )
        for part in check.parts
    )
    return html_table(to_html(_headline(check)), _HEADINGS, rows)


def _html_row(cells: list[str], style: str) -> str:
    first, *rest = cells
    return (
        f'<tr><th scope="row" {style}>{first}</th>'
        + "".join(f"<td {style}>{cell}</td>" for cell in rest)
        + "</tr>"
    )


def _badge(outcome: Outcome) -> str:
    style = (
        f"background:{COLOURS[outcome]};color:#ffffff;padding:0.1em "
        f"0.5em;border-radius:0.3em;white-space:nowrap"
    )
    return (
        f'<span style="{style}"><span aria-hidden="true">{SYMBOLS[outcome]}</span> {outcome}</span>'
    )


def _headline(check: CheckReport) -> str:
    tier = "" if check.tier == "visible" else f" ({check.tier})"
    return inert(
        f"{check.id}{tier}: {check.title} {check.outcome.capitalize()}, "
        f"{points_text(check.points, check.max_points)}."
    )


def _score(part: PartReport) -> str:
    return f"{part.points:g}/{part.max_points:g}"


def advice_on(part: PartReport) -> list[str]:
    """Return what a part tells its author, as inert lines."""
    return [inert(text) for text in (part.message, part.hint and f"Hint: {part.hint}") if text]
