"""What keeps an update from doing harm: one mechanism per file (lesson 18)."""

from coursekit.forecasting.safety.audit import AuditTrail
from coursekit.forecasting.safety.breaker import CircuitBreaker
from coursekit.forecasting.safety.gates import (
    AnchorGate,
    Gate,
    GateDecision,
    HoldOut,
    RecentGate,
    decide,
)
from coursekit.forecasting.safety.rollout import Canary, RolloutReport, Shadow
from coursekit.forecasting.safety.screening import Screen
from coursekit.forecasting.safety.versions import StoredVersion, VersionStore

__all__ = [
    "AnchorGate",
    "AuditTrail",
    "Canary",
    "CircuitBreaker",
    "Gate",
    "GateDecision",
    "HoldOut",
    "StoredVersion",
    "RecentGate",
    "RolloutReport",
    "Screen",
    "Shadow",
    "VersionStore",
    "decide",
]
