"""Store the alarms of River's and MOA's detectors, for the tests to compare ours with.

    python tests/benchmarks/peer_alarms.py river                 in an environment with river
    python tests/benchmarks/peer_alarms.py moa --jar moa.jar     in one with jpype and Java

Writes tests/learning/drift/peer_alarms.json: case -> the alarms of each stream. The cases of the other peer stay as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.learning.drift.peer_cases import CASES, N_STREAMS  # noqa: E402

STORE = ROOT / "tests" / "learning" / "drift" / "peer_alarms.json"


def river_detector(case: str) -> Callable[[], Any]:
    from river import drift

    call = case.removeprefix("river: ").replace("HDDM_A(", "HDDMA(").replace("HDDM_W(", "HDDMW(")
    return lambda: eval(f"drift.{call}", {"drift": drift})  # noqa: S307 - our own table


def river_alarms(detector: Any, values: list[float]) -> list[int]:
    alarms = []
    for t, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(t)
    return alarms


def moa_detector(case: str) -> Callable[[], Any]:
    import jpype

    package = jpype.JPackage("moa").classifiers.core.driftdetection
    if case == "moa: ADWIN":
        return package.ADWIN

    def make() -> Any:
        detector = package.HDDM_A_Test()
        detector.oneSidedTestOption.setChosenIndex(0)
        detector.prepareForUse()
        return detector

    return make


def moa_alarms(detector: Any, values: list[float]) -> list[int]:
    import jpype

    if hasattr(detector, "setInput"):
        return [t for t, value in enumerate(values) if detector.setInput(value)]
    alarms = []
    for t, value in enumerate(values):
        detector.input(jpype.JDouble(value))
        if detector.getChange():
            alarms.append(t)
    return alarms


def alarms_of_peer(peer: str) -> Iterator[tuple[str, list[list[int]]]]:
    """Yield each case of a peer, with its alarms on every stream."""
    make, run = (moa_detector, moa_alarms) if peer == "moa" else (river_detector, river_alarms)
    for case, (stream, _) in CASES.items():
        if case.startswith(f"{peer}:"):
            new = make(case)
            yield case, [run(new(), stream(seed)) for seed in range(N_STREAMS)]


def store(found: dict[str, list[list[int]]]) -> None:
    """Put alarms into the file of the tests, one case a line."""
    stored = (json.loads(STORE.read_text()) if STORE.exists() else {}) | found
    lines = ",\n".join(
        f"{json.dumps(case)}: {json.dumps(stored[case], separators=(',', ':'))}"
        for case in CASES
        if case in stored
    )
    STORE.write_text("{\n" + lines + "\n}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=["river", "moa"])
    parser.add_argument("--jar", help="the moa.jar")
    parser.add_argument(
        "--print", action="store_true", help="print the alarms as JSON, store nothing"
    )
    options = parser.parse_args()
    if options.peer == "moa":
        import jpype

        jpype.startJVM("-Xmx1g", classpath=[options.jar])
    found = dict(alarms_of_peer(options.peer))
    if options.print:
        print(json.dumps(found))
    else:
        store(found)


if __name__ == "__main__":
    main()
