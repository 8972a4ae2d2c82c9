"""Render a report: as text, as a table in a terminal, and as HTML in a notebook.

Every verdict is a word, a symbol and a colour, so colour alone never carries the meaning. In HTML
a verdict has its own colours (white on a dark ground, at least 4.5 : 1); everything else takes the
colours of the page. HTML comes from Jinja2 templates that escape every value; text is made inert
first, because part of it may come from the solution. Jinja2 is imported only when HTML is asked
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.grading.checks.text import inert, to_html, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from rich.table import Table

    from coursekit.grading.checks.report import CheckReport, PartReport, Report

__all__ = [
    "COLOURS",
    "SYMBOLS",
    "advice_on",
    "html_of",
    "html_table",
    "plain_of",
    "points_text",
    "rich_tables",
    "score_of",
    "templates",
]

SYMBOLS = {
    "passed": "✓",
    "wrong": "✗",
    "not attempted": "○",
    "could not run": "!",
    "not judged": "?",
}
COLOURS = {
    "passed": "#00664b",
    "wrong": "#a33c00",
    "not attempted": "#4d5560",
    "could not run": "#7a3b69",
    "not judged": "#2f4b8f",
}
"""Background colour of a verdict in HTML; the text is white."""

_STYLES = {
    "passed": "green",
    "wrong": "red",
    "not attempted": "bright_black",
    "could not run": "magenta",
    "not judged": "blue",
}
_HEADINGS = ("Part", "Verdict", "Points", "What to know")
_BADGE = (
    '<span style="background:{};color:#ffffff;padding:0.1em 0.5em;border-radius:0.3em;'
    'white-space:nowrap"><span aria-hidden="true">{}</span> {}</span>'
)


@cache
def templates() -> Environment:
    """Return the Jinja2 environment of all grading templates.

    Values are sanitised (`inert`) and escaped. The filters return markup: `code` formats text
    between backticks as code, `whole` keeps all lines and shows invisible characters.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    def code(value: str) -> Markup:
        return value if isinstance(value, Markup) else Markup(to_html(value))  # noqa: S704 - escaped by to_html

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=lambda value: (
            inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    environment.filters |= {"code": code, "whole": lambda text: escape(visible(text))}
    environment.globals |= {"symbols": SYMBOLS, "advice_on": advice_on, "points_text": points_text}
    environment.globals["score_of"] = score_of
    return environment


def points_text(points: float, max_points: float) -> str:
    """Return earned and possible points as text.

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
    from markupsafe import Markup

    def row(part: PartReport) -> Sequence[str]:
        badge = Markup(_BADGE).format(COLOURS[part.outcome], SYMBOLS[part.outcome], part.outcome)  # noqa: S704 - a constant; format escapes
        advice = Markup("<br>").join(Markup(to_html(line)) for line in advice_on(part))  # noqa: S704 - escaped by to_html
        return part.name, badge, score_of(part), advice

    tables = (html_table(_headline(c), _HEADINGS, map(row, c.parts)) for c in report.checks)
    notes = "".join(f"<p>{to_html(note)}</p>" for note in report.notes)
    return f'<div class="coursekit-report" role="status">{"".join(tables)}{notes}</div>'


def html_table(caption: str, headings: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table with a caption and with headings for columns and rows."""
    template = templates().get_template("checks/templates/table.html")
    return template.render(caption=caption, headings=headings, rows=rows)


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
            advice = Text("\n".join(advice_on(part)))
            table.add_row(Text(inert(part.name)), verdict, score_of(part), advice)
        yield table


def advice_on(part: PartReport) -> list[str]:
    """Return the message and the hint of a part, sanitised."""
    return [inert(text) for text in (part.message, part.hint and f"Hint: {part.hint}") if text]


def score_of(part: PartReport) -> str:
    """Return earned and possible points of a part; none are earned or lost where it was not
    judged.
    """
    points = "-" if part.outcome == "not judged" else f"{part.points:g}"
    return f"{points}/{part.max_points:g}"


def _plain_check(check: CheckReport) -> Iterator[str]:
    yield _headline(check)
    for part in check.parts:
        yield f"  [{part.outcome}] {inert(part.name)} ({score_of(part)})"
        yield from (f"      {line}" for line in advice_on(part))


def _headline(check: CheckReport) -> str:
    tier = "" if check.tier == "visible" else f" ({check.tier})"
    return inert(
        f"{check.id}{tier}: {check.title} {check.outcome.capitalize()}, "
        f"{points_text(check.points, check.max_points)}."
    )
