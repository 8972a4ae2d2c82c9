"""Our alarms are those that River and MOA raise on the same streams (stored by
tests/benchmarks/peer_alarms.py).
"""

import json
from pathlib import Path

import pytest

from tests.learning.drift.peer_cases import CASES, N_STREAMS

STORED = json.loads((Path(__file__).parent / "peer_alarms.json").read_text())


def test_every_case_is_stored():
    assert STORED.keys() == CASES.keys()
    assert all(len(streams) == N_STREAMS for streams in STORED.values())


@pytest.mark.parametrize("case", CASES)
def test_we_agree_alarm_for_alarm_on_every_stream(case):
    stream, make = CASES[case]
    ours = [make().update_many(stream(seed)).tolist() for seed in range(N_STREAMS)]
    assert ours == STORED[case]
    assert sum(map(len, ours)) >= 40
