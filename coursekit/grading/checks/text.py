"""Text from a solution, made safe to show: in a terminal, in a notebook, in an instructor's
browser.
"""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["inert", "inert_block", "to_html"]

MAX_LENGTH = 600
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CODE = re.compile(r"`([^`]+)`")


def inert(text: str, max_length: int = MAX_LENGTH) -> str:
    r"""Return text on one line, without control characters, and not longer than asked for.

    Escape sequences lose their escape, text that changes the reading direction or hides is dropped.

    >>> inert("fine\x1b[2Jgone\n  next\u202e")
    'fine[2Jgone next'
    """
    kept = (
        " " if letter.isspace() else letter
        for letter in text[: 4 * max_length]
        if letter.isspace() or _is_shown(letter)
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= max_length else f"{line[: max_length - 3]}..."


def inert_block(text: str, max_length: int = 20_000) -> str:
    r"""Return text with its lines, without terminal escapes, control characters and marks that
    hide, and not too long.

    >>> inert_block("\x1b[31mred\x1b[0m\n\tand\u202e back\x07")
    'red\n\tand back'
    """
    plain = _ESCAPE.sub("", text[: 4 * max_length]).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(letter for letter in plain if letter in "\n\t" or _is_shown(letter))
    if len(kept) <= max_length and len(text) <= 4 * max_length:
        return kept
    return f"{kept[:max_length]}\n... ({len(text):,} characters in all)"


def to_html(text: str) -> str:
    """Return inert text as HTML; what stands between backticks is shown as code.

    >>> to_html("`<b>` & more")
    '<code>&lt;b&gt;</code> &amp; more'
    """
    return _CODE.sub(r"<code>\1</code>", html.escape(inert(text), quote=True))


def _is_shown(letter: str) -> bool:
    """Tell a letter from controls, format marks (reading direction), surrogates and private
    characters.
    """
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
