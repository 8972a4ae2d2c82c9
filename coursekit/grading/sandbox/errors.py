"""What can go wrong before a submission is even started."""

from __future__ import annotations

from coursekit.grading.errors import GradingError

__all__ = ["SandboxUnavailableError"]


class SandboxUnavailableError(GradingError):
    """There is no sandbox on this machine; the message says what to do."""
