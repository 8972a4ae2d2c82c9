"""A notebook remembers how we made it, whatever becomes of the file."""

import json

import pytest

from coursekit.grading.student.origin import Origin, digest_of, origin_of


@pytest.fixture
def shipped(exercise_folder):
    return json.loads((exercise_folder / "demo.ipynb").read_text())


def test_every_cell_that_is_handed_out_has_its_digest_in_the_file(shipped):
    origin = origin_of(shipped)
    assert (origin.exercise, origin.version) == ("demo", "1.0")
    assert origin.digests == {cell["id"]: digest_of(cell) for cell in shipped["cells"]}
    assert (sorted(origin.names("answer")), sorted(origin.names("check"))) == (
        ["demo-1-answer", "demo-2-answer"],
        ["demo-1", "demo-2"],
    )


def test_a_digest_changes_with_text_and_kind_and_with_nothing_else(shipped):
    cell = shipped["cells"][2]
    before = digest_of(cell)
    assert (
        digest_of(cell | {"outputs": [1], "execution_count": 7, "metadata": {}, "id": "other"})
        == before
    )
    assert (
        digest_of(cell | {"source": "".join(cell["source"]).replace("\n", "\r\n") + "\n\n"})
        == before
    )
    assert digest_of(cell | {"cell_type": "markdown"}) != before
    assert digest_of(cell | {"source": ["    ", *cell["source"]]}) != before


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {"coursekit": 3},
        {"coursekit": {"exercise": 1, "version": [], "cells": "x"}},
        {"coursekit": {"cells": {"answer": 3}}},
    ],
)
def test_a_file_that_says_nothing_of_use_has_an_empty_origin(metadata):
    assert origin_of({"metadata": metadata, "cells": []}) == Origin()
