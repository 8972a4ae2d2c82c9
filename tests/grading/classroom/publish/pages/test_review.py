"""An instructor looks at what was handed in, and nothing of it looks back."""

import base64
import dataclasses
import json
import re

import pytest

from coursekit import figures
from coursekit.grading.checks.text import inert_block
from coursekit.grading.classroom.job import Cell, CellRun, JobResult
from coursekit.grading.classroom.publish.review import digests_of, publish_review, review_page
from coursekit.grading.classroom.reports import ClassRun
from coursekit.grading.classroom.settings import load_plan
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import read_notebook
from coursekit.grading.student.origin import digest_of
from tests.grading.classroom.publish.pages.html import text_of, tree_of
from tests.grading.classroom.publish.pages.samples import (
    ATTACKS,
    check,
    grade,
    honest,
    hostile,
    not_judged,
    work,
)
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


def page_of(graded, content, result=None, ours=frozenset()):
    return review_page(work(graded, content, result), ours=ours)


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
    tree = tree_of(page_of(honest(), content))
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
    page = text_of(tree_of(page_of(honest(), content, JobResult(submission="ada", cells=runs))))
    assert "a lie" not in page
    assert "It stopped: It took longer than 10 s." in page
    assert "What cells showed when they were graded" in page


def test_nothing_of_a_submission_becomes_markup():
    page = page_of(hostile(), attacks())
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
    page = tree_of(page_of(honest(), json.dumps(solved).encode(), ours=digests_of(exercise)))
    names = {text_of(each).rpartition(" ")[2] for each in page.iter("h3")}
    assert names == {*(f"fm-{n}-answer" for n in range(1, 7)), "trap"}
    assert "cells are as they were handed out and showed nothing" in text_of(page)
    number = [each["id"] for each in solved["cells"]].index("fm-machine") + 1
    stopped = JobResult(
        submission="ada",
        cells=(CellRun(id="fm-machine", number=number, trouble="It stopped.", seconds=0.0),),
    )
    page = tree_of(
        page_of(honest(), json.dumps(solved).encode(), stopped, ours=digests_of(exercise))
    )
    assert "fm-machine" in {text_of(each).rpartition(" ")[2] for each in page.iter("h3")}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"nbformat": 4, "cells": 3}']
)
def test_a_file_that_is_no_notebook_gets_a_page_that_says_so(content):
    page = text_of(tree_of(page_of(grade(check("demo-1"), problem="It is no notebook."), content)))
    assert "The file is not a notebook" in page


def test_a_flood_of_outputs_is_cut_and_says_so():
    flood = [shown("stream", name="stdout", text=f"{n}" + "y" * 10**6) for n in range(200)]
    page = page_of(honest(), notebook(code("x", *flood)))
    assert len(page) < 1_200_000
    assert "(1,000,001 characters in all)" in page
    assert "[left out: 150 more outputs]" in page
    huge = {"image/png": PNG + "A" * 4_000_000}
    page = page_of(honest(), notebook(code("p", shown("display_data", data=huge, metadata={}))))
    assert "<img" not in page
    assert "[left out: image/png]" in page


def test_every_character_of_the_code_is_on_the_page():
    hidden = "\ufeffa = 1\x0c\nb = '\u202e\u200b\ud800'\rc = 3\n\u3164, \uffa0\ufe0f = 4,\xa05  # \u2028é"
    comments = "# x\n" * 10_000
    content = b"\xef\xbb\xbf" + notebook(code(comments + hidden), code("run_me()"))
    page = tree_of(page_of(honest(), content))
    shown_code = "".join(next(page.iter("pre")).itertext()).lstrip("\n")
    assert shown_code == comments + "<U+FEFF>a = 1<U+000C>\nb = '<U+202E><U+200B>?'\nc = 3" + (
        "\n<U+3164>, <U+FFA0><U+FE0F> = 4,<U+00A0>5  # <U+2028>é"
    )
    assert "run_me()" in text_of(page)


def test_what_ran_instead_of_a_changed_cell_and_what_did_not_run_is_said():
    content = notebook(code("check('demo-1')", name="demo-1"), code("mine = 1"), code("later = 1"))
    ran = tuple(
        Cell(number=n, id=name, source=source)
        for n, (name, source) in enumerate((("demo-1", "check('demo-1')  #"), ("c", "mine = 1")), 1)
    )
    work_ = dataclasses.replace(work(honest(), content, JobResult(submission="ada")), cells=ran)
    page = text_of(tree_of(review_page(work_)))
    assert page.count("the course's own text ran instead") == 1
    assert page.count("This cell was not run") == 1


def test_files_beside_the_notebook_are_shown_or_named():
    files = {
        "helper.py": b"x = '<b>'\n" * 40_000,
        "data.bin": b"\xff\x00",
        "big.csv": b"1" * 300_000,
    }
    page = tree_of(review_page(work(honest(), notebook(code("import helper")), files=files)))
    blocks = ["".join(each.itertext()).lstrip("\n") for each in page.iter("pre")]
    assert files["helper.py"].decode() in blocks
    assert "Not shown: 2 bytes" in text_of(page)
    assert "Not shown: 300,000 bytes" in text_of(page)


def test_the_instructor_is_told_what_it_cost_and_what_failed():
    assert "It took 1.2 s and at most 181 MB." in page_of(honest(), notebook(code("1")))
    page = page_of(not_judged(), notebook(code("1")))
    assert "For the instructor: CheckBugError: the answer was &lt;b&gt;s3cr3t" in page


def test_terminal_escapes_are_taken_out_whole():
    assert (
        inert_block(
            "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b(B\r\nnext\rline"
        )
        == "red link(B\nnext\nline"
    )


def test_the_page_is_written_under_the_students_name(root, tmp_path):
    plan = load_plan(root / "solutions" / "fm")
    run = ClassRun(plan=plan, isolation="none", works=[work(honest(), notebook(code("1")))])
    publish_review(run, tmp_path)
    assert (tmp_path / "review" / "ada.html").read_text() == review_page(run.works[0])


@pytest.mark.needs("chromium")
def test_in_a_real_browser_nothing_runs_and_pictures_are_shown(browser, tmp_path):
    file = tmp_path / "review.html"
    file.write_text(page_of(hostile(), attacks()))
    seen = Watched(browser, file)
    seen.handle()
    assert (seen.dialogs, seen.fetched, seen.errors) == ([], [], [])
    assert seen.page.evaluate("window.ran") is None
    file.write_text(
        page_of(
            honest(),
            notebook(code("p", shown("display_data", data={"image/png": PNG}, metadata={}))),
        )
    )
    seen = Watched(browser, file)
    assert seen.page.evaluate("document.querySelector('img').naturalWidth") > 100
