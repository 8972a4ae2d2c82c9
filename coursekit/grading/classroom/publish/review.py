"""Static review page of a submission for instructors: every cell and file with its outputs, as text
and verified images, without scripts or external resources.

Code is shown in full, invisible characters as code points; Markdown as source; outputs sanitised by
`coursekit.grading.classroom.publish.inert`. What is left out is named. Open this page instead of
the notebook: the outputs of an untrusted notebook can run scripts in your browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from coursekit.core.files import write_atomically
from coursekit.grading.classroom.publish.feedback import colophon, in_short, render
from coursekit.grading.classroom.publish.inert import PICTURES, inert_outputs
from coursekit.grading.classroom.reports import ClassRun, Work
from coursekit.grading.classroom.sanitise import text_of
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise
from coursekit.grading.exercises.notebook import cell_name, parse_notebook, read_notebook
from coursekit.grading.student.origin import digest_of, role_of

__all__ = ["digests_of", "publish_review", "review_page"]

_LARGEST_TEXT = 200_000  # of a file that is not Python source


def review_page(work: Work, *, ours: Collection[str] = frozenset()) -> str:
    """Return a submission as an HTML page.

    Parameters
    ----------
    work : Work
        Without a result, the outputs stored in the file are shown and marked as unverified.
    ours : collection of str
        Digests of released cells (see `digests_of`): such a cell is left out if it has no output.
    """
    problem, cells = "", []
    try:
        cells = list(_cells(work))
    except ExerciseError as error:
        problem = str(error)
    shown = [cell for cell in cells if not (cell["is_quiet"] and cell["digest"] in ours)]
    return render(
        "review.html",
        title=f"{work.grade.title}: {work.student}, as handed in",
        in_short=in_short(work.grade),
        work=work,
        cells=shown,
        n_left_out=len(cells) - len(shown),
        problem=problem,
        files=[_file(name, content) for name, content in work.submission.files.items()],
        pictures=PICTURES,
        colophon=colophon(work.grade),
    )


def publish_review(run: ClassRun, out: Path) -> None:
    """Write the page of each submission to ``review/``."""
    ours = digests_of(run.plan.exercise)
    for work in run.works:
        with run.contained(work.student, "write its review page"):
            write_atomically(out / "review" / f"{work.student}.html", review_page(work, ours=ours))


def digests_of(exercise: Exercise) -> frozenset[str]:
    """Return the digests of the cells that are released unchanged: all but the answers.

    They come from the solved notebook, because the metadata of a submission are not trusted.
    """
    cells = read_notebook(exercise.notebook)["cells"]
    return frozenset(digest_of(cell) for cell in cells if role_of(cell) != "answer")


def _cells(work: Work) -> Iterator[dict[str, Any]]:
    """Yield what the page shows of each cell."""
    notebook = parse_notebook(work.submission.notebook, Path("The file"))
    ran = {cell.number: cell for cell in work.cells}
    runs = {run.number: run for run in work.result.cells} if work.result is not None else {}
    for number, raw in enumerate(notebook["cells"], start=1):
        if not isinstance(raw, dict):
            continue
        run, cell, source = runs.get(number), ran.get(number), text_of(raw)
        is_code, trouble = raw.get("cell_type") == "code", run.trouble if run is not None else ""
        outputs = run.outputs if run is not None else ()
        shown = inert_outputs(_claimed(raw) if work.result is None else outputs)
        yield {
            "number": number,
            "kind": "code" if is_code else "text",
            "name": cell_name(raw),
            "source": source,
            "is_replaced": cell is not None and cell.source != source,
            "is_skipped": cell is None and is_code and work.result is not None,
            "trouble": trouble,
            "outputs": shown,
            "is_quiet": not shown and not trouble,
            "digest": digest_of(raw),
        }


def _claimed(cell: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    outputs = cell.get("outputs")
    known = outputs if isinstance(outputs, list) else []
    return [(str(each.get("output_type")), each) for each in known if isinstance(each, dict)]


def _file(name: str, content: bytes) -> dict[str, Any]:
    """Return a file with its text, if it is text and not too large."""
    file = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return file | {"text": None}
    return file | {"text": text if name.endswith(".py") or len(text) <= _LARGEST_TEXT else None}
