"""Serve forecasts with intervals that hold, while the model learns (lesson 20)."""

from coursekit.forecasting.inference.calibration import RollingConformal
from coursekit.forecasting.inference.service import ForecastService, ServiceReport, Trains

__all__ = ["ForecastService", "RollingConformal", "ServiceReport", "Trains"]
