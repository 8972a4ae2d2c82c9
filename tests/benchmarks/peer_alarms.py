"""Store the alarms of River's and MOA's detectors, for the tests to compare ours with.

    python tests/benchmarks/peer_alarms.py river       in an environment with river
    python tests/benchmarks/peer_alarms.py moa JAR     in an environment with jpype, given a moa.jar

Writes tests/learning/drift/peer_alarms.json: case -> the alarms of each stream. The cases of the other peer stay as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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


def main() -> None:
    peer, *jar = sys.argv[1:]
    if peer == "moa":
        import jpype

        jpype.startJVM("-Xmx1g", classpath=jar)
    make, run = (moa_detector, moa_alarms) if peer == "moa" else (river_detector, river_alarms)
    stored = json.loads(STORE.read_text()) if STORE.exists() else {}
    for case, (stream, _) in CASES.items():
        if case.startswith(f"{peer}:"):
            new = make(case)
            stored[case] = [run(new(), stream(seed)) for seed in range(N_STREAMS)]
            print(f"{case}: {sum(map(len, stored[case]))} alarms")
    lines = ",\n".join(
        f"{json.dumps(case)}: {json.dumps(stored[case], separators=(',', ':'))}" for case in CASES if case in stored
    )
    STORE.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
