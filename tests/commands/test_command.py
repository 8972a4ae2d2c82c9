"""A command is declared by the signature and the docstring of its function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import click
import pytest
from click.testing import CliRunner

from coursekit.commands.command import Answer, Figure, command, progress_bar


@command
def wash_up(
    dishes: tuple[str, ...] = (),
    *,
    soap: str,
    heat: Annotated[int, click.IntRange(0, 90)] = 40,
    mode: Literal["fast", "slow"] = "slow",
    dry: bool = False,
    with_: tuple[Path, ...] = (),
    between: tuple[float, float] | None = None,
    figure: Figure = None,
) -> Answer:
    """Wash some dishes.

    DISHES are done in order.

    Parameters
    ----------
    soap, brand : NAME
        Which soap,
        of what make.
    heat
        Degrees.
    mode
        How.  [default: gently]
    """
    data = {"dishes": dishes, "soap": soap, "heat": heat, "mode": mode, "dry": dry}
    data |= {"with": with_, "between": between, "figure": figure}
    return Answer(data=data, text=f"{len(dishes)} dishes", ok=heat < 80)


def wash(*words: str) -> object:
    done = CliRunner().invoke(wash_up, [*words, "--json"])
    return json.loads(done.stdout) if done.exit_code == 0 else done.stderr


def test_every_parameter_is_an_argument_or_an_option_of_its_type(tmp_path: Path) -> None:
    assert wash("cup", "pot", "--soap", "x", "--between", "1", "2.5", "--dry", "--with", "a/b") == {
        "dishes": ["cup", "pot"], "soap": "x", "heat": 40, "mode": "slow", "dry": True,
        "with": ["a/b"], "between": [1.0, 2.5], "figure": None,
    }  # fmt: skip
    assert wash("--brand", "y") == wash("--soap", "y")
    figure = tmp_path / "a.png"
    assert f'"figure": "{figure}"' in json.dumps(wash("--soap", "x", "--figure", str(figure)))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Missing option '--soap'"),
        (("--soap", "x", "--heat", "91"), "91 is not in the range 0<=x<=90"),
        (("--soap", "x", "--mode", "odd"), "'odd' is not one of 'fast', 'slow'"),
        (("--soap", "x", "--figure", "a.jpg"), "must be the name of a .png file"),
        (("--soap", "x", "--figure", "nowhere/a.png"), "in a folder that exists"),
    ],
)
def test_what_has_another_type_is_refused(words: tuple[str, ...], says: str) -> None:
    assert says in " ".join(str(wash(*words)).replace("'--soap' / '--brand'", "'--soap'").split())


def test_help_is_the_docstring() -> None:
    shown = " ".join(CliRunner().invoke(wash_up, ["--help"]).output.split())
    assert wash_up.name == "wash-up"
    assert wash_up.get_short_help_str() == "Wash some dishes."
    assert "Wash some dishes. DISHES are done in order." in shown
    assert "--soap, --brand NAME Which soap, of what make. [required]" in shown
    assert "Degrees. [default: 40;" in shown
    assert shown.count("default:") == 2
    assert "How. [default: gently]" in shown


def test_without_json_the_text_is_printed_and_the_exit_code_says_whether_all_is_well() -> None:
    done = CliRunner().invoke(wash_up, ["cup", "--soap", "x"])
    assert (done.exit_code, done.output) == (0, "1 dishes\n")
    assert CliRunner().invoke(wash_up, ["--soap", "x", "--heat", "85"]).exit_code == 1


def test_progress_is_one_line_for_each_name_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("Grading") as tell:
        tell(1, 2, "[ada]")
        tell(2, 2)
    assert capsys.readouterr() == ("", "[1/2] [ada]\n")
