import json

from click.testing import CliRunner

import coursekit
from coursekit.cli import cli


def test_every_lesson_is_listed_in_order():
    shown = CliRunner().invoke(cli, ["lessons"]).output.splitlines()
    assert [line for line in shown if not line.startswith(" ")] == list(coursekit.LESSONS)


def test_the_modules_are_in_the_json_object():
    shown = json.loads(CliRunner().invoke(cli, ["lessons", "--json"]).output)
    assert {name: tuple(modules) for name, modules in shown.items()} == coursekit.LESSONS
