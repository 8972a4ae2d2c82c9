"""Text from a solution, made safe to show: in a terminal, in a notebook, in an instructor's browser."""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["inert", "to_html"]

MAX_LENGTH = 600
_CODE = re.compile(r"`([^`]+)`")


def inert(text: str, max_length: int = MAX_LENGTH) -> str:
    r"""Return text on one line, without control characters, and not longer than asked for.

    Escape sequences lose their escape, text that changes the reading direction or hides is dropped.

    >>> inert("fine\x1b[2Jgone\n  next\u202e")
    'fine[2Jgone next'
    """
    kept = (" " if letter.isspace() else letter for letter in text[: 4 * max_length] if letter.isspace() or _is_shown(letter))
    line = " ".join("".join(kept).split())
    return line if len(line) <= max_length else f"{line[: max_length - 3]}..."


def to_html(text: str) -> str:
    """Return inert text as HTML; what stands between backticks is shown as code.

    >>> to_html("`<b>` & more")
    '<code>&lt;b&gt;</code> &amp; more'
    """
    return _CODE.sub(r"<code>\1</code>", html.escape(inert(text), quote=True))


def _is_shown(letter: str) -> bool:
    """Tell a letter from controls, format marks (reading direction), surrogates and private characters."""
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
