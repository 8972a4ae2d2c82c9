"""Sanitise outputs and Markdown of a submission: text and verified images only.

The review page and formgrader show submissions through this module. Otherwise scripts in outputs
and Markdown would run in the instructor's browser.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from coursekit.grading.checks.text import inert, inert_block

__all__ = ["PICTURES", "inert_markdown", "inert_output", "inert_outputs"]

_MOST_OUTPUTS = 50
_LARGEST_PICTURE = 4_000_000  # as base64
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_TEX_COMMANDS = re.compile(
    r"\\(?=(?:href|url|require|class|cssId|style|toggle|action|unicode|include|def|let|newcommand)\b)"
)
_Output = dict[str, Any]


def inert_outputs(shown: Iterable[tuple[str, Mapping[str, Any]]]) -> list[_Output]:
    """Return sanitised outputs of a notebook: text and images only.

    What is left out is named in a further output.
    """
    shown = list(shown)
    found = [inert_output(kind, content) for kind, content in shown[:_MOST_OUTPUTS]]
    if len(shown) > _MOST_OUTPUTS:
        found.append(_left_out(f"{len(shown) - _MOST_OUTPUTS:,} more outputs"))
    return [each for at, each in enumerate(found) if at == 0 or each != found[at - 1]]


def inert_output(kind: str, content: Mapping[str, Any]) -> _Output:
    r"""Return one output.

    >>> inert_output("stream", {"name": "stdout", "text": "\x1b[2Jhello"})
    {'output_type': 'stream', 'name': 'stdout', 'text': 'hello'}
    >>> inert_output("display_data", {"data": {"text/html": "<script>alert(1)</script>"}})["text"]
    '[left out: text/html]\n'
    """
    if kind == "stream":
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _text(content.get("text"))}
    if kind == "error":
        name, value = (inert(_text(content.get(key)), 300) for key in ("ename", "evalue"))
        lines = content.get("traceback")
        texts = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
        said = [_text("\n".join(texts)) or f"{name}: {value}"]
        return {"output_type": "error", "ename": name, "evalue": value, "traceback": said}
    data = content.get("data")
    data = data if isinstance(data, Mapping) else {}
    kept = {kind: picture for kind in PICTURES if (picture := _picture(kind, data.get(kind)))}
    if "text/plain" in data:
        kept["text/plain"] = _text(data["text/plain"])
    missing = [str(kind) for kind in data if kind not in kept]
    if not kept:
        return _left_out(", ".join(missing) or f"an output of type {kind}")
    if missing and any(kind.startswith("image/") for kind in missing):
        kept["text/plain"] = (
            kept.get("text/plain", "") + f"\n[left out: {inert(', '.join(missing))}]"
        )
    return {"output_type": "display_data", "data": kept, "metadata": {}}


def inert_markdown(source: str) -> str:
    """Return Markdown without HTML, links, images and active TeX.

    >>> inert_markdown("*fine* <script> [x](javascript:y)")
    '*fine* &lt;script> [x]&#40;javascript:y)'
    """
    text = (
        inert_block(source)
        .replace("<", "&lt;")
        .replace("](", "]&#40;")
        .replace("]:", "]&#58;")
        .replace("][", "]&#91;")
    )
    return _TEX_COMMANDS.sub(r"\\backslash ", text)


def _picture(kind: str, value: Any) -> str:
    """Return an image as base64 if its signature is that of its type, else an empty string."""
    if not isinstance(value, str) or len(value) > _LARGEST_PICTURE:
        return ""
    try:
        raw = base64.b64decode(value)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(raw).decode("ascii") if raw.startswith(PICTURES[kind]) else ""


def _left_out(what: str) -> _Output:
    return {"output_type": "stream", "name": "stderr", "text": f"[left out: {inert(what)}]\n"}


def _text(value: Any) -> str:
    """Return text, which a file may hold as a list of lines."""
    lines = value if isinstance(value, list) else [value]
    return inert_block("".join(line for line in lines if isinstance(line, str)))
