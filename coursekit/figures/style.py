"""The style of figures: fixed roles, alt text for every figure, reproducible PNG files.

Colours are those of M. Okabe and K. Ito (2008), "Color Universal Design", which can be
distinguished with any kind of colour vision; line style and marker always differ as well.
"""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.core.files import replaced_atomically

if TYPE_CHECKING:
    from matplotlib import RcParams
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = [
    "ROLES",
    "Look",
    "course_style",
    "figure_of",
    "group_thousands",
    "look",
    "looks_of",
    "new_axes",
    "note",
    "png",
    "save",
    "show",
    "use_course_style",
]

INK, QUIET, GRID = "#222222", "#6B6B6B", "#E6E6E6"
_DPI = 144
_SHOWN_DPI = 100  # size on the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colour, line style, marker and hatch of a role.

    Parameters
    ----------
    colour : str
    dashes : str or (offset, on-off lengths)
        A line style of matplotlib.
    marker : str
        A marker of matplotlib.
    hatch : str
        Hatch pattern of a bar.
    """

    colour: str
    dashes: str | tuple[int, tuple[float, ...]]
    marker: str
    hatch: str = ""


ROLES = {
    "model": Look(colour="#0072B2", dashes="solid", marker="o"),
    "baseline": Look(colour="#7F7F7F", dashes=(0, (5, 2)), marker="s", hatch="///"),
    "challenger": Look(colour="#009E73", dashes=(0, (7, 1.5, 1.5, 1.5)), marker="D", hatch="..."),
    "second": Look(colour="#E69F00", dashes=(0, (1.5, 1.5)), marker="^", hatch="xxx"),
    "third": Look(colour="#CC79A7", dashes=(0, (3, 1, 1, 1, 1, 1)), marker="v", hatch="++"),
    "alarm": Look(colour="#D55E00", dashes="solid", marker="X", hatch="\\\\\\"),
}
"""Role -> look. "model" is the subject of the lesson, "baseline" its reference, "challenger" a
newer
model, "second" and "third" are further models, "alarm" marks detections and errors."""


@cache
def _style() -> RcParams:
    from matplotlib import rc_params_from_file

    return rc_params_from_file(Path(__file__).with_name("course.mplstyle"), False, False)


def use_course_style() -> None:
    """Apply the style of the course to all figures drawn later."""
    import matplotlib as mpl
    from cycler import cycler

    looks = ROLES.values()
    cycle = cycler(color=[each.colour for each in looks], linestyle=[each.dashes for each in looks])
    mpl.rcParams.update({**_style(), "axes.prop_cycle": cycle})


@contextmanager
def course_style() -> Iterator[None]:
    """Apply the style of the course, as a context manager or decorator, ignoring other settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_style())
        yield


def look(role: str) -> Look:
    """Return the look of a role.

    >>> look("model").colour
    '#0072B2'
    """
    if role not in ROLES:
        raise UnknownNameError(f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    return ROLES[role]


def new_axes(
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    width: float = 6.4,
    height: float = 3.2,
) -> Axes:
    """Return empty axes in the style of the course, on a figure of their own.

    Parameters
    ----------
    title : str
        The finding, as a sentence.
    x_label, y_label : str
        What the axes measure, with the unit.
    width, height : float
        In inches.
    """
    from matplotlib.figure import Figure

    with course_style():
        axes = Figure(figsize=(width, height), dpi=_DPI).subplots()
        axes.set(title=title, xlabel=x_label, ylabel=y_label)
    return axes


def note(
    axes: Axes,
    words: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    along: tuple[str, str] = ("data", "data"),
    va: str = "center",
    **style: Any,
) -> None:
    """Write words at a place of the axes, `offset` points away from it.

    `along` names the coordinates of the place, such as ("axes fraction", "data").
    """
    axes.annotate(words, at, offset, xycoords=along, textcoords="offset points", va=va, **style)


def show(figure: Figure | Axes, *, alt: str) -> None:
    """Show a figure in the notebook, with alt text.

    The text is stored in the metadata of the image for screen readers, and shown under it as well,
    because not every converter of notebooks keeps the metadata.

    Parameters
    ----------
    figure : Figure or Axes
    alt : str
        What the figure shows: the kind of figure, the axes, the finding. One or two sentences.

    Raises
    ------
    InvalidParameterError
        If the text is empty.
    """
    from IPython import display

    publish: Callable[..., None] = display.publish_display_data
    alt = _checked_words(alt)
    drawn = figure_of(figure)
    width, height = (round(inches * _SHOWN_DPI) for inches in drawn.get_size_inches())
    picture = {
        "image/png": b64encode(png(drawn)).decode("ascii"),
        "text/plain": f"<figure of {width} x {height} pixels>",
    }
    publish(picture, metadata={"image/png": {"width": width, "height": height, "alt": alt}})
    publish({"text/plain": f"Figure: {alt}", "text/markdown": f"*Figure: {_escaped(alt)}*"})
    _forget(drawn)


def save(figure: Figure | Axes, path: str | Path, *, alt: str) -> None:
    """Write a figure as PNG atomically, with `alt` as its description."""
    content = png(figure_of(figure), description=_checked_words(alt))
    with replaced_atomically(path) as temporary:
        Path(temporary).write_bytes(content)


def png(figure: Figure, *, description: str | None = None) -> bytes:
    """Return a figure as PNG, reproducible with the same version of matplotlib."""
    buffer = io.BytesIO()
    with course_style():
        figure.savefig(
            buffer, format="png", dpi=_DPI, metadata={"Software": None, "Description": description}
        )
    return buffer.getvalue()


def looks_of(
    names: Iterable[str], roles: Mapping[str, str] | None, default: str | None = None
) -> dict[str, Look]:
    """Return the look of each name, by its role, `default`, or the next unused role."""
    names, given = list(names), dict(roles or {})
    if not names:
        raise InvalidParameterError("There must be something to draw, got nothing.")
    free = [role for role in ROLES if role not in given.values() and role != "alarm"]
    for name in names:
        if name not in given:
            if default is None and not free:
                raise InvalidParameterError(
                    f"`roles` must name a role for {name!r}: all others are taken."
                )
            given[name] = default or free.pop(0)
    return {name: look(given[name]) for name in names}


def group_thousands(axis: Axis) -> None:
    """Format large tick labels as 20,000 and 2 M."""
    from matplotlib.ticker import FuncFormatter

    if max(abs(end) for end in axis.get_view_interval()) >= 1000:
        axis.set_major_formatter(FuncFormatter(lambda value, _: _in_words(value)))


def _in_words(value: float) -> str:
    """Format a number with thousands separators or in millions.

    >>> _in_words(20000.0), _in_words(2.5e6), _in_words(0.25)
    ('20,000', '2.5 M', '0.25')
    """
    if abs(value) >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def figure_of(figure: Figure | Axes) -> Figure:
    """Return the figure of axes; a figure is returned unchanged."""
    from matplotlib.axes import Axes

    return figure.get_figure(root=True) if isinstance(figure, Axes) else figure  # type: ignore[return-value]


def _checked_words(alt: str) -> str:
    words = " ".join(alt.split())
    if not words:
        raise InvalidParameterError("`alt` must say what the figure shows, got no words.")
    return words


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_$<>\[\]#|])", r"\\\1", text)


def _forget(figure: Figure) -> None:
    """Close a figure of pyplot, so that the notebook does not show it twice."""
    import sys

    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.fignum_exists(getattr(figure, "number", -1)):
        pyplot.close(figure)
