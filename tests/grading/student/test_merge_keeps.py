"""Whatever a student and we have done to a notebook: a merge loses nothing of theirs, and
everything of ours is there.
"""

import copy

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.grading.exercises.notebook import cell_name, source_of
from coursekit.grading.student.merge import merge
from coursekit.grading.student.origin import digest_of, origin_metadata, origin_of

ROLES = {
    "answer": {"grade": False, "solution": True, "locked": False},
    "check": {"grade": True, "solution": False, "locked": True, "points": 1},
    "given": None,
}
TEXTS = st.sampled_from(["a = 1", "b = 2", "c = 3", "def f():\n    return 4", ""])
NAMES = st.lists(st.sampled_from("pqrstu"), min_size=1, max_size=6, unique=True)


def cell(name, role, text):
    about = ROLES[role]
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": name, **about}} if about else {}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": text,
        "outputs": [],
        "execution_count": None,
    }


def handed_out(names, texts, version):
    """A notebook as we hand it out; the role of a cell goes by its name, so that versions agree
    about it.
    """
    roles = dict(
        zip("pqrstu", ["answer", "check", "given", "answer", "check", "given"], strict=True)
    )
    cells = [
        cell(name, roles[name], f"{name}: {text}") for name, text in zip(names, texts, strict=False)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {}}
    notebook["metadata"]["coursekit"] = {
        "exercise": "x",
        "version": version,
        "cells": origin_metadata(notebook),
    }
    return notebook


@st.composite
def versions(draw):
    """An older and a newer version with some cells in common, some of them changed."""
    texts = st.lists(TEXTS, min_size=6, max_size=6)
    return handed_out(draw(NAMES), draw(texts), "1"), handed_out(draw(NAMES), draw(texts), "2")


@st.composite
def worked_on(draw, notebook):
    """The notebook after a student has edited, added, deleted, copied and moved cells."""
    mine = copy.deepcopy(notebook)
    for number in range(draw(st.integers(0, 8))):
        cells = mine["cells"]
        what = draw(st.sampled_from(["edit", "add", "delete", "copy", "move"]))
        at = (
            draw(st.integers(0, len(cells)))
            if what == "add" or not cells
            else draw(st.integers(0, len(cells) - 1))
        )
        if what == "add" or not cells:
            cells.insert(at, cell(f"own{number}", "given", f"own {number}"))
        elif what == "edit":
            cells[at]["source"] = f"mine {number}: {draw(TEXTS)}"
        elif what == "delete":
            del cells[at]
        elif what == "copy":
            cells.insert(at, {**copy.deepcopy(cells[at]), "id": f"copy{number}"})
        else:
            cells.insert(draw(st.integers(0, len(cells) - 1)), cells.pop(at))
    return mine


@st.composite
def cases(draw):
    base, ours = draw(versions())
    return base, draw(worked_on(base)), ours


def is_check(each):
    return bool(each["metadata"].get("nbgrader", {}).get("grade"))


@settings(max_examples=400)
@given(cases())
def test_a_clear_merge_loses_nothing_of_the_students_and_nothing_of_ours(case):
    base, mine, ours = case
    merged = merge(mine, ours, origin_of(mine))
    if merged.unclear:
        return
    cells = merged.notebook["cells"]
    handed = set(origin_of(base).digests.values())
    written = [
        source_of(each)
        for each in mine["cells"]
        if digest_of(each) not in handed and not is_check(each)
    ]
    assert set(written) <= {source_of(each) for each in cells}
    names = [cell_name(each) for each in ours["cells"]]
    assert [cell_name(each) for each in cells if cell_name(each) in names] == names
    checks = {cell_name(each): source_of(each) for each in ours["cells"] if is_check(each)}
    assert {cell_name(each): source_of(each) for each in cells if is_check(each)} == checks
    assert len({each["id"] for each in cells}) == len(cells)
    nbformat.validate(nbformat.from_dict(merged.notebook))


@settings(max_examples=200)
@given(cases())
def test_a_merge_is_done_once(case):
    _, mine, ours = case
    once = merge(mine, ours, origin_of(mine))
    if once.unclear:
        return
    twice = merge(once.notebook, ours, origin_of(once.notebook))
    assert (twice.notebook, twice.changes, twice.unclear) == (once.notebook, [], [])


@settings(max_examples=200)
@given(cases())
def test_what_is_unclear_can_be_decided(case):
    """Every cell that both have changed goes either way; only different copies of an answer are for
    the student's own hands.
    """
    _, mine, ours = case
    merged = merge(mine, ours, origin_of(mine))
    names = {change.cell for change in merged.unclear}
    taken = merge(mine, ours, origin_of(mine), take=names)
    assert taken.unclear == []
    kept = merge(mine, ours, origin_of(mine), keep=names)
    assert all("times with different text" in change.text for change in kept.unclear)


@given(versions())
def test_an_untouched_notebook_becomes_the_newer_one(pair):
    base, ours = pair
    merged = merge(base, ours, origin_of(base))
    assert merged.unclear == []
    assert [source_of(each) for each in merged.notebook["cells"]] == [
        source_of(each) for each in ours["cells"]
    ]
    assert merged.notebook["metadata"]["coursekit"] == ours["metadata"]["coursekit"]
