"""Settings of the model and of its online training: frozen, validated, readable from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from coursekit.core.errors import FileFormatError, InvalidParameterError, UnknownNameError
from coursekit.core.files import write_atomically
from coursekit.core.validation import choice, integer, number, require

__all__ = ["PRESETS", "STRATEGIES", "ModelConfig", "OnlineConfig"]

STRATEGIES = ("periodic", "sliding_window", "replay", "ewc", "distillation")
"""Ways to keep a model up to date, see `coursekit.forecasting.continual`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Architecture of the Temporal Fusion Transformer.

    Parameters
    ----------
    encoder_length, horizon : int
        Time steps that the model reads, and that it forecasts.
    hidden_size : int
        A multiple of `attention_heads`.
    attention_heads : int
    hidden_continuous_size : int
        Width of the embedding of each real input.
    dropout : float, in [0, 1)
    quantiles : tuple of float
        Increasing, in (0, 1), with the median.

    Examples
    --------
    >>> ModelConfig(hidden_size=9, attention_heads=2)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `hidden_size` must be a multiple of ...
    """

    encoder_length: int = 24
    horizon: int = 6
    hidden_size: int = 16
    attention_heads: int = 2
    hidden_continuous_size: int = 8
    dropout: float = 0.1
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        for name in ("encoder_length", "horizon", "hidden_size", "attention_heads"):
            integer(name, getattr(self, name))
        integer("hidden_continuous_size", self.hidden_continuous_size)
        multiple = self.hidden_size % self.attention_heads == 0
        expected = f"a multiple of `attention_heads` ({self.attention_heads})"
        require(multiple, "hidden_size", expected, self.hidden_size)
        number("dropout", self.dropout, at_least=0, below=1)
        quantiles = tuple(number("quantiles", q, above=0, below=1) for q in self.quantiles)
        increasing = quantiles == tuple(sorted(set(quantiles)))
        require(
            increasing and 0.5 in quantiles, "quantiles", "increasing, with 0.5", self.quantiles
        )
        object.__setattr__(self, "quantiles", quantiles)

    @property
    def length(self) -> int:
        """Time steps of a window."""
        return self.encoder_length + self.horizon

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Self:
        """Return a configuration; a list of quantiles, as JSON and YAML have it, is a tuple."""
        _check_names(cls, settings)
        return cls(**{**settings, "quantiles": tuple(settings.get("quantiles", cls().quantiles))})


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineConfig:
    """How a model in production is updated; the defaults are those of the *replay* stage.

    Parameters
    ----------
    enabled : bool
        Whether updates happen at all.
    strategy : str
        One of `STRATEGIES`.
    update_frequency_minutes : int
        Time between two scheduled updates.
    min_samples_for_update : int
        Rows in the window below which no update is made.
    sliding_window_hours : int
        Event time that the window of recent rows covers.
    replay_buffer_size : int
        Number of past windows kept.
    replay_sample_ratio : float, in [0, 1)
        Share of each batch that is drawn from the past.
    online_learning_rate : float
    online_epochs : int
        Passes over the new windows per update.
    online_batch_size : int
    enable_validation : bool
        Whether a candidate must pass the gates of the trainer.
    validation_threshold : float, 0 or more
        Relative increase of the error on recent data that a gate tolerates.
    enable_rollback : bool
        Whether a rejected candidate is replaced by the backup.
    keep_model_versions : int
    drift_detection_enabled : bool
        Whether an alarm triggers an update before its time.
    drift_window_size : int
        Errors that the detector compares.
    drift_threshold : float, greater than 0
        Relative change of mean and spread that raises an alarm.
    active_learning : bool
        Whether only uncertain windows are learnt.
    uncertainty_threshold : float, in (0, 1)
        Quantile of the width of the interval above which a window counts as uncertain.

    Raises
    ------
    InvalidParameterError, UnknownNameError
        For a value out of range, or two settings that contradict each other; the message names
        them.

    Examples
    --------
    >>> OnlineConfig.preset("conservative").sliding_window_hours
    336
    >>> OnlineConfig(update_frequency_minutes=1440, sliding_window_hours=12)
    Traceback (most recent call last):
    coursekit.core.errors.InvalidParameterError: `sliding_window_hours` must be at least ...
    """

    enabled: bool = True
    strategy: str = "replay"
    update_frequency_minutes: int = 60
    min_samples_for_update: int = 1000
    sliding_window_hours: int = 168
    replay_buffer_size: int = 50_000
    replay_sample_ratio: float = 0.3
    online_learning_rate: float = 0.001
    online_epochs: int = 5
    online_batch_size: int = 64
    enable_validation: bool = True
    validation_threshold: float = 0.05
    enable_rollback: bool = True
    keep_model_versions: int = 5
    drift_detection_enabled: bool = True
    drift_window_size: int = 1000
    drift_threshold: float = 0.15
    active_learning: bool = False
    uncertainty_threshold: float = 0.7

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "bool":
                choice(field.name, value, (True, False))
            elif field.type == "int":
                integer(field.name, value)
        choice("strategy", self.strategy, STRATEGIES)
        number("replay_sample_ratio", self.replay_sample_ratio, at_least=0, below=1)
        number("online_learning_rate", self.online_learning_rate, above=0)
        number("validation_threshold", self.validation_threshold, at_least=0)
        number("drift_threshold", self.drift_threshold, above=0)
        number("uncertainty_threshold", self.uncertainty_threshold, above=0, below=1)
        for holds, name, expected in self._agreements():
            require(holds, name, expected, getattr(self, name))

    def _agreements(self) -> list[tuple[bool, str, str]]:
        """Return what must hold between two settings: (whether it does, setting, expected)."""
        hours = self.update_frequency_minutes / 60
        return [
            (
                self.sliding_window_hours >= hours,
                "sliding_window_hours",
                f"at least the time between updates ({hours:g} hours), else data is never learnt",
            ),
            (
                self.strategy != "replay" or self.replay_sample_ratio > 0,
                "replay_sample_ratio",
                "greater than 0 for the strategy 'replay'",
            ),
            (
                self.replay_buffer_size >= self.online_batch_size,
                "replay_buffer_size",
                f"at least `online_batch_size` ({self.online_batch_size})",
            ),
            (
                self.enable_validation or not self.enable_rollback,
                "enable_rollback",
                "False without `enable_validation`, which is what decides about a rollback",
            ),
        ]

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a preset, "conservative" or "aggressive"."""
        return cls(**PRESETS[choice("preset", name, PRESETS)])

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Self:
        """Return a configuration from settings by name, on top of those of a `preset` if named."""
        own = dict(settings)
        base = PRESETS[choice("preset", own.pop("preset"), PRESETS)] if "preset" in own else {}
        _check_names(cls, own)
        return cls(**{**base, **own})

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a configuration from a YAML file.

        Raises
        ------
        FileFormatError
            If the file is no YAML mapping, or a setting is unknown, wrong or contradictory; the
            message names the file and the setting.
        """
        import yaml

        path = Path(path)
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
            if not isinstance(settings, dict):
                raise FileFormatError(f"{path} must hold settings by name, got {settings!r}.")
            return cls.from_mapping(settings)
        except OSError as error:
            raise FileFormatError(f"{path} cannot be read ({error.strerror}).") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise FileFormatError(f"{path} is not YAML: {error}.") from error
        except (InvalidParameterError, UnknownNameError) as error:
            raise FileFormatError(f"{path}: {error}") from error

    def to_yaml(self, path: str | Path) -> None:
        """Write the configuration to a YAML file, atomically."""
        import yaml

        write_atomically(path, yaml.safe_dump(asdict(self), sort_keys=False))

    def with_settings(self, **settings: Any) -> Self:
        """Return a copy with other settings, validated."""
        return replace(self, **settings)


PRESETS: dict[str, dict[str, Any]] = {
    "conservative": {
        "update_frequency_minutes": 360,
        "sliding_window_hours": 336,
        "online_learning_rate": 0.0005,
        "online_epochs": 3,
        "validation_threshold": 0.03,
    },
    "aggressive": {
        "update_frequency_minutes": 60,
        "sliding_window_hours": 168,
        "replay_buffer_size": 100_000,
        "online_learning_rate": 0.001,
        "online_epochs": 5,
    },
}
"""Name of each preset and the settings in which it differs from the defaults, or equals them."""


def _check_names(cls: type[Any], settings: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(cls)]
    for name in settings:
        choice(f"setting of {cls.__name__}", name, known)
