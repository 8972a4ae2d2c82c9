"""`coursekit abtest`: analyse an A/B test in your own file."""

from __future__ import annotations

from pathlib import Path

import click

from coursekit.commands.command import Answer, Page, command
from coursekit.core.records import plain

__all__ = ["abtest"]


@command
def abtest(
    file: Path,
    *,
    variant: str,
    outcome: tuple[str, ...],
    unit: str | None = None,
    before: str | None = None,
    control: str | None = None,
    split: str | None = None,
    report: Page = None,
) -> Answer:
    """Analyse an A/B test in your own file: verdict, lift, intervals.

    FILE has a header and fields separated by comma, semicolon or tab; plain or gzip. A row is a
    unit, an event of a unit (name the unit's id with --unit), or the counts of a whole variant
    (then the outcome is successes/trials). The verdict comes first, in two sentences; then sample
    ratio check, estimates, differences with intervals, and what was assumed.

    Parameters
    ----------
    variant : COLUMN
        The column with the variant.
    outcome : COLUMN
        The column with the outcome; may be given several times. clicks/views is the ratio of two
        columns.
    unit : COLUMN
        The column with the id that was randomised; its rows are added up.
    before : COLUMN
        A measurement from before the test, to narrow the intervals (CUPED).
    control : NAME
        The variant to compare with.
    split : NAME=SHARE,...
        The planned shares, such as control=0.5,new=0.5; equal ones by default.
    report : OUT.html
        Write a page with figures.
    """
    from coursekit.delivery.experiments.tabular.reading import read_experiment
    from coursekit.delivery.experiments.tabular.report import analyse, parse_split
    from coursekit.delivery.experiments.tabular.verdict import table_lines, verdict

    table = read_experiment(file, variant, outcome, unit=unit, before=before, control=control)
    found = analyse(table, split=None if split is None else parse_split(split))
    sentences = verdict(found)
    if report is not None:
        from coursekit.delivery.experiments.tabular.page import write_report

        write_report(table, found, report)
    text = "\n".join(
        [*(click.style(each, bold=True) for each in sentences), "", *table_lines(found)]
    )
    return Answer(data={"verdict": sentences, **plain(found)}, text=text)
