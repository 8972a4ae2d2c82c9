"""An instructor looks at what was handed in, and nothing of it looks back."""

import base64
import json
import re

import pytest

from coursekit import figures
from coursekit.grading.checks.text import inert_block
from coursekit.grading.classroom.job import CellRun, JobResult
from coursekit.grading.classroom.publish.review import digests_of, review_page, write_review
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.origin import digest_of
from tests.grading.classroom.publish.pages.html import text_of, tree_of
from tests.grading.classroom.publish.pages.samples import ATTACKS, check, grade, honest, hostile
from tests.grading.classroom.publish.pages.watching import HIDDEN, Watched

PNG = base64.b64encode(figures.png(figures.new_axes(title="t").get_figure())).decode()


def notebook(*cells):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}
    ).encode()


def code(source, *outputs, name="c"):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def shown(kind, **content):
    return {"output_type": kind, **content}


def attacks():
    cells = []
    for n, text in enumerate(ATTACKS):
        bundle = {
            "text/html": text,
            "text/markdown": text,
            "image/svg+xml": text,
            "application/javascript": "window.ran = 1; alert(1)",
            "text/plain": [text],
            "image/png": text,
            "image/jpeg": base64.b64encode(b"\x89PNG" + text.encode("utf-8", "replace")).decode(),
        }
        outputs = [
            shown("display_data", data=bundle, metadata={}),
            shown("execute_result", data={"image/png": [1, {}]}, metadata={}),
            shown("stream", name=text, text=[text, "\n"]),
            shown("error", ename=text, evalue=text, traceback=[text]),
            shown("error", ename=text, evalue=text, traceback=text),
            shown(text),
            7,
        ]
        cells += [
            code(text, *outputs, name=text),
            {"cell_type": "markdown", "id": f"m{n}", "metadata": {}, "source": text},
        ]
    return notebook(
        *cells, None, 3, {"cell_type": 4, "source": {"a": 1}, "metadata": [], "outputs": "x"}
    )


def test_the_work_can_be_read_cell_by_cell():
    content = notebook(
        code("a = 1\nprint('<b>')", shown("stream", name="stdout", text="<b>\n"), name="first"),
        {"cell_type": "markdown", "id": "words", "metadata": {}, "source": ["# Title\n", "*text*"]},
        code(
            "plot()",
            shown("display_data", data={"image/png": PNG, "text/plain": "<Figure>"}, metadata={}),
        ),
        code(
            "1/0",
            shown(
                "error",
                ename="Z",
                evalue="",
                traceback=["\x1b[31mZeroDivisionError\x1b[0m: division"],
            ),
        ),
    )
    tree = tree_of(review_page(honest(), content))
    assert [text_of(each) for each in tree.iter("h3")] == [
        "Cell 1, code: first", "Cell 2, text: words", "Cell 3, code: c", "Cell 4, code: c",
    ]  # fmt: skip
    blocks = ["".join(each.itertext()).lstrip("\n") for each in tree.iter("pre")]
    assert blocks == [
        "a = 1\nprint('<b>')", "<b>\n", "# Title\n*text*", "plot()", "<Figure>", "1/0", "ZeroDivisionError: division",
    ]  # fmt: skip
    [picture] = tree.iter("img")
    assert picture.get("src") == f"data:image/png;base64,{PNG}"
    assert picture.get("alt") == "Output of cell 3: a picture"
    assert all(each.get("aria-label") for each in tree.iter("pre"))
    assert "What the file claims that its cells showed" in text_of(
        tree.find(".//*[@role='status']")
    )


def test_what_was_shown_when_it_was_graded_replaces_what_the_file_claims():
    content = notebook(
        code("print(1)", shown("stream", name="stdout", text="a lie")), code("stop()")
    )
    runs = (
        CellRun(id="c", number=1, trouble="", seconds=0.1, outputs=(("stream", {"text": "1"}),)),
        CellRun(id="c", number=2, trouble="It took longer than 10 s.", seconds=10.0),
    )
    page = text_of(tree_of(review_page(honest(), content, JobResult(submission="ada", cells=runs))))
    assert "a lie" not in page
    assert "It stopped: It took longer than 10 s." in page
    assert "What cells showed when they were graded" in page


