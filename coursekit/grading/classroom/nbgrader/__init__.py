"""nbgrader with trusted grading: its gradebook, formgrader, manual grading, feedback and exports.

nbgrader runs checks in the student's own kernel and trusts the result. Here its execution step is
replaced: cells run in a sandbox, verdicts are computed outside, and outputs are sanitised before an
instructor's browser shows them. This package alone imports
nbgrader.
"""
