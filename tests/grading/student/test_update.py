"""A newer version of an exercise comes in, and nothing that the student wrote goes."""

import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from coursekit.authoring.generate import generate
from coursekit.cli import cli
from coursekit.core.clock import ManualClock
from coursekit.grading.errors import ExerciseError
from coursekit.grading.student.merge import merge
from coursekit.grading.student.origin import origin_of
from coursekit.grading.student.update import plan_update

MINE = "def double(x):\n    return 2 * x  # mine"


@pytest.fixture
def newer(course, tmp_path):
    """Make a newer version by replacing texts in the sources; return its folder as students get
    it.
    """

    def make(version="1.1", **files):
        root = tmp_path / f"version-{version}"
        if root.exists():
            shutil.rmtree(root)
        shutil.copytree(course / "solutions", root / "solutions")
        source = root / "solutions" / "demo"
        edits = {"exercise.toml": [('version = "1.0"', f'version = "{version}"')]} | files
        for name, pairs in edits.items():
            text = (source / name).read_text()
            for old, new in pairs:
                assert old in text, old
                text = text.replace(old, new)
            (source / name).write_text(text)
        generate(root)
        return root / "exercises" / "demo"

    return make


@pytest.fixture
def update(notebook):
    def run(folder, *words):
        done = CliRunner().invoke(
            cli, ["update", "demo.ipynb", "--from", str(folder), "--json", *map(str, words)]
        )
        assert done.stderr == "", done.stderr
        report = json.loads(done.stdout)
        assert done.exit_code == (1 if report["unclear"] else 0)
        nbformat.validate(nbformat.read(notebook.file, as_version=4))
        return report

    return run


def said(report, kind="changes"):
    return {each["cell"]: each["text"] for each in report[kind]}


IN_DEMO = "demo.py"
NEW_STORY = ("# # Demo", "# # Demo, told better")
NEW_STUB = ('"""Return twice x."""', '"""Return twice x, whatever x is."""')
NEW_CELL = (
    '# %% name="imports"',
    '# %% [markdown] name="story"\n# A story.\n\n# %% name="imports"',
)
NEW_CHECK = ('check("demo-2")', 'check("demo-2")  # with a remark')


def test_answers_and_own_cells_stay_and_ours_are_refreshed(
    notebook, newer, update, exercise_folder
):
    notebook.edit("demo-1-answer", MINE, outputs=[], execution_count=4)
    notebook.add("demo-1", "print('my own')", name="a1").add(
        "a1", "my notes", name="a2", kind="markdown"
    )
    report = update(newer(**{IN_DEMO: [NEW_STORY, NEW_CELL, NEW_CHECK]}))
    assert (report["updated"], report["from_version"], report["to_version"]) == (True, "1.0", "1.1")
    assert notebook.ids == [
        "title",
        "story",
        "imports",
        "demo-1-answer",
        "demo-1",
        "a1",
        "a2",
        "demo-2-answer",
        "demo-2",
    ]
    assert notebook.sources["demo-1-answer"] == MINE
    assert notebook.sources["title"] == "# Demo, told better"
    assert notebook.sources["demo-2"] == 'check("demo-2")  # with a remark'
    assert set(said(report)) == {"title", "story", "demo-2"}
    assert notebook.content["metadata"]["coursekit"]["version"] == "1.1"
    assert (
        next(each for each in notebook.content["cells"] if each["id"] == "demo-1-answer")[
            "execution_count"
        ]
        == 4
    )
    assert 'version = "1.1"' in (exercise_folder / "exercise.toml").read_text()


def test_what_was_there_is_in_the_backup_byte_by_byte(notebook, newer, exercise_folder):
    notebook.solve()
    before = {file.name: file.read_bytes() for file in exercise_folder.iterdir() if file.is_file()}
    folder = newer(**{IN_DEMO: [NEW_STORY], "hints.toml": [('"Think."', '"Think hard."')]})
    backup = plan_update(notebook.file, folder).make(ManualClock(start=1_700_000_000.0))
    assert backup == exercise_folder / ".coursekit" / "backup" / "20231114T221320Z-version-1.0"
    assert {file.name: file.read_bytes() for file in backup.iterdir()} == before
    assert "Think hard." in (exercise_folder / "hints.toml").read_text()
    again = plan_update(notebook.file, folder).make(ManualClock(start=1_700_000_000.0))
    assert again != backup


PICTURE = b"\x89PNG\r\n\x1a\n\xff\xfe"


