from __future__ import annotations

import struct
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.colors import to_rgb

from coursekit import figures
from coursekit.core.errors import InvalidParameterError, UnknownNameError
from coursekit.datasets.streams import rating_stream
from coursekit.evaluation.progressive import learning_curve

RUNS = np.random.default_rng(1).normal(size=(12, 40)).cumsum(axis=1)
WORDS = {"title": "The finding", "x_label": "events seen", "y_label": "error, points"}


def some_curves():
    return figures.plot_curves({"belief": RUNS, "biases": RUNS + 3}, **WORDS)


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def png_of(axes):
    return figures.png(axes.get_figure(root=True))


def texts(png):
    """The text chunks of a PNG file, keyword -> text."""
    found, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"tEXt":
            key, _, value = png[at + 8 : at + 8 + length].partition(b"\0")
            found[key.decode()] = value.decode("latin-1")
        at += length + 12
    return found


def shown(figure, alt):
    InteractiveShell.instance()
    with capture_output() as captured:
        figures.show(figure, alt=alt)
    return captured.outputs


def test_the_same_numbers_give_the_same_bytes_whatever_is_set_outside():
    first = png_of(some_curves())
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert png_of(some_curves()) == first


def test_a_picture_carries_no_time_and_no_version():
    assert set(texts(png_of(some_curves()))) <= {"dpi"}


def test_a_picture_is_small():
    png = png_of(some_curves())
    assert struct.unpack(">II", png[16:24]) == (int(6.4 * 144), int(3.2 * 144))
    assert len(png) < 150_000


def test_a_shown_figure_keeps_its_words_in_the_notebook_and_under_the_picture():
    picture, caption = shown(some_curves(), alt="Line chart: the error\n   falls from 5 to *1* $.")
    alt = "Line chart: the error falls from 5 to *1* $."
    assert picture.metadata["image/png"] == {"width": 640, "height": 320, "alt": alt}
    assert b64decode(picture.data["image/png"]).startswith(b"\x89PNG")
    assert caption.data["text/plain"] == f"Figure: {alt}"
    assert (
        caption.data["text/markdown"]
        == r"*Figure: Line chart: the error falls from 5 to \*1\* \$.*"
    )


def test_a_figure_of_pyplot_is_shown_once():
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    assert len(shown(axes, alt="Empty axes.")) == 2
    assert not pyplot.fignum_exists(figure.number)


def test_a_figure_without_words_is_refused():
    with pytest.raises(InvalidParameterError, match="`alt`"):
        figures.show(some_curves(), alt="  ")


def test_a_saved_figure_keeps_its_words(tmp_path):
    figures.save(some_curves(), tmp_path / "out.png", alt="Line chart: the error falls.")
    assert (
        texts((tmp_path / "out.png").read_bytes())["Description"] == "Line chart: the error falls."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["out.png"]


def test_several_seeds_are_drawn_as_their_median_within_a_band_from_10_to_90_percent():
    axes = some_curves()
    np.testing.assert_array_equal(lines(axes)["belief"].get_ydata(), np.median(RUNS, axis=0))
    edges = axes.collections[0].get_paths()[0].vertices
    at_20 = edges[edges[:, 0] == 20][:, 1]
    assert (at_20.min(), at_20.max()) == pytest.approx(tuple(np.percentile(RUNS[:, 20], [10, 90])))


def test_one_run_has_no_band():
    assert not figures.plot_curves({"belief": RUNS[0]}, **WORDS).collections


def test_roles_keep_their_colour_and_their_line_whatever_the_order():
    axes = figures.plot_curves(
        {"a": RUNS[0], "b": RUNS[1], "c": RUNS[2]}, roles={"a": "baseline", "c": "alarm"}, **WORDS
    )
    drawn = lines(axes)
    assert drawn["a"].get_color() == figures.ROLES["baseline"].colour
    assert drawn["b"].get_color() == figures.ROLES["model"].colour
    assert drawn["c"].get_color() == figures.ROLES["alarm"].colour
    assert drawn["a"].is_dashed() and not drawn["b"].is_dashed()


def test_no_two_roles_differ_by_colour_alone():
    models = [each for role, each in figures.ROLES.items() if role != "alarm"]
    assert len({str(each.dashes) for each in models}) == len(models)
    assert len({each.marker for each in figures.ROLES.values()}) == len(figures.ROLES)
    assert len({each.hatch for each in figures.ROLES.values()}) == len(figures.ROLES)


def test_every_role_can_be_told_from_white_paper():
    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
        ]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    for role, each in figures.ROLES.items():
        contrast = 1.05 / (luminance(each.colour) + 0.05)
        assert contrast > (2.0 if role in ("second", "third") else 3.0), role


def test_names_at_the_ends_of_lines_do_not_overlap():
    values = {"one": RUNS[0], "two": RUNS[0] + 0.01, "three": RUNS[0] + 0.02}
    axes = figures.plot_curves(values, **WORDS)
    figure = axes.get_figure(root=True)
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))
    assert all(box.x1 < figure.bbox.x1 for box in boxes)


