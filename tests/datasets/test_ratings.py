from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.core.errors import FileFormatError
from coursekit.datasets.ratings import read_ratings


@pytest.fixture
def written(tmp_path):
    def write(content, name="ratings.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def columns(chunk):
    times = None if chunk.timestamps is None else chunk.timestamps.tolist()
    return list(chunk.user_ids), list(chunk.item_ids), chunk.targets.tolist(), times


WANTED = ([2, 1, 1], [20, 10, 30], [3.0, 4.5, 1.0], [100.0, 200.0, 300.0])


@pytest.mark.parametrize(
    "content",
    [
        "1\t10\t4.5\t200\n2\t20\t3\t100\n1\t30\t1\t300\n",  # u.data
        # ratings.csv
        "userId,movieId,rating,timestamp\n1,10,4.5,200\n2,20,3.0,100\n1,30,1.0,300\n",
        "1::10::4.5::200\n2::20::3::100\n1::30::1::300\n",  # ratings.dat
        "user;item;score;time\n1;10;4.5;200\n2;20;3;100\n1;30;1;300\n",
        "1,10,4.5,200\n2,20,3,100\n1,30,1,300\n",
        "UserID::MovieID::Rating::Timestamp\n1::10::4.5::200\n2::20::3::100\n1::30::1::300",
        'timestamp,title,"item_id",target,user_id\n200,"Heat, or '
        '""so""",10,4.5,1\n100,x,20,3,2\n300,"two\nlines",30,1,1\n',
        "\ufeffuser_id,item_id,rating,timestamp\r\n1,10,4.5,200\r\n\r\n2,20,3,100\r\n1,30,1,300\r\n",
        "\n\n1\t10\t4.5\t200\n\n2\t20\t3\t100\n1\t30\t1\t300\n\n",
        " user , item , rating , timestamp \n 1 , 10 , 4.5 , 200 \n 2 , 20 , 3 , 100 \n 1 , "
        "30 , 1 , 300 \n",
        "user,item,rating,date\n1,10,4.5,1970-01-01T00:03:20\n2,20,3,1970-01-01 "
        "01:01:40+01:00\n1,30,1,1970-01-01T00:05:00Z\n",
    ],
)
def test_the_files_people_have_all_say_the_same(written, content):
    assert columns(read_ratings(written(content))) == WANTED
    assert columns(read_ratings(written(gzip.compress(content.encode())))) == WANTED


def test_ratings_of_the_same_second_stay_in_the_order_of_the_file(written):
    chunk = read_ratings(
        written(
            "user,item,rating,timestamp\n" + "".join(f"{at},1,3,{at % 2}\n" for at in range(100))
        )
    )
    assert chunk.user_ids == [*range(0, 100, 2), *range(1, 100, 2)]


def test_ratings_without_times_stay_in_the_order_of_the_file(written):
    chunk = read_ratings(written("b,x,3\na,y,4\n"))
    assert columns(chunk) == (["b", "a"], ["x", "y"], [3.0, 4.0], None)


@pytest.mark.parametrize(
    "odd", ["0042", "tt01", "4.0", "+7", "-0", "1 2", "12345678901234567890", "٣"]
)
def test_one_id_that_is_no_plain_integer_leaves_its_whole_column_as_text(written, odd):
    chunk = read_ratings(written(f"user,item,rating\n1,5,3\n2,{odd},4\n"))
    assert chunk.user_ids == [1, 2]
    assert chunk.item_ids == ["5", odd]


def test_negative_and_long_integers_are_integers(written):
    assert read_ratings(written("user,item,rating\n-1,123456789012345678,3\n")).item_ids == [
        123456789012345678
    ]


@given(
    st.lists(
        st.tuples(
            st.text("abc,;\t\"' é0123456789", min_size=1).map(str.strip).filter(bool),
            st.integers(-(10**17), 10**17),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 10**10),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.mktemp("csv") / "ratings.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("item", "user", "rating", "timestamp"), *rows])
    chunk = read_ratings(path)
    rows.sort(key=lambda row: row[3])
    assert [str(each) for each in chunk.item_ids] == [row[0] for row in rows]
    assert chunk.user_ids == [row[1] for row in rows]
    assert chunk.targets.tolist() == [row[2] for row in rows]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        (gzip.compress(b"", mtime=0), 1, "empty"),
        ("1\t10\t4\t5\n1\t10\n", 2, "expected 4 fields separated by tab, got 2"),
        ("1\t10\t4\t5\n\n1,10,4,5\n", 3, "expected 4 fields separated by tab, got 1"),
        ("1::10::4::5\n\n\n1::10::4\n", 4, "expected 4 fields separated by '::', got 3"),
        ("user,item,rating\n1,2,3\n1,2,three\n", 3, "expected a number as rating, got 'three'"),
        ("user,item,rating\n1,2,nan\n", 2, "expected a finite number as rating, got 'nan'"),
        ("user,item,rating\n1,2,inf\n", 2, "finite"),
        ("user,item,rating\n1,2,\n", 2, "expected a number as rating, got ''"),
        (
            "user,item,rating,timestamp\n1,2,3,soon\n",
            2,
            "expected a time in seconds or as an ISO date, got 'soon'",
        ),
        ("user,item,rating,timestamp\n1,2,3,nan\n", 2, "finite time"),
        ("user,item,rating\n1,2,3\n,2,3\n", 3, "expected the user's id, got an empty field"),
        ("user,item,rating\n1, ,3\n", 2, "expected the item's id"),
        ("user,item\n1,2\n", 1, "expected a rating column"),
        ("userId,rating,timestamp\n1,2,3\n", 1, "expected an item column"),
        (
            "user,user_id,item,rating\n1,1,2,3\n",
            1,
            "expected one user column, got user and user_id",
        ),
        ("1 10 4 5\n", 1, "separated by comma, tab, semicolon or '::', got '1 10 4 5'"),
        ("1|10|4|5\n", 1, "separated by"),
        ("1,10\n", 1, "expected a header naming user, item and rating columns, or the fields"),
        ("1,10,4,5,6\n", 1, "expected a header"),
        ("1,10,good\n", 1, "expected a header"),
        ("user,item,rating\n", 1, "expected a rating below the header, got the end of the file"),
        ('user,item,rating\n1,2,3\n"1,2,3\n1,2,3\n', 4, "expected fields separated by comma"),
        (b"user,item,rating\nZo\xeb,2,3\n", 2, "UTF-8"),
        ("user,item,rating\n1,2,3\n".encode("utf-16"), 1, "UTF-16 text; save it as UTF-8"),
        (b"PK\x03\x04 and so on", 1, "zip archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), 1, "separated by"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_with_file_line_and_expectation(
    written, content, line, says
):
    path = written(content)
    with pytest.raises(FileFormatError) as refusal:
        read_ratings(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}, line {line}: expected")
    assert says in message
    assert message.endswith(".") and "\n" not in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        FileFormatError, match=r"nowhere\.csv does not exist; expected a file of ratings"
    ):
        read_ratings(tmp_path / "nowhere.csv")


def test_a_folder_is_named_with_the_file_inside_it(written, tmp_path):
    written("1\t2\t3\n", "ratings.csv.gz")
    with pytest.raises(
        FileFormatError,
        match=r"is a folder; expected a file of ratings, such as .*ratings\.csv\.gz",
    ):
        read_ratings(tmp_path)


def test_a_file_that_may_not_be_read_is_named(written, monkeypatch):
    path = written("1\t2\t3\n")

    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # chmod would not stop root
    with pytest.raises(FileFormatError, match=r"ratings\.txt cannot be read \(Permission denied\)"):
        read_ratings(path)


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"xxxx" + packed[44:]]
)
def test_a_damaged_gzip_file_is_named(written, damage):
    lines = "".join(f"{at}\t{at * 7 % 13}\t3\n" for at in range(500))
    with pytest.raises(FileFormatError, match="truncated or corrupt; expected a complete gzip"):
        read_ratings(written(damage(gzip.compress(lines.encode()))))


def test_a_hundred_thousand_ratings_take_well_under_a_second(written):
    rng = np.random.default_rng(1)
    table = rng.integers(1, 1000, (100_000, 4))
    path = written(
        "".join(
            f"{user},{item},{rating / 2},{when}\n" for user, item, rating, when in table.tolist()
        )
    )
    began = time.process_time()
    assert len(read_ratings(path)) == 100_000
    assert time.process_time() - began < 0.8


def test_movielens_is_read_as_it_was_published(real_data):
    chunk = read_ratings(real_data / "ml-latest-small" / "ratings.csv.gz")
    assert (len(chunk), len(set(chunk.user_ids)), len(set(chunk.item_ids))) == (100_836, 610, 9_724)
    assert set(chunk.targets) == {each / 2 for each in range(1, 11)}
    assert (np.diff(chunk.timestamps) >= 0).all()


def test_movietweetings_keeps_the_leading_zeros_of_its_films(real_data):
    chunk = read_ratings(real_data / "movietweetings-100k" / "ratings.dat.gz")
    assert len(chunk) == 100_000
    assert isinstance(chunk.user_ids[0], int) and isinstance(chunk.item_ids[0], str)
    assert {len(item) for item in chunk.item_ids} == {7}
