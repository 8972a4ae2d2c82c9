"""Validate an exercise before it is released.

`faults`: notebook, checks, hints and misconceptions are consistent; the solution earns all points,
the stub none, and each misconception is recognised. `leaks`: no statement of a solution, a hidden
check or a misconception is readable in the files of students.
"""

from __future__ import annotations

import ast
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from coursekit.authoring.generate import SHIPPED, solved_notebook, student_notebook
from coursekit.authoring.source import definitions, read_misconceptions
from coursekit.grading.checks import run_check
from coursekit.grading.checks.report import CheckReport, Outcome, Tier
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.exercises.regions import solution_lines
from coursekit.grading.protocol.subject import LocalSubject

__all__ = ["faults", "leaks", "statements"]

N_HINTS = 3
_CHECK_ID = re.compile(r"[a-z]+-\d+")  # no secret: the notebook shows it
_TELLING_LENGTH = 9  # characters without whitespace
_FRAME = re.compile(  # lines that reveal nothing
    r"(import |from |def |class |@|with t\.part|for \w+ in \w+:$|return \w+$|[rf]?\"\"\")"
)


def faults(folder: Path) -> list[str]:
    """Return what is wrong in `solutions/<name>`, as messages that name file and cell."""
    exercise, notebook = load_exercise(folder), solved_notebook(folder)
    found = [*_files(exercise), *_cells(exercise, notebook), *_hints(exercise)]
    found += _mistakes(exercise)
    return [f"{folder.name}/{sentence}" for sentence in found or _proofs(exercise, notebook)]


def leaks(folder: Path, shipped: Mapping[str, str]) -> list[str]:
    """Return the secrets of an exercise that are readable in the files of students, as messages.

    Parameters
    ----------
    folder : Path
        The exercise in `solutions/`.
    shipped : mapping of file name to text
        The files of students.
    """
    readable = {name: _readable(name, text) for name, text in shipped.items()}
    return [
        f"{folder.name}/{name}: shows {what}: {secret!r}"
        for what, secret in _secrets(folder)
        for name, text in readable.items()
        if _squeezed(secret) in text
    ]


def statements(source: str) -> list[str]:
    r"""Return the statements of a source that could reveal an answer, each on one line.

    A statement over several lines counts as one; comments, definitions, imports and docstrings are
    left out.

    >>> statements("found = ask(\n    1,  # once\n    2,\n)\nfor at in found:\n    pass")
    ['found = ask(1, 2)']
    """
    found: list[str] = []
    tokens: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            found.append(_one_line(tokens))
            tokens = []
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            tokens.append(token)
    return [
        text for text in found if len(_squeezed(text)) >= _TELLING_LENGTH and not _FRAME.match(text)
    ]


def _files(exercise: Exercise) -> Iterator[str]:
    name = exercise.name
    if exercise.folder.name != name:
        yield f"exercise.toml: is about {name}, its folder is called {exercise.folder.name}"
    known = {*SHIPPED, f"{name}.py", f"{name}.ipynb", "hidden.py", "misconceptions.py"}
    for file in sorted(exercise.folder.iterdir()):
        if file.name not in known and not file.name.startswith((".", "__pycache__")):
            yield f"{file.name}: belongs to no exercise, remove it"


