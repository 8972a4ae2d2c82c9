"""The form of a lesson, which every notebook in notebooks/ keeps: what a reader can rely on
finding, and where.

That outputs are true, links lead somewhere and figures have alt text is tested in
tests/project/test_lessons.py.
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import nbformat
import pytest
from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
STYLING = {"matplotlib", "pylab", "seaborn", "plotly"}
MOST_WORDS = 3600
BOLD_SENTENCE = re.compile(r"\*\*[^*\n]{20,}?[.!?]\*\*")

every_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path: Path) -> list[NotebookNode]:
    return list(nbformat.read(path, as_version=4).cells)


def prose_of(path: Path) -> list[str]:
    return [cell.source for cell in cells_of(path) if cell.cell_type == "markdown"]


def code_of(path: Path) -> list[str]:
    return [cell.source for cell in cells_of(path) if cell.cell_type == "code"]


def lines_of(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


def headings_of(path: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) (.+)$", without_code("\n".join(prose_of(path))), flags=re.MULTILINE)
    return [(len(marks), text.strip()) for marks, text in found]


def section(path: Path, beginning: str) -> str:
    """The prose of the section (level 2) whose title begins so; empty if there is none."""
    parts = re.split(r"^## (?!#)", "\n".join(prose_of(path)), flags=re.MULTILINE)[1:]
    return "\n".join(part for part in parts if part.casefold().startswith(beginning.casefold()))


def place_of(path: Path, beginning: str) -> int:
    """The place of the cell that holds the heading (level 2) which begins so."""
    heading = re.compile(rf"^## {beginning}", flags=re.MULTILINE)
    return next(
        at
        for at, cell in enumerate(cells_of(path))
        if cell.cell_type == "markdown" and heading.search(cell.source)
    )


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def figures_of(path: Path) -> list[int]:
    """The places of the cells that show a figure."""
    return [
        at
        for at, cell in enumerate(cells_of(path))
        if any("image/png" in o.get("data", {}) for o in cell.get("outputs", []))
    ]


@every_lesson
def test_it_opens_with_its_number_its_title_and_a_promise_of_one_sentence(path: Path) -> None:
    title, promise = prose_of(path)[0].split("\n\n")[:2]
    assert title.startswith(f"# {path.stem[:2]} · ")
    assert BOLD_SENTENCE.fullmatch(promise.replace("\n", " ").strip()), promise
    assert len(re.findall(r"[.!?](?:\s|\*|$)", promise)) == 1, promise


@every_lesson
def test_it_says_what_you_will_be_able_to_do_how_long_it_takes_and_which_module_it_teaches(
    path: Path,
) -> None:
    opening = "\n".join(prose_of(path)[:2])
    assert "able to" in opening
    assert len(re.findall(r"^- ", opening, flags=re.MULTILINE)) >= 3
    assert re.search(r"\b\d+ minutes\b", opening)
    assert re.search(r"\bmodules?\b", opening, flags=re.IGNORECASE)


@every_lesson
def test_its_sections_come_in_the_order_of_every_lesson(path: Path) -> None:
    titles = [text for level, text in headings_of(path) if level == 2]
    assert titles[0].startswith("Why")
    ideas = [text for text in titles if re.match(r"\d\. ", text)]
    assert 3 <= len(ideas) <= 5
    assert [int(text[0]) for text in ideas] == list(range(1, len(ideas) + 1))
    ending = ["Break it", "In production", "Takeaways", "Questions", "Further reading"]
    assert [
        next((e for e in ending if text.startswith(e)), None) for text in titles[len(ideas) + 1 :]
    ] == ending


@every_lesson
def test_every_idea_asks_a_question(path: Path) -> None:
    for level, text in headings_of(path):
        if level == 2 and re.match(r"\d\. ", text):
            assert text.endswith("?"), text


@every_lesson
def test_the_why_is_a_figure_before_any_formula(path: Path) -> None:
    cells = cells_of(path)
    first = figures_of(path)[0]
    headings = [
        at for at, cell in enumerate(cells) if re.search(r"^## ", cell.source, flags=re.MULTILINE)
    ]
    assert headings[0] < first < headings[1]
    assert "$" not in "".join(cell.source for cell in cells[:first] if cell.cell_type == "markdown")


@every_lesson
def test_a_figure_is_followed_by_its_finding_in_one_bold_sentence(path: Path) -> None:
    cells = cells_of(path)
    in_production = place_of(path, "In production")
    for at in figures_of(path):
        after = next(cell for cell in cells[at + 1 :] if cell.cell_type == "markdown")
        assert (
            at > in_production or len(BOLD_SENTENCE.findall(after.source.replace("\n", " "))) >= 1
        ), cells[at].source


@every_lesson
def test_a_figures_title_is_drawn_and_not_only_claimed(path: Path) -> None:
    """Figures come from coursekit.core: a lesson imports no plotting library and sets no style of
    its own.
    """
    for source in code_of(path):
        imported = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(source))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & STYLING, source
        assert not re.search(
            r"\b(rcParams|set_(facecolor|color|linewidth|fontsize)|tight_layout|figsize)\b", source
        ), source


@every_lesson
def test_you_guess_before_you_look(path: Path) -> None:
    """A guess is a variable that a later cell holds against what was measured."""
    source = code_of(path)
    guesses = [
        (at, name)
        for at, text in enumerate(source)
        for name in re.findall(r"^(\w*guess\w*) = ", text, flags=re.MULTILINE)
    ]
    assert len(guesses) >= 3
    assert len({name for _, name in guesses}) == len(guesses), "every guess has a name of its own"
    for at, name in guesses:
        assert any(re.search(rf"\b{name}\b", later) for later in source[at + 1 :]), (
            f"{name} is never compared"
        )


@every_lesson
def test_there_is_something_to_try_in_most_ideas_and_every_task_has_an_answer_to_unfold(
    path: Path,
) -> None:
    cells = cells_of(path)
    tasks = [
        at
        for at, cell in enumerate(cells)
        if cell.cell_type == "markdown" and "**Try it" in cell.source
    ]
    assert len(tasks) >= 3
    for at in tasks:
        answer = "\n".join(
            cell.source for cell in cells[at : at + 3] if cell.cell_type == "markdown"
        )
        assert "<details>" in answer.partition("**Try it")[2], cells[at].source


@every_lesson
def test_something_is_broken_on_purpose_and_its_message_is_read(path: Path) -> None:
    start, end = place_of(path, "Break it"), place_of(path, "In production")
    assert any(cell.cell_type == "code" and cell.outputs for cell in cells_of(path)[start:end])


@every_lesson
def test_in_production_is_short_and_shows_where_the_piece_sits(path: Path) -> None:
    start = place_of(path, "In production")
    assert any(start < at <= start + 2 for at in figures_of(path))
    assert len(section(path, "In production").split()) <= 200


@every_lesson
def test_takeaways_are_three_to_five_and_tied_to_figures(path: Path) -> None:
    takeaways = re.findall(r"^\d\. .+", section(path, "Takeaways"), flags=re.MULTILINE)
    assert 3 <= len(takeaways) <= 5
    assert len(re.findall(r"[Ff]igure", section(path, "Takeaways"))) >= 3


@every_lesson
def test_questions_have_three_levels_and_every_one_a_model_answer_folded_away(path: Path) -> None:
    questions = section(path, "Questions")
    levels = re.split(r"^### ", questions, flags=re.MULTILINE)[1:]
    assert [level.split()[0] for level in levels] == ["Beginner", "Intermediate", "Advanced"]
    for level in levels:
        asked = re.findall(r"^\*\*\d+\..+?\*\*", level, flags=re.MULTILINE | re.DOTALL)
        answers = re.findall(
            r"<details>\s*<summary>.+?</summary>(.+?)</details>", level, flags=re.DOTALL
        )
        assert len(asked) == len(answers) >= 1
        assert all(len(answer.split()) >= 20 for answer in answers)


@every_lesson
def test_further_reading_says_why(path: Path) -> None:
    entries = re.findall(
        r"^- (.+?)(?=^- |\Z)", section(path, "Further reading"), flags=re.MULTILINE | re.DOTALL
    )
    assert len(entries) >= 2
    for entry in entries:
        assert "http" in entry or ".ipynb" in entry or ".py" in entry, entry
        assert len(re.sub(r"\]\([^)]*\)", "]", entry).split()) >= 12, f"why read {entry}"


@every_lesson
def test_it_leads_on_to_its_neighbours(path: Path) -> None:
    at = NOTEBOOKS.index(path)
    last = prose_of(path)[-1]
    for neighbour in NOTEBOOKS[max(0, at - 1) : at] + NOTEBOOKS[at + 1 : at + 2]:
        assert f"({neighbour.name})" in last, neighbour.name


@every_lesson
def test_it_fits_into_an_hour(path: Path) -> None:
    cells = cells_of(path)
    lengths = sorted(lines_of(source) for source in code_of(path))
    assert 30 <= len(cells) <= 70
    assert median(lengths) <= 5
    assert lengths[int(0.9 * (len(lengths) - 1))] <= 15
    assert lengths[-1] <= 25
    assert sum(len(without_code(text).split()) for text in prose_of(path)) <= MOST_WORDS


@every_lesson
def test_prose_keeps_to_88_columns_but_for_tables_formulas_and_links(path: Path) -> None:
    source = (path.parent / "src" / f"{path.stem}.py").read_text(encoding="utf-8")
    prose = [line for line in source.splitlines() if line.startswith("#")]
    free = re.compile(r"# (\||\$\$)|.*\]\(")
    assert [line for line in prose if len(line) > 88 and not free.match(line)] == []


@every_lesson
def test_details_are_closed_and_set_apart_so_that_their_text_is_rendered(path: Path) -> None:
    for text in prose_of(path):
        assert (
            text.count("<details>")
            == text.count("</details>")
            == text.count("<summary>")
            == text.count("</summary>")
        )
        for opened in re.findall(r"</summary>(.{0,2})", text, flags=re.DOTALL):
            assert opened == "\n\n", (
                "Markdown inside <details> needs an empty line after </summary>"
            )


@every_lesson
def test_code_and_prose_take_turns(path: Path) -> None:
    """Never more than four code cells in a row: somebody has to say what is seen."""
    kinds = "".join(cell.cell_type[0] for cell in cells_of(path))
    assert "ccccc" not in kinds


@every_lesson
def test_results_are_shown_and_not_printed_line_by_line(path: Path) -> None:
    for source in code_of(path):
        assert len(re.findall(r"\bprint\(", source)) <= 1, source


@every_lesson
def test_nothing_is_drawn_from_global_randomness_or_the_clock(path: Path) -> None:
    for source in code_of(path):
        assert not re.search(
            r"\bnp\.random\.(?!default_rng|Generator|SeedSequence)\w+|\brandom\.(random|choice|seed)\(",
            source,
        )
        assert (
            not re.search(r"\btime\.(time|perf_counter)\(|datetime\.now\(|%time", source)
            or "nbval" in source
        )


def test_headings_are_recognised_only_outside_of_code() -> None:
    assert without_code("a\n```\n# b\n```\nc") == "a\n\nc"


def test_lessons_are_neighbours_in_order() -> None:
    assert all(int(one.stem[:2]) < int(two.stem[:2]) for one, two in pairwise(NOTEBOOKS))
