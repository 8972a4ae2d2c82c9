"""`coursekit doctor`: report the health checks of the installation."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import click

import coursekit
from coursekit.commands.doctor.diagnosis import HealthCheck, diagnose
from coursekit.commands.output import Mark, emit_json, json_option

__all__ = ["doctor"]


@click.command(short_help="Check the installation and print a fix for each problem.")
@json_option
def doctor(as_json: bool) -> None:
    """Check the installation and print a fix for each problem.

    Exit code 0 if the lessons can run, 1 if a requirement of theirs is missing.
    """
    findings = list(diagnose(Path(coursekit.__file__).resolve().parents[1]))
    can_run = all(finding.mark is not Mark.PROBLEM for finding in findings)
    if as_json:
        emit_json({"lessons_can_run": can_run, "findings": findings})
    else:
        click.echo("\n".join(report_lines(findings)))
    sys.exit(0 if can_run else 1)


def report_lines(findings: list[HealthCheck]) -> list[str]:
    """Return the report by area; consecutive findings with the same fix share one line of it."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for area, group in groupby(findings, key=lambda finding: finding.area):
        lines.append(click.style(area, bold=True))
        for fix, alike in groupby(group, key=lambda finding: finding.fix):
            lines += [
                f"  {finding.mark.shown()} {finding.name:<{width}}  {finding.detail}"
                for finding in alike
            ]
            lines += [f"  {'':9} {'':<{width}}  to fix it: {fix}"] if fix else []
    n_problems = sum(finding.mark is Mark.PROBLEM for finding in findings)
    if n_problems:
        verdict = (
            f"Lessons cannot run yet: {n_problems} problem{'s' if n_problems > 1 else ''} to "
            f"fix, see above."
        )
    else:
        verdict = "Lessons can run."
    return [*lines, "", click.style(verdict, bold=True)]
