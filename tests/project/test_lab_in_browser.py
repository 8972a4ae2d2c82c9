"""What a person sees: a real JupyterLab in a real browser, a lesson run from top to bottom, an
exercise tried and solved.

`make screenshots` runs these tests too and keeps the pictures in screenshots/.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from coursekit.commands.lab import lab_command

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

LESSON = "notebooks/00_start_here.ipynb"
EXERCISE = "exercises/fm/fm.ipynb"
SOLUTION = "solutions/fm/fm.py"
CHECK = "fm-1"
ERROR_SHOWN = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
START_SECONDS = 180.0  # limits, not waits: a busy machine may take long
RUN_SECONDS = 600.0
BROWSER_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def course(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what students open, so that running it leaves the repository as it is."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "exercises"):
        shutil.copytree(
            root / name,
            folder / name,
            ignore=shutil.ignore_patterns(".coursekit", ".ipynb_checkpoints"),
        )
    return folder


@pytest.fixture(scope="module")
def address(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a free port, started as `coursekit lab` starts it; stopped by its own process
    id.
    """
    state = tmp_path_factory.mktemp("jupyter")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_DATA_DIR": str(state / "data"),
        "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "IPYTHONDIR": str(state / "ipython"),
    }
    log = state / "log"
    command = [*lab_command(course, no_browser=True), "--ServerApp.port=0"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=state
        )
    try:
        yield wait_until_it_answers(server, state / "runtime", log)
    finally:
        server.terminate()
        try:
            server.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise


