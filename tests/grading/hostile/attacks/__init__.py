"""All attacks, by name."""

from tests.grading.hostile.attacks import exhaustion, line, machine, reading, values

GROUPS = (values, line, reading, machine, exhaustion)
ATTACKS = {name: attack for group in GROUPS for name, attack in group.ATTACKS.items()}
