"""The frame of the command line: help, refusals, JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.cli import COMMANDS, cli
from coursekit.commands.command import Mark, emit_json
from coursekit.core.errors import InvalidParameterError
from coursekit.core.records import plain


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def refusing_command(monkeypatch: pytest.MonkeyPatch) -> str:
    """A command in the table that refuses."""

    @click.command()
    def refuse() -> None:
        raise InvalidParameterError("`threshold` must be in (0, 1], got 1.7.")

    module = type(sys)("refusing_module")
    module.refuse = refuse  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "refusing_module", module)
    monkeypatch.setitem(COMMANDS, "refuse", ("refusing_module:refuse", "Refuse."))
    return "refuse"


def test_the_help_lists_every_command_with_its_line(runner: CliRunner) -> None:
    shown = " ".join(runner.invoke(cli, ["--help"]).output.split())
    for name, (_, line) in COMMANDS.items():
        assert f"{name} {line}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_about_a_command_what_the_command_says_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_has_help(name: str, runner: CliRunner) -> None:
    done = runner.invoke(cli, [name, "--help"])
    assert done.exit_code == 0
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{name} {option.name}"


def test_a_refusal_is_one_sentence_on_stderr_and_exit_code_2(
    runner: CliRunner, refusing_command: str
) -> None:
    done = runner.invoke(cli, [refusing_command])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == "Error: `threshold` must be in (0, 1], got 1.7.\n"


def test_a_bug_is_not_dressed_up_as_a_refusal(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, refusing_command: str
) -> None:
    @click.command()
    def stumble() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules["refusing_module"], "refuse", stumble)
    assert isinstance(runner.invoke(cli, [refusing_command]).exception, ZeroDivisionError)


def test_an_unknown_command_is_answered_with_the_nearest_one(runner: CliRunner) -> None:
    done = runner.invoke(cli, ["doctr"])
    assert done.exit_code == 2
    assert "Did you mean 'doctor'?" in done.stderr
    assert "Did you mean" not in runner.invoke(cli, ["zzz"]).stderr


def test_the_command_starts_from_any_folder(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("coursekit")
    done = subprocess.run([program, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "coursekit, version 0.1.0\n")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_whatever_is_emitted_is_one_strict_json_object(value: dict[str, object]) -> None:
    @click.command()
    def show() -> None:
        emit_json(value)

    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    printed = CliRunner().invoke(show, catch_exceptions=False).stdout
    assert json.loads(printed, parse_constant=refuse_constant) == plain(value)


def test_only_an_object_may_be_emitted() -> None:
    with pytest.raises(TypeError, match="must become one JSON object, got list"):
        emit_json([1, 2])


@pytest.mark.parametrize("mark", Mark)
def test_a_mark_is_a_symbol_and_a_word_and_never_breaks_a_poor_terminal(
    mark: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    for encoding in ("utf-8", "ascii", "cp1252"):
        monkeypatch.setattr(sys, "stdout", type("Terminal", (), {"encoding": encoding})())
        shown = click.unstyle(mark.shown())
        shown.encode(encoding)
        symbol, word = shown.split()
        assert len(symbol) == 1
        assert word == mark.value
