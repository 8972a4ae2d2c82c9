"""Bring a student's notebook to a newer version of its exercise: read both, merge, back up, write.

All or nothing: everything is read and merged before anything is written, what is overwritten has
been copied first, and if a file cannot be written those before it are put back. The notebook is
written last.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coursekit.core.clock import Clock
from coursekit.core.errors import InvalidParameterError
from coursekit.core.files import write_atomically
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.exercises.notebook import cell_name, read_notebook
from coursekit.grading.student.merge import Merge, merge
from coursekit.grading.student.origin import Origin, origin_metadata, origin_of
from coursekit.grading.student.preflight import compare_versions

__all__ = ["Update", "plan_update"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update that is planned and not yet made.

    Parameters
    ----------
    file : Path
        The student's notebook.
    newer : Exercise
        Where the newer version is.
    from_version : str
        Of the student's notebook; empty where it does not say.
    merge : Merge
    """

    file: Path
    newer: Exercise
    from_version: str
    merge: Merge

    @property
    def is_clear(self) -> bool:
        """Whether it can be made without a decision by the student."""
        return not self.merge.unclear

    @property
    def _our_files(self) -> list[str]:
        """Names of what comes with the notebook: all files of the unused copy."""
        files = (
            file
            for file in sorted(self.newer.folder.iterdir())
            if file.is_file() and not file.name.startswith(".")
        )
        return [file.name for file in files if file != self.newer.notebook]

    def make(self, clock: Clock) -> Path:
        """Copy what is there into a backup, then write; return the backup's folder.

        Parameters
        ----------
        clock : Clock
            Names the backup.

        Raises
        ------
        ExerciseError
            If something is unclear.
        """
        if not self.is_clear:
            raise ExerciseError(
                f"{self.file} was not updated: {len(self.merge.unclear)} cells are unclear."
            )
        notebook = json.dumps(self.merge.notebook, indent=1, ensure_ascii=False, sort_keys=True)
        own, newer = self.file.parent, self.newer.folder
        try:
            files = {own / name: (newer / name).read_bytes() for name in self._our_files}
            files[self.file] = f"{notebook}\n".encode()
            before = {file: file.read_bytes() if file.exists() else None for file in files}
            backup = self._backup(clock)
            for file, content in before.items():
                if content is not None:
                    write_atomically(backup / file.name, content)
            _write_all(files, before)
        except (OSError, UnicodeError) as error:
            raise ExerciseError(
                f"{self.file} was not updated, nothing has changed: {error}."
            ) from error
        return backup

    def _backup(self, clock: Clock) -> Path:
        """Return a folder for the backup that is not there yet."""
        stamp = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stamp}-version-{self.from_version or 'unknown'}"
        place, at = self.file.parent / ".coursekit" / "backup", 1
        while (folder := place / (name if at == 1 else f"{name}-{at}")).exists():
            at += 1
        return folder


def _write_all(files: Mapping[Path, bytes], before: Mapping[Path, bytes | None]) -> None:
    """Write files; if one of them fails, put back what was there before."""
    written = []
    try:
        for file, content in files.items():
            written.append(file)
            write_atomically(file, content)
    except BaseException:
        for file in written[:-1]:
            content_before = before[file]
            if content_before is None:
                file.unlink()
            else:
                write_atomically(file, content_before)
        raise


def plan_update(
    file: Path,
    folder: Path,
    *,
    base: Path | None = None,
    keep: Collection[str] = (),
    take: Collection[str] = (),
) -> Update:
    """Compare a student's notebook with the newer version of its exercise.

    Parameters
    ----------
    file : Path
        The student's notebook.
    folder : Path
        The newer version: the exercise's folder as it is handed out.
    base : Path, optional
        The unused notebook that the student started from; only needed for a notebook that does not
        remember it.
    keep, take : collections of str
        Cells that are decided, see `merge`.

    Raises
    ------
    ExerciseError
        If the folder holds another exercise, an older version, or a notebook that is not as it is
        handed out.
    InvalidParameterError
        If a cell is to be kept and taken, or is none of ours.
    """
    mine, newer = read_notebook(file), load_exercise(folder)
    if newer.notebook.resolve() == file.resolve():
        raise ExerciseError(
            f"{folder} is where your own notebook lies. Name the folder of an unused copy "
            f"with --from."
        )
    ours = read_notebook(newer.notebook)
    said = origin_of(mine)
    _demand_newer(file, said, newer)
    _demand_unused(newer, ours)
    _demand_cells([*keep, *take], ours)
    if both := sorted(set(keep) & set(take)):
        raise InvalidParameterError(
            f"`--keep` and `--take` must not name the same cell, got {', '.join(both)}."
        )
    known = said if base is None else _origin_from(base)
    return Update(
        file=file,
        newer=newer,
        from_version=said.version,
        merge=merge(mine, ours, known, keep=keep, take=take),
    )


def _demand_newer(file: Path, said: Origin, newer: Exercise) -> None:
    if said.exercise and said.exercise != newer.name:
        raise ExerciseError(
            f"{file} is a notebook of {said.exercise}, {newer.folder} holds {newer.name}. "
            f"Name the other folder."
        )
    if said.version and compare_versions(said.version, newer.version) > 0:
        raise ExerciseError(
            f"{file} is of version {said.version}, {newer.folder} holds the older "
            f"{newer.version}. Fetch the newest version."
        )


def _demand_unused(newer: Exercise, ours: dict[str, Any]) -> None:
    """Refuse a folder in which somebody has worked: its notebook must be as it says that it was
    handed out.
    """
    if origin_of(ours).cells != {
        role: cells for role, cells in origin_metadata(ours).items() if cells
    }:
        raise ExerciseError(
            f"{newer.notebook} is not as it is handed out: somebody has worked in it. Fetch "
            f"the exercise into a new folder."
        )


def _demand_cells(names: list[str], ours: dict[str, Any]) -> None:
    known = {cell_name(cell) for cell in ours["cells"]}
    for name in names:
        if name not in known:
            raise InvalidParameterError(
                f"`--keep` and `--take` must name cells of the exercise, got {name}."
            )


def _origin_from(base: Path) -> Origin:
    """Return the origin of an unused notebook, by its cells and not by what it says."""
    notebook = read_notebook(base)
    said = origin_of(notebook)
    return Origin(exercise=said.exercise, version=said.version, cells=origin_metadata(notebook))
