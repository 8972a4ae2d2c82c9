"""Make what a notebook shows harmless: text stays, pictures stay, nothing can run or lead anywhere.

nbgrader's pages run whatever is in outputs and Markdown with the rights of the instructor who looks
at them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from coursekit.grading.checks.text import inert

__all__ = ["inert_markdown", "inert_output", "inert_outputs"]

_MOST_TEXT = 20_000
_MOST_OUTPUTS = 50
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ "
    r"-/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_TEX_THAT_ACTS = re.compile(
    r"\\(?=(?:href|url|require|class|cssId|style|toggle|action|unicode|include|def|let|newcommand)\b)"
)
_Output = dict[str, Any]


def inert_outputs(shown: Iterable[tuple[str, Mapping[str, Any]]]) -> list[_Output]:
    """Return outputs for a notebook from what a kernel claims to show, as text and pictures
    only.
    """
    found = [
        output
        for kind, content in list(shown)[:_MOST_OUTPUTS]
        if (output := inert_output(kind, content))
    ]
    return [each for at, each in enumerate(found) if at == 0 or each != found[at - 1]]


def inert_output(kind: str, content: Mapping[str, Any]) -> _Output | None:
    r"""Return one output, or None if nothing of it is text or a picture.

    >>> inert_output("stream", {"name": "stdout", "text": "\x1b[2Jhello"})
    {'output_type': 'stream', 'name': 'stdout', 'text': 'hello'}
    >>> inert_output("display_data", {"data": {"text/html": "<script>alert(1)</script>"}}) is None
    True
    """
    if kind == "stream":
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _text(content.get("text"))}
    if kind == "error":
        name, value = inert(_text(content.get("ename")), 100), inert(_text(content.get("evalue")))
        return {
            "output_type": "error",
            "ename": name,
            "evalue": value,
            "traceback": [f"{name}: {value}"],
        }
    data = content.get("data")
    kept = _bundle(data) if isinstance(data, Mapping) else {}
    return {"output_type": "display_data", "data": kept, "metadata": {}} if kept else None


def inert_markdown(source: str) -> str:
    """Return Markdown that is shown as it reads: no HTML, no link, no picture, no formula that does
    something.

    >>> inert_markdown("*fine* <script> [x](javascript:y)")
    '*fine* &lt;script> [x]&#40;javascript:y)'
    """
    text = (
        _text(source)
        .replace("<", "&lt;")
        .replace("](", "]&#40;")
        .replace("]:", "]&#58;")
        .replace("][", "]&#91;")
    )
    return _TEX_THAT_ACTS.sub(r"\\backslash ", text)


def _bundle(data: Mapping[str, Any]) -> dict[str, str]:
    kept = {}
    for kind, start in _PICTURES.items():
        raw = _decoded(data.get(kind))
        if raw.startswith(start):
            kept[kind] = base64.b64encode(raw).decode("ascii")
    if isinstance(data.get("text/plain"), str):
        kept["text/plain"] = _text(data["text/plain"])
    return kept


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=False) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    if len(text) > _MOST_TEXT:
        text = f"{text[:_MOST_TEXT]}\n... ({len(text) - _MOST_TEXT:,} more characters)"
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode("utf-8")
