"""A report as one HTML page without links and scripts: verdict, figures, sections."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.core.files import write_atomically
from coursekit.figures.style import figure_of, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bullets", "paragraph", "table", "write_page"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.verdict { border-left: 6px solid #0072B2; background: #f3f7fa; padding: .6rem 1rem; }
.verdict.bad { border-color: #D55E00; background: #fdf3ec; }
.verdict p { margin: .4rem 0; } .verdict p:first-child { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
.wide { overflow-x: auto; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #e6e6e6; }
th.text, td.text { text-align: left; }
th { color: #555; font-weight: 600; } img { max-width: 100%; height: auto; display: block; }
footer { color: #555; font-size: .85rem; margin-top: 2.5rem; }
"""


def write_page(
    path: Path,
    *,
    title: str,
    verdict: Iterable[str],
    is_sound: bool,
    figures: Iterable[tuple[Axes, str]],
    sections: Mapping[str, str],
    footer: str,
) -> None:
    """Write a page atomically.

    Parameters
    ----------
    path : path
    title : str
    verdict : sentences
        The result, shown first.
    is_sound : bool
        Whether the verdict can be relied on; otherwise it is marked.
    figures : (axes, alt text) pairs
    sections : mapping
        Heading -> HTML, as of `table`, `paragraph` and `bullets`. All other text is escaped.
    footer : str
    """
    images = "\n".join(
        f'<img alt="{escape(alt, quote=True)}" src="data:image/png;base64,'
        f'{b64encode(png(figure_of(axes))).decode("ascii")}">'
        for axes, alt in figures
    )
    body = "\n".join(f"<h2>{escape(heading)}</h2>\n{html}" for heading, html in sections.items())
    sentences = "".join(map(paragraph, verdict))
    write_atomically(
        path,
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<section class="{"verdict" if is_sound else "verdict bad"}">{sentences}</section>
<h2>Figures</h2>
{images}
{body}
<footer>{escape(footer)}</footer>
</body>
</html>
""",
    )


def table(head: list[str], rows: Iterable[list[str]], *, n_texts: int = 1) -> str:
    """Return a table whose first `n_texts` columns are aligned to the left.

    >>> "a &amp; b</td><td>3</td>" in table(["name", "n"], [["a & b", "3"]])
    True
    """
    kinds = [' class="text"'] * n_texts + [""] * (len(head) - n_texts)
    top = _cells("th", kinds, head)
    body = "\n".join(f"<tr>{_cells('td', kinds, row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """Return a list."""
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in texts)}</ul>"


def _cells(tag: str, kinds: list[str], texts: list[str]) -> str:
    return "".join(
        f"<{tag}{kind}>{escape(text)}</{tag}>" for kind, text in zip(kinds, texts, strict=True)
    )
