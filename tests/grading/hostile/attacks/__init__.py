"""All attacks: group -> name -> attack."""

from tests.grading.hostile.attacks import exhaustion, line, machine, reading, uncounted, values

GROUPS = {
    "values": values.ATTACKS,
    "line": line.ATTACKS,
    "frames": line.FRAMES,
    "reading": reading.ATTACKS,
    "machine": machine.ATTACKS,
    "exhaustion": exhaustion.ATTACKS,
    "uncounted": uncounted.ATTACKS,
}
