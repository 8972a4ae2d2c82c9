"""Generate exercises from solutions, and verify that they contain no answers."""
