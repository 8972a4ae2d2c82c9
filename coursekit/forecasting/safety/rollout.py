"""Try a candidate beside the model in production: in the shadow, or on some servers (lesson 18)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.validation import integer, number
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.model import Forecast, Forecaster
from coursekit.forecasting.windows import Windows

__all__ = ["Canary", "RolloutReport", "Shadow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutReport:
    """Errors of both models on the same windows.

    Parameters
    ----------
    candidate, production : float
        Mean absolute errors.
    z : float
        Difference of the errors (candidate minus production) in standard errors, where each
        forecast origin counts once: windows of one time are correlated.
    n_origins : int
    """

    candidate: float
    production: float
    z: float
    n_origins: int

    def is_worse(self, z: float = 2.0) -> bool:
        """Return whether the candidate is worse by more than `z` standard errors."""
        return self.z > z

    def is_better(self, z: float = 2.0) -> bool:
        """Return whether the candidate is better by more than `z` standard errors."""
        return self.z < -z


class Shadow:
    """Forecast with both models, serve production only, and compare once the truth is known.

    Parameters
    ----------
    candidate, production : Forecaster
    """

    def __init__(self, candidate: Forecaster, production: Forecaster) -> None:
        self.candidate = candidate
        self.production = production
        self._errors: dict[int, list[tuple[float, float]]] = {}

    def predict(self, frame: MetricFrame, known: npt.ArrayLike | None = None) -> Forecast:
        """Return the forecast that is served: that of production."""
        return self.production.predict(frame, known)

    def observe(self, frame: MetricFrame, start: float) -> None:
        """Measure both models on the windows of a frame whose horizon begins at `start` or later.

        Parameters
        ----------
        frame : MetricFrame
            With the truth, and the rows before it that the model reads.
        start : float
            A time step.
        """
        windows = self.production.windows(frame)
        for origin, candidate, production in self._compare(windows, start):
            self._errors.setdefault(origin, []).append((candidate, production))

    def _compare(self, windows: Windows, start: float) -> list[tuple[int, float, float]]:
        chosen = windows.take(windows.between(start, np.inf))
        errors = (model.errors(chosen).tolist() for model in (self.candidate, self.production))
        return list(zip(chosen.origin.tolist(), *errors, strict=True))

    def report(self) -> RolloutReport:
        """Return the comparison so far.

        Raises
        ------
        InvalidParameterError
            If fewer than 2 origins have been observed.
        """
        means = np.array([np.mean(pairs, axis=0) for pairs in self._errors.values()])
        if len(means) < 2:
            raise InvalidParameterError("A comparison needs 2 or more observed forecast origins.")
        candidate, production = means.mean(axis=0)
        difference = means[:, 0] - means[:, 1]
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        z = 0.0 if error == 0 else float(difference.mean() / error)
        return RolloutReport(
            candidate=float(candidate), production=float(production), z=z, n_origins=len(means)
        )


class Canary(Shadow):
    """Serve a share of the servers by the candidate, the others by production.

    Which ones is decided by a hash of their name, so that all processes agree and a server keeps
    its model.

    Parameters
    ----------
    candidate, production : Forecaster
    share : float, in (0, 1)
    salt : int
        Another salt chooses other servers.
    """

    def __init__(
        self, candidate: Forecaster, production: Forecaster, *, share: float = 0.1, salt: int = 0
    ) -> None:
        super().__init__(candidate, production)
        self.share = number("share", share, above=0, below=1)
        self.salt = integer("salt", salt, at_least=0)

    def is_canary(self, server: str) -> bool:
        """Return whether a server is served by the candidate."""
        digest = hashlib.sha256(f"{self.salt} {server}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.share * 2**64

    def predict(self, frame: MetricFrame, known: npt.ArrayLike | None = None) -> Forecast:
        """Return the forecast of the candidate for canary servers, of production for others."""
        served = self.production.predict(frame, known)
        canary = np.array([self.is_canary(server) for server in served.servers])
        if not canary.any():
            return served
        tried = self.candidate.predict(frame, known)
        return Forecast(
            servers=served.servers,
            origin=served.origin,
            quantiles=np.where(canary[:, None, None], tried.quantiles, served.quantiles),
            levels=served.levels,
            unseen=served.unseen,
        )

    def observe(self, frame: MetricFrame, start: float) -> None:
        """Measure both models on canary servers, see `Shadow.observe`."""
        super().observe(frame.of_servers([s for s in frame.servers if self.is_canary(s)]), start)