def _cells(exercise: Exercise, notebook: NotebookNode) -> Iterator[str]:
    file = f"{exercise.name}.py"
    graded = {cell.id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    tests = [
        name
        for name, cell in graded.items()
        if cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution
    ]
    if tests != list(exercise.check_ids):
        yield f"{file}: the test cells are {tests}, the checks {list(exercise.check_ids)}"
    for name, cell in graded.items():
        about = cell.metadata.nbgrader
        if name in tests and name in exercise.check_ids:
            worth = exercise.points(name)
            if about.points != worth:
                yield f"{file}: cell {name} is worth {about.points}, its checks {worth:g}"
            if f'check("{name}")' not in cell.source:
                yield f'{file}: cell {name} does not call check("{name}")'
        if about.solution and not solution_lines(cell.source):
            yield f"{file}: cell {name} is to be solved but has no solution region"


def _hints(exercise: Exercise) -> Iterator[str]:
    for name in exercise.check_ids:
        ladder = exercise.hints.get(name, ())
        said = [text for text in ladder if isinstance(text, str) and text.strip()]
        if not len(said) == len(ladder) == N_HINTS:
            yield f"hints.toml: {name} needs {N_HINTS} hints that say something, has {len(ladder)}"
    for name in sorted(exercise.hints.keys() - set(exercise.check_ids)):
        yield f"hints.toml: {name} is no check"


def _mistakes(exercise: Exercise) -> Iterator[str]:
    told = {mistake for messages in exercise.mistakes.values() for mistake in messages}
    shown = [each.name for each in read_misconceptions(exercise.folder)]
    for name in sorted(told - set(shown)):
        yield f"misconceptions.py: has no cell for the mistake {name} of hints.toml"
    for name in sorted(set(shown) - told):
        yield f"hints.toml: says nothing about the misconception {name}"
    for name in sorted({name for name in shown if shown.count(name) > 1}):
        yield f"misconceptions.py: has two cells named {name}"


def _proofs(exercise: Exercise, solved: NotebookNode) -> Iterator[str]:
    """Run the checks on the solution, on the stub and on every misconception."""
    file, stub = f"{exercise.name}.py", student_notebook(solved)

    def report_on(namespace: dict[str, object], check_id: str, tier: Tier) -> CheckReport:
        mistakes = exercise.mistakes.get(check_id)
        check = exercise.check(check_id, tier)
        return run_check(check, LocalSubject(namespace), seed="release", mistakes=mistakes)

    for check in exercise.checks:
        about = f"{check.id} ({check.tier})"
        report = report_on(definitions(solved), check.id, check.tier)
        if not report.passed:
            yield f"{file}: the solution fails {about}: {report.message}"
        report = report_on(definitions(stub), check.id, check.tier)
        if report.points or report.outcome is not Outcome.NOT_ATTEMPTED:
            yield f"{file}: the stub is not told that {about} is not attempted"
    for wrong in read_misconceptions(exercise.folder):
        namespace = definitions(solved)
        exec(wrong.source, namespace)  # noqa: S102 - the course's own code
        told = [name for name in exercise.check_ids if wrong.name in exercise.mistakes[name]]
        if wrong.name not in report_on(namespace, told[0], "visible").misconceptions:
            yield f"misconceptions.py: {told[0]} does not recognise {wrong.name}"


def _secrets(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every statement and literal that students must not read, after what it is."""
    sources = []
    for cell in solved_notebook(folder).cells:
        if cell.cell_type == "code":
            solution = textwrap.dedent("\n".join(solution_lines(cell.source)))
            sources.append(("a line of the solution", solution))
    for wrong in read_misconceptions(folder):
        sources.append((f"a line of the misconception {wrong.name}", wrong.source))
    if (hidden := folder / "hidden.py").is_file():
        text = hidden.read_text(encoding="utf-8")
        sources.append(("a line of a hidden check", text))
        yield from (("a literal of a hidden check", literal) for literal in _literals(text))
    for what, source in sources:
        yield from ((what, statement) for statement in statements(source))


def _literals(source: str) -> Iterator[str]:
    """Yield the string literals of a hidden check that could reveal what it tests."""
    nodes = list(ast.walk(ast.parse(source)))
    keywords = [each for node in nodes if isinstance(node, ast.Call) for each in node.keywords]
    names = [each.value for each in keywords if each.arg in ("tier", "mistake", "what")]
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in names:
            text = " ".join(node.value.split())
            is_name = text.isidentifier() or _CHECK_ID.fullmatch(text)  # students see these
            if len(text) >= _TELLING_LENGTH and not is_name:
                yield text


def _readable(name: str, text: str) -> str:
    """Return the readable text of a file, normalised by `_squeezed`."""
    if name.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        shown = ["".join(cell["source"]) for cell in cells]
        shown += [json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells]
        text = "\n".join(shown)
    return _squeezed(text)


def _one_line(tokens: list[tokenize.TokenInfo]) -> str:
    """Join the tokens of a statement on one line, without trailing commas."""
    text, end = "", (0, 0)
    for token in tokens:
        between = token.start[0] == end[0] and token.start[1] > end[1]
        broken = text and token.start[0] > end[0] and not text.endswith(("(", "[", "{"))
        text += " " * bool(between or (broken and token.string not in ")]}")) + token.string
        end = token.end
    return re.sub(r",([)\]}])", r"\1", text)


def _squeezed(text: str) -> str:
    """Normalise formatting: no whitespace, no trailing commas, double quotes only."""
    return re.sub(r",([)\]}])", r"\1", "".join(text.split()).replace("'", '"'))
