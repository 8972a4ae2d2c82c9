"""The drawings that every lesson points at: nothing overlaps, nothing overflows, what is lit is
lit.
"""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Annotation

from coursekit.core.errors import UnknownNameError
from coursekit.figures.diagrams import PARTS, PLATFORM, Box, plot_course_map, plot_platform
from coursekit.figures.style import png

DRAWINGS = {"course map": (plot_course_map, PARTS), "platform": (plot_platform, PLATFORM)}
every_drawing = pytest.mark.parametrize("name", DRAWINGS)


def frames(axes: Axes) -> list[FancyBboxPatch]:
    return [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]


@every_drawing
def test_no_two_boxes_overlap(name: str) -> None:
    for one, two in combinations(DRAWINGS[name][1].values(), 2):
        beside = one.x + one.width <= two.x or two.x + two.width <= one.x
        above = one.y + one.height <= two.y or two.y + two.height <= one.y
        assert beside or above, f"{one.title} and {two.title}"


@every_drawing
def test_every_word_stays_inside_its_box(name: str) -> None:
    """Measured as it is drawn, with the font that matplotlib brings along."""
    axes = DRAWINGS[name][0]()
    assert isinstance(axes.figure, Figure)
    png(axes.figure)
    texts = [text for text in axes.texts if text.get_text() and not isinstance(text, Annotation)]
    boxes = list(DRAWINGS[name][1].values())
    assert len(texts) == 2 * len(boxes)
    for box, title, lines in zip(boxes, texts[::2], texts[1::2], strict=True):
        (left, bottom), (right, top) = axes.transData.transform(
            [(box.x, box.y), (box.x + box.width, box.y + box.height)]
        )
        for text in (title, lines):
            extent = text.get_window_extent()
            assert left <= extent.x0, text.get_text()
            assert extent.x1 <= right, text.get_text()
            assert bottom <= extent.y0, text.get_text()
            assert extent.y1 <= top, text.get_text()


@every_drawing
def test_a_lit_box_differs_by_more_than_its_colour(name: str) -> None:
    draw, boxes = DRAWINGS[name]
    lit = next(iter(boxes))
    first, *others = frames(draw(lit=[lit]))
    assert {first.get_linewidth()} & {other.get_linewidth() for other in others} == set()
    assert {frame.get_linewidth() for frame in frames(draw())} == {others[0].get_linewidth()}


@every_drawing
def test_lighting_what_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"`lit` must be among .* got 'cellar'"):
        DRAWINGS[name][0](lit=["cellar"])


def test_every_arrow_of_the_platform_leads_to_a_box() -> None:
    assert {other for box in PLATFORM.values() for other in box.leads_to} <= set(PLATFORM)


def test_the_platform_is_a_loop_in_which_every_box_can_reach_every_other() -> None:
    for start in PLATFORM:
        reached, front = {start}, [start]
        while front:
            front = [
                other for name in front for other in PLATFORM[name].leads_to if other not in reached
            ]
            reached.update(front)
        assert reached == set(PLATFORM), start


def test_no_arrow_of_the_platform_runs_through_a_third_box() -> None:
    for name, box in PLATFORM.items():
        for other in box.leads_to:
            (x0, y0), (x1, y1) = (
                box.edge_towards(PLATFORM[other]),
                PLATFORM[other].edge_towards(box),
            )
            for third in set(PLATFORM) - {name, other}:
                inside = [
                    _holds(PLATFORM[third], x0 + (x1 - x0) * s / 50, y0 + (y1 - y0) * s / 50)
                    for s in range(51)
                ]
                assert not any(inside), f"{name} to {other} through {third}"


def test_a_part_of_the_course_rests_on_what_lies_below_it() -> None:
    for name, box in PARTS.items():
        floor = [
            other
            for other in PARTS.values()
            if 0 <= box.y - other.y - other.height < 0.5 and other.x <= box.x + 0.2
        ]
        assert floor or name == "core", name


def _holds(box: Box, x: float, y: float) -> bool:
    return box.x < x < box.x + box.width and box.y < y < box.y + box.height
