"""Grading a class: nbgrader as it comes, and ours, side by side on the same submissions.

Two exercises are made here, one light (numpy) and one that needs torch and an optimizer. For each, a class of identical right
submissions is graded by stock `nbgrader autograde` (checks as asserts in the notebook) and by `coursekit grade` (checks outside, in
a sandbox), in fresh processes and in forked ones. Processor time is that of the whole tree, from a control group where one can be made (killed processes
count, too); two sizes of class are graded, and the slope between them is the cost of a submission without start-up.

Run: ``python tests/benchmarks/bench_grading.py [n_light] [n_torch]``, with a writable cpuacct group (as root).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = str(ROOT / ".venv" / "bin" / "python")
GROUP = Path("/sys/fs/cgroup/cpuacct") / f"bench-grading-{os.getpid()}"

LIGHT = {
    "imports": "import numpy as np",
    "answer": "def scale(x):\n    ### BEGIN SOLUTION\n    return 2 * np.asarray(x)\n    ### END SOLUTION",
    "check": "assert np.allclose(scale(np.arange(5.0)), 2 * np.arange(5.0))\nassert np.allclose(scale(np.ones(3)), 2.0)",
    "visible": "x = t.rng.normal(size=5)\n    with t.part('scaled', 1) as p:\n        p.close(t.subject.call('scale', x), 2 * x)",
}
TORCH = {
    "imports": "import torch",
    "answer": (
        "def fit(x, y):\n    ### BEGIN SOLUTION\n    w = torch.zeros(1, requires_grad=True)\n"
        "    optimizer = torch.optim.SGD([w], lr=0.1)\n    for _ in range(50):\n        optimizer.zero_grad()\n"
        "        ((w * torch.as_tensor(x) - torch.as_tensor(y)) ** 2).mean().backward()\n        optimizer.step()\n"
        "    return float(w)\n    ### END SOLUTION"
    ),
    "check": "x = torch.linspace(-1, 1, 20)\nassert abs(fit(x, 3 * x) - 3) < 0.2",
    "visible": (
        "x = np.linspace(-1, 1, 20).astype(np.float32)\n    with t.part('slope', 1) as p:\n"
        "        p.close(t.subject.call('fit', x, 3 * x), 3.0, atol=0.2)"
    ),
}


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


def main() -> None:
    n_light, n_torch = (int(text) for text in [*sys.argv[1:], "24", "8"][:2])
    print(
        "| exercise | grader | CPU s per submission | start-up, CPU s | submissions per minute | without start-up |"
    )
    print("|---|---|---|---|---|---|")
    for name, parts, n, libraries in (
        ("light", LIGHT, n_light, ["numpy"]),
        ("with torch", TORCH, n_torch, ["numpy", "torch"]),
    ):
        with tempfile.TemporaryDirectory() as folder:
            course = Path(folder)
            course.chmod(0o755)
            make_course(course, parts, libraries)
            graders = {
                "nbgrader autograde": stock,
                "coursekit grade (fresh)": lambda course, n: mine(course, n, []),
                "coursekit grade --forked": lambda course, n: mine(course, n, ["--forked"]),
                "coursekit grade --forked --jobs 2": lambda course, n: mine(
                    course, n, ["--forked", "--jobs", "2"]
                ),
            }
            for grader, run in graders.items():
                few = max(2, n // 4)
                small, large = run(course, few), run(course, n)
                each, seconds = (
                    (large.cpu - small.cpu) / (n - few),
                    (large.wall - small.wall) / (n - few),
                )
                rates = f"{60 * n / large.wall:.0f} (n={n}) | {60 / max(seconds, 1e-3):.0f}"
                print(
                    f"| {name} | {grader} | {each:.2f} | {large.cpu - n * each:.1f} | {rates} |",
                    flush=True,
                )


def make_course(course: Path, parts: dict[str, str], libraries: list[str]) -> None:
    """Write the same exercise for both: with our checks, and with asserts for stock nbgrader."""
    ours, theirs = course / "solutions" / "bench", course / "stock" / "source" / "bench"
    ours.mkdir(parents=True)
    theirs.mkdir(parents=True)
    (ours / "exercise.toml").write_text(
        f'name = "bench"\ntitle = "Bench"\nversion = "1.0"\nminutes = 5\n[grading]\nlibraries = {json.dumps(libraries)}\n'
    )
    (ours / "hints.toml").write_text('[bench-1]\nhints = ["a", "b", "c"]\n')
    for stem, tier in (("checks", "visible"), ("hidden", "hidden")):
        (ours / f"{stem}.py").write_text(
            "import numpy as np\nfrom coursekit.grading.checks import check\n\n\n"
            f'@check("bench-1", points=1, tier="{tier}")\ndef question(t):\n    """A question."""\n    {parts["visible"]}\n'
        )
    (ours / "bench.ipynb").write_text(json.dumps(notebook(parts, 'check("bench-1")', 2)))
    (theirs / "bench.ipynb").write_text(json.dumps(notebook(parts, parts["check"], 2)))
    (course / "stock" / "nbgrader_config.py").write_text(
        f'c = get_config()\nc.CourseDirectory.root = {str(course / "stock")!r}\nc.CourseDirectory.course_id = "bench"\n'
        f"c.Exchange.root = {str(course / 'exchange')!r}\n"
    )
    nbgrader(course, "generate_assignment", "bench")


def notebook(parts: dict[str, str], test: str, points: int) -> dict[str, object]:
    about = {
        "schema_version": 3,
        "grade": False,
        "locked": False,
        "solution": True,
        "grade_id": "bench-1-answer",
    }
    tested = {
        "schema_version": 3,
        "grade": True,
        "locked": True,
        "solution": False,
        "grade_id": "bench-1",
        "points": points,
    }
    cells = [
        ("imports", parts["imports"], {}),
        ("answer", parts["answer"], {"nbgrader": about}),
        ("test", test, {"nbgrader": tested}),
    ]
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "cell_type": "code",
                "id": name,
                "source": source,
                "metadata": metadata,
                "outputs": [],
                "execution_count": None,
            }
            for name, source, metadata in cells
        ],
    }


def stock(course: Path, n: int) -> Cost:
    root = course / "stock"
    for name in ("submitted", "autograded"):
        shutil.rmtree(root / name, ignore_errors=True)
    for i in range(n):
        place = root / "submitted" / f"s{i:03}" / "bench"
        place.mkdir(parents=True)
        shutil.copy(root / "source" / "bench" / "bench.ipynb", place)
    return measured([PYTHON, "-m", "nbgrader", "autograde", "bench"], root)


def mine(course: Path, n: int, options: list[str]) -> Cost:
    for name in ("in", "out"):
        shutil.rmtree(course / name, ignore_errors=True)
    for i in range(n):
        place = course / "in" / f"s{i:03}"
        place.mkdir(parents=True)
        shutil.copy(course / "solutions" / "bench" / "bench.ipynb", place)
    start = "from coursekit.cli import main; main()"
    exercise = str(course / "solutions" / "bench")
    command = [
        PYTHON,
        "-c",
        start,
        "grade",
        str(course / "in"),
        "--exercise",
        exercise,
        "--out",
        str(course / "out"),
        *options,
    ]
    cost = measured(command, ROOT)
    points = [
        json.loads(file.read_text())["points"]
        for file in (course / "out" / "reports").glob("*.json")
    ]
    assert points == [2] * n, points
    return cost


def nbgrader(course: Path, *arguments: str) -> None:
    subprocess.run(
        [PYTHON, "-m", "nbgrader", *arguments],
        cwd=course / "stock",
        env=environment(),
        check=True,
        capture_output=True,
    )


def environment() -> dict[str, str]:
    programs = str(Path(PYTHON).parent)
    return os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }


def measured(command: list[str], folder: Path) -> Cost:
    """Run a command in a control group of its own and return its time, that of killed descendants included."""
    GROUP.mkdir(exist_ok=True)
    try:
        usage = GROUP / "cpuacct.usage"
        before, start = int(usage.read_text()), time.perf_counter()
        joined = ["bash", "-c", f'echo $$ > {GROUP}/cgroup.procs; exec "$@"', "bash", *command]
        subprocess.run(joined, cwd=folder, env=environment(), check=True, capture_output=True)
        return Cost(time.perf_counter() - start, (int(usage.read_text()) - before) / 1e9)
    finally:
        time.sleep(0.2)


if __name__ == "__main__":
    if not os.access(GROUP.parent, os.W_OK):
        print("skipped: a control group for processor time (cpuacct) cannot be made here")
        raise SystemExit(0)
    try:
        main()
    finally:
        if GROUP.is_dir():
            GROUP.rmdir()
