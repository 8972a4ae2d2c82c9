"""`coursekit ope`: estimates from one's own log, and one sentence for what is wrong with it."""

import csv
import gzip
import json
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from coursekit.cli import cli
from coursekit.delivery.bandits import off_policy

HEADER = "action,reward,propensity"
ROWS = ["a,1,0.5", "b,0,0.5", "a,0,0.5", "b,1,0.5"]


def run(*arguments):
    return CliRunner().invoke(cli, ["ope", *map(str, arguments)])


@pytest.fixture
def log(tmp_path):
    """A log of 1,200 decisions of three actions; `b` is the best, `plan` always chooses it."""
    rng = np.random.default_rng(3)
    shares, chances = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.5, 0.2])
    actions = rng.choice(3, p=shares, size=1200)
    rewards = (rng.random(1200) < chances[actions]).astype(int)
    lines = ["what;paid;chance;mine;plan;slot"] + [
        f"{'abc'[action]};{reward};{shares[action]};{0.8 if action == 1 else 0.1};b;{at % 2}"
        for at, (action, reward) in enumerate(zip(actions, rewards, strict=True))
    ]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file, actions, rewards, shares


COLUMNS = ("--action", "what", "--reward", "paid", "--propensity", "chance")


def test_the_estimates_are_those_of_the_library(log):
    file, actions, rewards, shares = log
    answer = json.loads(run(file, *COLUMNS, "--probability", "mine", "--json").output)
    logged = off_policy.LoggedRewards(
        actions=actions, rewards=rewards, propensities=shares[actions]
    )
    mine = np.where(actions == 1, 0.8, 0.1)
    assert [each["estimator"] for each in answer["estimates"]] == ["IPS", "SNIPS"]
    assert answer["estimates"][0]["value"] == off_policy.inverse_propensity(logged, mine).value
    assert answer["gain"]["low"] == off_policy.gain_over_the_log(logged, mine).low
    assert (answer["n"], answer["n_arms"]) == (1200, 3)


def test_a_certain_policy_is_named_by_a_column_or_an_action(log):
    file, *_ = log
    by_column = json.loads(run(file, *COLUMNS, "--chosen", "plan", "--json").output)
    by_name = json.loads(run(file, *COLUMNS, "--arm", "b", "--json").output)
    assert by_column["estimates"] == by_name["estimates"]
    assert [each["estimator"] for each in by_name["estimates"]] == ["IPS", "SNIPS", "DM", "DR"]
    assert all(0.4 < each["value"] < 0.6 for each in by_name["estimates"])


def test_the_result_stands_first_in_two_sentences(log):
    file, *_ = log
    lines = run(file, *COLUMNS, "--arm", "b").output.splitlines()
    assert lines[0].startswith("Always b would earn 0.")
    assert lines[1].startswith("It is better than the policy that was logged, by +0.")
    worse = run(file, *COLUMNS, "--arm", "a").output.splitlines()
    assert worse[1].startswith("It looks worse than the policy that was logged, by -0.")
    assert worse[1].endswith("rewarded decisions are too few to rely on that.")


def test_a_policy_close_to_the_log_shows_no_difference(log):
    file, *_ = log
    output = run(file, *COLUMNS, "--probability", "chance").output
    assert "This log shows no difference between the two" in output


def test_positions_have_rows_of_their_own(log):
    file, *_ = log
    answer = json.loads(run(file, *COLUMNS, "--uniform", "--position", "slot", "--json").output)
    assert list(answer["positions"]) == ["0", "1"]
    assert "position 1" in run(file, *COLUMNS, "--uniform", "--position", "slot").output


def test_weights_whose_mean_is_not_one_are_called_wrong(log, tmp_path):
    file, *_ = log
    text = file.read_text().replace(";0.8;", ";0.2;")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(text, encoding="utf-8")
    output = run(wrong, *COLUMNS, "--probability", "mine").output
    assert "should be 1: propensities are wrong" in output
    assert "should be 1" not in run(file, *COLUMNS, "--probability", "mine").output


