"""Read the submissions of a class, in any of the usual layouts, once and into memory.

Supported are: a folder of notebooks (the file's name is the student), a folder of one folder for
each student, nbgrader's ``submitted/<student>/<assignment>/``, a folder of archives made by
`coursekit submit`, and a zip of any of these. No link is followed, and sizes
that an archive declares are not trusted. An error affects one submission alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

from coursekit.grading.errors import GradingError

__all__ = ["LARGEST_FILE", "Submission", "find_submissions"]

LARGEST_FILE = 25_000_000
_LARGEST_EXTRAS = 6_000_000
_MOST_FILES = 50_000
_MOST_READ = 50_000_000  # bytes beside one notebook, kept or not
_MOST_REMARKS = 5
_DEEPEST = 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # other methods may need unbounded memory
_HANDED_IN = {".ipynb", ".zip"}
_OWN_FILES = frozenset(
    "checks.py exercise.toml hints.toml hidden.py manifest.json timestamp.txt".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The submission of one student.

    Parameters
    ----------
    student : str
        A name that is safe as a file name.
    notebook : bytes
        The bytes of the file; empty if there is none to read.
    files : mapping of str to bytes
        Small files beside it.
    problem : str
        Why it cannot be graded; empty if it can be tried.
    remarks : tuple of str
        Files that were left out.
    """

    student: str
    notebook: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    problem: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """A digest of the notebook and of every file, each prefixed by its name and length."""
        digest = hashlib.sha256()
        for name, content in [("", self.notebook), *sorted(self.files.items())]:
            encoded = name.encode("utf-8", "surrogateescape")
            digest.update(f"{len(encoded)} {len(content)}\n".encode() + encoded + content)
        return digest.hexdigest()


class _UnreadableError(Exception):
    """A file that cannot be read; the message ends a sentence that begins with its name."""


_Content = Callable[[], bytes] | str
"""How to read a file, or the reason why it is not read."""
_Tree = dict[PurePosixPath, _Content]


def find_submissions(place: Path, exercise: str) -> list[Submission]:
    """Return the submissions at a place, by student.

    Raises
    ------
    GradingError
        If there is nothing to grade.
    """
    if place.is_file():
        try:
            tree = _unpack(place.read_bytes())
        except _UnreadableError as error:
            raise GradingError(f"{place} {error}.") from error
    elif place.is_dir():
        tree = dict(_walk(place, PurePosixPath()))
    else:
        raise GradingError(f"{place} is not there. Name a folder of submissions, or a zip of one.")
    found: dict[str, Submission] = {}
    for name, files in _by_student(_without_common_folder(tree)).items():
        student, at = _safe(name), 2
        while student in found:
            student, at = f"{_safe(name)}-{at}", at + 1
        try:
            found[student] = _submission(student, files, exercise)
        except Exception as error:  # noqa: BLE001 - affects this submission alone
            found[student] = Submission(student=student, problem=f"{error}.")
    if not found:
        raise GradingError(
            f"There is no submission in {place}: no notebook, no folder of a student, no archive."
        )
    return [found[student] for student in sorted(found)]


