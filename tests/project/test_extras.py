"""Each extra of pyproject.toml suffices: what it promises works while everything that it does not
list cannot be imported.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BLOCK = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in blocked else find(name, path, target)

PathFinder.find_spec = find_spec
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def of_extra(extra: str) -> list[str]:
    return PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])


def distributions(extra: str) -> set[str]:
    """Everything that pip installs for an extra, in canonical names; "" is no extra at all."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in of_extra(extra)]
    while waiting:
        requirement, of = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": of}):
            continue
        name = canonical(requirement.name)
        for wanted in requirement.extras or {""}:
            if (name, wanted) in found:
                continue
            found.add((name, wanted))
            try:
                texts = of_extra(wanted) if name == "coursekit" else requires(name) or []
            except PackageNotFoundError:  # for another system or Python
                continue
            waiting += [(Requirement(text), wanted) for text in texts]
            if wanted:
                waiting.append((Requirement(name), ""))
    return {name for name, _ in found}


def installed() -> Mapping[str, list[str]]:
    """Top-level module -> its distributions, without those that setuptools carries inside itself
    and puts on the path once something imports it.
    """
    before = sys.path[:]
    sys.path[:] = [entry for entry in before if Path(entry).name != "_vendor"]
    try:
        return packages_distributions()
    finally:
        sys.path[:] = before


def modules_not_in(extra: str) -> list[str]:
    allowed = distributions(extra) | {"coursekit"}
    owners = installed().items()
    return sorted(
        module
        for module, names in owners
        if not allowed & set(map(canonical, names)) and module not in sys.stdlib_module_names
    )


def run(extra: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = f"blocked = set({modules_not_in(extra)!r})\n{BLOCK}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )


def command(*words: str) -> str:
    return f"from coursekit.cli import cli\ncli({list(words)!r}, prog_name='coursekit')"


def test_the_block_blocks(tmp_path: Path) -> None:
    assert "No module named 'jupytext'" in run("", "import jupytext", tmp_path).stderr
    assert "No module named 'nbgrader'" in run("lab", "import nbgrader", tmp_path).stderr
    assert run("grading", "import jupytext, nbgrader", tmp_path).returncode == 0


@pytest.mark.parametrize("words", [("doctor", "--json"), ("hint", "fm-1"), ("progress",)])
def test_commands_work_without_any_extra(words: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    done = run("", command(*words), tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout


REGISTER = """
from coursekit.delivery.registry.registry import ModelRegistry
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization

with ModelRegistry.at("models", by="ada", url=URL) as registry:
    registry.register_model("ratings", OnlineMatrixFactorization(2))
    print(registry.promote("ratings", "1", why="first").status)
"""


def test_a_registry_in_a_file_works_without_any_extra(tmp_path: Path) -> None:
    done = run("", REGISTER.replace("URL", "None"), tmp_path)
    assert done.stdout.strip() == "production", done.stderr


def test_a_registry_in_redis_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    done = run("", REGISTER.replace("URL", "'redis://127.0.0.1:1/0'"), tmp_path)
    assert "pip install -e '.[redis]'" in done.stderr
    done = run("redis", REGISTER.replace("URL", "'redis://127.0.0.1:1/0'"), tmp_path)
    assert "Redis at 127.0.0.1:1 does not answer" in done.stderr


def test_a_release_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    done = run("", command("release"), tmp_path)
    assert done.returncode == 2
    assert "pip install -e '.[grading]'" in done.stderr


def test_with_lab_students_can_check_their_work(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "exercises" / "fm", tmp_path / "fm")
    done = run("lab", command("check", "fm", "--json"), tmp_path)
    assert (done.returncode, done.stdout.count("not attempted") > 5) == (1, True), done.stderr


def test_with_grading_instructors_can_release(tmp_path: Path) -> None:
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name / "fm", tmp_path / name / "fm")
    done = run("grading", command("release", "fm"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_with_grading_a_class_is_graded_into_nbgraders_gradebook(tmp_path: Path) -> None:
    place = tmp_path / "submissions" / "ada" / "fm.ipynb"
    place.parent.mkdir(parents=True)
    shutil.copy(ROOT / "exercises" / "fm" / "fm.ipynb", place)
    words = ["grade", "submissions", "--exercise", str(ROOT / "solutions" / "fm"), "--out", "out"]
    done = run("grading", command(*words, "--gradebook", "course"), tmp_path)
    assert "ModuleNotFoundError" not in done.stderr, done.stderr
    assert [*(tmp_path / "course").rglob("gradebook.db")], done.stderr


def test_what_lessons_import_is_in_the_extra_for_lessons() -> None:
    blocked = set(modules_not_in("lab"))
    for source in sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            assert not {name.partition(".")[0] for name in names} & blocked, source.name
