"""The model registry on SQLite and Redis beside MLflow's on SQLite: promotions and reads (run by `make bench`).

One process, a model with ten versions. A promotion makes one version production and retires the one before, with its history; in MLflow,
which has no statuses and no history, it is the alias "champion" set to a version. A read returns the version in production. `appendfsync always`
is what makes Redis keep a confirmed promotion as SQLite does. Then four processes promote at once.

MLflow does not install beside our pins (importlib_metadata, packaging): name an environment of its own to have it measured, with
mlflow-skinny, sqlalchemy, alembic, numpy and pandas:

    python bench_registry.py --mlflow /path/to/mlflow/env/bin/python
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from coursekit.core.processes import find_program  # noqa: E402
from coursekit.delivery.registry.registry import ModelRegistry  # noqa: E402

WORKER = ROOT / "tests" / "delivery" / "registry" / "worker.py"
N_VERSIONS = 10
MLFLOW = """
import logging, sys, time
logging.disable(logging.WARNING)
from mlflow import MlflowClient
client = MlflowClient(registry_uri=f"sqlite:///{sys.argv[1]}/mlflow.db", tracking_uri=f"sqlite:///{sys.argv[1]}/mlflow.db")
client.create_registered_model("films")
for _ in range(10):
    client.create_model_version("films", source=sys.argv[1])
for name, n, act in (
    ("promotions", 300, lambda at: client.set_registered_model_alias("films", "champion", str(1 + at % 10))),
    ("reads", 1000, lambda at: client.get_model_version_by_alias("films", "champion")),
):
    act(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for at in range(1, n + 1):
        act(at)
    print(name, n / (time.perf_counter() - wall), 1e6 * (time.process_time() - cpu) / n)
"""


def rate(act: Callable[[int], object], n: int) -> tuple[float, float]:
    """Calls a second by the wall, and CPU microseconds of this process for each."""
    act(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for at in range(1, n + 1):
        act(at)
    return n / (time.perf_counter() - wall), 1e6 * (time.process_time() - cpu) / n


def measure(folder: Path, url: str | None) -> dict[str, tuple[float, float]]:
    with ModelRegistry.at(folder, by="bench", url=url) as registry:
        for _ in range(N_VERSIONS):
            registry.register_model("films", algorithm="any")
        return {
            "promotions": rate(
                lambda at: registry.promote("films", str(1 + at % N_VERSIONS), why="bench"), 500
            ),
            "reads": rate(lambda at: registry.get_latest_version("films", "production"), 3_000),
        }


def four_at_once(folder: Path, url: str | None, n: int = 1_000) -> tuple[float, int]:
    """Promotions a second of four processes, and the largest number in production that was read."""
    with ModelRegistry.at(folder, by="bench", url=url) as registry:
        for _ in range(8):
            registry.register_model("ratings", algorithm="any")
        command = [sys.executable, str(WORKER), "promote", str(folder), url or ""]
        start = time.perf_counter()
        workers = [subprocess.Popen([*command, str(each), str(n)]) for each in range(4)]
        most = 0
        while any(worker.poll() is None for worker in workers):
            most = max(most, len(registry.list_models("ratings", "production")))
            time.sleep(0.01)
        seconds = time.perf_counter() - start
        assert all(worker.returncode == 0 for worker in workers)
        promoted = [each for each in registry.history("ratings") if each.after == "production"]
    return len(promoted) / seconds, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow", help="a Python with MLflow")
    options = parser.parse_args()
    from tests.services import RedisServer

    print(
        "| registry | promotions/s | CPU us | reads/s | CPU us | four processes, promotions/s | most in production at a read |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds: dict[str, RedisServer | None] = {"coursekit, SQLite": None}
        if find_program("redis-server"):
            kinds |= {
                f"coursekit, Redis{' (appendfsync always)' if each else ''}": RedisServer(
                    folder, persistent=each
                )
                for each in (False, True)
            }
        for kind, server in kinds.items():
            if server is not None:
                server.start()
            url = None if server is None else server.url
            try:
                found, (together, most) = measure(folder, url), four_at_once(folder, url)
            finally:
                if server is not None:
                    server.stop()
            cells = [f"{value:,.0f}" for name in ("promotions", "reads") for value in found[name]]
            print(f"| {kind} | {' | '.join(cells)} | {together:,.0f} | {most} |")
        if options.mlflow:
            done = subprocess.run(
                [options.mlflow, "-c", MLFLOW, name],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
            cells = [
                f"{float(value):,.0f}"
                for line in done.stdout.splitlines()
                for value in line.split()[1:]
            ]
            print(f"| MLflow's alias, SQLite | {' | '.join(cells)} | | |")


if __name__ == "__main__":
    main()
