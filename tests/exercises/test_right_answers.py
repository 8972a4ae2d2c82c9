"""Right answers written differently earn everything: in the notebook, and when graded."""

import json

import pytest

from coursekit.grading.classroom.service import grade_class
from coursekit.grading.classroom.settings import ClassSettings, load_plan
from coursekit.grading.exercises.exercise import load_exercise
from coursekit.grading.exercises.notebook import read_notebook
from tests.grading.submissions import code

from .conftest import ROOT, definitions, only_defines, run
from .test_contract import reports

NUMBERS = {
    "fractions": "lambda value: fractions.Fraction(float(value))",
    "decimals": "lambda value: decimal.Decimal(float(value))",
    "long doubles": "np.longdouble",
    "single precision": "np.float32",
    "arrays without axes": "np.array",
    "arrays of one number": "lambda value: np.array([value])",
    "objects in an array": "lambda value: np.array(float(value), dtype=object)",
}
SEVERAL = {
    "lists": "lambda values: np.asarray(values).tolist()",
    "tuples": "lambda values: tuple(np.asarray(values).tolist())",
    "double-ended queues": "lambda values: collections.deque(np.asarray(values).tolist())",
    "generators": "lambda values: (each for each in np.asarray(values).tolist())",
    "arrays of objects": "lambda values: np.array(values, dtype=object)",
    "arrays of long doubles": "lambda values: np.array(values, dtype=np.longdouble)",
    "arrays of single precision": "lambda values: np.array(values, dtype=np.float32)",
    "lists of arrays": "lambda values: [np.asarray(each) for each in values]",
}
IMPORTS = "import array, collections, dataclasses, decimal, fractions, types\n"
FM_NUMBERS = """
one_pass, right_prediction, right_step = pairs, predict_one, learn_one
def turned(function, convert={0}):
    def said(*args):
        global pairs, predict_one
        other, pairs, predict_one = pairs, one_pass, right_prediction
        try:
            return convert(function(*args))
        finally:
            pairs, predict_one = other, right_prediction
    return said
score, pairs, learn_one = turned(score), turned(pairs), turned(learn_one)
class FactorizationMachine(FactorizationMachine):
    def predict(self, features, said=turned(right_prediction)):
        return said(self, features)
"""
FM_SEVERAL = """
def turned(function, convert={0}):
    return lambda *args: convert(function(*args))
right_gradient = pairs_gradient
right_step = learn_one
def learn_one(machine, features, target):
    global pairs_gradient
    said, pairs_gradient = pairs_gradient, right_gradient
    try:
        return right_step(machine, features, target)
    finally:
        pairs_gradient = said
pairs_gradient, progressive_rmse = turned(pairs_gradient), turned(progressive_rmse)
"""
FM_OTHERS = {
    "a machine with slots": """
class FactorizationMachine:
    __slots__ = ("n_factors", "learning_rate", "regularization", "rng", "w0", "w", "V")
    def __init__(self, n_factors=8, learning_rate=0.02, regularization=0.02, seed=0):
        self.n_factors, self.learning_rate = n_factors, learning_rate
        self.regularization, self.rng = regularization, np.random.default_rng(seed)
        self.w0, self.w, self.V = 0.0, {}, {}
    def predict(self, features):
        return predict_one(self, features)
    def partial_fit(self, features, target):
        return learn_one(self, features, target)
""",
    "dicts of their own": """
class Rows(collections.UserDict):
    pass
class FactorizationMachine(FactorizationMachine):
    def __setattr__(self, name, value):
        object.__setattr__(self, name, Rows(value) if name in ("w", "V") else value)
""",
    "an array from the module array": """
right_curve = progressive_rmse
def progressive_rmse(machine, stream):
    return array.array("d", right_curve(machine, stream))
""",
}
STEPS = {
    "a tuple": "lambda loss, rate, alarm: (loss, rate, alarm)",
    "a list": "lambda loss, rate, alarm: [loss, rate, alarm]",
    "a dict": "lambda loss, rate, alarm: dict(alarm=alarm, loss=loss, rate=rate)",
    "a namespace": "types.SimpleNamespace",
    "a data class": "dataclasses.make_dataclass('Record', ['loss', 'rate', 'alarm'])",
    "a data class with slots": (
        "dataclasses.make_dataclass('Record', ['alarm', 'loss', 'rate'], slots=True)"
    ),
    "single precision": "lambda loss, rate, alarm: (np.float32(loss), np.float32(rate), alarm)",
    "an array": "lambda loss, rate, alarm: np.array([loss, rate, alarm], dtype=float)",
    "fractions": (
        "lambda loss, rate, alarm: (fractions.Fraction(loss), fractions.Fraction(rate), alarm)"
    ),
}
DRIFT_STEP = """
make_step = {0}
class Manager(Manager):
    def process(self, user, film, target):
        loss, rate, alarm = super().process(user, film, target)
        return make_step(loss=loss, rate=rate, alarm=alarm)
class SafeManager(Manager):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.saved = None
    def checkpoint(self):
        self.saved = copy.deepcopy((self.learner, self.detector, self.t))
    def rollback(self):
        self.learner, self.detector, self.t = copy.deepcopy(self.saved)
"""
DRIFT_NUMBERS = """
two_tails = p_value
class RunningStats(RunningStats):
    def variance(self):
        return ({0})(super().variance())
def p_value(old, new):
    variances = [float(np.ravel(each.variance())[0]) for each in (old, new)]
    error = math.sqrt(variances[0] / old.n + variances[1] / new.n)
    distance = abs(float(new.mean) - float(old.mean))
    if error == 0.0:
        return ({0})(float(distance == 0.0))
    return ({0})(math.erfc(distance / error / math.sqrt(2.0)))
class ShiftTest(ShiftTest):
    def update(self, value):
        alarm = super().update(value)
        self.p = float(np.ravel(self.p)[0])
        return alarm
"""
TRUTHS = {"0 and 1": "int", "0.0 and 1.0": "float", "numpy's truth": "np.bool_"}
DRIFT_TRUTH = """
class PageHinkley(PageHinkley):
    def update(self, value):
        return ({0})(super().update(value))
class ShiftTest(ShiftTest):
    def update(self, value):
        return ({0})(super().update(value))
class Watch(Watch):
    def update(self, value):
        return ({0})(super().update(value))
"""
PLACES = {
    "a double-ended queue": "collections.deque()",
    "an array from the module array": "array.array('q')",
    "a list of its own": "collections.UserList()",
}
DRIFT_PLACES = """
class Watch(Watch):
    def __init__(self, detector):
        super().__init__(detector)
        self.drift_at = {0}
"""
DRIFT_OTHERS = {
    "statistics with slots": """
class RunningStats:
    __slots__ = ("n", "mean", "squares")
    def __init__(self):
        self.n, self.mean, self.squares = 0, 0.0, 0.0
    def update(self, value):
        self.n += 1
        to_old = value - self.mean
        self.mean += to_old / self.n
        self.squares += to_old * (value - self.mean)
    def variance(self):
        return self.squares / (self.n - 1) if self.n > 1 else 0.0
""",
    "statistics in long doubles": """
class RunningStats(RunningStats):
    def update(self, value):
        super().update(np.longdouble(value))
""",
}


