"""Print the lines of code of each package of coursekit, without blank lines, comments and docstrings.

python tests/benchmarks/code_size.py            this folder's course
python tests/benchmarks/code_size.py ../other   another copy
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Count the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(text))


def docstring_lines(text: str) -> set[int]:
    """The lines of docstrings of modules, classes and functions."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def sizes(package: Path) -> Counter[str]:
    """Lines of code of each folder, two levels deep, and of everything."""
    found: Counter[str] = Counter()
    for file in sorted(package.rglob("*.py")):
        n = code_lines(file.read_text(encoding="utf-8"))
        folders = file.relative_to(package.parent).parts[:-1]
        for depth in range(1, min(len(folders), 3) + 1):
            found["/".join(folders[:depth])] += n
    return found


if __name__ == "__main__":
    root = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parents[2]
    for folder, n in sorted(sizes(root / "coursekit").items()):
        print(f"{n:7,}  {'  ' * folder.count('/')}{folder}")
