"""`coursekit abtest`: verdict, numbers and page for a file of one's own; refusals."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

from coursekit.cli import cli
from coursekit.evaluation.statistics import cuped, ratio_moments

N = 600


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(cli, ["abtest", *map(str, arguments)])


@pytest.fixture(scope="module")
def users() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 2, N)
    views = rng.integers(1, 9, N)
    clicks = rng.binomial(views, 0.2 + 0.1 * arm)
    before = rng.normal(10, 3, N)
    sales = before + 2 * arm + rng.normal(0, 1, N)
    return {"arm": arm, "views": views, "clicks": clicks, "before": before, "sales": sales}


@pytest.fixture
def wide(tmp_path: Path, users) -> Path:
    """One row a user."""
    rows = zip(*(users[name].tolist() for name in users), strict=True)
    lines = [
        f"u{at};{'new' if row[0] else 'old'};" + ";".join(map(str, row[1:]))
        for at, row in enumerate(rows)
    ]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(["user;arm;views;clicks;before;sales", *lines]))
    return path


@pytest.fixture
def long(tmp_path: Path, users) -> Path:
    """One row an event, several of each user."""
    lines = []
    for at, (arm, views, clicks) in enumerate(
        zip(users["arm"], users["views"], users["clicks"], strict=True)
    ):
        lines += [f"u{at},{'new' if arm else 'old'},{int(k < clicks)}" for k in range(views)]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(["user,arm,click", *lines]))
    return path


def answer(done) -> dict:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_verdict_comes_first_in_two_sentences(run, wide: Path) -> None:
    done = run(wide, "--variant", "arm", "--outcome", "sales")
    first, second, empty, *table = done.stdout.splitlines()
    assert done.exit_code == 0 and done.stderr == ""
    assert first.startswith("new raised sales by ") and " against old (95 % interval +" in first
    assert second.startswith("The sample ratio is the planned one") and empty == ""
    assert first.count(". ") == 0 and first.endswith(").") and second.endswith(".")
    assert table[0].startswith("Sample ratio: as planned") and "Assumed" in table


def test_a_value_for_each_unit_is_welch(run, wide: Path, users) -> None:
    found = answer(run(wide, "--variant", "arm", "--outcome", "sales", "--json"))
    old, new = (users["sales"][users["arm"] == k] for k in (0, 1))
    oracle = stats.ttest_ind(new, old, equal_var=False)
    only = found["comparisons"][0]
    assert only["difference"]["p_value"] == pytest.approx(oracle.pvalue, rel=1e-9)
    assert only["lift"] == pytest.approx(new.mean() / old.mean() - 1, abs=1e-9)
    assert found["counts"] == [len(old), len(new)] and len(found["verdict"]) == 2


def test_a_measurement_before_narrows_the_interval(run, wide: Path, users) -> None:
    arguments = (wide, "--variant", "arm", "--outcome", "sales", "--json")
    plain = answer(run(*arguments))["comparisons"][0]["difference"]
    found = answer(run(*arguments, "--before", "before"))["comparisons"][0]["difference"]
    masks = [users["arm"] == k for k in (0, 1)]
    groups = cuped([users["sales"][m] for m in masks], [users["before"][m] for m in masks])
    assert found["estimate"] == pytest.approx(groups[1].mean() - groups[0].mean(), abs=1e-9)
    assert found["standard_error"] < 0.5 * plain["standard_error"]
    assert "CUPED" in found["method"]


def test_long_and_wide_files_say_the_same_of_a_ratio(run, wide: Path, long: Path, users) -> None:
    of_wide = answer(run(wide, "--variant", "arm", "--outcome", "clicks/views", "--json"))
    ones = long.read_text().splitlines()
    long.write_text("\n".join([f"{ones[0]},one", *(f"{line},1" for line in ones[1:])]))
    arguments = ("--variant", "arm", "--outcome", "click/one", "--unit", "user", "--json")
    of_long = answer(run(long, *arguments))
    expected = ratio_moments(*(users[n][users["arm"] == 1] for n in ("clicks", "views")))
    for found in (of_wide, of_long):
        new = next(each for each in found["estimates"] if each["variant"] == "new")
        assert new["mean"] == pytest.approx(expected.mean, abs=1e-12)
        assert new["standard_error"] == pytest.approx(np.sqrt(expected.squared_error), abs=1e-12)
        assert "delta method" in found["comparisons"][0]["difference"]["method"]


def test_events_of_a_unit_are_added_up(run, long: Path, users) -> None:
    found = answer(run(long, "--variant", "arm", "--outcome", "click", "--unit", "user", "--json"))
    assert sum(found["counts"]) == N and found["n_rows"] == users["views"].sum()
    means = {each["variant"]: each["mean"] for each in found["estimates"]}
    assert means["new"] == pytest.approx(users["clicks"][users["arm"] == 1].mean())


def test_counts_of_whole_variants_are_two_proportions(run, tmp_path: Path) -> None:
    path = tmp_path / "counts.tsv"
    path.write_text("arm\tshown\tclicked\nB\t1010\t131\nA\t1000\t100\n")
    found = answer(run(path, "--variant", "arm", "--outcome", "clicked/shown", "--json"))
    _, p_value = proportions_ztest([131, 100], [1010, 1000])
    assert found["variants"] == ["A", "B"] and found["counts"] == [1000, 1010]
    assert found["comparisons"][0]["difference"]["p_value"] == pytest.approx(p_value, rel=1e-9)


def test_outcomes_of_zero_and_one_are_two_proportions(run, tmp_path: Path) -> None:
    path = tmp_path / "bought.csv"
    rows = ["old,no"] * 80 + ["old,yes"] * 20 + ["new,no"] * 60 + ["new,yes"] * 40
    path.write_text("arm,bought\n" + "\n".join(rows).replace("no", "false").replace("yes", "true"))
    found = answer(run(path, "--variant", "arm", "--outcome", "bought", "--json"))
    _, p_value = proportions_ztest([40, 20], [100, 100])
    assert found["comparisons"][0]["difference"]["p_value"] == pytest.approx(p_value, rel=1e-9)


def test_several_outcomes_are_corrected(run, wide: Path) -> None:
    arguments = ("--outcome", "sales", "--outcome", "clicks/views", "--outcome", "before")
    found = answer(run(wide, "--variant", "arm", *arguments, "--json"))
    raw = [each["difference"]["p_value"] for each in found["comparisons"]]
    adjusted = [each["adjusted_p_value"] for each in found["comparisons"]]
    smallest = int(np.argmin(raw))
    assert adjusted[smallest] == pytest.approx(3 * raw[smallest])
    assert all(a >= p for a, p in zip(adjusted, raw, strict=True))
    assert any("3 comparisons (Holm)" in each for each in found["assumptions"])


def test_an_unplanned_sample_ratio_forbids_the_comparison(run, tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("arm,n,k\nold,11000,1100\nnew,10000,1200\n")
    arguments = (path, "--variant", "arm", "--outcome", "k/n")
    assumed = run(*arguments).stdout
    assert assumed.startswith("Do not use this comparison yet: the variants have 11,000 : 10,000")
    planned = run(*arguments, "--split", "old=0.6,new=0.4").stdout
    assert "where 0.6 : 0.4 was planned (p < 0.0001), so the assignment or the log is" in planned
    right = run(*arguments, "--split", "old=0.524,new=0.476").stdout
    assert right.startswith("new raised k/n by 20.0 %")


def test_no_difference_says_what_could_have_been_found(run, tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("arm,n,k\na,1000,100\nb,1000,104\nc,1000,99\n")
    arguments = (path, "--variant", "arm", "--outcome", "k/n")
    lines = run(*arguments).stdout.splitlines()
    assert lines[0].startswith("None of the 2 treatments is shown to differ from a in k/n")
    assert re.match(r"A difference of 3\d\.\d % or more would have been found in 80", lines[1])


@pytest.mark.parametrize(
    ("rows", "outcome", "words"),
    [
        (["a,-5", "b,-4", "a,-6", "b,-5"] * 30, "y", "b raised y by 1 against a (95 % interval 0."),
        (["a,0,900", "b,40,900"], "y/n", "b raised y/n by 0.04444 against a (95 % interval 0.0"),
    ],
)
def test_without_a_positive_mean_there_is_no_lift(
    run, tmp_path: Path, rows: list[str], outcome: str, words: str
) -> None:
    path = tmp_path / "test.csv"
    path.write_text("\n".join(["arm,y,n"[: 5 if outcome == "y" else 7], *rows]))
    done = run(path, "--variant", "arm", "--outcome", outcome, "--report", tmp_path / "out.html")
    assert done.exit_code == 0 and done.stdout.startswith(words)
    assert "lift" not in done.stdout


def test_without_any_success_nothing_is_promised(run, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("arm,y,n\na,0,900\nb,0,900\n")
    lines = run(path, "--variant", "arm", "--outcome", "y/n").stdout.splitlines()
    assert lines[1].startswith("Nobody in the control had the outcome")


def test_the_smallest_file_has_a_page(run, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("arm,y\na,1.5\na,2\nb,3\nb,4.5\n")
    page = tmp_path / "out.html"
    done = run(path, "--variant", "arm", "--outcome", "y", "--report", page)
    assert done.exit_code == 0 and page.exists()


class Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        found = dict(attrs)
        self.images += [found] if tag == "img" else []
        self.links += [v for k, v in attrs if k in ("href", "src") and not v.startswith("data:")]


@pytest.mark.parametrize(("name", "n_figures"), [("wide", 4), ("counts", 3)])
def test_the_page_is_whole(run, tmp_path: Path, wide: Path, name: str, n_figures: int) -> None:
    path = tmp_path / f"{name}.csv"
    if name == "counts":
        path.write_text("arm,n,k\n<b>old</b>,1000,100\nnew,1010,131\n")
    outcome = "sales" if name == "wide" else "k/n"
    page = tmp_path / "out.html"
    done = run(path, "--variant", "arm", "--outcome", outcome, "--report", page)
    text = page.read_text(encoding="utf-8")
    found = Pictures()
    found.feed(text)
    assert done.exit_code == 0 and found.links == []
    assert len(found.images) == n_figures and all(len(each["alt"]) > 30 for each in found.images)
    assert "<b>old</b>" not in text  # names of the file are text
    assert done.stdout.splitlines()[1].replace("<", "&lt;")[:40] in text


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("", (), "got an empty file"),
        ("arm,y\n", (), "has a header and no rows"),
        ("arm,y\na,1\na,2\n", (), "has one variant only, 'a' in `arm`"),
        ("arm,z\na,1\nb,2\n", (), "no column `y`; its header names arm, z"),
        ("group,y\na,1\nb,2\n", (), "no column `arm`; its header names group, y"),
        ("arm,y\na,1\nb,many\n", (), "line 3: expected a number as `y`, got 'many'"),
        ("arm,y\na,1\nb,\n", (), "line 3: `y` is missing"),
        ("arm,y\na,1\n,2\n", (), "line 3: `arm` is missing"),
        ("arm,y\na,1\nb,2\nb,2\n", (), "one unit only in variant 'a'"),
        ("arm,y\na,5\na,5\nb,5\nb,5\n", (), "`y` is 5 for every unit; a constant has no"),
        ("arm,y\na,1e200\na,5\nb,5\nb,5\n", (), "line 2: `y` must be at most 1e+100 in size"),
        ("arm,y,n\na,0,0\na,1,0\nb,1,3\nb,3,4\n", ("--outcome", "y/n"), "denominator of `y/n`"),
        ("arm,y\na,1\nb,2\n", (), "has one row for each variant: then `outcome` must be"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--control", "c"), "There is no variant 'c' in `arm`"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--split", "a=1"), "`split` must name the variants a, b"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--split", "half"), "`split` must be shares such as"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--split", "a=0.5,b=0.4"), "`shares` must sum to 1"),
        ("arm,y,u\na,1,1\nb,2,1\n", ("--unit", "u"), "`u` '1' is in two variants, 'a' and 'b'"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--unit", "user"), "no column `user`"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--outcome", "y/"), "`outcome` must be a column, or two"),
        ("arm,y\na,1\na,2\nb,1\nb,3\n", ("--outcome", "y"), "must name each outcome once"),
    ],
)
def test_what_cannot_be_analysed_is_refused_in_one_sentence(
    run, tmp_path: Path, content: str, arguments: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "test.csv"
    path.write_text(content)
    page = tmp_path / "out.html"
    done = run(path, "--variant", "arm", "--outcome", "y", *arguments, "--report", page)
    assert done.exit_code == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "" and not page.exists()


def test_the_real_experiments_are_read(run, real_data: Path, tmp_path: Path) -> None:
    """The job training experiment: a difference of 1,794 dollars (LaLonde; Dehejia and Wahba)."""
    nsw = real_data / "nsw-job-training-rct" / "nsw.csv"
    arguments = ("--variant", "treat", "--outcome", "re78", "--control", "0")
    found = answer(run(nsw, *arguments, "--split", "0=0.5843,1=0.4157", "--json"))
    assert found["counts"] == [260, 185]
    assert found["comparisons"][0]["difference"]["estimate"] == pytest.approx(1794.34, abs=0.01)
    assert run(nsw, *arguments).stdout.startswith("Do not use this comparison yet")
