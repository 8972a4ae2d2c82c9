"""Records become JSON and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit.core.records import plain, read_record, restored


class Colour(Enum):
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: Any


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float64(0.5), 0.5),
        (np.float32("inf"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        ((1, {"a"}), [1, ["a"]]),
        (Colour.BLUE, "blue"),
        (b"ab", "YWI="),
        (Row("x", Row("y", np.float64(2.0))), {"name": "x", "value": {"name": "y", "value": 2.0}}),
        ({3: Path("a")}, {"3": "a"}),
    ],
)
def test_what_numpy_and_dataclasses_hold_becomes_plain_json(value: object, wanted: object) -> None:
    assert plain(value) == wanted
    assert type(plain(value)) is type(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    number: int
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    title: str
    colour: Colour
    place: Path
    pages: tuple[Page, ...]
    notes: Mapping[str, bytes] = field(default_factory=dict)
    outputs: tuple[tuple[str, dict[str, Any]], ...] = ()
    cover: Page | None = None


BOOK = Book(
    title="\ud800 and more",
    colour=Colour.BLUE,
    place=Path("a/b"),
    pages=(Page(number=1, content=b"\x00\xff"), Page(number=2)),
    notes={"a": b"1"},
    outputs=(("stream", {"text": ["a", None]}),),
    cover=Page(number=0),
)


def test_a_record_of_records_comes_back_from_its_json() -> None:
    assert restored(Book, json.loads(json.dumps(plain(BOOK)))) == BOOK


def test_defaults_fill_what_is_missing_and_unknown_entries_are_ignored() -> None:
    assert restored(Page, {"number": 3, "colour": "red"}) == Page(number=3)
    with pytest.raises(TypeError):
        restored(Page, {})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b'{"number": 1, "content": 7}', b"\x00", b"[" * 100_000],
)
def test_a_file_that_holds_no_record_is_logged_and_counts_as_missing(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "page.json"
    assert read_record(Page, file) is None
    assert caplog.text == ""
    file.write_bytes(content)
    assert read_record(Page, file) is None
    assert "page.json cannot be read" in caplog.text
    file.write_text(json.dumps(plain(Page(number=2, content=b"x"))), encoding="utf-8")
    assert read_record(Page, file) == Page(number=2, content=b"x")
