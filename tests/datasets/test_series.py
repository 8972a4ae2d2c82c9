"""A column of a file: read as numbers, or refused in one sentence that says where and why."""

import gzip

import numpy as np
import pytest

from coursekit.core.errors import FileFormatError
from coursekit.datasets.series import read_series


@pytest.fixture
def file(tmp_path):
    def write(text, name="f.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


GOOD = "at,cpu,host\n10,0.5,a\n20,-1e3,b\n20,7,c\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        'at,"cpu","host"\n10," 0.5 ","a, b"\n20,-1000.0,"x\ny"\n20,7.0,c\n',
        GOOD + "\n\n",
        gzip.compress(GOOD.encode(), mtime=0),
    ],
)
def test_usual_files_are_read(file, content):
    series = read_series(file(content), "cpu", time="at")
    assert series.values.tolist() == [0.5, -1000, 7]
    assert series.times == ("10", "20", "20")
    assert series.seconds.tolist() == [10, 20, 20]
    assert len(series) == 3


def test_without_a_time_column_there_are_no_times(file):
    series = read_series(file(GOOD), "cpu")
    assert series.times is None
    assert series.n_gaps == 0


def test_dates_are_times(file):
    lines = ["2026-01-31 12:00", "2026-01-31T12:05:00Z", "2026-01-31 14:10+02:00"]
    series = read_series(
        file("t,x\n" + "".join(f"{line},{at}\n" for at, line in enumerate(lines))), "x", time="t"
    )
    assert np.diff(series.seconds).tolist() == [300, 300]
    assert series.times == tuple(lines)


def test_gaps_in_time_are_counted(file):
    times = [0, 10, 20, 50, 60, 70, 500, 510]
    series = read_series(file("t,x\n" + "".join(f"{t},{t}\n" for t in times)), "x", time="t")
    assert series.n_gaps == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("t,x\n1,2\n2,\n3,4\n4,NaN\n", r"line 3 \(and 1 more\): `x` is missing; fill in the value"),
        ("t,x\n1,2\n2,nan\n", r"line 3: `x` is missing"),
        ("t,x\n1,2\n2,inf\n", r"line 3: expected a finite number as `x`, got 'inf'"),
        ("t,x\n1,2\n2,high\n", r"line 3: expected a number as `x`, got 'high'"),
        ("t;x\n1;2\n2;3,5\n", r"line 3: expected a number as `x`, got '3,5'"),
        ("t,x\n1,5\n2,5.0\n3,5\n", r"`x` is 5 in all 3 lines; a constant has no changes"),
        ("t,x\n1,5\n", r"has 1 values of `x`; expected at least 2"),
        ("t,x\n", r"has 0 values"),
        ("", r"line 1: expected rows of fields, got an empty file"),
        ("t,y\n1,2\n", r"has no column `x`; its header names t, y"),
        ("t,x,x\n1,2,3\n", r"has 2 columns `x`"),
        ("t,x\n1,2\n3\n", r"line 3: expected 2 fields separated by comma, got 1"),
        ("t,x\n1,2\n0,3\n", r"line 3: `t` decreases to '0'; sort the file"),
        ("t,x\n1,2\nnoon,3\n", r"line 3: expected a time in seconds or as an ISO date, got 'noon'"),
        ("t,x\n1,2\ninf,3\n", r"line 3: expected a finite time, got 'inf'"),
        ('t,x\n1,2\n3,"4\n', r"line 3"),
        (b"t,x\n1,\xff\xfe\n", r"is not text in UTF-8"),
        (gzip.compress(b"t,x\n1,2\n2,3\n", mtime=0)[:-9], r"is truncated or corrupt"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(file, content, words):
    with pytest.raises(FileFormatError, match=words):
        read_series(file(content), "x", time="t")


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="does not exist"):
        read_series(tmp_path / "none.csv", "x")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_series(tmp_path, "x")
