from __future__ import annotations

from pathlib import Path

import pytest

from coursekit.forecasting.continual import retrain
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.model import Forecaster


def test_retraining_with_lightning_learns_and_leaves_no_trace(
    trained: Forecaster,
    old_days: MetricFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    chance = torch.get_rng_state()
    week = old_days.between(0, 7 * 24)
    model = retrain(week, trained.config, n_epochs=2, batch_size=32)
    windows = model.windows(week).take()
    fresh = Forecaster(trained.config, model.scaling)
    assert model.errors(windows).mean() < 0.7 * fresh.errors(windows).mean()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert torch.equal(torch.get_rng_state(), chance)
    model.copy().save(tmp_path / "model")  # no trainer is held
