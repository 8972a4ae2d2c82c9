"""Grades to show: an honest one, one that could not be graded, and one whose every text is an
attack on its reader.
"""

import dataclasses

from coursekit.grading.checks.context import NOT_JUDGED
from coursekit.grading.checks.report import CheckReport, Outcome, PartReport, Report
from coursekit.grading.classroom.reports import ClassRun, GradeReport, Work
from coursekit.grading.classroom.submissions import Submission

ATTACKS = (
    "<script>window.ran = 1; alert(1)</script>",
    "<img src=x onerror='window.ran = 2; alert(2)'>",
    "<svg/onload=alert(3)>",
    "<svg><animate onbegin=alert(4) attributeName=x dur=1s>",
    "<iframe src=javascript:parent.alert(5)></iframe>",
    "<a href=javascript:alert(6) id=trap>click</a>",
    "<details open ontoggle=alert(7)>",
    "<body onload=alert(8)><input autofocus onfocus=alert(9)>",
    "<math><mtext></table></mtext><mglyph><style><img src onerror=alert(10)></style>",
    "</title></style></pre></code><script>alert(11)</script>",
    '"><script>alert(12)</script><p title="',
    "' onmouseover='alert(13)",
    "--></main><!--<script>alert(14)</script>",
    "]]><script>alert(15)</script><![CDATA[",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/a.css><style>@import 'http://127.0.0.1:9/b.css'</style>",
    "<img src=http://127.0.0.1:9/pixel.png><base href=http://127.0.0.1:9/><form action=http://127.0.0.1:9/><button>go</button></form>",
    "`<img src=x onerror=alert(16)>` and `</code><script>alert(17)</script>`",
    "[click](javascript:alert(18)) ![x](http://127.0.0.1:9/y.png)",
    "$\\href{javascript:alert(19)}{x}$ {{constructor.constructor('alert(20)')()}} ${alert(21)}",
    "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://127.0.0.1:9/\x1b\\link\x9b31m\x00\x08\x7f",
    "\u202egnp.exe\u2066\u2067\u2069\u200f\ufeff\u061c invisible\u200b\u00ad\U000e0041",
    "\ud800 half a pair",
    "&lt;script&gt;alert(22)&lt;/script&gt; &#60;script&#62;alert(23)&#60;/script&#62;",
    "x" * 5000,
)


def part(name="part", outcome=Outcome.PASSED, message="", hint="", misconception="", worth=2):
    points = worth if outcome is Outcome.PASSED else 0
    return PartReport(
        name=name,
        outcome=outcome,
        points=points,
        max_points=worth,
        message=message,
        hint=hint,
        misconception=misconception,
    )


def check(check_id, *parts, tier="visible", title="A title."):
    return CheckReport(
        id=check_id, title=title, tier=tier, parts=parts or (part(),), seed="s3cr3t", seconds=0.25
    )


def grade(
    *checks,
    student="ada",
    notes=(),
    problem="",
    fault="",
    sandbox="bubblewrap",
    title="A demo",
    version="1.0",
):
    report = Report(
        exercise="demo", checks=checks, submission=student, sandbox=sandbox, notes=notes
    )
    return GradeReport(
        report=report,
        title=title,
        version=version,
        problem=problem,
        fault=fault,
        sha256="0123456789abcdef" * 4,
        fingerprint="f" * 64,
        memory_mb=181.4,
        seconds=1.23,
    )


def work(graded, content=b"", result=None, **more):
    submission = Submission(student=graded.student, notebook=content, **more)
    return Work(submission=submission, grade=graded, result=result)


def run_of(*grades, plan=None):
    return ClassRun(plan=plan, isolation="bubblewrap", works=[work(each) for each in grades])


def honest():
    checks = (
        check(
            "demo-1",
            part("zero"),
            part("ones", Outcome.WRONG, "It is `2 * x`, you gave 4.", "Think.", "squares"),
        ),
        check("demo-1", part("a negative number"), tier="hidden"),
        check("demo-2", part("four", Outcome.NOT_ATTEMPTED, "`halve` is still to be written.")),
        check("demo-3", part("five", Outcome.COULD_NOT_RUN, "The kernel is gone."), tier="hidden"),
        check("demo-4"),
    )
    return grade(
        *checks, notes=("Cell 7 (demo-3): it ended by itself.", "The cell demo-4 was missing.")
    )


def not_graded():
    return grade(
        check("demo-1", part("not graded", Outcome.COULD_NOT_RUN)),
        problem="The file is no notebook.",
        sandbox="not run",
    )


def not_judged():
    return grade(
        check("demo-1", part("not judged", Outcome.NOT_JUDGED)),
        problem="It could not be judged.",
        fault="CheckBugError: the answer was <b>s3cr3t</b>",
        sandbox="not run",
    )


def judged_in_part():
    """The check demo-2 raised an exception after its first part."""
    failed = check("demo-2", part("four"), part("not judged", Outcome.NOT_JUDGED, NOT_JUDGED))
    failed = dataclasses.replace(failed, fault="CheckBugError: the answer was <b>s3cr3t</b>")
    return grade(
        check("demo-1"), failed, notes=(f"demo-2 (visible): {NOT_JUDGED}",), fault=failed.fault
    )


def hostile():
    checks = tuple(
        check(
            f"demo-{n}",
            part(text, Outcome.WRONG, text, text, text),
            title=text,
            tier="hidden" if n % 2 else "visible",
        )
        for n, text in enumerate(ATTACKS)
    )
    return grade(
        *checks,
        student=" ".join(ATTACKS[:3]),
        title=ATTACKS[9],
        version=ATTACKS[10],
        notes=ATTACKS,
        sandbox=ATTACKS[0],
    )
