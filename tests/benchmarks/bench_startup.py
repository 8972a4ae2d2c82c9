"""How long until the course is there: first and later `make lab`, `import coursekit`, `coursekit --help` (run by `make bench`).

`make lab` is timed by the wall, as a student does, from typing it to JupyterLab's first answer, in a fresh clone; packages come
from pip's cache or a local index, because downloads measure the network. The rest is CPU time of the process, the best of several.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = str(ROOT / ".venv" / "bin" / "python")
BARS = {
    "first make lab": 90.0,
    "later make lab": 5.0,
    "import coursekit": 0.1,
    "coursekit --help": 0.5,
}
GIVE_UP_SECONDS = 600.0


def seconds_until_lab_answers(course: Path) -> float:
    """Type `make lab`, wait for the first answer, stop what was started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = course / "make.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        command = ["make", "lab", f"PORT={port}", "BROWSER=no"]
        lab = subprocess.Popen(
            command, cwd=course, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while time.perf_counter() - start < GIVE_UP_SECONDS and lab.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab"):
                    return time.perf_counter() - start
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
    finally:
        if lab.poll() is None:
            os.killpg(
                lab.pid, signal.SIGTERM
            )  # make and the JupyterLab under it: a session of their own
        lab.wait(timeout=60)
    raise SystemExit(f"JupyterLab did not answer:\n{log.read_text(encoding='utf-8')[-3000:]}")


def cpu_seconds(command: list[str], rounds: int = 10) -> float:
    """User and system time of a command, the best of several rounds (the first may still have to read files from disk)."""
    best = float("inf")
    for _ in range(rounds):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        best = min(best, usage.ru_utime + usage.ru_stime)
    return best


def lab_times(later_starts: int) -> dict[str, float]:
    """Clone the course, start it for the first time and again."""
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(course)], check=True)
        first = seconds_until_lab_answers(course)
        later = max(seconds_until_lab_answers(course) for _ in range(later_starts))
        return {"first make lab": first, "later make lab": later}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long the course takes to start.")
    parser.add_argument(
        "--later-starts", type=int, default=3, help="how many later starts; the slowest is reported"
    )
    options = parser.parse_args()
    nothing = cpu_seconds([PYTHON, "-c", "pass"])
    times = lab_times(options.later_starts) | {
        "import coursekit": cpu_seconds([PYTHON, "-c", "import coursekit"]) - nothing,
        "coursekit --help": cpu_seconds([str(Path(PYTHON).with_name("coursekit")), "--help"]),
    }
    print(f"bare Python: {nothing:.3f} s (taken off the import, not off the help)")
    for name, bar in BARS.items():
        print(
            f"{name:<18} {times[name]:8.3f} s   bar {bar:g} s   {'reached' if times[name] <= bar else 'MISSED'}"
        )


if __name__ == "__main__":
    main()
