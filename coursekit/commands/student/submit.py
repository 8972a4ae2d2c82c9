"""`coursekit submit`: pack a notebook for submission."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from coursekit.commands.output import emit_json, json_option
from coursekit.commands.student.preflight import look, show, timeout_option
from coursekit.core.clock import SystemClock
from coursekit.core.errors import InvalidParameterError
from coursekit.core.files import replaced_atomically
from coursekit.grading.student.submission import archive_of, manifest_of

__all__ = ["submit"]

_LARGEST_FILES = 2_000_000  # in all; larger ones are not graded


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--student", required=True, metavar="NAME", help="Your name in the course, such as your login."
)
@click.option(
    "--with",
    "extras",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A further file that the notebook reads.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The archive.  [default: submissions/EXERCISE/NAME.zip]",
)
@click.option("--anyway", is_flag=True, help="Pack it in spite of problems.")
@timeout_option
@json_option
def submit(
    notebook: Path,
    student: str,
    extras: tuple[Path, ...],
    out: Path | None,
    anyway: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Check a notebook and pack it to hand it in.

    The archive contains the saved notebook and a manifest: exercise, version, checksum, graded
    cells and time. If preflight finds a problem, nothing is packed and the exit code is 1.
    """
    found, content = look(notebook, timeout)
    if not (found.is_ready or anyway):
        if as_json:
            emit_json({"archive": None, "preflight": found.to_json()})
        else:
            show(found)
            click.echo(
                "Nothing was packed. Fix the problems first, or pack it as it is with --anyway."
            )
        raise SystemExit(1)
    files = _read(extras)
    exercise = found.exercise or notebook.stem
    manifest = manifest_of(
        student,
        exercise,
        found.version,
        content,
        cells=found.cells,
        files=files,
        clock=SystemClock(),
    )
    archive = archive_of(manifest, content, files)
    place = out or Path("submissions") / exercise / f"{student}.zip"
    place.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(place) as temporary:
        Path(temporary).write_bytes(archive)
    if as_json:
        emit_json(
            {
                "archive": place,
                "sha256": hashlib.sha256(archive).hexdigest(),
                "manifest": manifest.to_json(),
                "preflight": found.to_json(),
            }
        )
        return
    show(found)
    click.echo(
        f"Packed {place} ({len(archive) / 1000:.0f} kB, version "
        f"{found.version or 'unknown'}). Submit this file."
    )
    click.echo(f"Receipt: sha256 {hashlib.sha256(archive).hexdigest()}")


def _read(files: tuple[Path, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in files:
        if not file.is_file():
            raise InvalidParameterError(f"`--with` must name a file that is there, got {file}.")
        found[file.name] = file.read_bytes()
    if sum(map(len, found.values())) > _LARGEST_FILES:
        raise InvalidParameterError(
            f"`--with` files must have at most {_LARGEST_FILES / 1e6:.0f} MB together."
        )
    return found
