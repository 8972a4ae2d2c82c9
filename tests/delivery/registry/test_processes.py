"""Several processes at once: nothing is lost, and one version is in production at every read."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from coursekit.delivery.registry.registry import ModelRegistry

WORKER = Path(__file__).with_name("worker.py")


def start(place, action: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), action, str(place.folder), place.url or ""]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def check_history(registry: ModelRegistry, model_id: str = "ratings") -> None:
    """Replay the history: it is legal, has one version in production at most, and ends here."""
    status: dict[str, str | None] = {}
    for event in registry.history(model_id):
        if event.action in {"registered", "status"}:
            assert status.get(event.version) == event.before
            status[event.version] = event.after
            assert list(status.values()).count("production") <= 1
    assert status == {each.version: each.status for each in registry.list_models(model_id)}


def prepared(place, n_versions: int) -> ModelRegistry:
    registry = place.open()
    for _ in range(n_versions):
        registry.register_model("ratings", algorithm="Mean")
    return registry


@pytest.mark.slow
def test_four_processes_promote_a_thousand_times_each(shared_place) -> None:
    n_processes, n_promotions = 4, 1000
    with prepared(shared_place, 2 * n_processes) as registry:
        registry.promote("ratings", "1", why="first")
        n_before = len(registry.history("ratings"))
        reader = start(shared_place, "read")
        assert reader.stdout.readline() == "reading\n"
        # version 1 is in production: process 0 begins with the other of its two
        orders = [(n, n_promotions + (n == 0)) for n in range(n_processes)]
        writers = [start(shared_place, "promote", *each) for each in orders]
        for writer in writers:
            finish(writer)
        (shared_place.folder / "stop").touch()
        assert int(finish(reader)) > 100
        check_history(registry)
        events = registry.history("ratings")[n_before:]
    promoted = Counter(each.by for each in events if each.after == "production")
    assert len(promoted) == n_processes
    assert sum(promoted.values()) >= n_processes * n_promotions
    for own in promoted:
        told = [int(each.why) for each in events if each.by == own and each.after == "production"]
        assert told == sorted(told) and told[-1] == told[0] + len(told) - 1  # none is missing


def test_of_two_promoters_one_wins(shared_place) -> None:
    with prepared(shared_place, 3) as registry:
        registry.promote("ratings", "1", why="first")
        rivals = [start(shared_place, "compete", version) for version in ("2", "3")]
        for rival in rivals:
            assert rival.stdout.readline() == "ready\n"
        for rival in rivals:
            rival.stdin.write("go\n")
            rival.stdin.flush()
        results = [finish(rival).strip() for rival in rivals]
        assert sorted(results) == ["lost", "won"]
        winner = ("2", "3")[results.index("won")]
        live = registry.list_models("ratings", "production")
        assert [each.version for each in live] == [winner]
        check_history(registry)


def test_eight_processes_open_a_new_registry_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from coursekit.delivery.registry.registry import ModelRegistry\n"
        "print(flush=True); sys.stdin.readline()\n"
        f"r = ModelRegistry.at({str(tmp_path)!r}, by='x')\n"
        "r.register_model('ratings', algorithm='Mean')\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) for _ in range(8)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        finish(process)
    with ModelRegistry.at(tmp_path, by="ada") as registry:
        versions = registry.list_models("ratings")
    assert [each.number for each in versions] == list(range(1, 9))


def test_a_fork_uses_a_connection_of_its_own(shared_place) -> None:
    with prepared(shared_place, 1) as registry:
        finish(start(shared_place, "fork"))
        numbers = [each.number for each in registry.list_models("ratings")]
    assert numbers == list(range(1, 62))
