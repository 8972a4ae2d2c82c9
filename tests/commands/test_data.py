from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.datasets.catalog import available


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli, ["data", *map(str, arguments)])


def test_the_list_names_every_set_its_licence_and_how_to_get_it(run):
    shown = run("list")
    assert shown.exit_code == 0
    for each in available():
        assert each.name in shown.output and each.licence in shown.output
        assert ("coursekit data get " + each.name in shown.output) is not each.ships


def test_the_list_is_one_json_object_on_request(run):
    sets = json.loads(run("list", "--json").stdout)["datasets"]
    assert [each["name"] for each in sets] == [each.name for each in available()]
    assert sets[0]["ships"] is True and sets[0]["rating_range"] == [0.0, 10.0]


def test_the_shipped_set_is_copied_and_the_next_step_is_named(run, tmp_path):
    done = run("get", "movietweetings-50k", "--to", tmp_path)
    ratings = tmp_path / "movietweetings-50k" / "ratings.csv.gz"
    assert done.exit_code == 0
    assert ratings.is_file()
    assert f"coursekit evaluate {ratings} --learner mf" in done.output
    assert "MIT" in done.output


def test_another_set_is_taken_from_a_folder(run, tmp_path, real_data):
    found = json.loads(
        run("get", "ml-latest-small", "--to", tmp_path, "--from", real_data, "--json").stdout
    )
    assert found["ratings_file"] == str(tmp_path / "ml-latest-small" / "ratings.csv")
    assert found["n_ratings"] == 100_836


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("get", "netflix"), "no data set 'netflix'; there are movietweetings-50k"),
        (("get", "ml-1m", "--from", "{here}"), "holds no ml-1m.zip"),
        (("get", "ml-1m", "--from", "{here}/nowhere"), "does not exist"),
    ],
)
def test_what_cannot_be_had_is_one_sentence_and_exit_code_2(run, tmp_path, arguments, says):
    arguments = [each.format(here=tmp_path) for each in arguments]
    done = run(*arguments, "--to", tmp_path / "out")
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()
