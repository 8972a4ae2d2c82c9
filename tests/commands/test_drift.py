"""`coursekit drift`: alarms, statistics and a figure for a column of one's own file; refusals that
write nothing.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.learning import drift

LEVELS = np.repeat([20.0, 30.0, 20.0], 300)


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli, ["drift", *map(str, arguments)])


@pytest.fixture
def load(tmp_path):
    values = np.random.default_rng(1).normal(LEVELS, 4.0)
    path = tmp_path / "load.csv"
    path.write_text(
        "when,cpu,failed\n"
        + "".join(f"{60 * t},{x:.6f},{int(x > 26)}\n" for t, x in enumerate(values))
    )
    return path


def values_of(path):
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1]


def test_json_is_one_object_with_alarms_and_statistics(run, load):
    done = run(load, "--column", "cpu", "--time", "when", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert done.stderr == ""
    expected = drift.GaussianGLR(autocorrelated=True).update_many(values_of(load)).tolist()
    assert found["alarms"] == [{"index": index, "time": str(60 * index)} for index in expected]
    assert len(expected) == 2
    assert all(
        abs(change["index"] - true) <= 15
        for change, true in zip(found["changes"], (300, 600), strict=True)
    )
    assert found["statistics"]["n_samples"] == 900
    assert found["statistics"]["mean"] == pytest.approx(values_of(load).mean())
    assert found["statistics"]["std"] == pytest.approx(values_of(load).std())
    assert found["statistics"]["autocorrelation"] == pytest.approx(
        np.corrcoef(values_of(load)[1:], values_of(load)[:-1])[0, 1], abs=0.01
    )
    assert [part["start"] for part in found["parts"]] == [
        0,
        *(change["index"] for change in found["changes"]),
    ]
    assert [round(part["mean"]) for part in found["parts"]] == [20, 30, 20]


@pytest.mark.parametrize("name", ["ADWIN", "PageHinkley", "ConceptDriftDetector", "KSWIN"])
def test_the_detector_that_is_named_is_the_one_that_watches(run, load, name):
    found = json.loads(run(load, "--column", "cpu", "--detector", name, "--json").stdout)
    expected = drift.detector_named(name).update_many(values_of(load)).tolist()
    assert [alarm["index"] for alarm in found["alarms"]] == expected != []
    assert found["alarms"][0]["time"] is None
    assert found["detector"].startswith(name)


def test_errors_can_be_watched_by_the_detectors_made_for_them(run, load):
    found = json.loads(
        run(load, "--column", "failed", "--detector", "BernoulliGLR", "--json").stdout
    )
    assert [300 < alarm["index"] < 330 for alarm in found["alarms"]] == [True]


def test_the_report_says_when_and_from_what_to_what(run, load):
    shown = run(load, "--column", "cpu", "--time", "when").stdout
    assert "2 alarms" in shown
    assert "mean 19." in shown or "mean 20." in shown
    assert "changed since value" in shown
    assert "(18" in shown  # the time of the first change, 300 minutes, in seconds


def test_who_trusts_independent_values_is_warned_of_dependent_ones(run, tmp_path):
    path = tmp_path / "walk.csv"
    walk = np.random.default_rng(2).normal(size=500).cumsum()
    path.write_text("x\n" + "".join(f"{value}\n" for value in walk))
    assert "values are autocorrelated" in run(path, "--column", "x", "--detector", "ADWIN").stdout
    assert "values are autocorrelated" not in run(path, "--column", "x").stdout


def test_a_calm_column_has_no_alarm(run, tmp_path):
    path = tmp_path / "calm.csv"
    path.write_text(
        "x\n" + "".join(f"{value}\n" for value in np.random.default_rng(3).normal(size=500))
    )
    assert "No alarm" in run(path, "--column", "x").stdout
    assert json.loads(run(path, "--column", "x", "--json").stdout)["alarms"] == []


def test_the_figure_is_drawn_on_request_and_described(run, load, tmp_path):
    picture = tmp_path / "out.png"
    done = run(load, "--column", "cpu", "--figure", picture, "--json")
    assert done.exit_code == 0
    json.loads(done.stdout)
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert b"2 alarms: value 3" in content
    assert {path.name for path in tmp_path.iterdir()} == {"load.csv", "out.png"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--column", "gpu"], "no column `gpu`"),
        (
            ["--column", "cpu", "--detector", "ADWINN"],
            "no detector 'ADWINN'; there are ConceptDriftDetector",
        ),
        (["--column", "cpu", "--detector", "DDM"], "DDM cannot monitor `cpu`: value 0"),
        (["--column", "cpu", "--detector", "HDDM_A"], "number from 0 to 1"),
        (["--column", "cpu", "--time", "hour"], "no column `hour`"),
        (["--column", "cpu", "--time", "failed"], "decreases"),
        ([], "--column"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2_and_writes_nothing(
    run, load, tmp_path, arguments, words
):
    done = run(load, *arguments, "--figure", tmp_path / "out.png", "--json")
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("cpu\n1\n\n3\nNaN\n", "is missing"),
        ("cpu\n1\nmuch\n", "expected a number as `cpu`"),
        ("cpu\n4\n4\n4\n", "is 4 in all 3 lines"),
        ("cpu\n", "at least 2"),
        ("", "got an empty file"),
    ],
)
def test_gaps_text_and_constants_are_refused_with_the_place(run, tmp_path, content, words):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    done = run(path, "--column", "cpu", "--figure", tmp_path / "out.png", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", ["out.pdf", "nowhere/out.png"])
def test_a_figure_that_cannot_be_written_is_refused_before_the_work(run, load, tmp_path, name):
    done = run(load, "--column", "cpu", "--figure", tmp_path / name)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_the_program_itself_does_it(load):
    done = subprocess.run(
        [sys.executable, "-m", "coursekit.cli", "drift", str(load), "--column", "cpu", "--json"],
        capture_output=True,
        text=True,
    )
    if done.returncode == 0 and not done.stdout:  # the module has no entrance of its own
        code = "from coursekit.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "drift", str(load), "--column", "cpu", "--json"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["alarms"]) == 2
