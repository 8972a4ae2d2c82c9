"""A submission for an instructor's eyes: what was handed in and what it showed, as text and
pictures that can do nothing.

Markdown is shown as it was typed, HTML that a cell displays not at all; of pictures only those are
kept that are what they claim to be. Open this page instead of the notebook: a notebook from
somebody else runs in your browser with your rights.
"""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from coursekit.core.files import replaced_atomically
from coursekit.grading.checks.text import inert_block, to_html
from coursekit.grading.classroom.job import CellRun, JobResult
from coursekit.grading.classroom.publish.feedback import words
from coursekit.grading.classroom.publish.feedback.page import document
from coursekit.grading.classroom.reports import GradeReport
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import cell_name, parse_notebook, read_notebook, source_of
from coursekit.grading.student.origin import digest_of, role_of

__all__ = ["digests_of", "review_page", "write_review"]

_Outputs = Iterable[tuple[str, Mapping[str, Any]]]
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_LARGEST_PICTURE = 2_000_000
_MOST_OUTPUTS = 30
_MOST_CELLS = 2000


def review_page(
    grade: GradeReport,
    content: bytes,
    result: JobResult | None = None,
    *,
    ours: Collection[str] = frozenset(),
) -> str:
    """Return a submitted notebook as an HTML page.

    Parameters
    ----------
    grade : GradeReport
    content : bytes
        The notebook as it was handed in, whatever that is.
    result : JobResult, optional
        What came of it when it was graded; without it, the outputs that the file claims are shown,
        and said to be claimed.
    ours : collection of str
        Digests of cells as they were handed out (see `digests_of`): such a cell is left out if it
        showed nothing.
    """
    title = f"{words.headline(grade)}, as handed in"
    return document(
        title, [*_summary(grade, result), *_cells(content, result, ours)], words.colophon(grade)
    )


def write_review(
    grade: GradeReport,
    content: bytes,
    result: JobResult | None,
    folder: Path,
    *,
    ours: Collection[str] = frozenset(),
) -> None:
    """Write the page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(folder / f"{grade.student}.html") as temporary:
        Path(temporary).write_text(review_page(grade, content, result, ours=ours), encoding="utf-8")


def digests_of(exercise: Exercise) -> frozenset[str]:
    """Return the digests of an exercise's cells that read the same when they are handed out: all
    but the answers.

    They come from the solved notebook and not from what a submission says about itself, which could
    hide a cell.
    """
    cells = read_notebook(exercise.notebook)["cells"]
    return frozenset(digest_of(cell) for cell in cells if role_of(cell) != "answer")


def _summary(grade: GradeReport, result: JobResult | None) -> Iterator[str]:
    shown = (
        "What cells showed when they were graded"
        if result is not None
        else "What the file claims that its cells showed"
    )
    sentences = [
        *words.in_short(grade),
        f"{shown} stands below them, as text; HTML, scripts and links are left out.",
    ]
    yield f'<h2 id="in-short">{words.IN_SHORT}</h2>'
    yield (
        '<div role="status" aria-labelledby="in-short">'
        + "".join(f"<p>{to_html(each)}</p>" for each in sentences)
        + "</div>"
    )


def _cells(content: bytes, result: JobResult | None, ours: Collection[str]) -> Iterator[str]:
    yield "<h2>Cells</h2>"
    try:
        cells = parse_notebook(content, Path("The file"))["cells"][:_MOST_CELLS]
    except ExerciseError as error:
        yield f"<p>{to_html(str(error))}</p>"
        return
    runs = {run.number: run for run in result.cells} if result is not None else {}
    n_left_out = 0
    for number, cell in enumerate(cells, start=1):
        if isinstance(cell, dict):
            run = runs.get(number)
            shown = list(_claimed(cell) if result is None else _shown(run))
            is_quiet = not shown and not (run is not None and run.trouble)
            if is_quiet and digest_of(cell) in ours:
                n_left_out += 1
            else:
                yield from _cell(number, cell, shown, run)
    if n_left_out:
        yield (
            f"<p>{n_left_out} cells are as they were handed out and showed nothing; they are "
            f"left out here.</p>"
        )


def _cell(
    number: int, cell: dict[str, Any], outputs: _Outputs, run: CellRun | None
) -> Iterator[str]:
    kind = "code" if cell.get("cell_type") == "code" else "text"
    yield f"<h3>{to_html(f'Cell {number}, {kind}: {cell_name(cell)}')}</h3>"
    yield _pre(source_of(cell), f"Cell {number}")
    for kind, data in list(outputs)[:_MOST_OUTPUTS]:
        yield from _output(number, kind, data)
    if run is not None and run.trouble:
        yield f"<p>{to_html(f'It stopped: {run.trouble}')}</p>"


def _claimed(cell: Mapping[str, Any]) -> _Outputs:
    outputs = cell.get("outputs")
    known = (
        [each for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else []
    )
    return [(str(each.get("output_type")), each) for each in known]


def _shown(run: CellRun | None) -> _Outputs:
    return run.outputs if run is not None else ()


def _output(number: int, kind: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of one output is text or a picture."""
    label = f"Output of cell {number}"
    if kind == "stream":
        yield _pre(_joined(data.get("text")), label)
    elif kind == "error":
        traceback = data.get("traceback")
        lines = [str(line) for line in traceback] if isinstance(traceback, list) else []
        yield _pre("\n".join(lines) or f"{data.get('ename')}: {data.get('evalue')}", label)
    else:
        bundle = data.get("data")
        yield from _bundle(bundle if isinstance(bundle, dict) else {}, label)


def _bundle(bundle: Mapping[str, Any], label: str) -> Iterator[str]:
    for kind, start in _PICTURES.items():
        raw = _decoded(bundle.get(kind))
        if raw.startswith(start):
            picture = base64.b64encode(raw).decode("ascii")
            yield (
                f'<p><img src="data:{kind};base64,{picture}" alt="{html.escape(label)}: a '
                f'picture"/></p>'
            )
    if "text/plain" in bundle:
        yield _pre(_joined(bundle["text/plain"]), label)


def _pre(text: str, label: str) -> str:
    """Return a block of text that can be scrolled by keyboard."""
    shown = html.escape(inert_block(text), quote=True)
    return (
        f'<pre tabindex="0" role="group" aria-label="{html.escape(label)}">\n{shown}</pre>'
        if shown.strip()
        else ""
    )


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _decoded(picture: Any) -> bytes:
    text = _joined(picture) if picture is not None else ""
    if len(text) > _LARGEST_PICTURE:
        return b""
    try:
        return base64.b64decode(text.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
