"""What is handed in: the bytes that were looked at, said by a manifest, the same archive every
time, read by the grader.
"""

import hashlib
import io
import json
import zipfile

import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.core.clock import ManualClock
from coursekit.core.errors import InvalidParameterError
from coursekit.grading.classroom.submissions import find_submissions
from coursekit.grading.student.preflight import Preflight
from coursekit.grading.student.submission import packed

NOON = 1_700_000_000.0


def pack(content=b"{}", files=None, student="ada", at=NOON):
    digest = hashlib.sha256(content).hexdigest()
    found = Preflight(exercise="demo", version="1.0", sha256=digest, cells=("demo-1",), findings=())
    return packed(student, "demo", found, content, files or {}, ManualClock(start=at))[0]


def submit(*words):
    return CliRunner().invoke(cli, ["submit", "demo.ipynb", "--student", "ada", *map(str, words)])


def test_the_manifest_says_what_is_in_the_archive():
    with zipfile.ZipFile(io.BytesIO(pack(b"content", {"b.csv": b"2", "a.csv": b"1"}))) as archive:
        assert archive.namelist() == ["manifest.json", "demo.ipynb", "a.csv", "b.csv"]
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read("demo.ipynb") == b"content"
    assert manifest == {
        "format": 1,
        "student": "ada",
        "exercise": "demo",
        "version": "1.0",
        "notebook": "demo.ipynb",
        "sha256": hashlib.sha256(b"content").hexdigest(),
        "cells": ["demo-1"],
        "packed_at": "2023-11-14T22:13:20Z",
        "files": {
            name: hashlib.sha256(data).hexdigest()
            for name, data in {"a.csv": b"1", "b.csv": b"2"}.items()
        },
    }


def test_the_same_work_at_the_same_time_is_the_same_archive():
    assert pack(files={"b": b"2", "a": b"1"}) == pack(files={"a": b"1", "b": b"2"})
    assert pack() != pack(at=NOON + 1)
    assert pack() != pack(content=b"{ }")
    assert (
        hashlib.sha256(pack()).hexdigest()
        == "83ffef9dbbc2a750b5b2d6aa6adcd53fe3ae75eb3f4f966959290ea98021e260"
    )


@pytest.mark.parametrize(
    "student", ["", "../ada", "a b", ".hidden", "ada/bob", "x" * 101, "a\nb", "é"]
)
def test_a_name_that_cannot_be_a_files_name_is_refused(student):
    with pytest.raises(InvalidParameterError, match="`student` must be letters"):
        pack(student=student)


@pytest.mark.parametrize("name", ["manifest.json", "demo.ipynb"])
def test_a_further_file_cannot_take_the_place_of_ours(name):
    with pytest.raises(InvalidParameterError, match="must not be called"):
        pack(files={name: b""})


def test_what_is_packed_is_what_the_grader_reads(notebook, tmp_path):
    notebook.solve()
    (tmp_path / "table.csv").write_text("1,2\n")
    done = submit("--with", tmp_path / "table.csv")
    assert done.exit_code == 0, done.output
    place = notebook.file.parent / "submissions" / "demo"
    [found] = find_submissions(place, "demo")
    assert (found.student, found.problem) == ("ada", "")
    assert found.notebook == notebook.file.read_bytes()
    assert dict(found.files) == {"table.csv": b"1,2\n"}
    assert hashlib.sha256((place / "ada.zip").read_bytes()).hexdigest() in done.output


def test_nothing_is_packed_while_something_should_be_mended_unless_asked(notebook):
    notebook.solve().copy("demo-1-answer")
    done = submit()
    assert done.exit_code == 1
    assert "Nothing was packed" in done.output
    assert json.loads(submit("--json").stdout)["archive"] is None
    assert not (notebook.file.parent / "submissions").exists()
    done = submit("--anyway", "--out", "here.zip", "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["archive"], report["preflight"]["ready"]) == ("here.zip", False)
    assert (
        report["sha256"]
        == hashlib.sha256((notebook.file.parent / "here.zip").read_bytes()).hexdigest()
    )
    assert report["manifest"]["sha256"] == hashlib.sha256(notebook.file.read_bytes()).hexdigest()


def test_a_further_file_must_be_there_and_small(notebook, tmp_path):
    notebook.solve()
    done = submit("--with", "nowhere.csv")
    assert (done.exit_code, "`--with` must name a file that is there" in done.stderr) == (2, True)
    (tmp_path / "big").write_bytes(b" " * 6_000_001)
    done = submit("--with", tmp_path / "big")
    assert (done.exit_code, "at most 6 MB" in done.stderr) == (2, True)
