"""Sanitise untrusted text for a terminal, a notebook or a browser."""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["inert", "inert_block", "to_html", "visible"]

MAX_LENGTH = 600
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNUSUAL = re.compile(r"[^\n\t -~]")
_NO_GLYPH = re.compile(  # Unicode: Default_Ignorable_Code_Point, and two more that are blank
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U00016fe4"
    r"\U000e0100-\U000e01ef]"
)
_CODE = re.compile(r"`([^`]+)`")


def inert(text: str, max_length: int = MAX_LENGTH) -> str:
    r"""Return text on one line, without control characters, truncated.

    Escape sequences lose their escape; invisible characters and direction overrides are dropped.

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
    r"""Return text with its lines, without terminal escapes, control and invisible characters,
    truncated.

    >>> inert_block("\x1b[31mred\x1b[0m\n\tand\u202e back\x07")
    'red\n\tand back'
    """
    plain = _unix_lines(_ESCAPE.sub("", text[: 4 * max_length]))
    kept = _UNUSUAL.sub(lambda found: found[0] if _is_shown(found[0]) else "", plain)
    if len(kept) <= max_length and len(text) <= 4 * max_length:
        return kept
    return f"{kept[:max_length]}\n... ({len(text):,} characters in all)"


def visible(text: str) -> str:
    r"""Return text in full, with control, invisible and unusual blank characters as code points.

    >>> visible("a = 1\x0c\u202e\r\nb")
    'a = 1<U+000C><U+202E>\nb'
    """

    def shown(found: re.Match[str]) -> str:
        is_blank = found[0].isspace() or not _is_shown(found[0])
        return f"<U+{ord(found[0]):04X}>" if is_blank else found[0]

    return _UNUSUAL.sub(shown, _unix_lines(text))


def to_html(text: str) -> str:
    """Return sanitised text as HTML; text between backticks becomes code.

    >>> to_html("`<b>` & more")
    '<code>&lt;b&gt;</code> &amp; more'
    """
    return _CODE.sub(r"<code>\1</code>", html.escape(inert(text), quote=True))


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_shown(letter: str) -> bool:
    """Tell visible characters from control, format, surrogate, private and unassigned ones, and
    from letters and marks without a glyph, which may be part of a name.
    """
    is_named = unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    return is_named and not _NO_GLYPH.match(letter)