def test_many_lines_get_a_legend():
    axes = figures.plot_curves({str(at): RUNS[at] for at in range(5)}, **WORDS)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list("01234")


def test_what_axes_say_is_what_was_asked_for():
    axes = figures.plot_curves({"a": [1, 2]}, x=[10_000, 20_000], **WORDS)
    assert (axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()) == tuple(
        WORDS.values()
    )
    axes.get_figure(root=True).draw_without_rendering()
    assert "20,000" in [label.get_text() for label in axes.get_xticklabels()]


def test_learning_curves_are_drawn_against_the_events_seen():
    stream = rating_stream(1000, seed=1)
    curves = [learning_curve(stream, np.full(1000, start), n_points=8) for start in (2.5, 3.0, 3.5)]
    axes = figures.plot_learning_curves({"mean": curves}, title="t", cumulative=True)
    line = lines(axes)["mean"]
    assert line.get_xdata()[-1] == 1000
    assert line.get_ydata()[-1] == np.median([each.cumulative_rmse[-1] for each in curves])
    single = figures.plot_learning_curves({"mean": curves[0]}, title="t")
    np.testing.assert_array_equal(lines(single)["mean"].get_ydata(), curves[0].rmse)


def test_bars_start_at_zero_and_carry_their_numbers():
    axes = figures.plot_bars(
        {"a": 2.0, "b": [3.0, 4.0, 5.0]}, title="t", x_label="x", roles={"b": "challenger"}
    )
    assert [bar.get_width() for bar in axes.patches] == [2.0, 4.0]
    assert axes.get_xlim()[0] == 0
    assert [text.get_text() for text in axes.texts] == ["2", "4"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted()  # the first on top


def test_intervals_are_drawn_from_end_to_end_with_the_line_to_compare_with():
    axes = figures.plot_intervals(
        {"a": (1.0, 2.0, 4.0), "b": (-1.0, 0.5, 1.0)},
        title="t",
        x_label="x",
        reference=1.5,
        reference_label="truth",
    )
    drawn = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert drawn == [[1.0, 4.0], [-1.0, 1.0], [1.5, 1.5]]
    middles = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert middles == [2.0, 0.5]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["a", "b"]
    assert axes.texts[-1].get_text() == "truth"


def test_dots_show_the_interval_over_seeds():
    seeds = np.arange(11.0)
    axes = figures.plot_dots({"a": seeds}, title="t", x_label="x")
    whisker, dot = axes.get_lines()
    assert list(whisker.get_xdata()) == [1.0, 9.0]
    assert list(dot.get_xdata()) == [5.0]


def test_observations_are_points_without_a_line_and_leave_the_curves_alone():
    axes = some_curves()
    before = {name: line.get_ydata().tolist() for name, line in lines(axes).items()}
    figures.mark_points(axes, [0, 20], [-3.0, 9.0], label="given")
    points = lines(axes)["given"]
    assert points.get_xydata().tolist() == [[0, -3], [20, 9]]
    assert (points.get_linestyle(), points.get_markerfacecolor()) == ("None", "white")
    assert {name: lines(axes)[name].get_ydata().tolist() for name in before} == before
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["given"]


def test_drift_and_alarm_are_marked_in_their_own_ways():
    axes = some_curves()
    before = len(axes.get_lines())
    figures.mark_drift(axes, [10, 20], label="truth")
    figures.mark_alarm(axes, 25)
    drift, again, alarm = axes.get_lines()[before:]
    assert drift.is_dashed() and again.is_dashed() and not alarm.is_dashed()
    assert alarm.get_color() == figures.ROLES["alarm"].colour
    assert [drift.get_xdata()[0], again.get_xdata()[0], alarm.get_xdata()[0]] == [10, 20, 25]
    assert [text.get_text() for text in axes.texts].count("truth") == 1


@pytest.mark.parametrize(
    ("draw", "error", "says"),
    [
        (lambda: figures.plot_curves({}, **WORDS), InvalidParameterError, "nothing"),
        (lambda: figures.plot_bars({}, title="", x_label=""), InvalidParameterError, "nothing"),
        (
            lambda: figures.plot_curves({"a": [1, 2]}, x=[1], **WORDS),
            InvalidParameterError,
            "`x` must have shape",
        ),
        (
            lambda: figures.plot_curves({"a": [1, 2]}, roles={"a": "hero"}, **WORDS),
            UnknownNameError,
            "no role 'hero'",
        ),
        (
            lambda: figures.plot_curves({str(at): [1, 2] for at in range(6)}, **WORDS),
            InvalidParameterError,
            "taken",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(draw, error, says):
    with pytest.raises(error, match=says):
        draw()


def test_the_course_style_can_be_used_for_other_figures():
    with mpl.rc_context():
        figures.use_course_style()
        from matplotlib.figure import Figure

        axes = Figure().subplots()
        assert axes.plot([1, 2])[0].get_color() == figures.ROLES["model"].colour
        assert not axes.spines["top"].get_visible()


def test_importing_figures_does_not_load_matplotlib():
    program = "import sys, coursekit.figures.curves; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
