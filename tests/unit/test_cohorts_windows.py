"""Windows, phases, courses and the trace at every edge, on registries small enough to work out by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.induction import InductionRule
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.cohorts.window_scores import placed_windows, window_days
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.visit_window import (
    BASELINE_WINDOW,
    DEFAULT_VISITS,
    VisitWindow,
    anchors_of,
    in_order_of_time,
    require_separate,
)

_SPEC = importlib.util.spec_from_file_location("hand_made", Path(__file__).with_name("test_cohorts_selection.py"))
hand = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hand)
dose, phq, people, registry_of = hand.dose, hand.phq, hand.people, hand.registry_of

NOBODY_ASKED = CohortDefinition(criteria=())


def scores_of(sessions, scores, *windows, n=1, rules=NOBODY_ASKED, **more):
    """Return the scores of the first patient at the windows, None where there is none."""
    data = select_cohort(registry_of(people(n), sessions, scores, **more), rules).analysis_set(visits=windows)
    assert data.n_patients == n
    return [None if np.isnan(score) else score for score in data.scores[0]]


def number_of(data, name):
    variable = data.variable(name)
    assert variable.known_by_day > 0
    codes = [int(code) for code in np.asarray(variable.values)]
    return [float(variable.levels[code].split()[0]) for code in codes] if variable.kind == "category" else codes


class TestWindowRecord:
    def test_an_anchor_or_choice_that_is_not_there_is_refused(self):
        for anchor in ("dose 0", "dose", "dose six", "Dose 6", "second dose", "dose 06", "end of maintenance"):
            with pytest.raises(OptionError, match="anchor"):
                VisitWindow("v", 0, 0, 7, anchor=anchor)
        with pytest.raises(OptionError, match="choice"):
            VisitWindow("v", 0, 0, 7, choice="median")

    def test_dose_1_is_the_first_dose(self):
        window = VisitWindow("v", 7, 0, 7, anchor="dose 1")
        assert window == VisitWindow("v", 7, 0, 7)
        assert (window.dose_number, window.is_anchored_later) == (1, False)

    def test_what_day_zero_holds(self):
        after = VisitWindow("v", 0, 0, 7, anchor="dose 2")
        before = VisitWindow("v", 0, -7, 0, anchor="dose 2")
        around = VisitWindow("v", 0, -7, 7, anchor="dose 2")
        found = [
            [window.holds(0, is_after=is_after) for is_after in (False, True)] for window in (after, before, around)
        ]
        assert found == [[False, True], [True, False], [True, True]]

    def test_windows_of_one_anchor_may_not_share_a_day_and_those_of_two_may(self):
        week = VisitWindow("week", 7, 1, 14)
        require_separate((week, VisitWindow("later", 7, 1, 14, anchor="dose 3")))
        with pytest.raises(DesignError, match="share day 14"):
            require_separate((week, VisitWindow("next", 20, 14, 21)))
        with pytest.raises(DesignError, match="share day 5"):
            require_separate([VisitWindow(name, 5, 5, 9, anchor="dose 3") for name in ("one", "two")])

    def test_before_and_after_a_dose_meet_on_its_day(self):
        before, after = VisitWindow("b", 0, -7, 0, anchor="dose 3"), VisitWindow("a", 0, 0, 7, anchor="dose 3")
        require_separate((after, before))
        with pytest.raises(DesignError, match="share day 0"):
            require_separate((after, VisitWindow("b", 0, -7, 1, anchor="dose 3")))

    def test_the_order_is_that_of_the_anchors_and_of_the_days(self):
        visits = [
            VisitWindow("m", 3, 1, 5, anchor="first dose of maintenance"),
            VisitWindow("d10", 3, 1, 5, anchor="dose 10"),
            VisitWindow("e", 3, 1, 5, anchor="end of induction"),
            VisitWindow("d2 later", 9, 6, 10, anchor="dose 2"),
            VisitWindow("d2", 3, 1, 5, anchor="dose 2"),
            *DEFAULT_VISITS[::-1],
        ]
        names = [visit.name for visit in in_order_of_time(visits)]
        assert names == ["week 4", "week 8", "week 12", "d2", "d2 later", "d10", "e", "m"]
        assert anchors_of(visits)[-2:] == ("end of induction", "first dose of maintenance")

    def test_each_day_of_each_window_stands_in_the_table_once_in_the_order_of_its_rank(self):
        days = window_days(placed_windows(BASELINE_WINDOW, (VisitWindow("v", 1, 0, 2, choice="last"),)))
        rows = list(zip(*(days[name].tolist() for name in ("course_day", "is_after_dose", "position")), strict=True))
        assert rows == [*((day, 0, 0) for day in range(0, -15, -1)), (2, 1, 1), (1, 1, 1), (0, 1, 1)]


class TestChoices:
    SCORES = (phq(1, 22, 3), phq(1, 26, 5), phq(1, 30, 8), phq(1, 40, 20))

    @pytest.mark.parametrize(
        ("choice", "score"), [("nearest", 5.0), ("first", 3.0), ("last", 20.0), ("mean", (3 + 5 + 8 + 20) / 4)]
    )
    def test_which_score_of_a_window_is_taken(self, choice, score):
        window = VisitWindow("v", 28, 21, 41, choice=choice)
        assert scores_of([dose(1, 0)], self.SCORES, window) == [score]

    def test_a_mean_is_the_same_number_in_any_order_of_adding(self):
        totals = [0, 27, 1, 26, 2, 25, 3]
        rows = [phq(1, day, total) for day, total in enumerate(totals, start=1)]
        window = VisitWindow("v", 5, 1, 10, choice="mean")
        assert scores_of([dose(1, 0)], rows, window) == scores_of([dose(1, 0)], rows[::-1], window) == [84 / 7]

    @pytest.mark.parametrize(("choice", "score"), [("last", 9.0), ("nearest", 4.0), ("mean", 6.5)])
    def test_the_baseline_can_be_chosen_as_well(self, choice, score):
        window = VisitWindow("baseline", -7, -14, 0)
        rules = CohortDefinition(criteria=(), baseline_choice=choice, baseline_window=window)
        cohort = select_cohort(registry_of(people(1), [dose(1, 0)], [phq(1, -8, 4), phq(1, 0, 9)]), rules)
        assert cohort.analysis_set().baseline.tolist() == [score]
        table = cohort.courses()
        assert (table["baseline_score"].tolist(), table["baseline_day"].tolist()) == (
            [score],
            [-8 if choice == "nearest" else 0],
        )

    def test_a_criterion_asks_about_the_baseline_that_is_chosen(self):
        rows = [phq(1, -3, 8), phq(1, 0, 13), phq(2, -3, 9), phq(2, 0, 10)]
        asked = (Criterion("baseline_score", ">=", 10, "mild"),)
        rules = CohortDefinition(criteria=asked, baseline_choice="mean")
        cohort = select_cohort(registry_of(people(2), [dose(1, 0), dose(2, 0)], rows), rules)
        assert cohort.analysis_set().baseline.tolist() == [10.5]
        assert cohort.attrition[-1].n_excluded == 1

    def test_a_baseline_window_says_neither_anchor_nor_choice(self):
        for window in (VisitWindow("b", 0, -7, 0, choice="mean"), VisitWindow("b", 0, -7, 0, anchor="dose 3")):
            with pytest.raises(DesignError, match="baseline_choice"):
                CohortDefinition(baseline_window=window)
        with pytest.raises(OptionError, match="baseline_choice"):
            CohortDefinition(baseline_choice="first")

    def test_the_settings_say_what_was_chosen(self):
        rules = CohortDefinition(criteria=(), baseline_choice="mean")
        cohort = select_cohort(registry_of(people(1), [dose(1, 0)], []), rules)
        visits = (
            VisitWindow("soon", 3, 1, 7, choice="mean"),
            VisitWindow("d", 0, -3, 0, anchor="dose 4", choice="last"),
        )
        settings = dict(cohort.analysis_set(visits=visits).provenance.settings)
        assert settings["baseline rule"].startswith("mean of the scores on course day -14 to 0")
        assert (
            settings["visits"] == "soon: day 3 (1 to 7), mean of the scores; d: day 0 (-3 to 0) from dose 4, last score"
        )


class TestAnchors:
    DOSES = tuple(dose(1, day) for day in (0, 7, 14, 21))

    def test_days_count_from_the_dose(self):
        rows = [phq(1, 20, 1), phq(1, 22, 2), phq(1, 28, 3), phq(1, 29, 4)]
        window = VisitWindow("v", 7, 1, 7, anchor="dose 4")
        assert scores_of(self.DOSES, rows, window) == [3.0]

    def test_who_never_had_the_dose_has_no_score(self):
        assert scores_of(self.DOSES, [phq(1, 28, 3)], VisitWindow("v", 7, 1, 7, anchor="dose 5")) == [None]

    def test_the_dose_is_one_of_the_analyzed_course(self):
        doses = [*self.DOSES, dose(1, 200), dose(1, 207)]
        rules = CohortDefinition(criteria=(), course=2)
        window = VisitWindow("v", 3, 1, 7, anchor="dose 2")
        assert scores_of(doses, [phq(1, 10, 3), phq(1, 209, 8)], window, rules=rules) == [8.0]

    @pytest.mark.parametrize(("minute", "before", "after"), [(None, 9.0, None), (590, 9.0, None), (610, None, 9.0)])
    def test_on_the_day_of_the_dose_only_a_later_minute_is_after_it(self, minute, before, after):
        doses = [dose(1, 0), dose(1, 7, 600)]
        windows = (VisitWindow("b", 0, -3, 0, anchor="dose 2"), VisitWindow("a", 0, 0, 3, anchor="dose 2"))
        assert scores_of(doses, [phq(1, 7, 9, minute)], *windows) == [before, after]

    def test_a_score_at_the_first_dose_is_no_visit_before_the_second(self):
        window = VisitWindow("b", 0, -7, 0, anchor="dose 2", choice="first")
        assert scores_of([dose(1, 0), dose(1, 7)], [phq(1, 0, 20), phq(1, 3, 9)], window) == [9.0]

    def test_two_doses_of_one_day_are_two_doses(self):
        doses = [dose(1, 0, 600), dose(1, 0, 900), dose(1, 7)]
        windows = (VisitWindow("2", 1, 1, 1, anchor="dose 2"), VisitWindow("3", 1, 1, 1, anchor="dose 3"))
        assert scores_of(doses, [phq(1, 1, 5), phq(1, 8, 6)], *windows) == [5.0, 6.0]

    def test_phases_anchor_too(self):
        doses = [*self.DOSES, dose(1, 60), dose(1, 90)]
        windows = (
            VisitWindow("end", 7, 1, 14, anchor="end of induction"),
            VisitWindow("boost", 0, -5, 0, anchor="first dose of maintenance"),
        )
        assert scores_of(doses, [phq(1, 27, 3), phq(1, 58, 12)], *windows) == [3.0, 12.0]
        assert scores_of(self.DOSES, [phq(1, 27, 3)], *windows) == [3.0, None]

    def test_the_default_visit_is_one_that_counts_from_the_first_dose(self):
        later = VisitWindow("later", 7, 1, 14, anchor="dose 2")
        cohort = select_cohort(registry_of(people(1), self.DOSES, []), NOBODY_ASKED)
        data = cohort.analysis_set(visits=(later, *DEFAULT_VISITS))
        assert [visit.name for visit in data.visits] == ["week 4", "week 8", "week 12", "later"]
        assert data.visit().name == "week 12"
        assert data.later_anchored == (later,)
        assert cohort.analysis_set(visits=(later,)).visit() == later

    def test_only_anchored_windows_may_begin_before_their_dose(self):
        cohort = select_cohort(registry_of(people(1), self.DOSES, []), NOBODY_ASKED)
        with pytest.raises(DesignError, match="begins on day -1"):
            cohort.analysis_set(visits=(VisitWindow("v", 0, -1, 5),))


class TestInduction:
    def phases(self, *days, **rule):
        rules = CohortDefinition(criteria=(), gap_days=400, induction=InductionRule(**rule))
        data = select_cohort(registry_of(people(1), [dose(1, day) for day in days], []), rules).analysis_set()
        names = ("induction_doses", "end_of_induction_day", "maintenance_doses", "reinductions")
        return [int(np.asarray(data.variable(name).values)[0]) for name in names]

    def test_a_gap_of_fourteen_days_continues_it_and_of_fifteen_ends_it(self):
        assert self.phases(0, 14) == [2, 14, 0, 0]
        assert self.phases(0, 15) == [1, 0, 1, 0]

    def test_the_ninth_dose_is_maintenance(self):
        assert self.phases(*range(0, 63, 7)) == [8, 49, 1, 0]
        assert self.phases(*range(0, 63, 7), most_doses=9) == [9, 56, 0, 0]

    def test_doses_after_a_gap_never_return_to_the_induction(self):
        assert self.phases(0, 7, 30, 37) == [2, 7, 2, 0]

    def test_a_run_of_three_within_twenty_one_days_is_a_re_induction(self):
        assert self.phases(0, 7, 60, 70, 81) == [2, 7, 3, 1]
        assert self.phases(0, 7, 60, 74, 82) == [2, 7, 3, 0]  # the third comes 22 days after the first of the run
        assert self.phases(0, 7, 60, 67) == [2, 7, 2, 0]
        assert self.phases(0, 7, 60, 67, 74, 120, 127, 134) == [2, 7, 6, 2]

    def test_what_follows_without_a_gap_is_no_re_induction(self):
        assert self.phases(*range(0, 84, 7)) == [8, 49, 4, 0]

    def test_phases_can_define_no_groups(self):
        doses = [dose(1, 0), dose(1, 30), dose(2, 0)]
        data = select_cohort(registry_of(people(2), doses, []), NOBODY_ASKED).analysis_set()
        assert number_of(data, "maintenance_doses") == [0, 1]
        with pytest.raises(ImmortalTimeError):
            data.groups("any_reinduction")
        with pytest.raises(DesignError):
            select_cohort(data_registry(), NOBODY_ASKED).analysis_set(covariates=["n_courses"])

    @pytest.mark.parametrize(
        "rule", [{"largest_gap_days": -1}, {"most_doses": 0}, {"reinduction_doses": 1}, {"reinduction_days": 2.5}]
    )
    def test_rules_that_cannot_be_applied_are_refused(self, rule):
        with pytest.raises(DesignError, match=next(iter(rule))):
            InductionRule(**rule)


def data_registry():
    return registry_of(people(2), [dose(1, 0), dose(2, 0), dose(2, 200)], [])


class TestWhichCourse:
    DOSES = (dose(1, 0), dose(1, 100), dose(1, 107), dose(1, 300), dose(2, 0))
    SCORES = (phq(1, -1, 20), phq(1, 28, 10), phq(1, 99, 15), phq(1, 128, 7), phq(1, 300, 12), phq(2, 0, 18))

    def baselines(self, course):
        rules = CohortDefinition(criteria=(), course=course)
        cohort = select_cohort(registry_of(people(2), self.DOSES, self.SCORES), rules)
        return cohort, sorted(cohort.analysis_set().baseline.tolist())

    def test_time_zero_is_the_first_dose_of_the_course(self):
        assert self.baselines("first")[1] == self.baselines(1)[1] == [18.0, 20.0]
        cohort, baselines = self.baselines(2)
        assert baselines == [15.0]
        assert cohort.analysis_set().scores[0].tolist()[0] == 7.0
        assert self.baselines("last")[1] == [12.0, 18.0]

    def test_who_has_no_such_course_is_counted(self):
        cohort, _ = self.baselines(2)
        assert [(step.step, step.reason, step.n_excluded) for step in cohort.attrition[1:]] == [
            ("with a first dose", "no dosing session", 0),
            (
                "with a first dose on a certain day",
                "a dosing session was rejected, so the first dose is uncertain",
                0,
            ),
            ("with course 2", "fewer than 2 courses", 1),
        ]
        assert (cohort.n_courses, cohort.n_repeat_courses) == (3, 2)
        assert cohort.population == "patients with course 2"

    def test_what_is_known_only_in_the_end_is_said(self):
        data = self.baselines("last")[0].analysis_set()
        assert any("only at the end of the data" in note for note in data.notes)
        assert not any("course" in note for note in self.baselines("first")[0].analysis_set().notes)

    def test_variables_are_those_of_the_course(self):
        doses = (dose(1, 0, route="intravenous"), dose(1, 100, route="sublingual"), dose(1, 107))
        rules = CohortDefinition(criteria=(), course="last")
        data = select_cohort(registry_of(people(1), doses, []), rules).analysis_set()
        assert data.variable("route").levels == ("sublingual",)
        assert data.variable("n_doses").values.tolist() == [2.0]

    def test_integration_counts_from_the_course(self):
        sessions = [*self.DOSES, hand.integration(1, 2), hand.integration(1, 101), hand.integration(1, 105)]
        rules = CohortDefinition(criteria=(), course=2)
        data = select_cohort(registry_of(people(2), sessions, []), rules).analysis_set()
        assert data.variable("integration_within_7_days").values.tolist() == [1.0]
        assert number_of(data, "integration_sessions_by_day_28") == [2]

    @pytest.mark.parametrize("course", [0, -1, "second", 1.0, True])
    def test_other_courses_are_refused(self, course):
        with pytest.raises(DesignError, match="course"):
            CohortDefinition(course=course)


@pytest.fixture(scope="module")
def data():
    registry = kat.simulate_registry(seed=3, n_patients=120)
    visits = (*DEFAULT_VISITS, VisitWindow("after dose 3", 3, 0, 6, anchor="dose 3"))
    return kat.select_cohort(registry).analysis_set(visits=visits, treatment="program_booked")


class TestAnalysesAtAnchoredVisits:
    def test_results_warn(self, data):
        for result in (
            kat.change_from_baseline(data),
            kat.participant_flow(data),
            kat.clinical_significance(data, visit="after dose 3"),
        ):
            assert [warning for warning in result.warnings if "'after dose 3' count from dose 3" in warning]
            assert "'after dose 3'" in " ".join(result.to_table().footnotes)
        assert not any("after time zero" in warning for warning in kat.clinical_significance(data).warnings)

    def test_no_comparison_ends_there(self, data):
        with pytest.raises(DesignError, match="dose 3, which lies after time zero"):
            kat.cohort_difference(data, visit="after dose 3")
        assert kat.cohort_difference(data).estimates[0].visit == "week 12"

    def test_figures_leave_them_out_and_say_so(self, data):
        result = kat.change_from_baseline(data)
        figure = result.plot("trajectory")
        assert "after dose 3" not in {row[1] for row in figure.rows}
        assert "Not drawn, because their days count from a later dose: after dose 3." in figure.alt_text
        assert "week 12" in result.plot("paired_change").title
        assert "after dose 3" in result.plot("paired_change", visit="after dose 3").title


class TestScoresOutside:
    def test_each_score_in_no_window_is_counted(self):
        scores = (
            *(phq(1, -20, 1), phq(1, -9, 2), phq(1, 0, 3, 540), phq(1, 0, 9, 700), phq(1, 15, 4), phq(1, 30, 5)),
            *(phq(2, -30, 6), phq(2, 200, 7), phq(2, 84, 8)),
        )
        scores = tuple(score for number, score in enumerate(scores) if number != 3)
        cohort = select_cohort(
            registry_of(people(2), (dose(1, 0, 600), dose(2, 0, 600)), scores), CohortDefinition(criteria=())
        )
        assert cohort.analysis_set().n_scores_outside == 4  # of patient 1 on days -20 and 15, of patient 2 -30 and 200
        wide = (VisitWindow("all", 28, 1, 400),)
        assert cohort.analysis_set(visits=wide).n_scores_outside == 2
        trace = [cohort.trace(key) for key in ("p01", "p02")]
        assert sum(((one["record"] == "score") & (one["windows"] == "")).sum() for one in trace) == 4

    def test_windows_of_a_later_dose_leave_it_open(self):
        cohort = select_cohort(
            registry_of(people(1), (dose(1, 0, 600), dose(1, 7, 600)), (phq(1, -1, 9),)), CohortDefinition(criteria=())
        )
        later = (VisitWindow("after dose 2", 7, 1, 13, anchor="dose 2"),)
        assert cohort.analysis_set(visits=later).n_scores_outside is None


class TestTrace:
    DOSES = (dose(1, 0, 600), dose(1, 7, 600), dose(1, 120))
    SCORES = (phq(1, -20, 1), phq(1, -9, 2), phq(1, 0, 3, 540), phq(1, 26, 4), phq(1, 30, 5), phq(1, 56, 6))

    def trace(self, *visits, scores=SCORES, **rules):
        cohort = select_cohort(registry_of(people(1), self.DOSES, scores), CohortDefinition(criteria=(), **rules))
        return cohort.trace("p01", visits=visits or DEFAULT_VISITS)

    def test_every_decision_has_its_reason(self):
        trace = self.trace()
        scores = trace[trace["record"] == "score"].set_index("score")
        assert scores["why"].tolist() == [
            "before the first dose, in no window",
            "baseline: not chosen, a later one is in the window",
            "baseline: chosen, the last of 2 scores in the window",
            "week 4: chosen, the nearest to day 28 of 2 scores in the window",
            "week 4: not chosen, an earlier score is equally near to day 28",
            "week 8: chosen, the only score in the window",
        ]
        assert scores["chosen_for"].tolist() == ["", "", "baseline", "week 4", "", "week 8"]

    def test_it_prints_every_reason_in_full(self):
        trace = self.trace()
        longest = max(trace["why"], key=len)
        assert len(longest) > 50
        for shown in (trace, trace[["day", "why"]], trace.query("record == 'score'")):
            assert all(why in repr(shown) for why in shown["why"])
            assert "…" not in repr(shown)
            assert max(shown["why"], key=len).split(";")[-1] in shown._repr_html_()

    def test_doses_say_which_course_they_belong_to(self):
        doses = self.trace().query("record == 'dosing session'")
        assert doses["why"].tolist() == [
            "the first dosing session; time zero: the first dose of the analyzed course",
            "continues course 1: 7 days after the dose before, not more than 90",
            "begins course 2: 113 days after the dose before, more than 90",
        ]
        assert doses["phase"].tolist() == ["induction", "induction", ""]
        assert doses["dose"].tolist()[:2] == [1, 2]

    def test_a_mean_and_the_day_of_the_dose(self):
        scores = (phq(1, 0, 9, 601), phq(1, 3, 5), phq(1, 5, 7))
        trace = self.trace(VisitWindow("mean", 3, 1, 6, choice="mean"), scores=scores).query("record == 'score'")
        assert trace["why"].tolist() == [
            "after the first dose (on its day it counts as after it), in no window",
            "mean: one of 2 scores in the window, whose mean is taken",
            "mean: one of 2 scores in the window, whose mean is taken",
        ]

    def test_who_is_left_out_is_told_why(self):
        asked = (Criterion("age_years", ">=", 50, "under 50"),)
        patients = [{"patient": 1, "age_years": 60}, {"patient": 2, "age_years": 40}]
        registry = registry_of(patients, [dose(1, 0), dose(2, 0)], [phq(2, 0, 9)])
        trace = select_cohort(registry, CohortDefinition(criteria=asked)).trace("p02")
        assert trace["why"].tolist()[0] == "not in the cohort: under 50"
        assert trace["chosen_for"].tolist() == ["", "", ""]

    def test_a_key_that_is_not_there_is_not_repeated(self):
        cohort = select_cohort(registry_of(people(1), self.DOSES, self.SCORES), NOBODY_ASKED)
        with pytest.raises(OptionError) as caught:
            cohort.trace("somebody's name")
        assert "somebody" not in str(caught.value)
