"""Feedback as one HTML page that needs nothing else and can do nothing.

Its text is escaped, the browser is told to run nothing and to fetch nothing
(`coursekit.grading.classroom.publish.feedback.style.POLICY`), and it is well-formed: one first
heading, no level left out, a caption on every table, the result where a screen reader announces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coursekit.grading.checks.render import SYMBOLS, advice_on
from coursekit.grading.checks.report import CheckReport, Outcome
from coursekit.grading.checks.text import to_html
from coursekit.grading.classroom.publish.feedback import words
from coursekit.grading.classroom.publish.feedback.style import POLICY, STYLE, css_class
from coursekit.grading.classroom.reports import GradeReport

__all__ = ["document", "feedback_page", "table", "verdict"]


def feedback_page(grade: GradeReport) -> str:
    """Return the feedback as an HTML page."""
    return document(
        words.headline(grade),
        [*_summary(grade), *_checks(grade), *_notes(grade)],
        words.colophon(grade),
    )


def document(title: str, body: Iterable[str], colophon: str) -> str:
    """Return a page of ours around some HTML."""
    name = to_html(title)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>',
            '<meta name="referrer" content="no-referrer"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{name}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<header><h1>{name}</h1></header>",
            "<main>",
            *body,
            "</main>",
            f"<footer><p>{to_html(colophon)}</p></footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def table(caption: str, headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table; the cells are HTML already, the first of each row is its heading."""
    yield f"<table><caption>{to_html(caption)}</caption>"
    yield (
        "<thead><tr>"
        + "".join(f'<th scope="col">{to_html(heading)}</th>' for heading in headings)
        + "</tr></thead>"
    )
    yield "<tbody>"
    for first, *rest in rows:
        yield (
            f'<tr><th scope="row">{first}</th>'
            + "".join(f"<td>{cell}</td>" for cell in rest)
            + "</tr>"
        )
    yield "</tbody></table>"


def verdict(outcome: Outcome) -> str:
    """Return a verdict as a word, a symbol and a colour; the symbol is not read aloud."""
    symbol = f'<span aria-hidden="true">{SYMBOLS[outcome]}</span>'
    return f'<span class="verdict {css_class(outcome)}">{symbol} {outcome}</span>'


def _summary(grade: GradeReport) -> Iterator[str]:
    first, *rest = words.in_short(grade)
    sentences = f'<p class="points">{to_html(first)}</p>' + "".join(
        f"<p>{to_html(text)}</p>" for text in rest
    )
    yield (
        f'<section role="status" aria-labelledby="in-short"><h2 '
        f'id="in-short">{words.IN_SHORT}</h2>{sentences}</section>'
    )
    yield f"<h2>{words.GLANCE}</h2>"
    rows = (
        (
            f'<a href="#{_anchor(check_id)}">{to_html(check_id)}</a>: {to_html(title)}',
            verdict(outcome),
            _number(points),
        )
        for check_id, title, outcome, points in words.glance(grade)
    )
    yield from table(words.TOGETHER, ("Check", "Verdict", "Points"), rows)


def _checks(grade: GradeReport) -> Iterator[str]:
    yield f"<h2>{words.PARTS}</h2>"
    shown: set[str] = set()
    for check in grade.report.checks:
        if check.id not in shown:
            yield f'<h3 id="{_anchor(check.id)}">{to_html(f"{check.id}: {check.title}")}</h3>'
            shown.add(check.id)
        yield from _check(check)


def _check(check: CheckReport) -> Iterator[str]:
    rows = (
        (
            to_html(part.name),
            verdict(part.outcome),
            _number(f"{part.points:g}/{part.max_points:g}"),
            "<br/>".join(map(to_html, advice_on(part))),
        )
        for part in check.parts
    )
    yield from table(
        words.parts_caption(check), ("Part", "Verdict", "Points", "What to know"), rows
    )


def _notes(grade: GradeReport) -> Iterator[str]:
    if grade.report.notes:
        yield f"<h2>{words.HAPPENED}</h2>"
        yield "<ul>" + "".join(f"<li>{to_html(note)}</li>" for note in grade.report.notes) + "</ul>"


def _number(text: str) -> str:
    return f'<span class="number">{to_html(text)}</span>'


def _anchor(check_id: str) -> str:
    """Return a check's place on the page; ids are letters, digits and dashes, anything else is
    spelt out.

    >>> _anchor("fm-1"), _anchor('a"b')
    ('check-fm-1', 'check-a_22_b')
    """
    return "check-" + "".join(
        each if each.isalnum() or each == "-" else f"_{ord(each):x}_" for each in check_id
    )
