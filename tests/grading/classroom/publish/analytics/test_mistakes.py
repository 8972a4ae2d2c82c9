"""The misconceptions of a class: each student once, the most frequent first, in words and in
figures.
"""

import json

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from coursekit.core.errors import InvalidParameterError
from coursekit.grading.checks.report import Outcome
from coursekit.grading.classroom.publish.analytics import (
    items_figure,
    items_of,
    mistakes_figure,
    mistakes_of,
    mistakes_table,
    publish_analytics,
    summary_of,
)
from tests.grading.classroom.publish.pages.samples import check, grade, part, run_of


def student(name, *mistakes, problem=""):
    parts = [
        part(each, Outcome.WRONG, f"About {each}.", misconception=each) for each in mistakes
    ] or [part()]
    return grade(
        check("demo-1", *parts),
        check("demo-1", *parts, tier="hidden"),
        check("demo-2"),
        student=name,
        problem=problem,
    )


CLASS = [
    student("a", "squares"),
    student("b", "squares", "halves"),
    student("c"),
    student("d", "halves", problem="late"),
]


def test_each_student_counts_once_for_a_mistake_and_the_ungraded_do_not():
    first, second = mistakes_of(CLASS)
    assert (first.name, first.students, first.share, first.checks) == (
        "squares",
        ("a", "b"),
        pytest.approx(2 / 3),
        ("demo-1",),
    )
    assert (second.name, second.students, second.message) == ("halves", ("b",), "About halves.")
    assert mistakes_of([student("a")]) == mistakes_of([]) == []


def test_equal_mistakes_stand_in_the_order_of_their_names():
    assert [each.name for each in mistakes_of([student("a", "z", "b", "m")])] == ["b", "m", "z"]


def test_the_table_says_how_many_what_and_what_they_were_told():
    lines = mistakes_table(mistakes_of(CLASS)).splitlines()
    assert lines[1].split() == ["2", "67%", "squares", "(demo-1)"]
    assert lines[2].strip() == "About squares."
    assert len(mistakes_table(mistakes_of(CLASS), most=1).splitlines()) == 3


def test_figures_state_their_finding_and_have_words():
    items, mistakes = items_figure(items_of(CLASS)), mistakes_figure(mistakes_of(CLASS))
    assert (
        items.axes.get_title(loc="left") == "demo-1 was the hardest: 33% of its points were earned"
    )
    assert mistakes.axes.get_title(loc="left") == "squares comes first: 2 students"
    assert [bar.get_width() for bar in mistakes.axes.patches] == [2, 1]
    assert [bar.get_width() for bar in items.axes.patches] == [pytest.approx(100 / 3), 100]
    assert "demo-1 33%, demo-2 100%" in items.alt
    assert "squares 2, halves 1" in mistakes.alt


def test_a_shared_first_place_is_said():
    tied = mistakes_figure(mistakes_of([student("a", "squares"), student("b", "halves")]))
    assert tied.axes.get_title(loc="left") == "2 mistakes come first: 1 student each"


def test_a_long_name_leaves_room_for_the_finding():
    picture = mistakes_figure(
        mistakes_of([student("a", "a-mistake-with-a-long-name", "another-mistake-with-one")])
    )
    figure = picture.axes.get_figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    title = picture.axes._left_title.get_window_extent(canvas.get_renderer())
    assert title.x1 <= figure.bbox.x1


def test_there_is_no_figure_of_nothing():
    with pytest.raises(InvalidParameterError, match="must be a check to draw"):
        items_figure([])
    with pytest.raises(InvalidParameterError, match="must be a misconception to draw"):
        mistakes_figure([])


def test_the_whole_is_written_and_nothing_that_there_is_nothing_to_see_of(tmp_path):
    publish_analytics(run_of(*CLASS), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "items.json",
        "items.png",
        "mistakes.json",
        "mistakes.png",
    ]
    assert json.loads((tmp_path / "mistakes.json").read_text())[0]["students"] == ["a", "b"]
    assert json.loads((tmp_path / "items.json").read_text())[0]["difficulty"] == pytest.approx(
        1 / 3
    )
    (tmp_path / "none").mkdir()
    publish_analytics(run_of(), tmp_path / "none")
    assert sorted(file.name for file in (tmp_path / "none").iterdir()) == [
        "items.json",
        "mistakes.json",
    ]
    assert "squares" in summary_of(CLASS)
    assert summary_of([]) == ""
