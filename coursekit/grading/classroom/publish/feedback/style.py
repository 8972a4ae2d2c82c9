"""The look of our pages, on a light screen, on a dark one and on paper: a style sheet and nothing
else.

Every text has at least 4.5 : 1 contrast with its ground (WCAG 2.2, 1.4.3); a test computes it from
this very sheet. Colour only repeats what a word and a symbol say.
"""

from __future__ import annotations

import base64
import hashlib

from coursekit.grading.checks.report import Outcome

__all__ = ["POLICY", "STYLE", "css_class"]

_LIGHT = {
    "ground": "#ffffff",
    "text": "#1f2328",
    "quiet": "#57606a",
    "line": "#d0d7de",
    "raised": "#f3f5f8",
    "link": "#0550ae",
    "on-verdict": "#ffffff",
    "passed": "#00664b",
    "wrong": "#a33c00",
    "not-attempted": "#4d5560",
    "could-not-run": "#7a3b69",
}
_DARK = {
    "ground": "#14181d",
    "text": "#e8ebef",
    "quiet": "#a9b3be",
    "line": "#3d444d",
    "raised": "#1f252c",
    "link": "#8ac4ff",
    "on-verdict": "#101418",
    "passed": "#5fc9a4",
    "wrong": "#ff9d66",
    "not-attempted": "#b4bdc8",
    "could-not-run": "#dd9fce",
}


def css_class(outcome: Outcome) -> str:
    """Return the class of a verdict.

    >>> css_class(Outcome.NOT_ATTEMPTED)
    'not-attempted'
    """
    return outcome.value.replace(" ", "-")


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"


_VERDICTS = "".join(
    f".{css_class(outcome)}{{color:var(--on-verdict);background:var(--{css_class(outcome)})}}\n"
    for outcome in Outcome
)

STYLE = f"""
:root{{color-scheme:light dark}}
{_variables(_LIGHT)}
@media (prefers-color-scheme:dark){{{_variables(_DARK)}}}
@media print{{{_variables(_LIGHT)}}}
body{{color:var(--text);background:var(--ground);font:1rem/1.55 system-ui,sans-serif}}
body{{max-width:54rem;margin:2rem auto;padding:0 1rem}}
h1{{font-size:1.6rem;line-height:1.25;margin:0 0 .4rem}}
h2{{font-size:1.2rem;margin:2.2rem 0 .4rem}}
h3{{font-size:1.02rem;margin:1.6rem 0 .2rem}}
a{{color:var(--link);background:var(--ground)}}
.points{{font-size:1.25rem;font-weight:600}}
table{{border-collapse:collapse;width:100%;margin:.4rem 0 1rem}}
caption{{color:var(--quiet);background:var(--ground);text-align:left;padding:.2rem 0}}
th,td{{border-top:1px solid var(--line);text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0}}
th[scope=col]{{color:var(--quiet);background:var(--ground);font-weight:600}}
th[scope=row]{{font-weight:600}}
th[scope=col]:nth-child(1){{width:36%}}
th[scope=col]:nth-child(2){{width:18%}}
th[scope=col]:nth-child(3){{width:14%}}
.number{{white-space:nowrap}}
.verdict{{border-radius:.3rem;padding:.1rem .5rem;white-space:nowrap}}
{_VERDICTS}code,pre{{color:var(--text);background:var(--raised);font-family:ui-monospace,monospace;font-size:.92em}}
code{{border-radius:.2rem;padding:0 .2rem}}
pre{{border:1px solid var(--line);border-radius:.3rem;overflow-x:auto;padding:.6rem .8rem;margin:.3rem 0;white-space:pre-wrap}}
img{{max-width:100%}}
footer{{color:var(--quiet);background:var(--ground);border-top:1px solid var(--line);margin-top:2.5rem;padding-top:.6rem}}
"""
"""The whole style sheet."""

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
    f"form-action 'none'"
)
"""What a browser is told to allow: this style sheet and pictures that are in the page. No script,
no address, no form.
"""
