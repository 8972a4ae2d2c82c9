from __future__ import annotations

from pathlib import Path

import pytest

from coursekit.core.errors import IntegrityError
from coursekit.forecasting.safety import AuditTrail


@pytest.fixture
def trail(tmp_path: Path) -> AuditTrail:
    trail = AuditTrail(tmp_path / "audit.jsonl")
    for at in range(4):
        trail.record("update", at=float(at), accepted=at != 2)
    return trail


def test_entries_are_in_order_and_survive_the_process(trail: AuditTrail) -> None:
    again = AuditTrail(trail.path)
    again.record("rollback", at=4.0)
    entries = trail.entries()
    assert [entry["at"] for entry in entries] == [0, 1, 2, 3, 4]
    assert [entry["event"] for entry in entries][-1] == "rollback"


@pytest.mark.parametrize("change", ["edit", "remove", "insert", "swap", "garbage"])
def test_a_tampered_trail_is_named_by_line(trail: AuditTrail, change: str) -> None:
    lines = trail.path.read_bytes().splitlines(keepends=True)
    if change == "edit":
        lines[2] = lines[2].replace(b"false", b"true")
    elif change == "remove":
        del lines[2]
    elif change == "insert":
        lines.insert(2, lines[1])
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines[2] = b"not json\n"
    trail.path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=r"line [234]: the audit trail is broken"):
        AuditTrail(trail.path)


def test_a_line_cut_off_by_a_kill_is_replaced(trail: AuditTrail) -> None:
    content = trail.path.read_bytes()
    trail.path.write_bytes(content + b'{"event": "upd')
    again = AuditTrail(trail.path)
    assert len(again.entries()) == 4
    again.record("update", at=9.0)
    assert [entry["at"] for entry in AuditTrail(trail.path).entries()] == [0, 1, 2, 3, 9]
