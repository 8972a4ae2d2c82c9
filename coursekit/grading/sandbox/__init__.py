"""Isolation of untrusted code, and its resource limits."""

from coursekit.grading.sandbox.available import require_sandbox, trouble
from coursekit.grading.sandbox.bubblewrap import command_line, environment, start
from coursekit.grading.sandbox.errors import SandboxUnavailableError
from coursekit.grading.sandbox.limits import Isolation, Limits
from coursekit.grading.sandbox.mounts import SCRATCH, Mounts, runtime_folders, shown_folders
from coursekit.grading.sandbox.privileges import drop_privileges
from coursekit.grading.sandbox.watchdog import MemoryWatchdog

__all__ = [
    "SCRATCH",
    "Isolation",
    "Limits",
    "MemoryWatchdog",
    "Mounts",
    "SandboxUnavailableError",
    "command_line",
    "drop_privileges",
    "environment",
    "require_sandbox",
    "runtime_folders",
    "shown_folders",
    "start",
    "trouble",
]