def test_nothing_of_a_submission_becomes_markup():
    page = review_page(hostile(), attacks())
    tree = tree_of(page)
    assert {each.tag for each in tree.find("body").iter()} <= {
        *("body", "header", "main", "footer", "h1", "h2", "h3", "div", "p", "pre", "code")
    }
    assert {name for each in tree.find("body").iter() for name in each.keys()} <= {
        "id", "role", "tabindex", "aria-label", "aria-labelledby",
    }  # fmt: skip
    assert HIDDEN.search(page.replace("\t", "")) is None
    levels = [int(each.tag[1]) for each in tree.iter() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[:3] == [1, 2, 2]


def test_cells_of_ours_that_showed_nothing_are_left_out_whatever_a_submission_says_of_itself(root):
    exercise = load_exercise(root / "solutions" / "fm")
    solved = read_notebook(exercise.notebook)
    solved["cells"].append(code("import os", name="trap"))
    solved["metadata"]["coursekit"]["cells"] = {"given": {"trap": digest_of(solved["cells"][-1])}}
    page = tree_of(review_page(honest(), json.dumps(solved).encode(), ours=digests_of(exercise)))
    names = {text_of(each).rpartition(" ")[2] for each in page.iter("h3")}
    assert names == {*(f"fm-{n}-answer" for n in range(1, 7)), "trap"}
    assert "cells are as they were handed out and showed nothing" in text_of(page)
    number = [each["id"] for each in solved["cells"]].index("fm-machine") + 1
    stopped = JobResult(
        submission="ada",
        cells=(CellRun(id="fm-machine", number=number, trouble="It stopped.", seconds=0.0),),
    )
    page = tree_of(
        review_page(honest(), json.dumps(solved).encode(), stopped, ours=digests_of(exercise))
    )
    assert "fm-machine" in {text_of(each).rpartition(" ")[2] for each in page.iter("h3")}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"nbformat": 4, "cells": 3}']
)
def test_a_file_that_is_no_notebook_gets_a_page_that_says_so(content):
    page = text_of(
        tree_of(review_page(grade(check("demo-1"), problem="It is no notebook."), content))
    )
    assert "The file is not a notebook" in page


def test_a_flood_is_cut():
    flood = notebook(code("x" * 10**6, *[shown("stream", name="stdout", text="y" * 10**6)] * 200))
    page = review_page(honest(), flood)
    assert len(page) < 800_000
    assert "(1,000,000 characters in all)" in page
    huge = notebook(
        code("p", shown("display_data", data={"image/png": PNG + "A" * 3_000_000}, metadata={}))
    )
    assert "<img" not in review_page(honest(), huge)


def test_terminal_escapes_are_taken_out_whole():
    assert (
        inert_block(
            "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b(B\r\nnext\rline"
        )
        == "red link(B\nnext\nline"
    )


def test_the_page_is_written_under_the_students_name(tmp_path):
    write_review(honest(), notebook(code("1")), None, tmp_path / "review")
    assert (tmp_path / "review" / "ada.html").read_text() == review_page(
        honest(), notebook(code("1"))
    )


@pytest.mark.needs("chromium")
def test_in_a_real_browser_nothing_runs_and_pictures_are_shown(browser, tmp_path):
    file = tmp_path / "review.html"
    file.write_text(review_page(hostile(), attacks()))
    seen = Watched(browser, file)
    seen.handle()
    assert (seen.dialogs, seen.fetched, seen.errors) == ([], [], [])
    assert seen.page.evaluate("window.ran") is None
    file.write_text(
        review_page(
            honest(),
            notebook(code("p", shown("display_data", data={"image/png": PNG}, metadata={}))),
        )
    )
    seen = Watched(browser, file)
    assert seen.page.evaluate("document.querySelector('img').naturalWidth") > 100