def wait_until_it_answers(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return the server's address with its token and a place for the path."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        for file in runtime.glob(f"jpserver-{server.pid}.json"):
            facts = json.loads(file.read_text(encoding="utf-8"))
            address = f"http://127.0.0.1:{facts['port']}{{path}}?reset&token={facts['token']}"
            try:
                with urllib.request.urlopen(address.format(path="/lab"), timeout=START_SECONDS):
                    return address
            except (
                urllib.error.URLError,
                ConnectionError,
            ):  # it writes its file a moment before it listens
                pass
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not answer:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=BROWSER_FLAGS, timeout=START_SECONDS * 1000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium_path() -> str:
    from coursekit.commands.doctor.machine import SERVICES

    return SERVICES["chromium"].find() or ""


@pytest.fixture
def lab(browser: Browser, address: str, root: Path) -> Iterator[Lab]:
    """A fresh browser window, in English and of a laptop's size."""
    pictures = os.environ.get("COURSEKIT_SCREENSHOTS")
    with browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US") as context:
        page = context.new_page()
        page.set_default_timeout(START_SECONDS * 1000)
        expect.set_options(timeout=START_SECONDS * 1000)
        yield Lab(page, address, root / pictures if pictures else None)


class Lab:
    """JupyterLab as a person handles it: by what is on the page."""

    def __init__(self, page: Page, address: str, pictures: Path | None) -> None:
        self.page = page
        self.pictures = pictures
        self._address = address
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self._address.format(path=path))

    def open(self, path: str) -> None:
        """Open a notebook by its address and wait until its kernel is ready."""
        self.go(f"/lab/tree/{path}")
        expect(self.page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| Idle")

    def cell(self, at: int) -> Locator:
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{at}']")

    def run_all_cells(self) -> None:
        """Clear what is stored, run everything, and wait until every cell has a number again."""
        self.choose("Edit", "Clear Outputs of All Cells")
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt")
        expect(prompts.filter(has_text=re.compile(r"\[[\d*]+\]:"))).to_have_count(0)
        self.choose("Run", "Run All Cells")
        expect(prompts.filter(has_text=re.compile(r"\[[ *]\]:"))).to_have_count(
            0, timeout=RUN_SECONDS * 1000
        )

    def choose(self, menu: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def run_cell(self, at: int) -> None:
        """Click into a cell's prompt and press Shift-Enter."""
        self.cell(at).locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Shift+Enter")
        expect(self.cell(at).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))

    def paste_into(self, at: int, text: str) -> None:
        """Replace a cell's text."""
        editor = self.cell(at).locator(".cm-content")
        editor.click()
        expect(editor).to_be_focused()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def save(self) -> None:
        self.page.keyboard.press("ControlOrMeta+S")
        expect(self.page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)

    def picture(self, name: str) -> None:
        """Keep a picture of the page, when somebody asked for pictures."""
        if self.pictures:
            self.page.wait_for_timeout(500)  # scrolling glides
            self.page.screenshot(path=self.pictures / f"{name}.png")


def test_the_address_that_opens_by_itself_shows_the_first_lesson(lab: Lab) -> None:
    lab.go("/")
    expect(
        lab.page.locator(".lm-TabBar-tab.lm-mod-current", has_text="00_start_here.ipynb")
    ).to_be_visible()
    expect(lab.page.locator(".jp-Notebook h1").first).to_contain_text("00 ·")
    expect(lab.page.locator(".jp-Dialog")).to_have_count(0)
    lab.picture("first-lesson")
    assert lab.failures == []


def test_a_lesson_runs_from_top_to_bottom(lab: Lab, course: Path) -> None:
    lab.open(LESSON)
    lab.picture("lesson-opened")
    lab.run_all_cells()
    lab.save()
    lab.picture("lesson-run")
    cells = [
        cell
        for cell in nbformat.read(course / LESSON, as_version=4).cells
        if cell.cell_type == "code"
    ]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    announced = sum("raises-exception" in cell.metadata.get("tags", []) for cell in cells)
    errors = sum(output.output_type == "error" for cell in cells for output in cell.outputs)
    assert errors == announced
    expect(lab.page.locator(ERROR_SHOWN)).to_have_count(errors)
    figures = lab.page.locator(".jp-OutputArea img")
    assert figures.count() == sum(
        "image/png" in output.get("data", {}) for cell in cells for output in cell.outputs
    )
    for at, figure in enumerate(figures.all()):
        figure.scroll_into_view_if_needed()
        assert figure.bounding_box()["width"] > 200  # type: ignore[index]
        lab.picture(f"lesson-figure-{at + 1}")
    assert lab.failures == []


def test_an_exercise_says_not_attempted_and_after_a_right_answer_passed(
    lab: Lab, course: Path, root: Path
) -> None:
    cells = nbformat.read(course / EXERCISE, as_version=4).cells
    at = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): number
        for number, cell in enumerate(cells)
    }
    answer_cell = lab.cell(at[f"{CHECK}-answer"])
    verdict = lab.cell(at[CHECK]).locator(".jp-OutputArea-output")

    lab.open(EXERCISE)
    lab.run_all_cells()
    expect(verdict.first).to_contain_text("not attempted")
    verdict.first.scroll_into_view_if_needed()
    expect(verdict.first).to_be_in_viewport()
    lab.picture("exercise-not-attempted")

    lab.paste_into(at[f"{CHECK}-answer"], right_answer(root / SOLUTION, f"{CHECK}-answer"))
    expect(answer_cell.locator(".cm-content")).not_to_contain_text("NotImplementedError")
    lab.run_cell(at[f"{CHECK}-answer"])
    lab.run_cell(at[CHECK])
    expect(verdict.first).to_contain_text("passed")
    expect(verdict.first).not_to_contain_text("not attempted")
    verdict.first.scroll_into_view_if_needed()
    expect(verdict.first).to_be_in_viewport()
    lab.picture("exercise-passed")
    assert lab.failures == []


def right_answer(source: Path, grade_id: str) -> str:
    """The instructor's solution of one cell, without the marks around it."""
    cells = jupytext.read(source, fmt="py:percent").cells
    text = next(
        cell.source
        for cell in cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    return re.sub(r"^\s*### (BEGIN|END) SOLUTION\n?", "", text, flags=re.MULTILINE)
