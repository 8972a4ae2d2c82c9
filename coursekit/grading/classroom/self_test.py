"""Self-test before a class is graded: the reference solution earns all points, the stub and an
attack none, and no secret file can be read from inside the sandbox.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from coursekit.core.files import write_atomically
from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.execute import execute
from coursekit.grading.classroom.job import Cell, Job, JobResult
from coursekit.grading.classroom.sanitise import Sheet, attack_cells, reference_cells, stub_cells
from coursekit.grading.classroom.settings import ClassSettings
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


def self_test(template: Job, sheet: Sheet, settings: ClassSettings, *, print_: str) -> None:
    """Grade submissions whose grade is known; once for each version and location of exercise and
    grader. One of them tries to read what lies in the folders that are to be covered: nothing may
    be found there but what is shown of Python and of the system.

    Parameters
    ----------
    template : Job
        A job whose cells are replaced.
    sheet : Sheet
    settings : ClassSettings
    print_ : str
        The fingerprint of exercise and grader.

    Raises
    ------
    GradingError
        If one of them gets other points than expected. Then nobody is graded.
    """
    memory = settings.out / "work" / "selftest.json"
    places = template.covered if template.isolation != "none" else ()
    others = [str(place) for place in (*shown_folders(), *SCRATCH)]
    print_ = " ".join([print_, sys.prefix, *places])
    if _passed_before(memory, print_):
        return
    tests = {
        "reference": reference_cells(sheet),
        "stub": stub_cells(sheet),
        "attack": attack_cells(sheet),
        "reading": (Cell(number=1, id="", source=_READ.format(places=places, others=others)),),
    }
    jobs = [replace(template, submission=name, cells=cells) for name, cells in tests.items()]
    results = {result.submission: result for result in execute(jobs, settings)}
    for name in tests:
        faults = [results[name].bug, *(check.fault for check in results[name].checks)]
        if any(faults):
            raise CheckBugError(f"While {name} was graded: {' '.join(filter(None, faults))}")
        trouble = _trouble(name, results[name])
        if trouble:
            raise GradingError(
                f"The grader does not grade, because its self-test failed: {trouble} Fix "
                f"the exercise first."
            )
    write_atomically(memory, json.dumps({"passed": print_}))


def _trouble(name: str, result: JobResult) -> str:
    if name == "reading":
        said = "".join(
            content["text"] for kind, content in result.cells[0].outputs if kind == "stream"
        )
        if said != "[]\n":
            return f"inside the sandbox, {said.strip() or 'nobody knows what'} can be read."
        return ""
    points, max_points = (
        sum(check.points for check in result.checks),
        sum(check.max_points for check in result.checks),
    )
    if name == "reference" and points != max_points:
        failed = next(check for check in result.checks if not check.passed)
        why = failed.message or result.lost or failed.outcome
        return (
            f"the reference solution gets {points:g} of {max_points:g} points ({failed.id}, "
            f"{failed.tier}: {why})."
        )
    if name != "reference" and points != 0:
        return f"a submission without a solution ({name}) gets {points:g} points."
    if name == "stub" and any(
        check.outcome is not Outcome.NOT_ATTEMPTED for check in result.checks
    ):
        odd = next(check for check in result.checks if check.outcome is not Outcome.NOT_ATTEMPTED)
        return (
            f'the stub is told "{odd.outcome}" instead of "not attempted" ({odd.id}, '
            f"{odd.tier}: {odd.message})"
        )
    return ""


def _passed_before(memory: Path, print_: str) -> bool:
    try:
        return bool(json.loads(memory.read_text(encoding="utf-8"))["passed"] == print_)
    except (OSError, ValueError, KeyError, TypeError):
        return False
