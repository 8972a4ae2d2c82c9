"""Whoever reads feedback is safe from whoever it is about: nothing in it runs, leads elsewhere or
hides.
"""

import pytest

from coursekit.grading.classroom.publish.feedback import POLICY, feedback_page, feedback_text
from tests.grading.classroom.publish.pages.html import tree_of
from tests.grading.classroom.publish.pages.samples import ATTACKS, honest, hostile
from tests.grading.classroom.publish.pages.watching import HIDDEN, Watched

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "footer"),
    *("h1", "h2", "h3", "p", "ul", "li", "a", "br", "span", "code"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "role",
    "aria-labelledby",
    "aria-hidden",
    "id",
    "class",
    "href",
    "scope",
}


def test_nothing_of_a_submission_becomes_markup():
    tree = tree_of(feedback_page(hostile()))
    assert {each.tag for each in tree.iter()} <= TAGS
    assert {name for each in tree.iter() for name in each.keys()} <= ATTRIBUTES
    assert all(each.get("href").startswith("#check-") for each in tree.iter("a"))
    calm = tree_of(feedback_page(honest()))
    assert {each.tag for each in tree.iter()} == {each.tag for each in calm.iter()}


@pytest.mark.parametrize("form", [feedback_page, feedback_text])
def test_nothing_hides_in_the_text(form):
    text = form(hostile())
    assert HIDDEN.search(text) is None
    text.encode()


def test_an_attack_can_be_read_as_what_it_is():
    """Escaped, not swallowed: whoever reads should know."""
    tree = tree_of(feedback_page(hostile()))
    notes = ["".join(each.itertext()) for each in tree.iter("li")]
    assert notes[0] == ATTACKS[0]
    assert notes[10] == ATTACKS[10]
    assert len(max(notes, key=len)) <= 600


def test_the_browser_is_told_to_allow_our_style_and_nothing_else():
    [policy] = [
        each for each in tree_of(feedback_page(hostile())).iter("meta") if each.get("http-equiv")
    ]
    assert (policy.get("http-equiv"), policy.get("content")) == ("Content-Security-Policy", POLICY)
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules.pop("style-src").startswith("'sha256-")
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.needs("chromium")
def test_in_a_real_browser_nothing_runs_and_nothing_is_fetched(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(feedback_page(hostile()))
    seen = Watched(browser, file)
    seen.handle()
    assert (seen.dialogs, seen.fetched, seen.errors) == ([], [], [])
    assert seen.page.evaluate("window.ran") is None
    assert seen.page.locator("script, img, svg, iframe, form, base, link").count() == 0
    assert seen.page.url.startswith(file.as_uri())


@pytest.mark.needs("chromium")
def test_even_unescaped_the_policy_stops_it(browser, tmp_path):
    """The second lock: the same attacks pasted raw into a page of ours."""
    file = tmp_path / "raw.html"
    raw = [text for text in ATTACKS if "\ud800" not in text and "meta http-equiv" not in text]
    file.write_text(feedback_page(honest()).replace("<main>", "<main>" + "\n".join(raw)))
    seen = Watched(browser, file)
    assert (seen.dialogs, seen.fetched) == ([], [])
    assert any("Content Security Policy" in error for error in seen.errors)


@pytest.mark.needs("chromium")
def test_the_attacks_are_real(browser, tmp_path):
    """The same strings without either lock: if they did nothing here, the tests above would prove
    nothing.
    """
    file = tmp_path / "open.html"
    file.write_text("<!DOCTYPE html><title>open</title>" + "\n".join(ATTACKS[:3] + ATTACKS[15:17]))
    seen = Watched(browser, file)
    assert {"1", "2", "3"} <= set(seen.dialogs)
    assert any("127.0.0.1:9" in url for url in seen.fetched)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 29)")]
)
def test_the_style_sheet_is_the_one_that_the_policy_allows(browser, tmp_path, scheme, ground):
    file = tmp_path / "page.html"
    file.write_text(feedback_page(honest()))
    seen = Watched(browser, file, scheme)
    assert seen.errors == []
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
