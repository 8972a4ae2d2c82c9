"""Work that a kernel has run and the file does not hold: found in the kernel's own history, and
only then.
"""

import json
import os
import sqlite3

import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.grading.student.history import default_history, newer_than_the_file

OLD, NEW = "def f(x):\n    return x", "def f(x):\n    return 2 * x"


def cell(source, count, name):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": [],
    }


def history(file, *sessions):
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TABLE history (session integer, line integer, source text, source_raw text)"
        )
        for number, session in enumerate(sessions, 1):
            rows = [(number, line, source, source) for line, source in enumerate(session, 1)]
            database.executemany("INSERT INTO history VALUES (?, ?, ?, ?)", rows)
    database.close()
    return file


FILE = {
    "cells": [cell("import math", 1, "imports"), cell(OLD, 2, "answer"), cell("f(1)", 3, "try")]
}


@pytest.mark.parametrize(
    ("session", "newer"),
    [
        (["import math", OLD, "f(1)"], []),
        (["import math", OLD, "f(1)", NEW], ["answer"]),
        (["import math", OLD, "f(1)", NEW, OLD], []),
        (["import math", OLD, "f(1)", "print(f(2))"], []),
        (["import math", OLD, "f(1)", "def g():\n    return 1"], []),
        (["import random", "a = 1", "b = 2", NEW], []),
        (["import math", OLD, "f(1)", "def f(:"], []),
    ],
)
def test_only_a_newer_definition_of_an_answer_counts(tmp_path, session, newer):
    assert (
        newer_than_the_file(
            FILE, ["answer"], history(tmp_path / "h.sqlite", ["x = 1", NEW], session)
        )
        == newer
    )


def test_the_latest_of_equal_sessions_counts(tmp_path):
    same = ["import math", OLD, "f(1)"]
    assert (
        newer_than_the_file(FILE, ["answer"], history(tmp_path / "a.sqlite", [*same, NEW], same))
        == []
    )
    assert newer_than_the_file(
        FILE, ["answer"], history(tmp_path / "b.sqlite", same, [*same, NEW])
    ) == ["answer"]


def test_a_definition_that_another_cell_of_the_file_holds_is_saved(tmp_path):
    both = {"cells": [*FILE["cells"], cell(NEW, 4, "again")]}
    assert (
        newer_than_the_file(
            both, ["answer"], history(tmp_path / "h.sqlite", ["import math", OLD, "f(1)", NEW])
        )
        == []
    )


def test_without_a_history_nothing_is_claimed(tmp_path):
    assert newer_than_the_file(FILE, ["answer"], tmp_path / "none.sqlite") == []
    (tmp_path / "odd.sqlite").write_bytes(b"no database")
    assert newer_than_the_file(FILE, ["answer"], tmp_path / "odd.sqlite") == []
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    assert newer_than_the_file(FILE, ["answer"], tmp_path / "empty.sqlite") == []


def test_the_history_is_where_ipython_keeps_it(tmp_path):
    assert default_history({"IPYTHONDIR": "/x"}).as_posix() == "/x/profile_default/history.sqlite"
    assert default_history({}).parts[-3:] == (".ipython", "profile_default", "history.sqlite")


def test_a_real_kernel_that_ran_ahead_of_the_file_is_found(notebook, tmp_path):
    from jupyter_client.manager import start_new_kernel

    notebook.solve()
    content = notebook.content
    for count, each in enumerate(
        (cell for cell in content["cells"] if cell["cell_type"] == "code"), 1
    ):
        each["execution_count"] = count
    notebook.save(content)
    sources = ["".join(each["source"]) for each in content["cells"] if each["cell_type"] == "code"]
    manager, client = start_new_kernel(env=os.environ | {"IPYTHONDIR": str(tmp_path / "ipython")})
    try:
        for source in [*sources, "def double(x):\n    return x + x  # found it"]:
            client.execute(source, reply=True, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()
    done = CliRunner().invoke(cli, ["preflight", "demo.ipynb", "--json"])
    found = [each for each in json.loads(done.stdout)["findings"] if each["standing"] == "problem"]
    assert [each["text"].split()[0] for each in found] == ["demo-1-answer"]
    assert "Ctrl+S" in found[0]["fix"]
    assert done.exit_code == 1
