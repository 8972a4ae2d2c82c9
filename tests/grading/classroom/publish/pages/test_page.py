"""Feedback can be read by everybody: by a screen reader, without colours, on a dark screen, as
plain text.
"""

import itertools
import re

import pytest

from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.publish.feedback import (
    STYLE,
    feedback_page,
    feedback_text,
    publish_feedback,
)
from tests.grading.classroom.publish.pages.html import colour_pairs, contrast, text_of, tree_of
from tests.grading.classroom.publish.pages.samples import (
    honest,
    hostile,
    judged_in_part,
    not_graded,
    not_judged,
    run_of,
)

GRADES = {
    "honest": honest,
    "not graded": not_graded,
    "not judged": not_judged,
    "judged in part": judged_in_part,
    "hostile": hostile,
}


@pytest.fixture(params=GRADES, ids=str)
def grade(request):
    return GRADES[request.param]()


def headings(tree):
    return [int(each.tag[1]) for each in tree.iter() if re.fullmatch("h[1-6]", each.tag)]


def test_the_page_is_well_formed_and_names_its_language(grade):
    tree = tree_of(feedback_page(grade))
    assert (tree.tag, tree.get("lang")) == ("html", "en")
    assert tree.find("head/title").text


def test_there_is_one_first_heading_and_no_level_is_left_out(grade):
    levels = headings(tree_of(feedback_page(grade)))
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_landmarks_and_the_result_are_announced(grade):
    tree = tree_of(feedback_page(grade))
    assert [each.tag for each in tree.find("body")] == ["header", "main", "footer"]
    [status] = tree.findall(".//*[@role='status']")
    [label] = [each for each in tree.iter() if each.get("id") == status.get("aria-labelledby")]
    assert label.text == "In short"
    said = ("Not judged." if grade.fault else "Not graded.") if grade.problem else "of"
    assert said in text_of(status)


def test_every_table_has_a_caption_and_headings_for_rows_and_columns(grade):
    for table in tree_of(feedback_page(grade)).iter("table"):
        assert text_of(table.find("caption"))
        columns = table.findall("thead/tr/th")
        assert {each.get("scope") for each in columns} == {"col"}
        for row in table.findall("tbody/tr"):
            assert row[0].get("scope") == "row"
            assert len(row) == len(columns)


def test_every_link_leads_to_a_place_on_the_page_and_ids_are_unique(grade):
    tree = tree_of(feedback_page(grade))
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    links = [each.get("href") for each in tree.iter("a")]
    assert len(ids) == len(set(ids))
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_every_verdict_is_a_word_a_symbol_and_a_colour():
    trees = [tree_of(feedback_page(grade)) for grade in (honest(), judged_in_part())]
    spans = [each for tree in trees for each in tree.iter("span")]
    shown = [each for each in spans if "verdict" in each.get("class", "")]
    assert {text_of(each) for each in shown} == {
        "✓ passed",
        "✗ wrong",
        "○ not attempted",
        "! could not run",
        "? not judged",
    }
    assert all(each.find("span").get("aria-hidden") == "true" for each in shown)
    assert {each.get("class").split()[1] for each in shown} == {
        outcome.value.replace(" ", "-") for outcome in Outcome
    }


def test_every_text_has_enough_contrast_with_its_ground_on_every_medium():
    pairs = colour_pairs(STYLE)
    assert {media for media, *_ in pairs} == {"", "prefers-color-scheme:dark", "print"}
    assert {selector for _, selector, *_ in pairs} >= {
        "body",
        "a",
        "footer",
        "caption",
        "code,pre",
        ".wrong",
        ".passed",
    }
    low = [pair for pair in pairs if contrast(*pair[2:]) < 4.5]
    assert low == []


def test_the_measure_of_contrast_is_the_standards():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.005
    )  # the grey that just fails
    assert contrast("#767676", "#ffffff") == pytest.approx(
        4.54, abs=0.005
    )  # the grey that just passes


def test_light_and_dark_and_print_have_their_own_colours():
    grounds = {
        media: ground for media, selector, _, ground in colour_pairs(STYLE) if selector == "body"
    }
    assert grounds[""] == grounds["print"] == "#ffffff"
    assert contrast(grounds["prefers-color-scheme:dark"], "#ffffff") > 15


def test_the_text_twin_says_everything_that_the_page_says():
    page, text = tree_of(feedback_page(honest())), " ".join(feedback_text(honest()).split())
    for element in page.find("body").iter():
        for piece in (element.text, element.tail):
            words = " ".join((piece or "").split())
            if (
                words
                and words not in "✓✗○!"
                and element.tag != "style"
                and element.get("scope") != "col"
            ):
                assert words.rstrip(".") in text, words


def test_the_result_is_said_first():
    text = feedback_text(honest())
    assert text.splitlines()[:7] == [
        "A demo: ada",
        "===========",
        "",
        "In short",
        "--------",
        "6 of 12 points.",
        "1 of 4 checks passed.",
    ]
    assert "Look at demo-1, demo-2, demo-3." in text
    assert "[wrong] demo-1: A title. 4 of 6 points." in text
    assert feedback_text(not_graded()).splitlines()[5:7] == [
        "Not graded.",
        "The file is no notebook.",
    ]


def test_neither_seed_nor_fault_nor_what_it_cost_is_told(grade):
    """A submission decides its time and its memory: they could carry a hidden question."""
    told = feedback_page(grade) + feedback_text(grade)
    assert "s3cr3t" not in told
    assert not re.search(r"1\.2 s|181 MB", told)


def test_both_forms_are_written_and_the_same_every_time(tmp_path):
    publish_feedback(run_of(honest()), tmp_path)
    files = sorted((tmp_path / "feedback").iterdir())
    assert [file.name for file in files] == ["ada.html", "ada.txt"]
    assert [file.read_text() for file in files] == [
        feedback_page(honest()),
        feedback_text(honest()),
    ]