def test_choices_that_were_never_logged_are_named(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("action,reward,propensity,plan\n" + "a,1,0.5,a\nb,0,0.5,z\n" * 20, "utf-8")
    output = run(file, "--chosen", "plan").output
    assert "50.0% of its choices are actions that were never logged" in output


def test_clipping_is_reported(log):
    file, *_ = log
    assert "weights were clipped" in run(file, *COLUMNS, "--arm", "b", "--clip", "2").output


BAD = {
    "no reward column": ("action,propensity\na,0.5\n", "there is no column `reward`"),
    "two of them": ("action,reward,reward,propensity\na,1,1,0.5\n", "there is 2 columns `reward`"),
    "a propensity of 0": (f"{HEADER}\na,1,0.5\nb,1,0\n", "line 3: `propensity` must be in (0, 1]"),
    "a propensity of 2": (f"{HEADER}\na,1,2\n", "`propensity` must be in (0, 1], got 2"),
    "a reward in words": (f"{HEADER}\na,yes,0.5\n", "expected a number as `reward`, got 'yes'"),
    "a missing reward": (f"{HEADER}\na,,0.5\n", "expected a number as `reward`"),
    "an infinite reward": (f"{HEADER}\na,inf,0.5\n", "expected a finite number as `reward`"),
    "an empty file": ("", "got an empty file"),
    "only a header": (f"{HEADER}\n", "expected 2 or more decisions, got 0"),
    "a ragged row": (f"{HEADER}\na,1\n", "expected 3 fields"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_log_gets_one_sentence_and_exit_code_2(text, message, tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(text, encoding="utf-8")
    done = run(file, "--uniform")
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "by exactly one of"),
        (("--uniform", "--arm", "a"), "by exactly one of"),
        (("--arm", "z"), "The log has no action 'z'; it has a, b."),
        (("--probability", "reward"), None),
        (("--uniform", "--clip", "0"), "`clip` must be"),
        (("--uniform", "--level", "95"), "`level` must be"),
    ],
)
def test_options_are_checked(options, message, tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("\n".join([HEADER, *ROWS]), encoding="utf-8")
    done = run(file, *options)
    assert done.exit_code == (0 if message is None else 2)
    assert message is None or message in done.output


def test_a_missing_file_is_named(tmp_path):
    done = run(tmp_path / "none.csv", "--uniform")
    assert done.exit_code == 2
    assert "does not exist" in done.output


def test_the_open_bandit_sample_gives_honest_answers(real_data, tmp_path):
    """What the log of the random policy says about Thompson sampling, whose probabilities are the
    shares of its choices in its own log. It really got 0.0069; with 46 clicks the interval is wide,
    and the report says so.
    """
    logs = {}
    for name in ("random", "bts"):
        with gzip.open(real_data / f"open-bandit-men/{name}/men.csv.gz", "rt") as file:
            logs[name] = list(csv.DictReader(file))
    n_at = Counter(row["position"] for row in logs["bts"])
    n_of = Counter((row["position"], row["item_id"]) for row in logs["bts"])
    log = tmp_path / "log.csv"
    with log.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item", "position", "click", "propensity", "bts"])
        for row in logs["random"]:
            place = row["position"], row["item_id"]
            share = n_of[place] / n_at[row["position"]]
            out.writerow(
                [row["item_id"], row["position"], row["click"], row["propensity_score"], share]
            )
    options = ("--action", "item", "--reward", "click", "--probability", "bts")
    answer = json.loads(run(log, *options, "--position", "position", "--json").output)
    ips = answer["estimates"][0]
    assert (ips["value"], ips["standard_error"]) == pytest.approx((0.0057, 0.0013), abs=1e-4)
    assert answer["logged_reward"] == 0.0046
    assert "no difference" in answer["verdict"][1]
    assert "Only 46 rewarded decisions" in answer["notes"][0]
    assert list(answer["positions"]) == ["1", "2", "3"]


def test_the_page_is_whole_and_names_are_text_in_it(log, tmp_path):
    file, *_ = log
    strange = tmp_path / "a<b>.csv"
    strange.write_bytes(file.read_bytes())
    page = tmp_path / "out.html"
    output = run(strange, *COLUMNS, "--arm", "b", "--position", "slot", "--report", page).output
    html = page.read_text(encoding="utf-8")
    assert html.count("<img") == html.count('src="data:image/png;base64,') == 2
    assert "<script" not in html and "http" not in html.replace("http-equiv", "")
    assert "a&lt;b&gt;.csv" in html and "a<b>" not in html
    for sentence in output.splitlines()[:2]:
        assert f"<p>{sentence}</p>" in html
    for heading in ("Estimates", "Positions", "Weights", "Assumed"):
        assert f"<h2>{heading}</h2>" in html


def test_a_page_that_cannot_be_written_is_refused_before_the_work(log, tmp_path):
    file, *_ = log
    done = run(file, *COLUMNS, "--arm", "b", "--report", tmp_path / "none" / "out.html")
    assert done.exit_code == 2
    assert "out.html" in done.output
