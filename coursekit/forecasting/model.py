"""A Temporal Fusion Transformer with its scaling: predict, measure, copy, save (lesson 17)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats, Ints
from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State, load_state, save_state
from coursekit.core.validation import integer
from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.network import network
from coursekit.forecasting.windows import Windows, WindowSet

if TYPE_CHECKING:
    import torch

__all__ = ["Forecast", "Forecaster"]

_KIND = "Forecaster"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """Quantiles of the next time steps of some servers.

    Parameters
    ----------
    servers : tuple of str
    origin : array of int, shape (n,)
        First forecast time step of each server.
    quantiles : array, shape (n, horizon, n_quantiles)
        In the unit of the target.
    levels : tuple of float
        The levels of the quantiles.
    unseen : tuple of str
        Servers that the model was not trained on: forecast by the average scaling.
    """

    servers: tuple[str, ...]
    origin: Ints
    quantiles: Floats
    levels: tuple[float, ...]
    unseen: tuple[str, ...] = ()

    @property
    def median(self) -> Floats:
        """The point forecast, shape (n, horizon)."""
        return self.quantiles[:, :, self.levels.index(0.5)]


class Forecaster:
    """The network of pytorch-forecasting and the scaling of its inputs.

    Parameters
    ----------
    config : ModelConfig
    scaling : Scaling
    seed : int
        Of the initial weights.

    Attributes
    ----------
    net : TemporalFusionTransformer
    """

    def __init__(self, config: ModelConfig, scaling: Scaling, *, seed: int = 0) -> None:
        self.config = config
        self.scaling = scaling
        self.net = network(config, scaling, seed=seed).eval()

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.net.parameters())

    def windows(self, frame: MetricFrame) -> Windows:
        """Return the windows of a frame.

        Raises
        ------
        InvalidSampleError
            If metrics or time step differ from those of the model.
        """
        return Windows(frame, self.scaling, self.config.encoder_length, self.config.horizon)

    def output(self, windows: WindowSet) -> torch.Tensor:
        """Return quantiles in the unit of the target, shape (n, horizon, n_quantiles)."""
        x, _ = windows.batch(self.config.encoder_length)
        prediction: torch.Tensor = self.net(x)["prediction"]
        return prediction

    def quantiles(self, windows: WindowSet, batch_size: int = 512) -> Floats:
        """Return quantiles without dropout and gradients, in increasing order at each step."""
        import torch

        integer("batch_size", batch_size)
        starts = range(0, len(windows), batch_size)
        was_training = self.net.training
        if was_training:  # a model that is served stays in evaluation mode: threads may share it
            self.net.eval()
        with torch.inference_mode():
            parts = [self.output(windows.take(slice(at, at + batch_size))).numpy() for at in starts]
        if was_training:
            self.net.train()
        shape = (0, self.config.horizon, len(self.config.quantiles))
        found = np.concatenate(parts).astype(np.float64) if parts else np.empty(shape)
        return np.sort(found, axis=2)

    def step_errors(self, windows: WindowSet) -> Floats:
        """Return the absolute error of the median at each step, shape (n, horizon)."""
        median = self.quantiles(windows)[:, :, self.config.quantiles.index(0.5)]
        errors: Floats = np.abs(median - windows.targets[:, self.config.encoder_length :])
        return errors

    def errors(self, windows: WindowSet) -> Floats:
        """Return the mean absolute error of the median of each window, shape (n,)."""
        errors: Floats = self.step_errors(windows).mean(axis=1)
        return errors

    def predict(self, frame: MetricFrame, known: ArrayLike | None = None) -> Forecast:
        """Forecast the steps after the last row of each server.

        Parameters
        ----------
        frame : MetricFrame
            At least the last `encoder_length` rows of each server, without gap.
        known : array, shape (n_servers, horizon, n_known), optional
            The future of the known metrics. Default: 0.

        Raises
        ------
        InvalidSampleError
            If metrics differ from the model's, or a server has too few rows.
        """
        self.scaling.check(frame)
        horizon = self.config.horizon
        recent = frame.tail(self.config.encoder_length).with_future(horizon, known)
        windows = self.windows(recent)
        present = [frame.servers[at] for at in np.unique(frame.server)]
        served = [recent.servers[at] for at in windows.server]
        if served != present or not present:
            short = [name for name in present if name not in served]
            raise InvalidSampleError(
                f"A forecast needs the last {self.config.encoder_length} time steps of each "
                f"server without gap; missing for {short or 'every server: the frame is empty'}."
            )
        return Forecast(
            servers=tuple(served),
            origin=windows.origin,
            quantiles=self.quantiles(windows.take()),
            levels=self.config.quantiles,
            unseen=self.scaling.unseen(frame),
        )

    def copy(self) -> Forecaster:
        """Return an independent copy with equal weights, in evaluation mode."""
        import copy

        twin = object.__new__(Forecaster)
        twin.config, twin.scaling = self.config, self.scaling
        twin.net = copy.deepcopy(self.net).eval()
        return twin

    def weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the weights by name; a tensor that modules share appears once."""
        return {name: p.detach().clone() for name, p in self.net.named_parameters()}

    def set_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Copy weights into the network.

        Raises
        ------
        StateFormatError
            If names or shapes differ; nothing has changed.
        """
        import torch

        ours = dict(self.net.named_parameters())
        if {n: tuple(w.shape) for n, w in weights.items()} != {
            n: tuple(p.shape) for n, p in ours.items()
        }:
            different = sorted(set(weights) ^ set(ours)) or "shapes"
            raise StateFormatError(f"The weights are of another architecture: {different}.")
        with torch.no_grad():
            for name, parameter in ours.items():
                parameter.copy_(weights[name])

    def to_state(self) -> State:
        """Return configuration, scaling and weights for `save_state`."""
        return {
            "config": asdict(self.config),
            "scaling": self.scaling.to_state(),
            "weights": {name: weight.numpy() for name, weight in self.weights().items()},
        }

    @classmethod
    def from_state(cls, state: State, *, config: ModelConfig | None = None) -> Forecaster:
        """Return the model that `to_state` described.

        Parameters
        ----------
        state : State
        config : ModelConfig, optional
            The expected hyper-parameters.

        Raises
        ------
        StateFormatError
            If the state has other hyper-parameters, or is not that of a forecaster.
        """
        import torch

        try:
            found = ModelConfig.from_mapping(state["config"])
            scaling = Scaling.from_state(state["scaling"])
            weights = {name: torch.from_numpy(array) for name, array in state["weights"].items()}
        except (KeyError, TypeError, ValueError, LookupError) as error:
            raise StateFormatError(f"This is no state of a forecaster: {error!r}.") from error
        if config is not None and found != config:
            ours, theirs = asdict(config), asdict(found)
            different = {n: (theirs[n], ours[n]) for n in ours if theirs[n] != ours[n]}
            raise StateFormatError(
                f"The model has other hyper-parameters, as (found, expected): {different}."
            )
        model = cls(found, scaling)
        model.set_weights(weights)
        return model

    def save(self, path: str | Path) -> str:
        """Write the model to a safetensors file, atomically, and return its sha256."""
        return save_state(path, self.to_state(), kind=_KIND)

    @classmethod
    def load(
        cls, path: str | Path, *, config: ModelConfig | None = None, digest: str | None = None
    ) -> Forecaster:
        """Read a model that `save` wrote.

        Raises
        ------
        StateFormatError
            If the file is no model, or has other hyper-parameters than `config`.
        IntegrityError
            If its content does not match its sha256, or `digest`.
        """
        return cls.from_state(load_state(path, kind=_KIND, digest=digest), config=config)
