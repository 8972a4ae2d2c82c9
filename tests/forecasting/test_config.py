from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from coursekit.core.errors import FileFormatError, InvalidParameterError, UnknownNameError
from coursekit.forecasting.config import ModelConfig, OnlineConfig


def test_the_defaults_are_those_of_the_syllabus() -> None:
    config = OnlineConfig()
    assert (config.update_frequency_minutes, config.min_samples_for_update) == (60, 1000)
    assert (config.sliding_window_hours, config.replay_buffer_size) == (168, 50_000)
    assert (config.replay_sample_ratio, config.online_learning_rate) == (0.3, 0.001)
    assert (config.online_epochs, config.online_batch_size) == (5, 64)
    assert (config.validation_threshold, config.keep_model_versions) == (0.05, 5)
    assert (config.drift_window_size, config.drift_threshold) == (1000, 0.15)
    assert config.uncertainty_threshold == 0.7


def test_the_presets_are_those_of_the_syllabus() -> None:
    slow, fast = OnlineConfig.preset("conservative"), OnlineConfig.preset("aggressive")
    assert (slow.update_frequency_minutes, slow.sliding_window_hours) == (360, 336)
    assert (slow.online_learning_rate, slow.online_epochs) == (0.0005, 3)
    assert slow.validation_threshold == 0.03
    assert (fast.update_frequency_minutes, fast.sliding_window_hours) == (60, 168)
    assert (fast.replay_buffer_size, fast.online_learning_rate) == (100_000, 0.001)
    assert fast.online_epochs == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enabled", 1.5),
        ("update_frequency_minutes", 0),
        ("min_samples_for_update", "many"),
        ("replay_sample_ratio", 1.0),
        ("online_learning_rate", -0.1),
        ("online_epochs", 2.0),
        ("validation_threshold", float("nan")),
        ("keep_model_versions", 0),
        ("drift_threshold", 0),
        ("uncertainty_threshold", 1),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    with pytest.raises((InvalidParameterError, UnknownNameError), match=f"`{name}` must be"):
        OnlineConfig(**{name: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"update_frequency_minutes": 1440, "sliding_window_hours": 12},
            "`sliding_window_hours` must be at least the time between updates",
        ),
        ({"replay_sample_ratio": 0}, "`replay_sample_ratio` must be greater than 0"),
        ({"replay_buffer_size": 10}, "`replay_buffer_size` must be at least"),
        ({"enable_validation": False}, "`enable_rollback` must be False without"),
    ],
)
def test_contradictions_are_named(settings: Any, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        OnlineConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_size": 9},
        {"quantiles": (0.1, 0.9)},
        {"quantiles": (0.5, 0.1)},
        {"quantiles": (0.5, 1.0)},
        {"dropout": 1},
        {"horizon": 0},
    ],
)
def test_a_wrong_architecture_is_named(settings: Any) -> None:
    with pytest.raises(InvalidParameterError, match=f"`{next(iter(settings))}` must be"):
        ModelConfig(**settings)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        OnlineConfig().online_epochs = 3  # type: ignore[misc]
    assert OnlineConfig().with_settings(online_epochs=3).online_epochs == 3
    with pytest.raises(InvalidParameterError):
        OnlineConfig().with_settings(online_epochs=0)


def test_yaml_round_trip(tmp_path: Path) -> None:
    config = OnlineConfig(strategy="ewc", online_learning_rate=0.003)
    config.to_yaml(tmp_path / "c.yaml")
    assert OnlineConfig.from_yaml(tmp_path / "c.yaml") == config


def test_yaml_may_change_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("preset: conservative\nonline_epochs: 7\n", encoding="utf-8")
    expected = OnlineConfig.preset("conservative").with_settings(online_epochs=7)
    assert OnlineConfig.from_yaml(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("online_epoch: 5\n", "c.yaml: `setting of OnlineConfig` must be one of"),
        ("online_epochs: 0\n", "c.yaml: `online_epochs` must be an integer, 1 or more"),
        ("preset: bold\n", "c.yaml: `preset` must be one of 'conservative', 'aggressive'"),
        ("- 1\n", "must hold settings by name"),
        ("a: [\n", "is not YAML"),
        ("!!python/object/apply:os.getcwd []\n", "is not YAML"),
    ],
)
def test_a_wrong_yaml_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        OnlineConfig.from_yaml(path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        OnlineConfig.from_yaml(tmp_path / "none.yaml")


def test_every_setting_is_documented() -> None:
    for config in (OnlineConfig, ModelConfig):
        for field in fields(config):
            assert f"\n    {field.name}" in str(config.__doc__) or field.name in str(config.__doc__)


def test_settings_buffers_and_data_load_no_torch() -> None:
    modules = (
        "config",
        "fleet",
        "windows",
        "buffers",
        "model",
        "continual",
        "safety",
        "trainer",
        "inference",
        "prequential",
    )
    imports = "; ".join(f"import coursekit.forecasting.{name}" for name in modules)
    code = f"{imports}; import sys; print({{'torch', 'pandas', 'lightning'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
