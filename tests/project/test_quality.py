"""The tools that police the code, run as tests: style, format, types, layers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports"],
        ["mypy"],
    ],
    ids=["style", "format", "layers", "types"],
)
def test_the_tool_finds_nothing(command: list[str], root: Path) -> None:
    done = subprocess.run(
        [SCRIPTS / command[0], *command[1:]], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["coursekit.learning", "coursekit.grading"])
def test_the_layers_contract_notices_an_import_from_above(
    module: str, root: Path, tmp_path: Path
) -> None:
    """The contract itself works: a copy of the package with one wrong import is refused, and the
    line is named.
    """
    package = tmp_path / "coursekit"
    for source in (root / "coursekit").rglob("*.py"):
        copy = package / source.relative_to(root / "coursekit")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    offender = package / module.partition(".")[2] / "offender.py"
    offender.write_text("import coursekit.cli\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, '.'); from importlinter.cli import "
            "lint_imports_command as c; c()",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"{module}.offender" in done.stdout
