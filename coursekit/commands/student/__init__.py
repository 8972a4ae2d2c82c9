"""The commands of a student: check, hint, answer, progress, preflight, submit, update."""
