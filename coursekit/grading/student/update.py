"""Update a student's notebook to a newer version of its exercise: read, merge, back up, write.

All or nothing: everything is read and merged before anything is written, every file that is
replaced is copied to a backup first, no file is replaced before all are written, and if one cannot
be replaced, those before it are restored. The notebook is replaced last.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coursekit.core.clock import Clock
from coursekit.core.errors import InvalidParameterError
from coursekit.core.files import replaced_atomically, write_atomically
from coursekit.grading.errors import ExerciseError
from coursekit.grading.exercises.exercise import Exercise, load_exercise
from coursekit.grading.exercises.notebook import cell_name, read_notebook
from coursekit.grading.student.merge import Merge, merge
from coursekit.grading.student.origin import Origin, origin_metadata, origin_of
from coursekit.grading.student.preflight import compare_versions

__all__ = ["Update", "plan_update"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A planned update.

    Parameters
    ----------
    file : Path
        The student's notebook.
    newer : Exercise
        The newer version.
    from_version : str
        Of the student's notebook; empty if its metadata do not state it.
    merge : Merge
    """

    file: Path
    newer: Exercise
    from_version: str
    merge: Merge

    @property
    def is_clear(self) -> bool:
        """Whether there is no conflict."""
        return not self.merge.unclear

    def make(self, clock: Clock) -> Path:
        """Copy the files to a backup, then write; return the folder of the backup.

        Parameters
        ----------
        clock : Clock
            The time is part of the name of the backup.

        Raises
        ------
        ExerciseError
            If there is a conflict, or a file cannot be read or written; then nothing has changed.
        """
        if not self.is_clear:
            n_unclear = len(self.merge.unclear)
            raise ExerciseError(f"{self.file} was not updated: {n_unclear} cells are unclear.")
        notebook = json.dumps(self.merge.notebook, indent=1, ensure_ascii=False, sort_keys=True)
        try:
            files = {
                self.file.with_name(file.name): file.read_bytes()
                for file in sorted(self.newer.folder.iterdir())
                if file.is_file() and not file.name.startswith(".") and file != self.newer.notebook
            }
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
        """Return a folder for the backup that does not exist yet."""
        stamp = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stamp}-version-{self.from_version or 'unknown'}"
        folder, at = self.file.parent / ".coursekit" / "backup" / name, 1
        while folder.exists():
            at += 1
            folder = folder.with_name(f"{name}-{at}")
        return folder


def _write_all(files: Mapping[Path, bytes], before: Mapping[Path, bytes | None]) -> None:
    """Write all files, then replace the old ones in order; on an error, restore what has changed.

    An error while they are written, such as a full disk, happens before any file is replaced.
    """
    try:
        with ExitStack() as replacing:  # replaces in reverse order when it ends
            for file, content in reversed(list(files.items())):
                temporary = replacing.enter_context(replaced_atomically(file))
                Path(temporary).write_bytes(content)
    except BaseException:
        for file, old in before.items():
            if old is None:
                file.unlink(missing_ok=True)
            elif file.read_bytes() != old:
                write_atomically(file, old)
        raise


def plan_update(
    file: Path,
    folder: Path,
    *,
    base: Path | None = None,
    keep: Collection[str] = (),
    take: Collection[str] = (),
) -> Update:
    """Merge a student's notebook with the newer version of its exercise, in memory.

    Parameters
    ----------
    file : Path
        The student's notebook.
    folder : Path
        The newer version: the folder of the exercise as it is released.
    base : Path, optional
        The unused notebook that the student started from; only needed for a notebook whose metadata
        hold no digests.
    keep, take : collections of str
        Cells whose conflict is resolved, see `merge`.

    Raises
    ------
    ExerciseError
        If the folder holds another exercise, an older version, or a notebook that somebody has
        worked in.
    InvalidParameterError
        If a cell is to be kept and taken, or is not one of the exercise.
    """
    mine, newer = read_notebook(file), load_exercise(folder)
    if newer.notebook.resolve() == file.resolve():
        raise ExerciseError(
            f"{folder} is where your own notebook lies. Name the folder of an unused copy "
            f"with --from."
        )
    ours, said = read_notebook(newer.notebook), origin_of(mine)
    released = {role: cells for role, cells in origin_metadata(ours).items() if cells}
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
    if origin_of(ours).cells != released:
        raise ExerciseError(
            f"{newer.notebook} is not as it is handed out: somebody has worked in it. Fetch "
            f"the exercise into a new folder."
        )
    for name in [*keep, *take]:
        if name not in {cell_name(cell) for cell in ours["cells"]}:
            raise InvalidParameterError(
                f"`--keep` and `--take` must name cells of the exercise, got {name}."
            )
    if both := sorted(set(keep) & set(take)):
        raise InvalidParameterError(
            f"`--keep` and `--take` must not name the same cell, got {', '.join(both)}."
        )
    if base is not None:
        said = Origin(version=said.version, cells=origin_metadata(read_notebook(base)))
    merged = merge(mine, ours, said, keep=keep, take=take)
    return Update(file=file, newer=newer, from_version=said.version, merge=merged)
