"""What the guide for instructors says is true: its commands, files, settings and its example."""

import re
import shutil

import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.grading.classroom.settings import load_plan
from coursekit.grading.sandbox import Limits
from tests.grading.submissions import ROOT, SOLUTION

GUIDE = (ROOT / "solutions" / "GRADING.md").read_text()


def block(language):
    [text] = [
        text
        for name, text in re.findall(r"```(\w+)\n(.*?)```", GUIDE, flags=re.DOTALL)
        if name == language
    ]
    return text


def test_the_options_it_names_exist():
    options = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", GUIDE))
    shown = CliRunner().invoke(cli, ["grade", "--help"]).output
    assert {option for option in options if option not in shown} == set()


def test_the_settings_it_shows_are_read(tmp_path):
    folder = tmp_path / "fm"
    shutil.copytree(SOLUTION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "exercise.toml").open("a") as file:
        file.write("\n" + block("toml"))
    plan = load_plan(folder)
    assert (plan.modules, plan.libraries, plan.limits) == (
        ("core", "datasets", "evaluation", "figures"),
        ("numpy", "torch"),
        Limits(),
    )


def test_its_links_lead_somewhere():
    for name in re.findall(r"\]\((?!http)([^)#]+)\)", GUIDE):
        assert (ROOT / "solutions" / name).exists(), name


@pytest.mark.slow
@pytest.mark.needs("bubblewrap")
def test_its_example_makes_a_class_and_its_command_grades_it(tmp_path, monkeypatch):
    shutil.copytree(
        SOLUTION, tmp_path / "solutions" / "fm", ignore=shutil.ignore_patterns("__pycache__")
    )
    for folder in (tmp_path, tmp_path / "solutions", tmp_path / "solutions" / "fm"):
        folder.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)[-1].replace(
        "24, seed", "4, seed"
    )
    exec(example, {})  # noqa: S102 - our own guide
    [command] = [line for line in block("sh").splitlines() if line.startswith("coursekit grade")]
    arguments = command.replace("SUBMISSIONS", "sample").split()[1:]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    named = re.findall(r"^\| `([^`<]+?)(?:/<student>[^`]*|/)?`", GUIDE, flags=re.MULTILINE)
    assert named
    for name in [*named, "junit.xml", "mistakes.json"]:
        assert (tmp_path / "grades" / "fm" / name).exists(), name
