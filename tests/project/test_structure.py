"""The structure of the package: small folders, files and classes, no import cycles, one owner for
each class name.

`EXCEPTIONS` lists what does not keep a rule yet, with the reason. An exception that is no longer
needed fails its test, so the list can only shrink.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_NAMES = 12  # in a folder, not counting __init__.py, py.typed and caches
MAX_LINES = 300  # in a file
MAX_METHODS = 20  # in a class, private ones included
MAX_COLUMNS = 100

EXCEPTIONS: dict[str, dict[str, str]] = {
    "folders": {},
    "files": {},
    "classes": {},
    "cycles": {},
    "class names": {},
    "columns": {},
}
"""Rule -> what breaks it today -> why it still does."""

Found = dict[str, object]
"""What breaks a rule -> by how much."""


class Package:
    """The source files of a package, parsed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts = {
            file.relative_to(root.parent).as_posix(): file.read_text(encoding="utf-8")
            for file in sorted(root.rglob("*.py"))
        }
        self.trees = {file: ast.parse(text) for file, text in self.texts.items()}
        self.modules = {module_name(file): tree for file, tree in self.trees.items()}

    def classes(self) -> Iterator[tuple[str, ast.ClassDef]]:
        for file, tree in self.trees.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    yield file, node

    def imports(self, module: str) -> set[str]:
        """Modules of the package that a module imports anywhere in its code, functions included.

        What stands below `if TYPE_CHECKING:` is never executed and does not count.
        """
        skipped = {
            inner
            for node in ast.walk(self.modules[module])
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
            for statement in node.body
            for inner in ast.walk(statement)
        }
        found: set[str] = set()
        for node in ast.walk(self.modules[module]):
            if node in skipped:
                continue
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} line {node.lineno}: relative import"
                below = {f"{node.module}.{name.name}" for name in node.names}
                submodules = below & set(self.modules)
                found |= submodules
                if submodules != below:
                    found.add(str(node.module))
        return (found & set(self.modules)) - {module}


def module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def crowded_folders(package: Package) -> Found:
    names: dict[Path, set[str]] = {}
    for file in package.root.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            path = file.relative_to(package.root.parent)
            for at, name in enumerate(path.parts[1:], start=1):
                names.setdefault(Path(*path.parts[:at]), set()).add(name)
    counts = {
        folder.as_posix(): len(shown - {"__init__.py", "py.typed"})
        for folder, shown in names.items()
    }
    return {folder: n for folder, n in counts.items() if n > MAX_NAMES}


def long_files(package: Package) -> Found:
    counts = {file: len(text.splitlines()) for file, text in package.texts.items()}
    return {file: n for file, n in counts.items() if n > MAX_LINES}


def large_classes(package: Package) -> Found:
    counts = {
        f"{file} {node.name}": sum(
            isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) for part in node.body
        )
        for file, node in package.classes()
    }
    return {name: n for name, n in counts.items() if n > MAX_METHODS}


def import_cycles(package: Package) -> Found:
    """Groups of modules that import one another, directly or through others."""
    imports = {module: package.imports(module) for module in package.modules}

    def reached_from(module: str) -> set[str]:
        reached: set[str] = set()
        waiting = [module]
        while waiting:
            new = imports[waiting.pop()] - reached
            reached |= new
            waiting += new
        return reached

    reached = {module: reached_from(module) for module in imports}
    cycles = {
        tuple(sorted(other for other in reached[module] if module in reached[other]))
        for module in imports
        if module in reached[module]
    }
    return {" <-> ".join(cycle): "imports" for cycle in cycles}


def shared_class_names(package: Package) -> Found:
    owners: dict[str, list[str]] = {}
    for file, node in package.classes():
        owners.setdefault(node.name, []).append(file)
    return {name: files for name, files in owners.items() if len(files) > 1}


def wide_lines(package: Package) -> Found:
    """Files with wide lines as ruff measures them, whatever comments or settings allow."""
    options = ["--isolated", "--ignore-noqa", "--select=E501", f"--line-length={MAX_COLUMNS}"]
    command = [sys.executable, "-m", "ruff", "check", *options, "--output-format=json", "."]
    done = subprocess.run(command, cwd=package.root, capture_output=True, text=True)
    files = [Path(fault["filename"]) for fault in json.loads(done.stdout)]
    return dict(Counter(file.relative_to(package.root.parent).as_posix() for file in files))


RULES = {
    "folders": crowded_folders,
    "files": long_files,
    "classes": large_classes,
    "cycles": import_cycles,
    "class names": shared_class_names,
    "columns": wide_lines,
}


@pytest.fixture(scope="module")
def coursekit(root: Path) -> Package:
    return Package(root / "coursekit")


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_the_rule(rule: str, coursekit: Package) -> None:
    found, excepted = RULES[rule](coursekit), EXCEPTIONS[rule]
    new = {name: found[name] for name in found if name not in excepted}
    assert not new, f"{rule}: {new}"
    assert not (done := set(excepted) - set(found)), f"remove these exceptions: {sorted(done)}"


def test_every_exception_has_a_reason() -> None:
    assert EXCEPTIONS.keys() == RULES.keys()
    for excepted in EXCEPTIONS.values():
        assert all(len(reason) > 10 for reason in excepted.values())


@pytest.fixture
def broken(tmp_path: Path) -> Package:
    """A package that breaks every rule once."""
    folder = tmp_path / "package"
    folder.mkdir()
    many = "\n".join(f"    def m{at}(self): ..." for at in range(MAX_METHODS + 1))
    files = {
        "__init__": "",
        "one": "from package import two\nclass Twice: ...\n",
        "two": "def later():\n    from package.three import x\n",
        "three": "import package.one\nx = 1\nclass Twice: ...\n",
        "typed": "if TYPE_CHECKING:\n    import package.typing_only\n",
        "typing_only": "import package.typed\n",
        "large": f"class Large:\n{many}\n",
        "long": "\n" * (MAX_LINES + 1),
        "wide": "x = 1  #" + "#" * MAX_COLUMNS,
        **{f"more{at}": "" for at in range(MAX_NAMES - 7)},
    }
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return Package(folder)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("folders", {"package": MAX_NAMES + 1}),
        ("files", {"package/long.py": MAX_LINES + 1}),
        ("classes", {"package/large.py Large": MAX_METHODS + 1}),
        ("cycles", {"package.one <-> package.three <-> package.two": "imports"}),
        ("class names", {"Twice": ["package/one.py", "package/three.py"]}),
        ("columns", {"package/wide.py": 1}),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: str, found: Found, broken: Package) -> None:
    assert RULES[rule](broken) == found