def test_a_picture_in_the_newer_version_comes_along(notebook, newer, update, exercise_folder):
    folder = newer(**{IN_DEMO: [NEW_STORY]})
    (folder / "figure.png").write_bytes(PICTURE)
    assert update(folder)["updated"]
    assert (exercise_folder / "figure.png").read_bytes() == PICTURE


def contents(folder):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file: file.read_bytes() for file in files if ".coursekit" not in file.parts}


def full_disk(monkeypatch, place, before, broken):
    """No byte can be written for one file of the newer version."""
    write = Path.write_bytes

    def write_bytes(file, content):
        if file.parent == place and f".{broken}." in file.name:
            raise OSError(28, "No space left on device")
        return write(file, content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


def blocked(monkeypatch, place, before, broken):
    """One file cannot be replaced by its newer version, after others have been."""
    replace = os.replace

    def refuse(temporary, file):
        if file == place / broken and Path(temporary).read_bytes() != before.get(file):
            raise OSError(28, "No space left on device")
        replace(temporary, file)

    monkeypatch.setattr(os, "replace", refuse)


@pytest.mark.parametrize("fail", [full_disk, blocked])
@pytest.mark.parametrize("broken", ["checks.py", "figure.png", "demo.ipynb"])
def test_an_update_that_fails_half_way_changes_nothing(
    notebook, newer, exercise_folder, monkeypatch, broken, fail
):
    notebook.solve()
    folder = newer(
        **{IN_DEMO: [NEW_STORY], "checks.py": [("Twice as much.", "Two times as much.")]}
    )
    (folder / "figure.png").write_bytes(PICTURE)
    before = contents(exercise_folder)
    fail(monkeypatch, exercise_folder, before, broken)
    with pytest.raises(
        ExerciseError, match=r"was not updated, nothing has changed: .*No space left"
    ):
        plan_update(notebook.file, folder).make(ManualClock())
    assert contents(exercise_folder) == before
    [backup] = (exercise_folder / ".coursekit" / "backup").iterdir()
    assert (backup / "demo.ipynb").read_bytes() == before[notebook.file]


def test_a_file_that_cannot_be_read_stops_the_update_before_anything_is_written(
    notebook, newer, exercise_folder
):
    folder = newer(**{IN_DEMO: [NEW_STORY]})
    plan, before = plan_update(notebook.file, folder), contents(exercise_folder)
    (exercise_folder / "hints.toml").unlink()
    (exercise_folder / "hints.toml").mkdir()
    with pytest.raises(ExerciseError, match="nothing has changed"):
        plan.make(ManualClock())
    del before[exercise_folder / "hints.toml"]
    assert contents(exercise_folder) == before


def test_updating_twice_changes_nothing_more(notebook, newer, update):
    notebook.solve().add("demo-1", "1 + 1")
    folder = newer(**{IN_DEMO: [NEW_STORY, NEW_STUB]})
    update(folder)
    once = notebook.file.read_bytes()
    report = update(folder)
    assert (report["changes"], notebook.file.read_bytes()) == ([], once)


def test_an_untouched_stub_becomes_the_new_one_and_an_answer_stays_with_a_remark(
    notebook, newer, update
):
    folder = newer(**{IN_DEMO: [NEW_STUB]})
    assert said(update(folder)) == {"demo-1-answer": "is of the newer version now"}
    assert "whatever x is" in notebook.sources["demo-1-answer"]
    notebook.edit("demo-1-answer", MINE)
    third = newer("1.2", **{IN_DEMO: [(NEW_STUB[0], '"""Return x, twice."""')]})
    assert "your answer stays, compare it" in said(update(third))["demo-1-answer"]
    assert notebook.sources["demo-1-answer"] == MINE


def test_what_the_student_wrote_into_a_cell_of_ours_stays_if_we_did_not_change_it(
    notebook, newer, update
):
    notebook.edit("imports", "import math\nfrom coursekit.grading import check")
    update(newer(**{IN_DEMO: [NEW_STORY]}))
    assert notebook.sources["imports"].startswith("import math")


def test_a_cell_changed_by_both_is_unclear_until_it_is_decided(notebook, newer, update):
    notebook.edit("title", "# My demo")
    folder = newer(**{IN_DEMO: [NEW_STORY]})
    before = notebook.file.read_bytes()
    report = update(folder)
    assert (report["updated"], report["backup"], notebook.file.read_bytes()) == (
        False,
        None,
        before,
    )
    assert said(report, "unclear") == {
        "title": "was changed by you and by us; decide with --keep title (your text) or --take title "
        ""
        ""
        "(ours)"
    }
    update(folder, "--keep", "title")
    assert notebook.sources["title"] == "# My demo"
    notebook.file.write_bytes(before)
    update(folder, "--take", "title")
    assert notebook.sources["title"] == "# Demo, told better"


def test_a_changed_check_is_ours_again(notebook, newer, update):
    notebook.edit("demo-1", "print('passed')")
    assert said(update(newer())) == {"demo-1": "is of the newer version now"}
    assert notebook.sources["demo-1"] == 'check("demo-1")'


def test_the_same_version_puts_back_what_is_missing_or_doubled(notebook, newer, update):
    notebook.solve().remove("demo-1").remove("imports").copy("demo-2-answer")
    report = update(newer("1.0"))
    assert notebook.ids == [
        "title",
        "imports",
        "demo-1-answer",
        "demo-1",
        "demo-2-answer",
        "demo-2",
    ]
    assert "put back" in said(report)["demo-1"]
    assert "was there 2 times" in said(report)["demo-2-answer"]
    done = CliRunner().invoke(cli, ["preflight", "demo.ipynb"])
    assert done.exit_code == 0, done.output


def test_of_an_answer_and_a_copy_of_its_stub_the_answer_stays(notebook, newer, update):
    stub = notebook.sources["demo-1-answer"]
    notebook.edit("demo-1-answer", MINE).copy("demo-1-answer", source=stub)
    update(newer())
    assert notebook.sources["demo-1-answer"] == MINE


def test_two_different_answers_are_unclear(notebook, newer, update):
    notebook.edit("demo-1-answer", MINE).copy(
        "demo-1-answer", source="def double(x):\n    return x << 1"
    )
    before = notebook.file.read_bytes()
    assert (
        "is there 2 times with different text" in said(update(newer()), "unclear")["demo-1-answer"]
    )
    assert notebook.file.read_bytes() == before


def shrunk(notebook):
    """The notebook as it would be handed out without its second question."""
    content = notebook.content
    content["cells"] = content["cells"][:-2]
    for role in ("answer", "check"):
        content["metadata"]["coursekit"]["cells"][role].pop(
            "demo-2-answer" if role == "answer" else "demo-2"
        )
    return content


def test_a_question_that_is_gone_goes_but_an_answer_to_it_stays_as_an_own_cell(notebook):
    ours, base = shrunk(notebook), origin_of(notebook.content)
    gone = merge(notebook.content, ours, base)
    assert [cell["id"] for cell in gone.notebook["cells"]] == [
        "title",
        "imports",
        "demo-1-answer",
        "demo-1",
    ]
    kept = merge(notebook.solve().content, ours, base)
    assert [cell["id"] for cell in kept.notebook["cells"]][-1] == "demo-2-answer"
    assert kept.notebook["cells"][-1]["metadata"] == {}
    assert {each.cell: each.text for each in kept.changes} == {
        "demo-2-answer": "is no part of the newer version; what you wrote there stays, as a cell of your "
        ""
        ""
        "own",
        "demo-2": "is no part of the newer version and has been removed",
    }


def test_own_cells_keep_their_place_at_the_top_and_behind_what_is_gone(notebook):
    base = origin_of(notebook.content)
    ours = shrunk(notebook)
    notebook.add("demo-2", "last", name="z")
    content = notebook.content
    content["cells"].insert(
        0, {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "my name"}
    )
    merged = merge(content, ours, base)
    assert [cell["id"] for cell in merged.notebook["cells"]] == [
        "a",
        "title",
        "imports",
        "demo-1-answer",
        "demo-1",
        "z",
    ]


def test_a_notebook_without_memory_needs_its_base_where_texts_differ(
    notebook, newer, update, tmp_path
):
    shutil.copy(notebook.file, tmp_path / "base.ipynb")
    content = notebook.solve().content
    content["metadata"]["coursekit"] = {"exercise": "demo", "version": "1.0"}
    notebook.save(content)
    folder = newer(**{IN_DEMO: [NEW_STORY]})
    assert set(said(update(folder), "unclear")) == {"title"}
    report = update(folder, "--base", tmp_path / "base.ipynb")
    assert said(report) == {"title": "is of the newer version now"}
    assert notebook.sources["demo-1-answer"].endswith("return 2 * x")


def test_a_file_of_an_older_format_gets_cell_ids(notebook, newer, update):
    content = notebook.solve().add("demo-1", "1 + 1").add("demo-1", "2 + 2", name="two").content
    content["nbformat_minor"] = 4
    for cell in content["cells"]:
        if "nbgrader" not in cell["metadata"]:
            del cell["id"]
    notebook.save(content)
    update(newer())
    assert notebook.content["nbformat_minor"] == 5
    assert [name for name in notebook.ids if name.startswith("own")] == [
        "own",
        "own-2",
        "own-3",
        "own-4",
    ]


def test_a_dry_run_says_and_does_not(notebook, newer, update, exercise_folder):
    before = {file: file.read_bytes() for file in exercise_folder.rglob("*") if file.is_file()}
    assert said(update(newer(**{IN_DEMO: [NEW_STORY]}), "--dry-run")) == {
        "title": "is of the newer version now"
    }
    assert {
        file: file.read_bytes() for file in exercise_folder.rglob("*") if file.is_file()
    } == before


def test_a_merge_changes_neither_of_its_notebooks(notebook, newer):
    mine = notebook.solve().add("imports", "1").content
    ours = json.loads((newer(**{IN_DEMO: [NEW_STORY]}) / "demo.ipynb").read_text())
    before = json.dumps([mine, ours])
    merged = merge(mine, ours, origin_of(mine))
    for cell in merged.notebook["cells"]:
        cell["metadata"]["touched"] = True
    assert json.dumps([mine, ours]) == before


def test_an_unclear_plan_cannot_be_made(notebook, newer):
    notebook.edit("title", "# My demo")
    with pytest.raises(ExerciseError, match="was not updated: 1 cells are unclear"):
        plan_update(notebook.file, newer(**{IN_DEMO: [NEW_STORY]})).make(ManualClock())


def refusal(*words):
    done = CliRunner().invoke(cli, ["update", *map(str, words)])
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


def test_what_cannot_be_an_update_is_refused_with_what_to_do(
    notebook, newer, exercise_folder, tmp_path
):
    folder = newer()
    assert re.search(
        "of version 1.0, .* holds the older 0.9. Fetch",
        refusal("demo.ipynb", "--from", newer("0.9")),
    )
    assert "is where your own notebook lies" in refusal("demo.ipynb", "--from", exercise_folder)
    assert "must name cells of the exercise, got nonsense" in refusal(
        "demo.ipynb", "--from", folder, "--keep", "nonsense"
    )
    both = refusal("demo.ipynb", "--from", folder, "--keep", "title", "--take", "title")
    assert "must not name the same cell, got title" in both
    assert "Name the folder of an unused copy with --from." in refusal("demo.ipynb")
    used = json.loads((folder / "demo.ipynb").read_text())
    used["cells"][2]["source"] = MINE
    (folder / "demo.ipynb").write_text(json.dumps(used))
    assert "somebody has worked in it" in refusal("demo.ipynb", "--from", folder)
    content = notebook.content
    content["metadata"]["coursekit"]["exercise"] = "fm"
    notebook.save(content)
    assert "is a notebook of fm" in refusal("demo.ipynb", "--from", newer())


def test_a_person_reads_what_became_of_each_cell(notebook, newer):
    folder = newer(**{IN_DEMO: [NEW_STORY]})
    done = CliRunner().invoke(cli, ["update", "demo.ipynb", "--from", str(folder)])
    assert "title is of the newer version now." in done.output
    assert "Updated demo, version 1.0 to 1.1." in done.output
    assert (
        "Every cell is up to date."
        in CliRunner().invoke(cli, ["update", "demo.ipynb", "--from", str(folder)]).output
    )
    notebook.edit("title", "# My demo")
    third = newer("1.2", **{IN_DEMO: [("# # Demo", "# # Third")]})
    done = CliRunner().invoke(cli, ["update", "demo.ipynb", "--from", str(third)])
    assert "✗ problem title was changed by you and by us" in done.output
    assert "Nothing was changed" in done.output


def test_the_courses_own_exercise_is_the_default(notebook, root, tmp_path, monkeypatch):
    work = tmp_path / "elsewhere" / "fm"
    shutil.copytree(root / "exercises" / "fm", work, ignore=shutil.ignore_patterns(".coursekit"))
    done = CliRunner().invoke(cli, ["update", str(work / "fm.ipynb"), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["changes"]) == (0, [])
