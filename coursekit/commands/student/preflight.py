"""`coursekit preflight` and `coursekit submit`: check a notebook, and pack it to hand it in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from coursekit.commands.command import Answer, Mark, command
from coursekit.core.clock import SystemClock
from coursekit.core.errors import InvalidParameterError
from coursekit.core.files import write_atomically
from coursekit.grading.checks.text import inert
from coursekit.grading.student.feedback import fresh_seed
from coursekit.grading.student.history import default_history
from coursekit.grading.student.preflight import Preflight, read_and_test
from coursekit.grading.student.submission import packed

__all__ = ["preflight", "submit"]

_LARGEST_FILES = 6_000_000  # in all; larger ones are not graded


@command
def preflight(notebook: Path, *, timeout: float = 120.0) -> Answer:
    """Check a notebook before you hand it in.

    Is it saved, complete and of the right version, and does it run from top to bottom in a new
    kernel? The exit code is 0 if it is ready to submit, and 1 if there is a problem; each problem
    comes with its fix.

    Parameters
    ----------
    timeout
        Seconds for all cells together.
    """
    found, _ = _look(notebook, timeout)
    last = "Ready to submit." if found.is_ready else "Fix the problems first."
    return Answer(data=found, text=f"{_shown(found)}\n{last}", ok=found.is_ready)


@command
def submit(
    notebook: Path,
    *,
    student: str,
    with_: tuple[Path, ...] = (),
    out: Path | None = None,
    anyway: bool = False,
    timeout: float = 120.0,
) -> Answer:
    """Check a notebook and pack it to hand it in.

    The archive contains the saved notebook and a manifest: exercise, version, checksum, graded
    cells and time. If preflight finds a problem, nothing is packed and the exit code is 1.

    Parameters
    ----------
    student : NAME
        Your name in the course, such as your login.
    with_
        A further file that the notebook reads.
    out
        The archive.  [default: submissions/EXERCISE/NAME.zip]
    anyway
        Pack it in spite of problems.
    timeout
        Seconds for all cells together.
    """
    found, content = _look(notebook, timeout)
    if not (found.is_ready or anyway):
        how = "Nothing was packed. Fix the problems first, or pack it as it is with --anyway."
        return Answer(
            data={"archive": None, "preflight": found}, text=f"{_shown(found)}\n{how}", ok=False
        )
    exercise = found.exercise or notebook.stem
    archive, manifest = packed(student, exercise, found, content, _read(with_), SystemClock())
    place = out or Path("submissions") / exercise / f"{student}.zip"
    write_atomically(place, archive)
    digest = hashlib.sha256(archive).hexdigest()
    text = (
        f"{_shown(found)}\nPacked {place} ({len(archive) / 1000:.0f} kB, version "
        f"{found.version or 'unknown'}). Submit this file.\nReceipt: sha256 {digest}"
    )
    return Answer(
        data={"archive": place, "sha256": digest, "manifest": manifest, "preflight": found},
        text=text,
    )


def _look(notebook: Path, timeout: float) -> tuple[Preflight, bytes]:
    return read_and_test(notebook, history=default_history(), seed=fresh_seed(), timeout=timeout)


def _shown(found: Preflight) -> str:
    """Return the findings, each problem with its fix below it."""
    lines = []
    for each in found.findings:
        lines.append(f"{Mark(each.standing).shown()} {inert(each.text)}")
        lines += [f"            {inert(each.fix)}"] if each.fix else []
    return "\n".join(lines)


def _read(files: tuple[Path, ...]) -> dict[str, bytes]:
    for file in files:
        if not file.is_file():
            raise InvalidParameterError(f"`--with` must name a file that is there, got {file}.")
    found = {file.name: file.read_bytes() for file in files}
    if sum(map(len, found.values())) > _LARGEST_FILES:
        raise InvalidParameterError(
            f"`--with` files must have at most {_LARGEST_FILES / 1e6:.0f} MB together."
        )
    return found
