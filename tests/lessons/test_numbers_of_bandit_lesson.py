"""Numbers that lesson 10 states in words (nbval compares outputs, but not prose), and the folded
solutions of its tasks: run and checked as a reader would.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from coursekit import figures
from coursekit.delivery import bandits
from coursekit.delivery.bandits import off_policy
from coursekit.delivery.bandits.simulation import TEN_ARMS, simulate

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "10_bandits.ipynb"
SOLUTION = re.compile(r"<summary>A solution</summary>\s+```python\n(.+?)```", re.DOTALL)


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    return list(nbformat.read(NOTEBOOK, as_version=4).cells)


@pytest.fixture(scope="module")
def words(cells: list[Any]) -> str:
    return " ".join(" ".join(c.source for c in cells if c.cell_type == "markdown").split())


@pytest.fixture(scope="module")
def found(cells: list[Any]) -> dict[str, Any]:
    """What the lesson's cells leave behind."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(figures, "show", lambda figure, *, alt: None)
        monkeypatch.setattr("builtins.print", lambda *_: None)
        for cell in cells:
            if cell.cell_type == "code":
                exec(cell.source, names)  # noqa: S102 - the lesson's own code
    return names


def test_every_folded_solution_is_right_and_every_task_starts_unsolved(
    cells: list[Any], found: dict[str, Any]
) -> None:
    tasks = 0
    for at, cell in enumerate(cells):
        for solution in SOLUTION.findall(cell.source) if cell.cell_type == "markdown" else ():
            task = cells[at + 1].source
            check = task[task.index("check_task(") :]
            namespace = dict(found)
            exec(solution, namespace)  # noqa: S102
            assert eval(check, namespace).startswith("Right, on all 2"), solution  # noqa: S307
            assert "Not attempted yet" in cells[at + 1].outputs[0]["data"]["text/plain"]
            tasks += 1
    assert tasks == 4


def test_the_examples_by_hand_are_right() -> None:
    policy = bandits.UCB1(2)
    policy.update_many([0] * 2 + [1] * 8, [1.0, 0.0] + [1.0] * 2 + [0.0] * 6)
    assert policy.bounds() == pytest.approx([2.02, 1.01], abs=0.005)
    log = off_policy.LoggedRewards(
        actions=[0, 0, 0, 1], rewards=[0, 0, 0, 1], propensities=[0.8, 0.8, 0.8, 0.2]
    )
    assert off_policy.inverse_propensity(log, [0.5] * 4).value == 0.625
    assert off_policy.self_normalized(log, [0.5] * 4).value == pytest.approx(0.571, abs=5e-4)
    halved = bandits.BernoulliThompson(2, discount=0.5)
    halved.update_many([0, 0, 0], [1.0, 1.0, 0.0])
    assert halved.posteriors()[:, 0].tolist() == [1.75, 2.0]


def test_regret_is_what_the_text_says(found: dict[str, Any], words: str) -> None:
    lost = found["lost"]
    assert lost["bandit"] / lost["test"] == pytest.approx(0.25, abs=0.03)
    assert "about a quarter of the clicks" in words
    assert found["n_found"] < 40  # "as most greedy runs did"
    page = found["page"]
    spread = page["90 %"] - page["10 %"]
    assert spread.idxmax() == "epsilon-greedy"
    assert abs(page.slope["Thompson"] - found["slope"]) < 3
    assert page.slope["UCB1"] > 10 * found["slope"]


def test_epsilon_greedy_pays_for_ever_and_thompson_ever_less() -> None:
    def paid(policy: Any) -> Any:
        regret = simulate(policy, TEN_ARMS, 20_000, n_runs=50, seed=1).regret.mean(axis=0)
        return regret[[9_999, 19_999]] - regret[[5_000, 15_000]]

    early, late = paid(bandits.EpsilonGreedy(10))
    assert late == pytest.approx(early, rel=0.3)
    early, late = paid(bandits.BernoulliThompson(10))
    assert late < 0.75 * early


def test_the_open_bandit_section_is_what_the_text_says(found: dict[str, Any], words: str) -> None:
    assert found["n_clicks"] == {"random": 46, "bts": 69}
    assert f"10,000 decisions are worth {found['worth']:.0f} here" in words
    values = {name: 1000 * each.value for name, each in found["estimates"].items()}
    errors = [
        abs(values[f"{name}, estimated"] - values[f"{name}, really"])
        for name in ("Thompson", "random")
    ]
    assert max(errors) < 2
    assert values["Thompson, really"] - values["random, really"] == pytest.approx(2.3, abs=0.05)
    assert "within two clicks per 1,000, which is about as much as the two" in words


def test_the_section_on_tests_is_what_the_text_says(found: dict[str, Any], words: str) -> None:
    assert found["false_alarms"] > 0.14
    assert np.mean(found["slice_p"] < 0.05) < 0.07
    leading = found["top"]
    assert leading.n_lil_ucb.mean() / leading.n_round_robin.mean() > 5
    assert "five times as many ratings" in words
    best = found["captions"].nlargest(50, "score_round_robin")
    assert best.score_round_robin.mean() > best.score_lil_ucb.mean() + 0.2  # "read higher"


def test_delay_and_discount_cost_what_the_text_says(found: dict[str, Any]) -> None:
    delayed = found["delayed"]
    assert delayed[100] < 1.05 * delayed[1]
    assert delayed[5_000] > 0.9 * found["lost"]["test"]
    assert min(found["ends"], key=found["ends"].get) == 0.999
    steady = {gamma: each[:, 1_999].mean() for gamma, each in found["drifting"].items()}
    assert steady[1.0] < steady[0.999] < steady[0.99]
    thompson, ucb = (
        simulate(policy, TEN_ARMS, 5_000, n_runs=20, seed=1, update_every=1_000)
        for policy in (bandits.BernoulliThompson(10), bandits.UCB1(10))
    )
    assert all(len(set(run[4_000:])) == 1 for run in ucb.arms)  # one arm for a whole batch
    assert all(len(set(run[4_000:])) > 1 for run in thompson.arms)
