"""nbgrader around our grading: its gradebook, formgrader, manual grading, feedback and exports,
with the trust taken out.

nbgrader runs checks in the student's own kernel and believes what it finds there. Here its
execution step is replaced: the kernel runs in a sandbox, verdicts are computed outside, and what a
notebook shows is made inert before an instructor's browser sees it. This package alone imports
nbgrader.
"""
