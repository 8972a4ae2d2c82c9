"""What this machine offers besides Python packages: programs that parts of the course can use."""

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
    """A program outside Python.

    Parameters
    ----------
    name : str
    used_for : str
        What is missing without it.
    programs : tuple of str
        Names it goes by on the PATH, or full paths; the first one found counts.
    trial : tuple of str
        Arguments of a harmless call that succeeds only where the program can really do its work.
    debian, macos : str
        Its package there; empty where there is none.
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
        """Try it out; return what is wrong, or None when it works."""
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
            return f"is there, but does not work: {reason}"
        return None

    def fix(self) -> str:
        """Say how to get it on this kind of machine."""
        if sys.platform == "darwin":
            return (
                f"brew install {self.macos}"
                if self.macos
                else "there is none for macOS; nothing to do"
            )
        if os.name == "nt":
            return "there is none for Windows itself; WSL has it"
        return f"sudo apt-get install {self.debian} (or your distribution's package)"


SERVICES = {
    service.name: service
    for service in (
        Service(
            name="redis-server",
            used_for="the same lessons and tests on a real store instead of the embedded one",
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
            used_for="the tests that look at the course as a person does",
            programs=(
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
                "/Applications/Chromium.app/Contents/MacOS/Chromium",
                "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            ),
            trial=("--version",),
            debian="chromium",
            macos="--cask chromium",
        ),
    )
}
"""Everything outside Python that some part of the course can use; no lesson needs any of it."""
