"""Find what a class has handed in, in any of the usual layouts, without following a link or
believing an archive.

Understood are: a folder of notebooks (the file's name is the student), a folder of one folder for
each student, nbgrader's ``submitted/<student>/<assignment>/``, a folder of archives made by
`coursekit submit`, and a zip of any of these.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath

from coursekit.grading.errors import GradingError

__all__ = ["LARGEST_FILE", "Submission", "find_submissions"]

LARGEST_FILE = 10_000_000
_LARGEST_EXTRAS = 2_000_000
_LARGEST_ARCHIVE = 500_000_000
_MOST_FILES = 50_000
_OWN_FILES = {
    "checks.py",
    "exercise.toml",
    "hints.toml",
    "hidden.py",
    "manifest.json",
    "timestamp.txt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What one student has handed in.

    Parameters
    ----------
    student : str
        A name that is safe as the name of a file.
    notebook : bytes
        The file as it is; empty if there is none to read.
    files : mapping of str to bytes
        Small files beside it.
    problem : str
        Why it cannot be graded; empty if it may be tried.
    """

    student: str
    notebook: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    problem: str = ""

    @property
    def sha256(self) -> str:
        """A digest of all that was handed in."""
        digest = hashlib.sha256(self.notebook)
        for name in sorted(self.files):
            digest.update(f"\n{name}\n".encode() + self.files[name])
        return digest.hexdigest()


def find_submissions(place: Path, exercise: str) -> list[Submission]:
    """Return the submissions at a place, by student.

    Raises
    ------
    GradingError
        If there is nothing to grade.
    """
    tree = _archive_tree(place.read_bytes(), place) if place.is_file() else _folder_tree(place)
    tree = _without_common_folder(tree)
    found: dict[str, Submission] = {}
    for name, files in _by_student(tree).items():
        submission = _submission(_safe(name), files, exercise)
        at = 2
        student = submission.student
        while submission.student in found:
            submission = _submission(f"{student}-{at}", files, exercise)
            at += 1
        found[submission.student] = submission
    if not found:
        raise GradingError(
            f"There is no submission in {place}: no notebook, no folder of a student, no archive."
        )
    return [found[student] for student in sorted(found)]


_Content = bytes | str
"""What is in a file; or, as a text, why it cannot be read."""
_Tree = dict[PurePosixPath, _Content]


def _folder_tree(place: Path) -> _Tree:
    if not place.is_dir():
        raise GradingError(f"{place} is not there. Name a folder of submissions, or a zip of one.")
    return dict(_walk(place, PurePosixPath()))


def _walk(folder: Path, at: PurePosixPath) -> Iterator[tuple[PurePosixPath, _Content]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if _is_ignored(entry.name):
            continue
        here = at / entry.name
        if entry.is_symlink():
            yield here, "it is a link, and links are not followed"
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, here)
        else:
            yield here, _read(folder / entry.name)


def _read(file: Path) -> _Content:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    with open(handle, "rb") as opened:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return "it is no ordinary file"
        if about.st_nlink > 1:
            return "it is a second name of another file, and links are not followed"
        return opened.read(LARGEST_FILE) if about.st_size <= LARGEST_FILE else _too_large()


def _archive_tree(content: bytes, place: Path) -> _Tree:
    try:
        return dict(_unpack(content))
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
        EOFError,
    ) as error:
        raise GradingError(f"{place} is not a zip that can be read: {error}.") from error


def _unpack(content: bytes) -> Iterator[tuple[PurePosixPath, _Content]]:
    total = 0
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if len(archive.infolist()) > _MOST_FILES:
            raise ValueError(f"it holds more than {_MOST_FILES:,} files")
        for entry in archive.infolist():
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if name.is_absolute() or ".." in name.parts:
                raise ValueError(f"it holds the path {entry.filename!r}, which leads out of it")
            if entry.is_dir() or any(_is_ignored(part) for part in name.parts):
                continue
            if stat.S_ISLNK(entry.external_attr >> 16):
                yield name, "it is a link, and links are not followed"
                continue
            with archive.open(entry) as file:  # the size that the archive claims is not believed
                data = file.read(LARGEST_FILE + 1)
            total += len(data)
            if total > _LARGEST_ARCHIVE:
                raise ValueError(f"it unpacks to more than {_LARGEST_ARCHIVE:,} bytes")
            yield name, data if len(data) <= LARGEST_FILE else _too_large()


def _without_common_folder(tree: _Tree) -> _Tree:
    """Drop a folder around everything, such as the one that zipping a folder adds, if folders of
    students are inside.
    """
    tops = {path.parts[0] for path in tree}
    if (
        len(tops) == 1
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
        elif path.suffix in {".ipynb", ".zip"} or isinstance(content, str):
            found.setdefault(path.stem, {})[path] = content
    return found


def _submission(student: str, files: _Tree, exercise: str) -> Submission:
    archives = [path for path in files if path.suffix == ".zip"]
    notebooks = [path for path in files if path.suffix == ".ipynb"]
    if len(archives) == 1 and not notebooks:
        content = files[archives[0]]
        try:
            files = (
                {PurePosixPath(archives[0].stem): content}
                if isinstance(content, str)
                else dict(_unpack(content))
            )
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            ValueError,
            OSError,
            EOFError,
        ) as error:
            return Submission(
                student=student,
                problem=f"{archives[0].name} is not a zip that can be read: {error}.",
            )
        notebooks = [path for path in files if path.suffix == ".ipynb"]
    links = [(path, why) for path, why in files.items() if isinstance(why, str)]
    chosen = _choose(notebooks, exercise)
    if chosen is None:
        if links:
            return Submission(
                student=student, problem=f"{_shown(links[0][0])} was not read: {links[0][1]}."
            )
        which = "several notebooks and none of them is" if notebooks else "no notebook"
        return Submission(
            student=student,
            problem=f"There is {which} {exercise}.ipynb." if notebooks else f"There is {which}.",
        )
    content = files[chosen]
    if isinstance(content, str):
        return Submission(student=student, problem=f"{_shown(chosen)} was not read: {content}.")
    return Submission(student=student, notebook=content, files=_extras(files, chosen))


def _choose(notebooks: list[PurePosixPath], exercise: str) -> PurePosixPath | None:
    named = [path for path in notebooks if path.name == f"{exercise}.ipynb"]
    in_its_folder = [path for path in named if len(path.parts) > 1 and path.parts[-2] == exercise]
    for candidates in (in_its_folder, named, notebooks):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _extras(files: _Tree, notebook: PurePosixPath) -> dict[str, bytes]:
    """Return the small files beside a notebook, none of which is one of the course's own."""
    kept: dict[str, bytes] = {}
    room = _LARGEST_EXTRAS
    for path, content in files.items():
        inside = (
            path.is_relative_to(notebook.parent)
            and path.suffix != ".ipynb"
            and path.name not in _OWN_FILES
        )
        if inside and isinstance(content, bytes) and len(content) <= room:
            kept[str(path.relative_to(notebook.parent))] = content
            room -= len(content)
    return kept


def _safe(name: str) -> str:
    """Return a student's name as the name of a file, readable where it can be."""
    kept = re.sub(r"[^A-Za-z0-9._@+-]", lambda match: f"%{ord(match.group()):02X}", name)[:100]
    return kept if kept.strip(".") else "%2E"


def _shown(path: PurePosixPath) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", str(path))[:100]


def _too_large() -> str:
    return f"it is larger than {LARGEST_FILE // 1_000_000} MB"


def _is_ignored(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name == "__pycache__"
