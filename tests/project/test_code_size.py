"""The script that counts lines of code counts what it says."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_blank_lines_comments_and_docstrings_do_not_count(root: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(root / "tests" / "benchmarks" / "code_size.py"))
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    lines = ['"""Doc,', "", 'two lines."""', "", "# comment", 'x = """a', "", 'b"""  # a value']
    text = "\n".join([*lines, "", "def f():", '    "Doc."', ""])
    (package / "__init__.py").write_text(text, encoding="utf-8")
    (package / "inner" / "one.py").write_text("y = [\n    1,\n]\n", encoding="utf-8")
    assert script["sizes"](package) == {"package": 4 + 3, "package/inner": 3}