def filled(template, ways):
    return {name: template.format(way) for name, way in ways.items()}


WAYS = {
    "fm": {**filled(FM_NUMBERS, NUMBERS), **filled(FM_SEVERAL, SEVERAL), **FM_OTHERS},
    "drift": {
        **{f"steps: {name}": each for name, each in filled(DRIFT_STEP, STEPS).items()},
        **{f"numbers: {name}": each for name, each in filled(DRIFT_NUMBERS, NUMBERS).items()},
        **{f"alarms: {name}": each for name, each in filled(DRIFT_TRUTH, TRUTHS).items()},
        **{f"places: {name}": each for name, each in filled(DRIFT_PLACES, PLACES).items()},
        **DRIFT_OTHERS,
    },
}
CHECKS = {name: load_exercise(ROOT / "solutions" / name).check_ids for name in WAYS}
CASES = [(name, way, IMPORTS + source) for name in WAYS for way, source in WAYS[name].items()]


@pytest.mark.parametrize(("name", "way", "source"), CASES, ids=[f"{n}: {w}" for n, w, _ in CASES])
def test_in_the_notebook(name, way, source):
    folder = ROOT / "solutions" / name
    names = definitions(folder / f"{name}.ipynb")
    run(source, names)
    for report in reports(load_exercise(folder), names, seed=1):
        assert report.passed, report


GRADED = {name: dict(list(WAYS[name].items())[::3]) for name in WAYS}


def with_checks_last(name, *sources, outputs=()):
    """Return the solved notebook with further cells after all definitions, and the checks last."""
    notebook = read_notebook(ROOT / "solutions" / name / f"{name}.ipynb")
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    checks = [cell for cell in cells if cell["id"] in CHECKS[name]]
    defining = [cell for cell in cells if only_defines("".join(cell["source"]))]
    added = [code(source, f"added-{at}") for at, source in enumerate(sources)]
    for cell in added:
        cell["outputs"] = list(outputs)
    return {**notebook, "cells": [*defining, *added, *checks]}


def hand_in(folder, name, **notebooks):
    """Write notebooks as one folder for each student."""
    for student, notebook in notebooks.items():
        (folder / student).mkdir(parents=True)
        (folder / student / f"{name}.ipynb").write_text(json.dumps(notebook))
    return folder


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize("name", WAYS)
def test_when_graded(name, tmp_path):
    works = {
        f"way-{at}": with_checks_last(name, IMPORTS + source)
        for at, source in enumerate(GRADED[name].values())
    }
    points_of(name, hand_in(tmp_path / "in", name, **works), tmp_path / "out")


@pytest.mark.needs("bubblewrap")
def test_large_files_figures_and_prints_cost_nothing(tmp_path):
    figure = {
        "output_type": "display_data",
        "data": {"image/png": "iVBORw0KGgo" + "A" * 11_000_000},
        "metadata": {},
    }
    importing = "import helper\nassert helper.TABLE[-1] == 7"
    works = {
        "figures": with_checks_last("fm", "1 + 1", outputs=[figure]),
        "helper": with_checks_last("fm", importing),
        "linked": with_checks_last("fm", "1 + 1"),
        "prints": with_checks_last("fm", "for _ in range(200_000):\n    print('x' * 99)"),
    }
    folder = hand_in(tmp_path / "in", "fm", **works)
    table = ",".join("7" * 1_500_000)
    (folder / "helper" / "helper.py").write_text(f"TABLE = [{table}]\n")
    (tmp_path / "backup.ipynb").hardlink_to(folder / "linked" / "fm.ipynb")
    points_of("fm", folder, tmp_path / "out")


def points_of(name, submissions, out):
    """Grade a class in which everybody must get everything."""
    plan = load_plan(ROOT / "solutions" / name)
    run = grade_class(submissions, plan, ClassSettings(out=out, n_jobs=2, forked=True))
    for grade in run.reports:
        assert grade.report.points == grade.report.max_points > 0, (grade.student, grade.report)