def _walk(folder: Path, at: PurePosixPath) -> Iterator[tuple[PurePosixPath, _Content]]:
    """Yield every file of a folder; a folder that cannot be listed counts as one file."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield at, f"cannot be read ({error.strerror})"
        return
    for entry in listed:
        here = at / entry.name
        if _is_ignored(entry.name):
            continue
        if entry.is_symlink():
            yield here, "is a link, and links are not followed"
        elif not entry.is_dir(follow_symlinks=False):
            yield here, partial(_read, folder / entry.name)
        elif len(here.parts) < _DEEPEST:
            yield from _walk(folder / entry.name, here)


def _read(file: Path) -> bytes:
    try:
        owner = file.parent.stat().st_uid  # may link to own files
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as opened:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise _UnreadableError("is no ordinary file")
            if about.st_nlink > 1 and about.st_uid != owner:
                raise _UnreadableError("is a second name of somebody else's file")
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _UnreadableError(f"cannot be read ({error.strerror})") from error


def _unpack(content: bytes) -> _Tree:
    """Return every file of an archive; each is unpacked when it is read."""
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except Exception as error:  # zipfile raises anything on a damaged archive
        raise _UnreadableError(f"is not a zip that can be read ({error})") from error
    if len(archive.infolist()) > _MOST_FILES:
        raise _UnreadableError(f"holds more than {_MOST_FILES:,} files")
    tree: _Tree = {}
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        name = PurePosixPath(*(part for part in path.parts if part not in {"..", path.anchor}))
        if entry.is_dir() or not name.parts or any(map(_is_ignored, name.parts)):
            continue
        if name != path:
            tree[name] = "has a path that leads out of its archive"
        elif stat.S_ISLNK(entry.external_attr >> 16):
            tree[name] = "is a link, and links are not followed"
        else:
            tree[name] = partial(_unpack_entry, archive, entry)
    return tree


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in _METHODS:
        raise _UnreadableError("is compressed by a method that is not read here")
    try:
        with archive.open(entry) as file:
            return file.read(LARGEST_FILE + 1)
    except Exception as error:  # zipfile raises anything on a damaged entry
        raise _UnreadableError(f"cannot be unpacked ({error})") from error


def _without_common_folder(tree: _Tree) -> _Tree:
    """Drop a folder around everything, such as the one that zipping a folder adds, if folders of
    students are inside.
    """
    if (
        len({path.parts[:1] for path in tree}) == 1
        and all(len(path.parts) > 2 for path in tree)
        and len({path.parts[1] for path in tree}) > 1
    ):
        return {PurePosixPath(*path.parts[1:]): content for path, content in tree.items()}
    return tree


def _by_student(tree: _Tree) -> dict[str, _Tree]:
    found: dict[str, _Tree] = {}
    for path, content in tree.items():
        if len(path.parts) > 1:
            found.setdefault(path.parts[0], {})[PurePosixPath(*path.parts[1:])] = content
        elif path.suffix in _HANDED_IN:
            found.setdefault(path.stem, {})[path] = content
        elif isinstance(content, str) and path.parts:
            found.setdefault(path.name, {})[path] = content
    return found


def _submission(student: str, files: _Tree, exercise: str) -> Submission:
    archives = [path for path in files if path.suffix == ".zip"]
    if len(archives) == 1 and not any(path.suffix == ".ipynb" for path in files):
        content = _content(archives[0], files)
        try:
            files = _unpack(content)
        except _UnreadableError as error:
            raise _UnreadableError(f"{_shown(archives[0])} {error}") from error
    notebooks = [path for path in files if path.suffix == ".ipynb"]
    chosen = _choose(notebooks, exercise)
    if chosen is None:
        for path in files:
            if isinstance(files[path], str):
                _content(path, files)  # raises with the reason
        several = f"are several notebooks and none of them is {exercise}.ipynb"
        raise _UnreadableError(f"There {several if notebooks else 'is no notebook'}")
    notebook = _content(chosen, files)
    extras, remarks = _extras(files, chosen)
    return Submission(student=student, notebook=notebook, files=extras, remarks=remarks)


def _content(path: PurePosixPath, files: _Tree) -> bytes:
    """Return the bytes of a file of a fair size."""
    read = files[path]
    try:
        if isinstance(read, str):
            raise _UnreadableError(read)
        content = read()
        if len(content) > LARGEST_FILE:
            raise _UnreadableError(f"is larger than {LARGEST_FILE // 1_000_000} MB")
    except _UnreadableError as error:
        raise _UnreadableError(f"{_shown(path)} was not read: it {error}") from error
    return content


def _choose(notebooks: list[PurePosixPath], exercise: str) -> PurePosixPath | None:
    named = [path for path in notebooks if path.name == f"{exercise}.ipynb"]
    in_its_folder = [path for path in named if len(path.parts) > 1 and path.parts[-2] == exercise]
    for candidates in (in_its_folder, named, notebooks):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _extras(files: _Tree, notebook: PurePosixPath) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return small files beside a notebook that are not the course's, and remarks on others."""
    kept: dict[str, bytes] = {}
    left_out: list[str] = []
    room, n_read, folder = _LARGEST_EXTRAS, 0, notebook.parent
    for path in sorted(path for path in files if path.is_relative_to(folder)):
        if path.suffix == ".ipynb" or path.name in _OWN_FILES:
            continue
        try:
            if n_read > _MOST_READ:
                raise _UnreadableError(f"{_shown(path)} was not read: there are too many files")
            content = _content(path, files)
            n_read += 1 + len(content)
            if len(content) > room:
                most = f"more than {_LARGEST_EXTRAS / 1e6:g} MB of files"
                raise _UnreadableError(f"{_shown(path)} was left out: {most}")
            kept[str(path.relative_to(folder))] = content
            room -= len(content)
        except _UnreadableError as error:
            left_out.append(f"{error}.")
    more = len(left_out) - _MOST_REMARKS
    said = [f"{more:,} more files were not read or were left out."] if more > 0 else []
    return kept, (*left_out[:_MOST_REMARKS], *said)


def _safe(name: str) -> str:
    """Return a student's name as a file name, readable if possible."""
    kept = re.sub(r"[^A-Za-z0-9._@+-]", lambda match: f"%{ord(match.group()):02X}", name)[:100]
    return kept if kept.strip(".") else "%2E"


def _shown(path: PurePosixPath) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", str(path))[:100]


def _is_ignored(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name == "__pycache__"
