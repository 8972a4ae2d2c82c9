from __future__ import annotations

import os
from pathlib import Path

import pytest

from coursekit.core.files import replaced_atomically, write_atomically


def test_a_new_file_has_the_mode_that_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o640


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("old")
    file.chmod(0o664)
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == 0o664


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replaced_atomically(file) as temporary:
        Path(temporary).write_text("half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept"]


def test_folders_are_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "file", "é")
    assert (tmp_path / "a" / "b" / "file").read_text(encoding="utf-8") == "é"
