"""Panels on one page: every number where it belongs, one scale for all, one legend."""

from __future__ import annotations

import numpy as np
import pytest

from coursekit import figures
from coursekit.core.errors import InvalidParameterError, UnknownNameError

RUNS = np.random.default_rng(1).normal(size=(12, 40)).cumsum(axis=1)
WORDS = {"title": "The finding", "x_label": "events seen", "y_label": "error, points"}
PANELS = {
    f"world {shift}": {"ours": RUNS + shift, "theirs": RUNS[0] - shift} for shift in (0, 5, 20, 30)
}


def test_every_panel_draws_its_own_curves_as_medians():
    for axes, (name, curves) in zip(
        figures.plot_panels(PANELS, **WORDS), PANELS.items(), strict=True
    ):
        assert axes.get_title() == name or axes.get_title(loc="left") == name
        ours, theirs = axes.get_lines()
        assert np.array_equal(ours.get_ydata(), np.median(curves["ours"], axis=0))
        assert np.array_equal(theirs.get_ydata(), curves["theirs"])


def test_several_seeds_get_a_band_and_a_single_run_gets_none():
    for axes in figures.plot_panels(PANELS, **WORDS):
        assert len(axes.collections) == 1


def test_all_panels_have_one_scale_and_a_name_has_one_look():
    drawn = figures.plot_panels(PANELS, **WORDS, roles={"theirs": "baseline"}, n_columns=2)
    assert len({axes.get_ylim() for axes in drawn}) == 1
    assert {axes.get_lines()[1].get_color() for axes in drawn} == {figures.look("baseline").colour}


def test_there_is_one_legend_and_the_finding_is_the_title_of_the_page():
    figure = figures.plot_panels(PANELS, **WORDS)[0].get_figure(root=True)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ours", "theirs"]
    assert (figure.get_suptitle(), figure.axes[0].get_xlabel(), figure.get_supylabel()) == tuple(
        WORDS.values()
    )


def test_places_without_a_panel_stay_empty():
    figure = figures.plot_panels(PANELS, **WORDS, n_columns=3)[0].get_figure(root=True)
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2


def test_the_same_numbers_give_the_same_bytes():
    first, second = (
        figures.png(figures.plot_panels(PANELS, **WORDS)[0].get_figure(root=True)) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("panels", "settings", "error"),
    [
        ({}, {}, InvalidParameterError),
        ({"a": {"ours": [1.0]}, "b": {"theirs": [1.0]}}, {}, InvalidParameterError),
        (PANELS, {"x": [1, 2, 3]}, InvalidParameterError),
        (PANELS, {"n_columns": 0}, InvalidParameterError),
        (PANELS, {"roles": {"ours": "hero"}}, UnknownNameError),
    ],
)
def test_what_cannot_be_drawn_is_refused(panels, settings, error):
    with pytest.raises(error):
        figures.plot_panels(panels, **WORDS, **settings)
