"""Optional external programs, how to test them and how to install them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from coursekit.core.processes import find_program

__all__ = ["SERVICES", "Service"]

_LOOK_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An external program.

    Parameters
    ----------
    name : str
    used_for : str
        What needs it.
    programs : tuple of str
        Names on the PATH, or full paths; the first one found is used.
    trial : tuple of str
        Arguments of a test run that succeeds only if the program works on this machine.
    debian, macos : str
        Name of its package; empty if there is none.
    """

    name: str
    used_for: str
    programs: tuple[str, ...]
    trial: tuple[str, ...]
    debian: str
    macos: str = ""

    def find(self) -> str | None:
        """Return the path of the program, or None."""
        return next((path for path in map(find_program, self.programs) if path), None)

    def trouble(self) -> str | None:
        """Run the test; return the problem, or None if it works."""
        program = self.find()
        if program is None:
            return "not found"
        try:
            done = subprocess.run(
                [program, *self.trial], capture_output=True, text=True, timeout=_LOOK_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"cannot be started: {error}"
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
            return f"is installed, but does not work: {reason}"
        return None

    def fix(self) -> str:
        """Return how to install it on this platform."""
        if sys.platform == "darwin":
            how = f"brew install {self.macos}"
            return how if self.macos else "not available for macOS; nothing to do"
        if os.name == "nt":
            return "not available for Windows; use WSL"
        return f"sudo apt-get install {self.debian} (or your distribution's package)"


_ALL = (
    Service(
        name="redis-server",
        used_for="lessons and tests with a real Redis server instead of the embedded one",
        programs=("redis-server",),
        trial=("--version",),
        debian="redis-server",
        macos="redis",
    ),
    Service(
        name="bubblewrap",
        used_for="grading other people's submissions in a sandbox",
        programs=("bwrap",),
        trial=("--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "true"),
        debian="bubblewrap",
    ),
    Service(
        name="chromium",
        used_for="end-to-end tests in a browser",
        programs=(
            *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        ),
        trial=("--version",),
        debian="chromium",
        macos="--cask chromium",
    ),
)
SERVICES = {service.name: service for service in _ALL}
"""External programs by name; no lesson needs any of them."""
