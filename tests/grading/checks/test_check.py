"""Points, outcomes and messages of a check, and what happens when the check itself is at fault."""

import dataclasses

import numpy as np
import pytest

from coursekit.core.records import restored
from coursekit.grading.checks import check, run_check
from coursekit.grading.checks.context import CLOSED, NOT_JUDGED
from coursekit.grading.checks.report import CheckReport, Outcome, Report
from coursekit.grading.errors import CheckBugError, StudentError, SubjectLost, WrongValue
from coursekit.grading.protocol.subject import LocalSubject


class Total:
    def __init__(self, value):
        self.value = value

    def add(self, amount):
        self.value += amount


@check("demo-1", points=3)
def addition(t):
    """Addition.

    More about it.
    """
    a, b = t.rng.normal(size=2)
    with t.part("two numbers", 1, hint="What does + do?") as p:
        p.close(t.subject.call("add", a, b), a + b, mistakes={"subtracts": a - b})
    with t.part("an accumulator", 2) as p:
        total = t.subject.new("Total", 1.0)
        total.call("add", a)
        p.close(total.get("value"), 1 + a, what="the total")


SAYS = {"subtracts": "That is a difference."}


def add(a, b):
    return a + b


def outcome_of(function=add, check=addition, **names):
    return run_check(check, LocalSubject({"add": function, **names}), seed=1, mistakes=SAYS)


def demo(points=1, **options):
    return check("demo-2", points=points, **options)


def test_a_right_solution_earns_all():
    report = outcome_of(Total=Total)
    assert (report.outcome, report.points, report.max_points) == (Outcome.PASSED, 3, 3)
    assert (report.title, report.message) == ("Addition.", "")


def test_points_of_one_part_survive_what_happens_in_another():
    report = outcome_of()
    assert (report.outcome, report.points, report.max_points) == (Outcome.COULD_NOT_RUN, 1, 3)
    assert "`Total` is not defined" in report.message


def test_points_of_one_part_survive_the_end_of_the_solution():
    class Dying(LocalSubject):
        def exchange(self, request):
            if "Total" in request:
                raise SubjectLost("The process ended.")
            return super().exchange(request)

    report = run_check(addition, Dying({"add": add}), seed=1, mistakes=SAYS)
    assert (report.outcome, report.points, report.message) == (
        Outcome.COULD_NOT_RUN,
        1,
        "The process ended.",
    )


def test_a_known_mistake_is_named_and_a_hint_is_given():
    report = outcome_of(lambda a, b: a - b, Total=Total)
    assert (report.message, report.misconceptions, report.points) == (
        "That is a difference.",
        ("subtracts",),
        2,
    )
    assert report.parts[0].hint == "What does + do?"


def test_a_mistake_that_makes_no_difference_is_not_recognised():
    @demo()
    def nothing_added(t):
        """Nothing added."""
        with t.part("zero", 1) as p:
            p.close(t.subject.call("add", 2.0, 0.0), 2.0, mistakes={"subtracts": 2.0})

    report = outcome_of(lambda a, b: 7.0, nothing_added)
    assert (report.message, report.misconceptions) == ("The value is 7, expected 2", ())


def test_a_stub_is_not_attempted():
    def stub(a, b):
        raise NotImplementedError

    assert outcome_of(stub, Total=Total).outcome is Outcome.NOT_ATTEMPTED


def test_a_solution_that_stops_a_check_between_parts_loses_only_the_rest():
    @demo(points=5)
    def in_between(t):
        """In between."""
        with t.part("before", 2) as p:
            p.equal(t.subject.call("add", 1, 1), 2)
        t.subject.call("nobody")
        with t.part("after", 3) as p:
            p.that(True, "never reached")

    report = outcome_of(check=in_between)
    assert (report.points, report.max_points, report.parts[-1].name) == (2, 5, "preparation")


def test_a_part_that_compared_nothing_fails():
    @demo()
    def empty(t):
        """Whatever is there."""
        with t.part("each", 1) as p:
            for number in t.array(t.subject.call("add", [], []), (None,)):
                p.that(bool(number > 0), "positive")

    report = outcome_of(check=empty)
    assert (report.points, report.message) == (0, "There was nothing to compare")


@pytest.mark.parametrize("condition", [False, 0, 1, "yes", None, np.array([True]), np.bool_(False)])
def test_only_a_true_truth_value_is_true(condition):
    @demo()
    def claim(t):
        """A claim."""
        with t.part("holds", 1) as p:
            p.that(condition, "it does not hold")

    assert outcome_of(check=claim).message == "it does not hold"


def test_a_numpy_truth_value_will_do():
    @demo()
    def claim(t):
        """A claim."""
        with t.part("holds", 1) as p:
            p.that(np.bool_(True), "it does not hold")

    assert outcome_of(check=claim).passed


def test_a_grader_reveals_neither_values_nor_the_students_own_words():
    @demo(points=2)
    def secretive(t):
        """Secrets."""
        with t.part("value", 1) as p:
            p.close(t.subject.call("add", 1.0, 2.0), 0.574)
        with t.part("words", 1) as p:
            p.close(t.subject.call("fail", 4711), 0.0)

    def fail(secret):
        raise ValueError(f"the input was {secret}")

    subject = LocalSubject({"add": add, "fail": fail})
    hidden = run_check(secretive, subject, seed=1, reveal=False)
    assert [part.message for part in hidden.parts] == [CLOSED[WrongValue], CLOSED[StudentError]]
    shown = run_check(secretive, subject, seed=1)
    assert "0.574" in shown.parts[0].message
    assert "4711" in shown.parts[1].message


