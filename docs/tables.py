"""Write the tables of README.md that follow from the code: lessons, rooms of the package, commands.

    python docs/tables.py

Each stands under its heading and is replaced as a whole. A test proves that the README holds what this script would write.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from coursekit import LESSONS
from coursekit.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
TABLE = r"(^## {heading}\n.*?\n)\|[^\n]*\n\|[-|]+\n(?:\|[^\n]*\n)*"


def lessons() -> list[list[str]]:
    """Title and promise of every lesson, and links to the modules it teaches."""
    rows = [["Lesson", "What you do", "Code"]]
    for stem, modules in LESSONS.items():
        cells = json.loads((ROOT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
        title, promise = "".join(cells[0]["source"]).split("\n\n")[:2]
        code = ", ".join(f"[{module.rpartition('.')[2]}]({module.replace('.', '/')}.py)" for module in modules)
        rows.append([f"[{title.removeprefix('# ')}](notebooks/{stem}.ipynb)", one_line(promise.strip("*")), code])
    return rows


def rooms() -> list[list[str]]:
    """Every package directly below coursekit with the first sentence of its docstring."""
    rows = [["Package", "What is in it"]]
    for file in sorted((ROOT / "coursekit").glob("*/__init__.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        rows.append([f"[`coursekit.{file.parent.name}`](coursekit/{file.parent.name})", one_line(text.partition("\n\n")[0])])
    return rows


def commands() -> list[list[str]]:
    """Every command with its line of help."""
    return [["Command", "What it does"], *([f"`coursekit {name}`", line] for name, (_, line) in COMMANDS.items())]


def one_line(text: str) -> str:
    return " ".join(text.split())


TABLES = {"Lessons": lessons, "The package": rooms, "The command line": commands}


def updated(text: str) -> str:
    """Return the README's text with its tables as they should be."""
    for heading, rows in TABLES.items():
        head, *body = rows()
        lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in body)]
        table = "\n".join(lines).replace("|  |", "| |")
        pattern = TABLE.format(heading=re.escape(heading))
        text, found = re.subn(
            pattern, lambda match, table=table: f"{match[1]}{table}\n", text, count=1, flags=re.MULTILINE | re.DOTALL
        )
        assert found, f"README.md has no table under {heading!r}"
    return text


if __name__ == "__main__":
    README = ROOT / "README.md"
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
