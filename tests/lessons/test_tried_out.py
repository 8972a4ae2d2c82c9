"""What "Try it" blocks and guesses of lessons 04 and 07 claim, tried out."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def cell_with(lesson: str, text: str, kind: str = "code") -> str:
    cells = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4).cells
    (found,) = [c.source for c in cells if c.cell_type == kind and text in c.source]
    return found


def test_an_adversary_is_always_wrong_for_and_its_regret_still_falls() -> None:
    """The task of lesson 07 as a reader would do it, on three streams."""
    task = cell_with("07_online_optimization", "Let an adversary choose", "markdown")
    line = "target = np.where(x @ w >= 0, -1, 1)"
    assert line in " ".join(task.split())
    loop = "    for t, (x, target) in enumerate(zip(X, y, strict=True), start=1):\n"
    names: dict[str, object] = {"np": np}
    exec(cell_with("07_online_optimization", "def linear_stream"), names)  # noqa: S102
    source = cell_with("07_online_optimization", "def descend")
    assert loop in source
    chosen: list[float] = []
    names["chosen"] = chosen
    exec(source.replace(loop, f"{loop}        {line}\n        chosen.append(target)\n"), names)  # noqa: S102
    for seed in range(3):
        chosen.clear()
        X, y = names["linear_stream"](seed)  # type: ignore[operator]
        losses, _ = names["descend"](X, y, rate=0.5, radius=2.0)  # type: ignore[operator]
        assert losses.min() >= 0.5
        assert losses.mean() == pytest.approx(0.53, abs=0.01)
        targets = np.array(chosen)
        best = np.linalg.lstsq(X, targets, rcond=None)[0]
        regret = np.cumsum(losses - 0.5 * (X @ best - targets) ** 2) / np.arange(1, 3_001)
        assert 0.5 * np.mean((X @ best - targets) ** 2) == pytest.approx(0.5, abs=0.001)
        assert regret[99] > 2 * regret[999] > 3 * regret[2_999]
        assert regret[-1] == pytest.approx(0.03, abs=0.005)


def test_bob_moves_a_little_less_while_he_is_away_than_while_he_rates() -> None:
    torch = pytest.importorskip("torch")
    names: dict[str, object] = {"np": np, "torch": torch, "guess_moves": "further"}
    exec(cell_with("04_neural_collaborative_filtering", "def rows_under"), names)  # noqa: S102
    exec(cell_with("04_neural_collaborative_filtering", "verdict ="), names)  # noqa: S102
    rows = names["rows"]["Adam"]  # type: ignore[index]
    assert rows.shape == (111, 4)
    while_here = np.linalg.norm(rows[10] - rows[0])
    assert names["while_here"] == while_here
    assert np.linalg.norm(rows[110] - rows[10]) < while_here
    assert names["verdict"] == "a little"
