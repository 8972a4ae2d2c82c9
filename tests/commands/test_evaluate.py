from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.datasets.ratings import read_ratings
from coursekit.datasets.streams import rating_stream
from coursekit.evaluation.progressive import progressive_validation
from coursekit.learning.learners.factorization_machine import OnlineFactorizationMachine
from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli, ["evaluate", *map(str, arguments)])


@pytest.fixture
def ratings(tmp_path):
    stream = rating_stream(400, 20, 30, seed=1)
    rows = zip(stream.user_ids, stream.item_ids, stream.targets, stream.timestamps, strict=True)
    path = tmp_path / "ratings.csv"
    path.write_text(
        "userId,movieId,rating,timestamp\n"
        + "".join(f"{u},{i},{y:.3f},{t:.0f}\n" for u, i, y, t in rows)
    )
    return path


@pytest.mark.parametrize(
    ("short", "learner"),
    [
        ("mf", OnlineMatrixFactorization(n_factors=3, seed=4)),
        ("fm", OnlineFactorizationMachine(n_factors=3, seed=4)),
    ],
)
def test_json_is_one_object_with_the_numbers_of_progressive_validation(
    run, ratings, short, learner
):
    done = run(ratings, "--learner", short, "--factors", 3, "--seed", 4, "--json")
    found = json.loads(done.stdout)
    stream = read_ratings(ratings)
    wanted = progressive_validation(
        learner, stream, clip=(stream.targets.min(), stream.targets.max())
    )
    assert done.exit_code == 0
    assert done.stderr == ""
    assert list(found) == ["learner", "n_factors", "rmse", "mae", "n_samples", "samples_per_second"]
    assert (found["learner"], found["n_factors"], found["n_samples"]) == (short, 3, 400)
    assert (found["rmse"], found["mae"]) == (wanted.rmse, wanted.mae)
    assert found["samples_per_second"] > 0


def test_the_report_says_what_has_to_be_beaten_and_how_new_users_fare(run, ratings):
    shown = run(ratings).stdout
    stream = read_ratings(ratings)
    means = np.cumsum(stream.targets)[:-1] / np.arange(1, 400)
    beaten = np.sqrt(np.mean((stream.targets[1:] - means) ** 2))
    assert "400  (20 users, 30 items)" in shown
    assert f"always the mean so far: {beaten:.4f}" in shown
    assert "(20 ratings)" in shown  # first ratings of 20 users


def test_ratings_may_be_kept_within_a_range(run, ratings):
    tight = json.loads(run(ratings, "--range", 2.9, 3.1, "--json").stdout)
    assert tight["rmse"] > json.loads(run(ratings, "--json").stdout)["rmse"]


def test_no_factors_leave_biases_alone(run, ratings):
    assert json.loads(run(ratings, "--factors", 0, "--json").stdout)["n_factors"] == 0


def test_a_figure_of_the_learning_curve_is_drawn_on_request(run, ratings, tmp_path):
    done = run(ratings, "--figure", tmp_path / "curve.png", "--json")
    content = (tmp_path / "curve.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert (
        f"RMSE of {json.loads(done.stdout)['rmse']:.4f}".encode() in content
    )  # the words for those who cannot see it


def test_ratings_that_are_all_the_same_can_be_evaluated(run, tmp_path):
    (tmp_path / "same.csv").write_text("a,x,3\nb,x,3\na,y,3\n")
    assert run(tmp_path / "same.csv").exit_code == 0


def test_a_single_rating_can_be_evaluated(run, tmp_path):
    (tmp_path / "one.csv").write_text("a,x,3\n")
    found = json.loads(run(tmp_path / "one.csv", "--json").stdout)
    assert found["n_samples"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("user,item,rating\n1,2,3\n1,2\n", "line 3: expected 3 fields separated by comma, got 2"),
        ("user,item\n1,2\n", "line 1: expected a rating column"),
        ("1 2 3\n", "line 1: expected fields separated by"),
        ("", "line 1: expected rows of fields, got an empty file"),
        ("user,item,rating\n1,2,nan\n", "line 2: expected a finite number as rating"),
        ("user,item,rating\n1,2,1e300\n2,2,-1e300\n", "would leave the range of floats"),
        (None, "does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2_and_nothing_is_written(
    run, tmp_path, content, says
):
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_text(content)
    before = sorted(tmp_path.iterdir())
    done = run(path, "--json", "--figure", tmp_path / "out.png")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert says in done.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("figure", ["nowhere/out.png", "out.pdf"])
def test_a_figure_that_could_not_be_written_is_refused_before_anything_runs(
    run, ratings, tmp_path, figure
):
    done = run(ratings, "--figure", tmp_path / figure)
    assert done.exit_code == 2
    assert "--figure" in done.stderr and done.stdout == ""


def test_help_loads_no_learner(tmp_path):
    program = (
        "import sys\nfrom coursekit.cli import cli\n"
        "cli(['evaluate', '--help'], standalone_mode=False)\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'numba', 'torch', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
