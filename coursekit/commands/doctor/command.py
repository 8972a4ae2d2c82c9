"""`coursekit doctor`: report the health checks of the installation."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import click

import coursekit
from coursekit.commands.command import Answer, Mark, command
from coursekit.commands.doctor.diagnosis import HealthCheck, diagnose

__all__ = ["doctor"]


@command
def doctor() -> Answer:
    """Check the installation and print a fix for each problem.

    Exit code 0 if the lessons can run, 1 if a requirement of theirs is missing.
    """
    findings = list(diagnose(Path(coursekit.__file__).resolve().parents[1]))
    can_run = all(finding.mark is not Mark.PROBLEM for finding in findings)
    data = {"lessons_can_run": can_run, "findings": findings}
    return Answer(data=data, text="\n".join(report_lines(findings)), ok=can_run)


def report_lines(findings: list[HealthCheck]) -> list[str]:
    """Return the report by area; consecutive findings with the same fix share one line of it."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for area, group in groupby(findings, key=lambda finding: finding.area):
        lines.append(click.style(area, bold=True))
        for fix, alike in groupby(group, key=lambda finding: finding.fix):
            for each in alike:
                lines.append(f"  {each.mark.shown()} {each.name:<{width}}  {each.detail}")
            lines += [f"  {'':9} {'':<{width}}  to fix it: {fix}"] if fix else []
    n_problems = sum(finding.mark is Mark.PROBLEM for finding in findings)
    problems = f"{n_problems} problem{'s' * (n_problems > 1)} to fix, see above."
    verdict = f"Lessons cannot run yet: {problems}" if n_problems else "Lessons can run."
    return [*lines, "", click.style(verdict, bold=True)]
