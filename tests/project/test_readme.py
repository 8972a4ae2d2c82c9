"""The README is true: its lessons, commands, targets and links are the ones that exist (its loop
runs as a doctest).
"""

from __future__ import annotations

import re
import runpy
import struct
import subprocess
from pathlib import Path

import nbformat
import pytest

import coursekit
from coursekit.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, flags=re.MULTILINE | re.DOTALL
    )
    assert found, title
    return found[1]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def links(text: str) -> list[tuple[str, str]]:
    return re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", text)


def title_of(notebook: Path) -> str:
    first = nbformat.read(notebook, as_version=4).cells[0].source
    return first.splitlines()[0].removeprefix("# ").strip()


def test_the_lesson_table_has_every_lesson_with_its_title_in_order() -> None:
    shown = [links(lesson)[0] for lesson, *_ in rows("Lessons")]
    assert shown == [
        (title_of(ROOT / "notebooks" / f"{stem}.ipynb"), f"notebooks/{stem}.ipynb")
        for stem in coursekit.LESSONS
    ]


def test_the_lesson_table_names_the_modules_that_each_lesson_teaches() -> None:
    for (lesson, _, code), modules in zip(rows("Lessons"), coursekit.LESSONS.values(), strict=True):
        paths = [f"{module.replace('.', '/')}.py" for module in modules]
        assert links(code) == [(Path(path).stem, path) for path in paths], lesson


def test_the_command_table_is_the_table_of_the_command_line() -> None:
    assert rows("The command line") == [
        [f"`coursekit {name}`", line] for name, (_, line) in COMMANDS.items()
    ]


def test_the_tables_are_the_ones_that_the_code_gives() -> None:
    """Lessons, packages and commands; `make readme` writes them."""
    writer = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    assert writer["updated"](README) == README


def test_every_folder_of_the_course_is_named_once() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").replace("/\n", "\n").split()
    folders = [
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not any(folder.match(pattern) for pattern in [".*", *ignored])
    ]
    shown = [links(folder)[0] for folder, _ in rows("Where things are")]
    assert sorted(shown) == sorted((f"`{name}/`", name) for name in folders)


def test_every_command_in_the_text_exists() -> None:
    assert set(
        re.findall(r"coursekit ([a-z]+)\b", "\n".join(re.findall(r"`([^`]+)`", README)))
    ) <= set(COMMANDS)


def test_every_make_target_in_the_text_exists() -> None:
    targets = set(
        re.findall(
            r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    named = set(re.findall(r"`make ([a-z]+)", README))
    assert {"lab", "test"} <= named <= targets


def test_every_link_leads_to_a_file_or_a_heading() -> None:
    titles = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    headings = {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
    for label, target in links(README):
        if target.startswith("#"):
            assert target[1:] in headings, label
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), label


def test_the_loop_is_twelve_lines_of_code() -> None:
    code = re.findall(
        r"^(?:>>>|\.\.\.) (.+)$", section("The loop in twelve lines"), flags=re.MULTILINE
    )
    assert len(code) == 12


def test_the_pinned_torch_is_the_one_the_readme_names() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "torch==2.13.0" in pins
    assert "2.13.0" in section("CPU and GPU")


def test_every_direct_dependency_is_pinned() -> None:
    from coursekit.commands.doctor.diagnosis import _pinned_versions, _required

    assert _required(("test",)) <= set(_pinned_versions(ROOT / "constraints.txt"))


def test_the_picture_is_described_for_those_who_do_not_see_it() -> None:
    picture = (ROOT / "notebooks" / "images" / "loop.svg").read_text(encoding="utf-8")
    assert 'role="img"' in picture
    assert len(re.search(r"<desc[^>]*>(.*?)</desc>", picture, flags=re.DOTALL)[1]) > 100  # type: ignore[index]
    assert re.search(r"!\[[^\]]{100,}\]\(notebooks/images/loop.svg\)", README)


@pytest.mark.needs("chromium")
def test_the_picture_can_be_drawn(chromium: str, tmp_path: Path) -> None:
    """A browser draws it, at its full width, and it is not blank."""
    shot = tmp_path / "loop.png"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--hide-scrollbars",
    ]
    address = (ROOT / "notebooks" / "images" / "loop.svg").as_uri()
    subprocess.run(
        [
            chromium,
            *flags,
            f"--user-data-dir={tmp_path}",
            "--window-size=1200,538",
            f"--screenshot={shot}",
            address,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert struct.unpack(">II", shot.read_bytes()[16:24]) == (1200, 538)
    assert shot.stat().st_size > 30_000


def test_every_pinned_package_runs_on_the_oldest_python_that_is_promised() -> None:
    """Distributions still ship the first releases of Python 3.11; a pin that asks for a later one
    would stop pip there.
    """
    from importlib import metadata

    from packaging.specifiers import SpecifierSet

    from coursekit.commands.doctor.diagnosis import _pinned_versions

    for name, version in _pinned_versions(ROOT / "constraints.txt").items():
        asked = metadata.metadata(name).get("Requires-Python")
        assert asked is None or SpecifierSet(asked).contains("3.11.0"), (
            f"{name} {version} asks for Python {asked}"
        )
