"""Metrics of a fleet of servers: simulated with known truth, or read from files (lesson 17)."""

from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.fleet.grid import GridReport, on_grid
from coursekit.forecasting.fleet.readers import read_metrics, read_one_file_per_server
from coursekit.forecasting.fleet.simulation import SITUATIONS, SimulatedFleet, simulated_fleet

__all__ = [
    "SITUATIONS",
    "GridReport",
    "MetricFrame",
    "SimulatedFleet",
    "on_grid",
    "read_metrics",
    "read_one_file_per_server",
    "simulated_fleet",
]
