"""What a notebook shows is text and pictures, whatever it claims to be."""

import base64
import json

import pytest

from coursekit.grading.classroom.publish.inert import inert_markdown, inert_output, inert_outputs

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n...").decode()


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/javascript",
        "image/svg+xml",
        "text/latex",
        "text/markdown",
        "application/x-anything",
    ],
)
def test_what_could_run_is_left_out(kind):
    shown = inert_output("display_data", {"data": {kind: "<script>alert(1)</script>"}})
    assert (shown["output_type"], shown["text"]) == ("stream", f"[left out: {kind}]\n")


def test_pictures_and_plain_text_stay():
    shown = inert_output(
        "execute_result", {"data": {"image/png": PNG, "text/plain": "<Figure>", "text/html": "<b>"}}
    )
    assert shown["data"] == {"image/png": PNG, "text/plain": "<Figure>"}


@pytest.mark.parametrize(
    "data", [7, None, [], {"image/png": "<script>"}, {"image/png": ["x"]}, {"text/plain": {"a": 1}}]
)
def test_what_is_not_what_it_says_is_left_out(data):
    shown = inert_output("display_data", {"data": data})
    assert "script" not in json.dumps(shown)
    assert shown.get("data", {}).keys() <= {"text/plain"}


def test_escape_codes_and_hidden_letters_are_taken_out():
    shown = inert_output(
        "stream", {"name": "x", "text": "\x1b]0;title\x07a\x1b[31mb\x00\u202ec\ud800\n"}
    )
    assert shown == {"output_type": "stream", "name": "stdout", "text": "abc\n"}


def test_an_error_is_text():
    shown = inert_output(
        "error", {"ename": "<b>", "evalue": "\x1b[2Jx\ny", "traceback": ["<script>"]}
    )
    assert shown == {
        "output_type": "error",
        "ename": "<b>",
        "evalue": "x y",
        "traceback": ["<script>"],
    }


def test_long_outputs_are_cut_and_copies_said_once():
    assert len(inert_output("stream", {"text": "x" * 10**6})["text"]) < 21_000
    assert len(inert_outputs([("stream", {"text": "same"})] * 10)) == 1
    many = inert_outputs([("stream", {"text": str(i)}) for i in range(1000)])
    assert (len(many), many[-1]["text"]) == (51, "[left out: 950 more outputs]\n")


@pytest.mark.parametrize(
    "source",
    [
        "<script>",
        "[a](javascript:x)",
        "![a](x)",
        "[a]: javascript:x",
        "[a][b]",
        "$\\href{javascript:x}{y}$",
        "<javascript:x>",
    ],
)
def test_markdown_that_leads_somewhere_does_not(source):
    from nbconvert.filters import markdown2html

    page = markdown2html(inert_markdown(source))
    assert not any(word in page for word in ("<script", "href=", "src=", "\\href"))


def test_markdown_that_only_looks_good_stays():
    assert inert_markdown("**bold** $x^2$ `code`") == "**bold** $x^2$ `code`"
