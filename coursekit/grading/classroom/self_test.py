"""Self-test before a class is graded: the reference solution earns all points, the stub and an
attack none, and no secret file can be read from inside the sandbox.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from coursekit.core.files import write_atomically
from coursekit.core.records import plain, read_record
from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.execute import Run
from coursekit.grading.classroom.job import Cell, Job, JobResult
from coursekit.grading.classroom.sanitise import Sheet, attack_cells, reference_cells, stub_cells
from coursekit.grading.errors import CheckBugError, GradingError
from coursekit.grading.sandbox import SCRATCH, shown_folders

__all__ = ["self_test"]


_READ = """
import os
found = []
def failed(error):
    if os.access(error.filename, os.X_OK): found.append(error.filename)
for place in {places!r}:
    for folder, folders, files in os.walk(place, onerror=failed):
        if folder in {others!r}: folders.clear(); continue
        for name in files:
            try:
                open(os.path.join(folder, name), "rb").close()
                found.append(os.path.join(folder, name))
            except OSError:
                pass
print(found[:1])
"""
"""Find what can be read below secret folders: all of it, but for what is shown on purpose."""


def self_test(template: Job, sheet: Sheet, run: Run, *, memory: Path, print_: str) -> None:
    """Grade submissions whose grade is known; once for each version and location of exercise and
    grader. One of them tries to read what lies in the folders that are to be covered: nothing may
    be found there but what is shown of Python and of the system.

    Parameters
    ----------
    template : Job
        A job whose cells are replaced.
    sheet : Sheet
    run : function
        Runs jobs, see `workers`.
    memory : Path
        The file of the last self-test that passed.
    print_ : str
        The fingerprint of exercise and grader.

    Raises
    ------
    GradingError
        If one of them gets other points than expected; then no submission is graded.
    """
    places = template.covered if template.isolation != "none" else ()
    others = [str(place) for place in (*shown_folders(), *SCRATCH)]
    print_ = " ".join([print_, sys.prefix, *places])
    if read_record(_Passed, memory) == _Passed(passed=print_):
        return
    tests = {
        "reference": reference_cells(sheet),
        "stub": stub_cells(sheet),
        "attack": attack_cells(sheet),
        "reading": (Cell(number=1, id="", source=_READ.format(places=places, others=others)),),
    }
    jobs = [replace(template, submission=name, cells=cells) for name, cells in tests.items()]
    results = {result.submission: result for result in run(jobs)}
    for name in tests:
        faults = [results[name].bug, *(check.fault for check in results[name].checks)]
        if any(faults):
            raise CheckBugError(f"While {name} was graded: {' '.join(filter(None, faults))}")
        for trouble in _troubles(name, results[name]):
            raise GradingError(
                f"The grader does not grade, because its self-test failed: {trouble} Fix "
                f"the exercise first."
            )
    write_atomically(memory, json.dumps(plain(_Passed(passed=print_))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    """The fingerprint of the last self-test that passed."""

    passed: str


def _troubles(name: str, result: JobResult) -> Iterator[str]:
    """Yield how a result differs from the expected one."""
    points = sum(check.points for check in result.checks)
    max_points = sum(check.max_points for check in result.checks)
    if name == "reading":
        outputs = [content["text"] for kind, content in result.cells[0].outputs if kind == "stream"]
        if (said := "".join(outputs)) != "[]\n":
            yield f"inside the sandbox, {said.strip() or 'nobody knows what'} can be read."
    elif name == "reference":
        if points != max_points:
            check = next(check for check in result.checks if not check.passed)
            about = f"{check.id}, {check.tier}: {check.message or result.lost or check.outcome}"
            yield f"the reference solution gets {points:g} of {max_points:g} points ({about})."
    elif points != 0:
        yield f"a submission without a solution ({name}) gets {points:g} points."
    elif name == "stub":
        for check in result.checks:
            if check.outcome is not Outcome.NOT_ATTEMPTED:
                about = f"{check.id}, {check.tier}: {check.message}"
                yield f'the stub is told "{check.outcome}" instead of "not attempted" ({about})'
