"""A verdict can be read by everybody: in words, by a screen reader, on a light page and on a dark
one.
"""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from coursekit.grading.checks.render import COLOURS, html_of, plain_of, rich_tables
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Report
from coursekit.grading.checks.text import inert, to_html

NASTY = (
    "<script>alert(1)</script> `<img src=x onerror=alert(1)>` & \x1b[31mred\x07 "
    "\u202eback\u2066 \"quoted' \x9b31m"
)


def part(outcome, message=""):
    points = 1 if outcome is Outcome.PASSED else 0
    return PartReport(
        name=f"part {outcome.name}",
        outcome=outcome,
        points=points,
        max_points=1,
        message=message,
        hint="think",
    )


def report(message="something about it"):
    parts = tuple(part(outcome, message) for outcome in Outcome)
    checks = tuple(
        CheckReport(
            id=f"demo-{n}", title="A title.", tier="visible", parts=parts, seed=1, seconds=0.5
        )
        for n in (1, 2)
    )
    return Report(exercise="demo", checks=checks, notes=(f"A note {message}",))


class Page(HTMLParser):
    """Collects tags with their attributes, and complains about anything not closed."""

    VOID = ("br",)

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_html_is_announced_and_its_tables_are_labelled():
    page = Page(html_of(report()))
    assert page.tags[0] == ("div", {"class": "coursekit-report", "role": "status"})
    assert len(page.all("table")) == len(page.all("caption")) == 2
    assert {attributes["scope"] for attributes in page.all("th")} == {"col", "row"}
    assert all("scope" in attributes for attributes in page.all("th"))


def test_every_verdict_is_a_word_a_symbol_and_a_colour():
    page = Page(html_of(report()))
    badges = [attributes["style"] for attributes in page.all("span") if "style" in attributes]
    assert len(badges) == 2 * len(Outcome)
    assert len(set(badges)) == len(Outcome)
    assert page.all("span").count({"aria-hidden": "true"}) == 2 * len(Outcome)
    for outcome in Outcome:
        assert f" {outcome.value}" in page.text


@pytest.mark.parametrize("outcome", Outcome)
def test_verdicts_have_enough_contrast(outcome):
    assert contrast("#ffffff", COLOURS[outcome]) >= 4.5


def test_everything_but_verdicts_takes_the_pages_own_colours():
    styles = [
        attributes["style"]
        for tag, attributes in Page(html_of(report())).tags
        if "style" in attributes and tag != "span"
    ]
    assert styles
    for style in styles:
        assert set(re.findall(r"(?:^|;)(?:background[^:]*|color):([^;]+)", style)) <= {"inherit"}


def test_nothing_from_a_solution_becomes_markup():
    page = Page(html_of(report(NASTY)))
    assert {tag for tag, _ in page.tags} <= {
        "div",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "p",
        "br",
        "code",
        "strong",
    }
    assert not any(
        name.startswith("on") or name == "src" for _, attributes in page.tags for name in attributes
    )


@pytest.mark.parametrize("render", [html_of, plain_of, lambda each: printed(each, "truecolor")])
def test_no_control_character_gets_through(render):
    text = (
        re.sub(r"\x1b\[[0-9;]*m", "", render(report(NASTY)))
        if render not in (html_of, plain_of)
        else render(report(NASTY))
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_the_text_twin_says_everything_that_the_html_says():
    plain = plain_of(report())
    page = [text.strip() for text in Page(html_of(report())).text]
    for words in (
        "demo-1: A title. Not judged, 1 of 5 points.",
        "something about it",
        "Hint: think",
        "part PASSED",
        "1/1",
        "A note something about it",
    ):
        assert words in plain
        assert words in page
    for outcome in Outcome:
        assert f"[{outcome.value}]" in plain


def printed(each, colours=None):
    stream = io.StringIO()
    console = Console(
        file=stream, width=200, color_system=colours, force_terminal=colours is not None
    )
    for table in rich_tables(each):
        console.print(table)
    return stream.getvalue()


def test_a_terminal_without_colour_still_shows_word_and_symbol():
    text = printed(report())
    for verdict in ("✓ passed", "✗ wrong", "○ not attempted", "! could not run"):
        assert verdict in text


def test_square_brackets_of_a_solution_are_no_markup_in_a_terminal():
    assert "[bold]x[/bold] [/]" in printed(report("[bold]x[/bold] [/]"))


def test_a_report_shows_itself():
    assert repr(report()) == plain_of(report())
    assert report()._repr_html_() == html_of(report())


def test_long_text_is_cut_and_code_is_set_as_code():
    assert len(inert("word " * 1000)) == 600
    assert to_html("use `a < b`") == "use <code>a &lt; b</code>"
