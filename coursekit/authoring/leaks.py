"""What must not reach students: lines of solutions, hidden checks and their texts, wrong solutions
(they are nearly right).
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from coursekit.grading.exercises.misconception import read_misconceptions

__all__ = ["leaks", "solution_lines"]

_TELLING_LENGTH = 9
_PACKED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_HARMLESS = re.compile(
    # the frame of code, not its thought
    r"(import |from |def |class |@|with t\.part|for \w+ in \w+:$|return \w+$|\"\"\")"
)


def leaks(folder: Path, shipped: Mapping[str, str]) -> list[str]:
    """Return what of an exercise's secrets can be read in what is shipped, as sentences.

    Parameters
    ----------
    folder : Path
        The exercise in `solutions/`.
    shipped : mapping of file name to text
        What students get.
    """
    readable = {name: _readable(name, text) for name, text in shipped.items()}
    return [
        f"{folder.name}/{name}: shows {what}: {secret!r}"
        for what, secret in _secrets(folder)
        for name, lines in readable.items()
        if any(secret in line for line in lines)
    ]


def solution_lines(source: str) -> list[str]:
    """Return the telling lines between `### BEGIN SOLUTION` and `### END SOLUTION`."""
    inside, found = False, []
    for line in source.splitlines():
        if "### BEGIN SOLUTION" in line or "### BEGIN HIDDEN TESTS" in line:
            inside = True
        elif "### END SOLUTION" in line or "### END HIDDEN TESTS" in line:
            inside = False
        elif inside:
            found.append(line)
    return list(_telling(found))


def _secrets(folder: Path) -> Iterator[tuple[str, str]]:
    name = folder.name
    for line in solution_lines((folder / f"{name}.py").read_text(encoding="utf-8")):
        yield "a line of the solution", line
    for cell in read_misconceptions(folder):
        for line in _telling(cell.source.splitlines()):
            yield f"a line of the misconception {cell.name}", line
    hidden = folder / "hidden.py"
    if hidden.is_file():
        text = hidden.read_text(encoding="utf-8")
        for line in _telling(text.splitlines()):
            yield "a line of a hidden check", line
        for literal in _literals(text):
            yield "a literal of a hidden check", literal


def _telling(lines: list[str]) -> Iterator[str]:
    """Return the lines that give something away, without indent and comments."""
    for line in lines:
        text = _squeezed(line.split("  #")[0])
        if (
            len(text.replace(" ", "")) >= _TELLING_LENGTH
            and not text.startswith("#")
            and not _HARMLESS.match(text)
        ):
            yield text


def _literals(source: str) -> Iterator[str]:
    """Return the texts of a hidden check that say what it looks at."""
    tree = ast.parse(source)
    names = {
        id(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("tier", "mistake", "what")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in names:
            text = _squeezed(node.value)
            if (
                len(text) >= _TELLING_LENGTH and not text.isidentifier()
            ):  # names are those of the stubs
                yield text


def _readable(name: str, text: str) -> list[str]:
    """Return the lines of a shipped file as a student can read them."""
    if not name.endswith(".ipynb"):
        return [_squeezed(line) for line in (text + "\n" + _unpacked(text)).splitlines()]
    cells = json.loads(text)["cells"]
    shown = ["".join(cell["source"]) for cell in cells] + [
        json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells
    ]
    return [_squeezed(line) for source in shown for line in source.splitlines()]


def _unpacked(text: str) -> str:
    """Return what every long word of a text says in base64: packed is not locked."""
    words = (word.group() for word in _PACKED.finditer(text))
    return "\n".join(
        base64.b64decode(word).decode("utf-8", "replace") for word in words if len(word) % 4 == 0
    )


def _squeezed(text: str) -> str:
    return " ".join(text.split())