def test_what_a_solution_says_reaches_the_report_without_control_characters():
    def fail(a, b):
        raise ValueError("\x1b[2J\u202e\udce0" + "x" * 5000)

    message = outcome_of(fail, Total=Total).parts[0].message
    assert message.startswith("ValueError: [2Jxxx")
    assert len(message) <= 600


def test_chance_is_decided_by_seed_name_and_tier():
    def drawn(check_id, tier, seed):
        numbers = []

        @check(check_id, points=1, tier=tier)
        def draw(t):
            """Draw."""
            numbers.append(t.rng.random())
            with t.part("any", 1) as p:
                p.that(True, "")

        run_check(draw, LocalSubject({}), seed=seed)
        return numbers[0]

    first = drawn("demo-1", "visible", 7)
    assert first == drawn("demo-1", "visible", 7)
    others = {
        drawn("demo-1", "hidden", 7),
        drawn("demo-2", "visible", 7),
        drawn("demo-1", "visible", 8),
        drawn("demo-1", "visible", "x"),
    }
    assert len({first, *others}) == 5


def test_seconds_come_from_the_timer_handed_in():
    ticks = iter([10.0, 12.5])
    assert (
        run_check(
            addition, LocalSubject({}), seed=1, mistakes=SAYS, timer=lambda: next(ticks)
        ).seconds
        == 2.5
    )


class TestAContainedBugOfTheCheck:
    """Where solutions are judged, a check that fails leaves only its own rest unjudged."""

    @staticmethod
    def outcome(function, points):
        subject = LocalSubject({"add": add})
        return run_check(check("demo-2", points=points)(function), subject, seed=1, contain=True)

    @pytest.mark.parametrize("error", [ZeroDivisionError, MemoryError, RecursionError, TypeError])
    def test_finished_parts_keep_their_points(self, error):
        def raises(t):
            """Raises."""
            with t.part("before", 2) as p:
                p.equal(t.subject.call("add", 1, 1), 2)
            with t.part("boom", 1) as p:
                raise error("what was said")
            with t.part("after", 3) as p:
                p.that(True, "")

        report = self.outcome(raises, 6)
        assert (report.outcome, report.points, report.max_points) == (Outcome.NOT_JUDGED, 2, 6)
        assert [(part.outcome, part.max_points) for part in report.parts] == [
            (Outcome.PASSED, 2),
            (Outcome.NOT_JUDGED, 4),
        ]
        assert report.message == NOT_JUDGED
        assert report.fault == f"Check demo-2 (visible) raised {error.__name__}: what was said"
        assert restored(CheckReport, report.to_json()) == report

    @pytest.mark.parametrize("worth", [1, 3])
    def test_parts_that_are_not_worth_what_was_promised(self, worth):
        def other(t):
            """Other points."""
            with t.part("one", worth) as p:
                p.that(True, "")

        report = self.outcome(other, 2)
        assert (report.points, report.max_points) == (1 if worth == 1 else 0, 2)
        assert report.outcome is Outcome.NOT_JUDGED

    def test_a_report_says_which_checks_were_judged(self):
        def raises(t):
            """Raises."""
            raise ValueError

        failed, passed = self.outcome(raises, 1), outcome_of(Total=Total)
        report = Report(exercise="demo", checks=(failed, passed))
        assert not report.is_judged()
        assert not report.is_judged("demo-2")
        assert report.is_judged("demo-1")


class TestABugOfTheCheck:
    """Nothing is graded with a check that is at fault."""

    def test_an_exception_of_its_own_in_a_part(self):
        @demo()
        def broken(t):
            """Broken."""
            with t.part("boom", 1) as p:
                p.equal(1 / 0, 1)

        with pytest.raises(CheckBugError, match=r"demo-2 .visible. raised ZeroDivisionError"):
            outcome_of(check=broken)

    def test_parts_that_are_not_worth_what_was_promised(self):
        @demo(points=2)
        def stingy(t):
            """Stingy."""
            with t.part("one", 1) as p:
                p.that(True, "")

        with pytest.raises(CheckBugError, match="worth 1, expected 2"):
            outcome_of(check=stingy)

    def test_a_mistake_without_a_message(self):
        with pytest.raises(CheckBugError, match="'subtracts', which has no message"):
            run_check(addition, LocalSubject({"add": add}), seed=1, mistakes={})

    def test_no_points(self):
        with pytest.raises(CheckBugError, match="`points` of demo-2 must be greater than 0, got 0"):
            demo(points=0)

    def test_a_false_failure_rate_that_is_too_high(self):
        with pytest.raises(CheckBugError, match=r"must be in \[0, 0.0001\], got 0.05"):
            demo(false_failure_rate=0.05)


def test_reports_survive_json():
    one = outcome_of(lambda a, b: a - b, Total=Total)
    assert restored(CheckReport, one.to_json()) == one
    both = Report(
        exercise="demo",
        checks=(one, dataclasses.replace(one, tier="hidden")),
        submission="ada",
        sandbox="x",
        notes=("n",),
    )
    assert restored(Report, both.to_json()) == both
    assert both.score("demo-1") == (4, 6)


def test_a_report_without_checks_has_not_passed():
    assert not Report(exercise="demo", checks=()).passed
