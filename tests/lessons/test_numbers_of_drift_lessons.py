"""Numbers that lessons 05 and 06 state in words (nbval compares outputs, but not prose): measured
here again.
"""

from __future__ import annotations

import contextlib
import io
import re
import symtable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from coursekit import figures
from coursekit.datasets import streams
from coursekit.learning import drift
from coursekit.learning.adaptation import responses

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def words_of(name: str) -> str:
    """All prose, on one line."""
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    return " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())


def run(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    without: frozenset[str] = frozenset(),
    given: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a lesson's cells and return what they leave behind.

    A cell that defines a name in `without` is not run, nor is one that needs what such a cell would
    have defined; names in `given` are there from the beginning.
    """
    monkeypatch.setattr(figures, "show", lambda figure, *, alt: None)
    names, missing = dict(given or {}), set(without)
    kept = set(names)
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
            if cell.cell_type != "code":
                continue
            table = symtable.symtable(cell.source, name, "exec")
            if globals_of(table) & missing:
                missing |= {each.get_name() for each in table.get_symbols() if each.is_assigned()}
                missing -= kept
            else:
                exec(cell.source, names)  # noqa: S102 - the lesson's own code
    return names


def globals_of(table: symtable.SymbolTable) -> set[str]:
    """Global names that a piece of code defines or uses, inner functions included."""
    at_top = table.get_type() == "module"
    found = {each.get_name() for each in table.get_symbols() if at_top or each.is_global()}
    return found.union(*map(globals_of, table.get_children()))


def table_shown(name: str, expression: str) -> pd.DataFrame:
    """The table that a cell shows: its stored output, which nbval compares with a fresh one."""
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    (cell,) = (cell for cell in cells if cell.source.endswith(expression))
    html = "".join(cell.outputs[0]["data"]["text/html"])
    lines = re.findall(r"<tr.*?</tr>", html, flags=re.DOTALL)
    (_, *columns), *rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in lines)
    n_index = sum("<th" in part for part in lines[-1].split("</th>")[:-1])
    columns = [column for column in columns if column]
    titles = rows.pop(0)[:n_index] if not rows[0][-1] else [None] * n_index
    keys = [tuple(row[:n_index]) for row in rows]
    index = pd.MultiIndex.from_tuples(keys, names=titles) if n_index > 1 else [*sum(keys, ())]
    values = [[float(value) for value in row[n_index:]] for row in rows]
    return pd.DataFrame(values, columns=columns, index=index)


def test_lesson_05_says_what_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    words, found = words_of("05_drift_detection"), run("05_drift_detection", monkeypatch)
    assert round(found["of_rule"]) == 9
    assert "turns nine false alarms into less than one" in words
    assert found["false_alarms"]["test, 5 % per 1,000"] == pytest.approx(0.5, abs=0.15)
    assert "one of them needs twice as many events" in words
    assert found["slower"] == pytest.approx(2, abs=0.25)
    assert found["lowest"] > 1
    assert found["highest"] < 4
    assert found["fastest"] == "BernoulliGLR"
    assert round(found["table"]["false alarms", "50%"]["HDDM_W"]) == 8
    assert min(found["judged"], key=lambda name: found["judged"][name][1]) == "HDDM_W"
    assert (sum(found["near"]), len(found["near"])) == (10, 10)
    assert sum(432 in places for places in found["marks"].values()) == 4
    assert not any(abs(start - 432) <= 5 for start in found["starts"])
    assert f"it needs {np.median(found['as_hits']) - 5000:.0f} events" in words


def test_the_folded_answers_of_lesson_05_are_true() -> None:
    words = words_of("05_drift_detection")
    squares = [np.random.default_rng(seed).normal(size=10_000) ** 2 for seed in range(100)]
    assert np.mean(
        [len(drift.ConceptDriftDetector().update_many(each)) for each in squares]
    ) == pytest.approx(0.5, abs=0.25)
    changing = 10 * streams.error_stream(seed=0, drift=streams.AbruptDrift(size=0.2)).values
    assert 100 < len(drift.PageHinkley().update_many(changing)) < 150
    normal = 10 * np.random.default_rng(1).normal(size=100_000)
    assert f"It raises {len(drift.GaussianGLR(1_000).update_many(normal))}." in words
    assert 2_800 < len(drift.PageHinkley().update_many(normal)) < 3_000
    better = streams.error_stream(seed=3, level=0.4, drift=streams.AbruptDrift(size=-0.2)).values
    speaks = {name for name in drift.DETECTORS if "K" not in name[:2] and hears(name, better)}
    assert {"PageHinkley", "ADWIN", "ConceptDriftDetector"} <= speaks
    assert not speaks & {"DDM", "HDDM_A", "HDDM_W", "BernoulliGLR"}


def hears(name: str, values: np.ndarray) -> bool:
    """Whether a detector raises an alarm soon after the middle of a stream."""
    alarms = drift.detector_named(name).update_many(values)
    return bool(np.any((alarms >= 5_000) & (alarms < 6_000)))


@pytest.fixture(scope="module")
def lesson_06() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        tables = {each: table_shown("06_adaptation", f"{each}.round(3)") for each in SLOW.values()}
        return run("06_adaptation", monkeypatch, without=frozenset(SLOW), given=tables)


SLOW = {"scores": "table", "losses_of_case": "page"}
"""What lesson 06 takes long to compute -> the table it shows of it."""


def test_lesson_06_says_what_it_measures(lesson_06: dict[str, Any]) -> None:
    words, table, page = words_of("06_adaptation"), lesson_06["table"], lesson_06["page"]
    assert f"doing nothing has an RMSE of {table.loc['nothing', 'level +0.5']:.2f}" in words
    assert (
        table.loc["start afresh", "level +0.5"]
        > table.loc["nothing", "level +0.5"]
        > table.loc["boost", "level +0.5"]
    )
    assert table["no change"].idxmax() == "boost every 500"
    back_and_forth = table["level, on and off"]
    assert (back_and_forth[["start afresh", "second model"]] > back_and_forth["nothing"]).all()
    assert (
        np.ptp(table.loc[["nothing", "start afresh", "second model", "boost"], "tastes turn"])
        < 0.002
    )
    late = lesson_06["medians"]
    assert abs(np.mean(late["for one event"][26:30] - late["no answer"][26:30])) < 0.005
    assert (
        np.mean(late["and with doubt"][26:30])
        < np.mean(late["for 500 events"][26:30])
        < np.mean(late["no answer"][26:30])
    )
    assert lesson_06["n_same"]["learner only"] < 100
    assert np.allclose(page.loc["MF"], page.loc["FM"], atol=1e-9)
    assert np.ptp(page.groupby("drift")["single_sample"].agg(np.ptp)) < 0.02
    assert (page.loc["neural CF", "mini_batch"] > page.loc["MF", "mini_batch"]).all()
    n_alarms = {
        name: each.get_learning_stats().n_drifts for name, each in lesson_06["loops"].items()
    }
    assert f"{n_alarms['nervous']} alarms about nothing" in words
    assert f"A pause breaks this feedback: {n_alarms['with a pause']} alarms." in words
    outcome = lesson_06["outcome"]
    assert outcome["nervous"] > outcome["with a pause"] > outcome["left alone"]


def test_the_two_factor_models_of_lesson_06_are_one_without_features(
    lesson_06: dict[str, Any],
) -> None:
    for drifting in lesson_06["drifts"].values():
        world = streams.rating_stream(seed=0, **drifting)
        for mode in lesson_06["modes"]:
            one, other = (
                lesson_06["OnlineLearningManager"](lesson_06["learners"][name](), mode)
                for name in ("MF", "FM")
            )
            both = one.process_many(world).losses, other.process_many(world).losses
            np.testing.assert_allclose(*both, atol=1e-9)


def test_the_folded_answers_of_lesson_06_are_true(lesson_06: dict[str, Any]) -> None:
    words, losses_of, blocks = (
        words_of("06_adaptation"),
        lesson_06["losses_of"],
        lesson_06["rmse_in_blocks"],
    )
    waiting = {
        (mode, size): np.median(
            [blocks(losses_of(world, mode, batch_size=size))[10] for world in lesson_06["worlds"]]
        )
        for mode in ("mini_batch", "adaptive")
        for size in (32, 256)
    }
    late, early = waiting["mini_batch", 256], waiting["mini_batch", 32]
    assert f"mini-batch mode is {late:.2f} points wrong, instead of {early:.2f}" in words
    assert f"Adaptive mode stays at {waiting['adaptive', 256]:.2f}" in words
    trusting = {
        name: [
            np.median(
                [
                    lesson_06["late_rmse"](streams.rating_stream(seed=seed, **shape), boost(share))
                    for seed in range(10)
                ]
            )
            for share in (0.01, 0.1, 1.0)
        ]
        for name, shape in lesson_06["shapes"].items()
        if name.startswith("level")
    }
    for small, middle, whole in trusting.values():
        assert f"{small:.3f}, {middle:.3f} and {whole:.3f}" in words


def boost(share: float) -> dict[str, Any]:
    return {"answer": lambda: responses.Boost(keep_evidence=share)}


def test_the_table_of_elec2_is_the_one_that_was_measured() -> None:
    measured = (
        (NOTEBOOKS.parent / "tests" / "benchmarks" / "RESULTS.md")
        .read_text(encoding="utf-8")
        .partition("| AdaGrad 0.2 |")[2]
    )
    words = words_of("06_adaptation")
    for name, row in (
        ("our GLR", "our likelihood ratio"),
        ("river's ADWIN", "River's ADWIN"),
        ("on a schedule", "no detector"),
    ):
        line = next(line for line in measured.splitlines() if line.startswith(f"| {name}"))
        numbers = [
            float(cell.strip(" *").partition(" ")[0].strip("*")) for cell in line.split("|")[2:-1]
        ]
        assert (
            " | ".join(f"{number:.4f}" for number in numbers) in words.partition(f"| {row}")[2][:90]
        ), row
