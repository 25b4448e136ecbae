"""Every rule of selection on registries small enough to work out by hand.

The registries are the engine's tables filled by hand (docs/reference/schema.md, "Inside the engine"), so that these
tests hold whatever reads the files.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.definition import DEFAULT_CRITERIA, CohortDefinition
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.cohorts.stages import cohort_tables
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.visit_window import DEFAULT_VISITS, VisitWindow
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.reading import read_registry

PATIENT_COLUMNS = {
    "patient": "bigint",
    "patient_id": "varchar",
    "site": "varchar",
    "age_years": "integer",
    "age_band": "varchar",
    "sex": "varchar",
    "diagnoses": "varchar",
    "prior_antidepressant_trials": "integer",
    "program_booked": "varchar",
    "index_quarter": "varchar",
}
SESSION_COLUMNS = {
    "session": "bigint",
    "session_id": "varchar",
    "patient": "bigint",
    "day": "integer",
    "minute": "integer",
    "kind": "varchar",
    "route": "varchar",
    "dose_mg": "double",
    "approach": "varchar",
}
SCORE_COLUMNS = {
    "score": "bigint",
    "patient": "bigint",
    "day": "integer",
    "minute": "integer",
    "instrument": "varchar",
    "total": "integer",
}
UNCERTAIN = "a dosing session was rejected, so the first dose is uncertain"
PHASES = (
    "n_doses",
    "induction_doses",
    "end_of_induction_day",
    "maintenance_doses",
    "reinductions",
    "any_reinduction",
    "n_courses",
)
NOBODY_ASKED = CohortDefinition(criteria=())
DAY = 1440


def literal(value):
    return "null" if value is None else repr(value)


def fill(engine, name, columns, rows):
    def one(row):
        return ", ".join(f"cast({literal(row.get(column))} as {kind}) as {column}" for column, kind in columns.items())

    text = " union all ".join(f"select {one(row)}" for row in rows) or f"select {one({})} where false"
    engine.materialize(name, text)


def registry_of(patients, sessions, scores, *, extra=(), has_minutes=True, uncertain=()):
    """Return a registry of rows; `extra` names eligible_* and covariate_* columns, `uncertain` patients by number."""
    engine = Engine()
    columns = PATIENT_COLUMNS | {name: "integer" if name.startswith("eligible") else "double" for name in extra}
    numbered = [{"patient_id": f"p{row['patient']:02d}", "age_years": 40} | row for row in patients]
    fill(engine, "patients", columns, numbered)
    keyed = [{"session": n, "session_id": f"s{n:04d}"} | row for n, row in enumerate(sessions, start=1)]
    fill(engine, "sessions", SESSION_COLUMNS, keyed)
    fill(engine, "scores", SCORE_COLUMNS, [{"score": n} | row for n, row in enumerate(scores, start=1)])
    fill(engine, "uncertain_index_days", {"patient": "bigint"}, [{"patient": number} for number in uncertain])
    days = [(row["patient"], row["day"]) for row in sessions if row["kind"] == "dosing"]
    crowded = (SimpleNamespace(rule="doses_on_one_day"),) * (len(set(days)) < len(days))
    return SimpleNamespace(
        load_report=SimpleNamespace(warnings=crowded),
        stages={},
        engine=engine,
        digest="0" * 64,
        patient_columns=tuple(extra),
        has_minutes=has_minutes,
        is_synthetic=True,
        settings=(),
    )


def dose(patient, day, minute=None, **more):
    return {"patient": patient, "day": day, "minute": minute, "kind": "dosing"} | more


def integration(patient, day, minute=None):
    return {"patient": patient, "day": day, "minute": minute, "kind": "integration"}


def phq(patient, day, total, minute=None):
    return {"patient": patient, "day": day, "minute": minute, "instrument": "phq9", "total": total}


def people(n):
    return [{"patient": number} for number in range(1, n + 1)]


def by_patient(cohort, column):
    """Return the column of the analyzed courses, a list in the order of patients, None where it is unknown."""
    table = cohort.courses()
    values = table.loc[table["is_analyzed"] == 1, column]
    return [None if pd.isna(value) else value for value in values]


def values_of(data, name):
    return np.asarray(data.variable(name).values).tolist()


class TestCourses:
    def test_a_gap_of_ninety_days_continues_and_of_ninety_one_begins_anew(self):
        doses = [dose(1, 0), dose(1, 90), dose(2, 0), dose(2, 91)]
        doses += [dose(3, 0), dose(3, 50), dose(3, 140), dose(3, 231), dose(3, 240)]
        cohort = select_cohort(registry_of(people(3), doses, []), NOBODY_ASKED)
        table = cohort.courses()
        assert table["patient_id"].tolist() == ["p01", "p02", "p02", "p03", "p03"]
        assert table["course"].tolist() == [1, 1, 2, 1, 2]
        assert table["first_day"].tolist() == [0, 0, 91, 0, 231]
        assert table["last_day"].tolist() == [90, 0, 91, 140, 240]
        assert table["n_doses"].tolist() == [2, 1, 1, 3, 2]
        assert (cohort.n_patients, cohort.n_courses, cohort.n_repeat_courses) == (3, 5, 2)

    def test_the_gap_is_counted_from_the_last_dose_not_from_the_first(self):
        doses = [dose(1, day) for day in (0, 60, 120, 180)]
        cohort = select_cohort(registry_of(people(1), doses, []), CohortDefinition(gap_days=60, criteria=()))
        assert cohort.n_repeat_courses == 0

    def test_the_first_dose_of_a_day_is_the_earlier_one_and_a_dose_without_a_minute_comes_last(self):
        doses = [
            dose(1, 0, 900, route="sublingual", dose_mg=300.0),
            dose(1, 0, 600, route="intramuscular", dose_mg=75.0, approach="psychedelic"),
            dose(2, 0, None, route="sublingual"),
            dose(2, 0, 900, route="intravenous"),
            dose(3, 0, None, route="intranasal"),
            dose(3, 0, None, route="intravenous"),
        ]
        cohort = select_cohort(registry_of(people(3), doses, []), NOBODY_ASKED)
        assert by_patient(cohort, "route") == ["intramuscular", "intravenous", "intranasal"]
        assert by_patient(cohort, "first_dose_mg") == [75.0, None, None]
        assert by_patient(cohort, "approach") == ["psychedelic", None, None]
        assert by_patient(cohort, "n_doses") == [2, 2, 2]
        assert cohort.n_courses == 3

    def test_only_dosing_sessions_make_a_course(self):
        sessions = [{"patient": 1, "day": -7, "kind": "preparation"}, dose(1, 0), integration(1, 200)]
        cohort = select_cohort(registry_of(people(1), sessions, []), NOBODY_ASKED)
        assert (cohort.n_courses, by_patient(cohort, "first_day")) == (1, [0])


class TestBaseline:
    def test_the_last_score_of_the_window_with_both_edges_inside(self):
        scores = [phq(1, -14, 20), phq(2, -15, 20), phq(3, -14, 20), phq(3, -3, 15), phq(4, 1, 9)]
        cohort = select_cohort(registry_of(people(4), [dose(n, 0) for n in range(1, 5)], scores), NOBODY_ASKED)
        assert by_patient(cohort, "baseline_score") == [20, None, 15, None]
        assert by_patient(cohort, "baseline_day") == [-14, None, -3, None]

    def test_on_the_day_of_the_dose_a_score_is_before_it_unless_both_minutes_say_later(self):
        doses = [dose(1, 0), dose(2, 0, 600), dose(3, 0, 600), dose(4, 0, 600), dose(5, 0, None), dose(6, 0, 600)]
        scores = [
            phq(1, 0, 11),  # no minutes at all
            phq(2, 0, 12, 599),  # earlier
            phq(3, 0, 13, 600),  # the same minute
            phq(4, 0, 14, 601),  # later: not a baseline, the one before is
            phq(4, -2, 17),
            phq(5, 0, 15, 601),  # the dose's minute is unknown
            phq(6, 0, 16),  # the score's minute is unknown
        ]
        cohort = select_cohort(registry_of(people(6), doses, scores), NOBODY_ASKED)
        assert by_patient(cohort, "baseline_score") == [11, 12, 13, 17, 15, 16]

    def test_a_score_after_the_dose_of_day_0_serves_a_visit_that_includes_the_day_and_one_before_never_does(self):
        doses = [dose(1, 0, 600), dose(2, 0, 600)]
        scores = [phq(1, 0, 14, 601), phq(2, 0, 12, 599)]
        cohort = select_cohort(registry_of(people(2), doses, scores), NOBODY_ASKED)
        data = cohort.analysis_set(visits=[VisitWindow("day 1", 1, 0, 3)])
        assert np.array_equal(data.baseline, [12.0, np.nan], equal_nan=True)
        assert np.array_equal(data.scores, [[np.nan], [14.0]], equal_nan=True)

    def test_a_score_before_a_repeat_course_is_no_baseline_of_the_first(self):
        asked = CohortDefinition(criteria=(Criterion("baseline_score", ">=", 0, "no baseline"),))
        scores = [phq(1, 85, 12), phq(2, -1, 9), phq(2, 90, 20)]
        registry = registry_of(people(2), [dose(1, 0), dose(1, 91), dose(2, 0), dose(2, 91)], scores)
        assert by_patient(select_cohort(registry, NOBODY_ASKED), "baseline_score") == [None, 9]
        assert [step.n_excluded for step in select_cohort(registry, asked).attrition] == [0, 0, 0, 1]

    def test_another_window_is_used_for_criteria_and_arrays_alike(self):
        window = VisitWindow("baseline", -7, -28, -1)
        criteria = (Criterion("baseline_score", ">=", 10, "mild"),)
        scores = [phq(1, -28, 18), phq(1, 0, 3), phq(2, 0, 25)]
        definition = CohortDefinition(baseline_window=window, criteria=criteria)
        cohort = select_cohort(registry_of(people(2), [dose(1, 0), dose(2, 0)], scores), definition)
        assert cohort.n_patients == 1
        assert cohort.analysis_set().baseline.tolist() == [18.0]


class TestVisits:
    def test_nearest_score_tie_to_the_earlier_and_edges_inside(self):
        baseline = [phq(n, -1, n) for n in range(1, 7)]  # the baseline tells the patients apart
        scores = [
            *(phq(1, day, total) for day, total in ((26, 8), (30, 9))),  # two days before and after: the earlier
            *(phq(2, day, total) for day, total in ((26, 8), (29, 9))),  # the nearer
            *(phq(3, day, total) for day, total in ((21, 5), (41, 6))),  # both inside week 4: day 21 is nearer
            *(phq(4, day, total) for day, total in ((20, 5), (42, 6))),  # before week 4, first day of week 8
            *(phq(5, day, total) for day, total in ((41, 7), (69, 4), (98, 3))),  # last days of the windows
            *(phq(6, day, total) for day, total in ((28, 0), (70, 2), (99, 1))),  # a score of 0 is a score
        ]
        registry = registry_of(people(6), [dose(n, 0) for n in range(1, 7)], baseline + scores)
        data = select_cohort(registry, NOBODY_ASKED).analysis_set()
        nan = np.nan
        assert data.baseline.tolist() == [1, 2, 3, 4, 5, 6]
        expected = [[8, nan, nan], [9, nan, nan], [5, nan, nan], [nan, 6, nan], [7, 4, 3], [0, nan, 2]]
        assert np.array_equal(data.scores, expected, equal_nan=True)

    def test_a_score_under_a_repeat_course_counts_as_observed(self):
        scores = [phq(1, -1, 20), phq(1, 95, 6)]
        data = select_cohort(registry_of(people(1), [dose(1, 0), dose(1, 91)], scores), NOBODY_ASKED).analysis_set()
        assert data.scores_at("week 12").tolist() == [6.0]

    def test_another_instrument_has_its_own_baseline_and_scores(self):
        gad = [{"patient": 1, "day": day, "instrument": "gad7", "total": total} for day, total in ((-2, 12), (28, 4))]
        registry = registry_of(people(2), [dose(1, 0), dose(2, 0)], [phq(1, -1, 20), phq(1, 28, 9), *gad])
        cohort = select_cohort(registry, NOBODY_ASKED)
        gad7, phq9 = cohort.analysis_set("GAD-7"), cohort.analysis_set()
        assert (gad7.instrument.name, gad7.baseline[0], gad7.scores[0, 0]) == ("GAD-7", 12.0, 4.0)
        assert (phq9.instrument.name, phq9.baseline[0], phq9.scores[0, 0]) == ("PHQ-9", 20.0, 9.0)

    def test_visits_are_put_in_order_and_must_neither_overlap_nor_begin_before_day_0(self):
        cohort = select_cohort(registry_of(people(1), [dose(1, 0)], []), NOBODY_ASKED)
        names = [visit.name for visit in cohort.analysis_set(visits=DEFAULT_VISITS[::-1]).visits]
        assert names == ["week 4", "week 8", "week 12"]
        with pytest.raises(DesignError, match="share day 30"):
            cohort.analysis_set(visits=[VisitWindow("a", 28, 21, 30), VisitWindow("b", 35, 30, 40)])
        with pytest.raises(DesignError, match="begin on day 0 or later"):
            cohort.analysis_set(visits=[VisitWindow("a", 0, -1, 3)])
        with pytest.raises(DesignError, match="at least one visit"):
            cohort.analysis_set(visits=[])


class TestExposure:
    CASES = (  # minute of the dose, integration sessions (day, minute): within 72 h, again within 7 days, by 28, by 84
        (600, [(3, 600 + 3 * DAY)], (1, 0, 1, 1)),  # 4320 minutes exactly
        (600, [(3, 601 + 3 * DAY)], (0, 0, 1, 1)),  # 4321
        (600, [(3, None)], (1, 0, 1, 1)),  # a minute is missing: day 3 is within 72 hours
        (None, [(3, 23 * 60 + 3 * DAY)], (1, 0, 1, 1)),
        (None, [(4, None)], (0, 0, 1, 1)),
        (600, [(0, 599)], (0, 0, 0, 0)),  # before the dose, on its day
        (600, [(0, 600)], (1, 0, 1, 1)),
        (None, [(0, 599)], (1, 0, 1, 1)),  # nobody knows whether it was before
        (600, [(-1, None), (-3, None)], (0, 0, 0, 0)),
        (None, [(1, None), (2, None)], (1, 1, 2, 1)),  # another one later, both within 72 hours
        (None, [(3, None), (7, None)], (1, 1, 2, 1)),
        (None, [(3, None), (8, None)], (1, 0, 2, 1)),
        (None, [(4, None), (7, None)], (0, 0, 2, 1)),  # twice within 7 days, but not within 72 hours
        (600, [(2, 600 + 2 * DAY), (7, 600 + 7 * DAY)], (1, 1, 2, 1)),  # 10080 minutes
        (600, [(2, 600 + 2 * DAY), (7, 601 + 7 * DAY)], (1, 0, 2, 1)),
        (None, [(28, None), (29, None)], (0, 0, 1, 1)),
        (None, [(84, None)], (0, 0, 0, 1)),
        (None, [(85, None)], (0, 0, 0, 0)),
        (None, [], (0, 0, 0, 0)),
    )
    COLUMNS = (
        "integration_within_72_hours",
        "integration_within_7_days",
        "integration_sessions_by_day_28",
        "any_integration_by_day_84",
    )

    @pytest.mark.parametrize(("minute", "sessions", "expected"), CASES)
    def test_by_minutes_where_known_and_by_days_otherwise(self, minute, sessions, expected):
        rows = [dose(1, 0, minute), *(integration(1, day, at) for day, at in sessions)]
        cohort = select_cohort(registry_of(people(1), rows, []), NOBODY_ASKED)
        assert tuple(by_patient(cohort, column)[0] for column in self.COLUMNS) == expected

    def test_the_first_course_counts_and_other_kinds_of_session_do_not(self):
        rows = [dose(1, 0), dose(1, 200), integration(1, 201), {"patient": 1, "day": 1, "kind": "support"}]
        cohort = select_cohort(registry_of(people(1), rows, []), NOBODY_ASKED)
        assert [by_patient(cohort, column) for column in self.COLUMNS] == [[0], [0], [0], [0]]

    def test_the_arrays_say_when_each_exposure_is_known(self):
        rows = [dose(1, 0), dose(1, 21), dose(2, 0), dose(2, 35), integration(2, 1)]
        data = select_cohort(registry_of(people(2), rows, []), NOBODY_ASKED).analysis_set()
        known_by = {variable.name: variable.known_by_day for variable in data.variables}
        assert [known_by[column] for column in self.COLUMNS] == [3, 7, 28, 84]
        assert known_by["n_doses"] == 35
        assert {name for name, day in known_by.items() if day != 0} == {*self.COLUMNS, *PHASES}

    def test_the_number_of_doses_is_never_known_at_time_zero(self):
        data = select_cohort(registry_of(people(1), [dose(1, 0)], []), NOBODY_ASKED).analysis_set()
        assert data.variable("n_doses").known_by_day == 1


class TestEligibility:
    def test_attrition_sums_keeps_empty_reasons_and_counts_each_patient_once(self):
        patients = [
            {"patient": 1},
            {"patient": 2, "age_years": 17},
            {"patient": 3, "age_years": None},
            {"patient": 4, "age_years": 17},  # no dose either: counted under the first question
            {"patient": 5},
        ]
        definition = CohortDefinition(
            criteria=(
                *DEFAULT_CRITERIA,
                Criterion("age_years", "<=", 89, "over 89"),
                Criterion("baseline_score", ">=", 10, "mild"),
            ),
        )
        scores = [phq(1, 0, 10), phq(5, 0, 9)]
        cohort = select_cohort(registry_of(patients, [dose(n, 0) for n in (1, 2, 3, 5)], scores), definition)
        found = [(step.step, step.reason, step.n_patients, step.n_excluded) for step in cohort.attrition]
        assert found == [
            ("patients in the registry", "", 5, 0),
            ("with a first dose", "no dosing session", 4, 1),
            ("with a first dose on a certain day", UNCERTAIN, 4, 0),
            ("age at least 18 years", "under 18 or age unknown", 2, 2),
            ("age at most 89 years", "over 89", 2, 0),
            ("baseline score at least 10", "mild", 1, 1),
        ]
        assert cohort.n_patients == 1
        assert by_patient(cohort, "baseline_score") == [10]

    @pytest.mark.parametrize(
        ("operator", "expected"),
        [("==", [5]), (">=", [5, 7]), ("<=", [3, 5]), (">", [7]), ("<", [3])],
    )
    def test_operators_and_unknown_values_that_meet_nothing(self, operator, expected):
        values = [3.0, 5.0, 7.0, None]
        key = {3: 1, 5: 2, 7: 3}
        patients = [{"patient": n, "covariate_x": value} for n, value in enumerate(values, start=1)]
        registry = registry_of(patients, [dose(n, 0) for n in range(1, 5)], [], extra=("covariate_x",))
        definition = CohortDefinition(criteria=(Criterion("covariate_x", operator, 5, "no"),))
        kept = select_cohort(registry, definition).courses()["patient_id"].tolist()
        assert kept == [f"p{key[value]:02d}" for value in expected]

    def test_fractions_and_negative_values_can_be_compared_with(self):
        patients = [{"patient": n, "covariate_x": value} for n, value in enumerate((-0.5, -0.25, 1e-7), start=1)]
        registry = registry_of(patients, [dose(n, 0) for n in range(1, 4)], [], extra=("covariate_x",))
        for value, n_patients in ((-0.5, 3), (-0.3, 2), (1e-7, 1)):
            definition = CohortDefinition(criteria=(Criterion("covariate_x", ">=", value, "no"),))
            assert select_cohort(registry, definition).n_patients == n_patients

    def test_flags_are_criteria_only_when_asked_for(self):
        patients = [{"patient": 1, "eligible_consent": 1}, {"patient": 2, "eligible_consent": 0}, {"patient": 3}]
        registry = registry_of(patients, [dose(n, 0) for n in (1, 2, 3)], [], extra=("eligible_consent",))
        assert select_cohort(registry).n_patients == 3
        asked = CohortDefinition(criteria=(Criterion("eligible_consent", "==", 1, "no consent"),))
        assert select_cohort(registry, asked).n_patients == 1

    @pytest.mark.parametrize(
        ("criterion", "bands_in"),
        [
            (Criterion("age_years", ">=", 18, "r"), ["18-24", "65-74"]),
            (Criterion("age_years", ">=", 21, "r"), ["65-74"]),  # a band meets it only if every age in it does
            (Criterion("age_years", "<=", 70, "r"), ["12-17", "18-24"]),
            (Criterion("age_years", "<", 25, "r"), ["12-17", "18-24"]),
        ],
    )
    def test_where_only_the_age_band_is_known_all_of_it_must_meet_the_criterion(self, criterion, bands_in):
        bands = ["12-17", "18-24", "65-74", None]
        patients = [{"patient": n, "age_years": None, "age_band": band} for n, band in enumerate(bands, start=1)]
        registry = registry_of(patients, [dose(n, 0) for n in range(1, 5)], [])
        data = select_cohort(registry, CohortDefinition(criteria=(criterion,))).analysis_set()
        assert list(data.variable("age_band").levels) == bands_in

    @pytest.mark.parametrize("field", ["eligible_consent", "site", "patient_id", "age_band"])
    def test_a_column_that_cannot_be_asked_about_is_named_with_those_that_can(self, field):
        registry = registry_of(people(1), [dose(1, 0)], [], extra=("covariate_x",))
        definition = CohortDefinition(criteria=(Criterion(field, "==", 1, "no"),))
        with pytest.raises(DesignError, match=f"'{field}'.*age_years, prior_antidepressant_trials, covariate_x, base"):
            select_cohort(registry, definition)

    def test_a_column_that_is_empty_for_everybody_is_refused_and_not_counted_as_failure(self):
        registry = registry_of(people(1), [dose(1, 0)], [])
        definition = CohortDefinition(criteria=(Criterion("prior_antidepressant_trials", ">=", 2, "fewer than 2"),))
        with pytest.raises(DesignError, match="known for no patient"):
            select_cohort(registry, definition)

    def test_an_empty_cohort_is_an_error_with_the_counts(self):
        patients = [{"patient": 1, "age_years": 17}, {"patient": 2}]
        with pytest.raises(DesignError, match=rf"Of 2 .*no dosing session: 1; {UNCERTAIN}: 0; under 18.*unknown: 1\."):
            select_cohort(registry_of(patients, [dose(1, 0)], []))


class TestTwoCohortsOfOneRegistry:
    def test_they_do_not_disturb_each_other_in_any_order(self):
        doses = [dose(1, 0), dose(1, 60), dose(2, 0)]
        scores = [phq(1, -1, 20), phq(2, -20, 15), phq(1, 28, 9)]
        registry = registry_of(people(2), doses, scores)
        long_gap = select_cohort(registry, CohortDefinition(name="long"))
        wide = VisitWindow("baseline", 0, -30, 0)
        short_gap = select_cohort(registry, CohortDefinition(name="short", gap_days=30, baseline_window=wide))
        first = [long_gap.analysis_set(), short_gap.analysis_set()]
        again = [cohort.analysis_set() for cohort in (short_gap, long_gap)][::-1]
        for before, after in zip(first, again, strict=True):
            assert np.array_equal(before.baseline, after.baseline, equal_nan=True)
        assert np.array_equal(first[0].baseline, [20.0, np.nan], equal_nan=True)
        assert first[1].baseline.tolist() == [15.0, 20.0]
        assert (long_gap.n_repeat_courses, short_gap.n_repeat_courses) == (0, 1)
        assert long_gap.courses()["n_doses"].tolist() == [2, 1]
        assert short_gap.courses()["n_doses"].tolist() == [1, 1, 1]


class TestAnalysisSetOfACohort:
    @pytest.fixture
    def cohort(self):
        patients = [
            {
                "patient": n,
                "age_years": 30 + n,
                "sex": "female" if n % 2 else "male",
                "site": "South" if n > 3 else "North",
                "diagnoses": ("depression;ptsd", "anxiety", None)[n % 3],
                "program_booked": ("ketamine_only", "with_integration", None)[n % 3],
                "index_quarter": "2026Q1",
                "eligible_consent": 1,
                "covariate_affluence": n / 10,
                "covariate_trauma": float(n % 2),
            }
            for n in range(1, 7)
        ]
        sessions = [dose(n, 0, route="intramuscular", dose_mg=50.0 + n) for n in range(1, 7)] + [integration(2, 2)]
        scores = [phq(n, -1, 10 + n) for n in range(1, 6)] + [phq(n, 84, n) for n in range(2, 5)]
        extra = ("eligible_consent", "covariate_affluence", "covariate_trauma")
        return select_cohort(registry_of(patients, sessions, scores, extra=extra, has_minutes=False))

    def test_every_variable_of_the_contract_is_there(self, cohort):
        data = cohort.analysis_set()
        names = [variable.name for variable in data.variables]
        assert names[:6] == [
            "site",
            "age_years",
            "age_band",
            "sex",
            "prior_antidepressant_trials",
            "program_booked",
        ]
        assert "diagnosis_ptsd" in names
        assert names[-18:] == [
            "eligible_consent",
            "covariate_affluence",
            "covariate_trauma",
            "index_quarter",
            "route",
            "approach",
            "first_dose_mg",
            *PHASES,
            "integration_within_72_hours",
            "integration_within_7_days",
            "integration_sessions_by_day_28",
            "any_integration_by_day_84",
        ]
        kinds = {variable.name: (variable.kind, variable.unit) for variable in data.variables}
        assert kinds["age_years"] == ("number", "years")
        assert kinds["first_dose_mg"] == ("number", "mg")
        assert kinds["covariate_affluence"] == ("number", "")
        assert kinds["covariate_trauma"] == ("flag", "")
        assert kinds["eligible_consent"] == ("flag", "")

    def test_patients_without_a_baseline_or_any_score_stay(self, cohort):
        data = cohort.analysis_set()
        assert data.n_patients == 6
        assert int(data.with_baseline.sum()) == 5
        assert int(data.pairs("week 12").sum()) == 3

    def test_variables_are_aligned_with_the_scores_and_unknown_is_nan(self, cohort):
        data = cohort.analysis_set()
        assert values_of(data, "age_years") == [31, 32, 33, 34, 35, 36]  # as the baselines 11 to 15, NaN
        assert np.array_equal(data.variable("program_booked").values, [1, np.nan, 0, 1, np.nan, 0], equal_nan=True)
        assert np.array_equal(data.variable("diagnosis_ptsd").values, [0, np.nan, 1, 0, np.nan, 1], equal_nan=True)
        assert np.isnan(data.variable("prior_antidepressant_trials").values).all()
        assert values_of(data, "any_integration_by_day_84") == [0, 1, 0, 0, 0, 0]
        assert data.variable("site").levels == ("North", "South")

    def test_the_program_keeps_both_levels_with_the_comparator_first(self, cohort):
        data = cohort.analysis_set(treatment="program_booked", covariates=["site"])
        assert data.treatment_variable().levels == ("ketamine_only", "with_integration")
        assert [group.label for group in data.groups("program_booked")] == ["ketamine_only", "with_integration"]
        assert [int(group.mask.sum()) for group in data.groups("program_booked")] == [2, 2]
        assert [variable.name for variable in data.variables] == ["program_booked", "site"]

    def test_one_covariate_may_be_a_word_and_the_cohort_says_what_it_is(self, cohort):
        assert [variable.name for variable in cohort.analysis_set(covariates="site").variables] == ["site"]
        assert repr(cohort) == "<Cohort 'first courses of adults': 6 patients, 0 repeat courses not analyzed>"

    def test_a_flag_known_at_time_zero_can_be_the_treatment_and_gets_names(self, cohort):
        data = cohort.analysis_set(treatment="covariate_trauma")
        assert data.treatment_variable().levels == ("no", "yes")
        assert [int(group.mask.sum()) for group in data.groups("covariate_trauma")] == [3, 3]

    @pytest.mark.parametrize("name", [*TestExposure.COLUMNS, "n_doses"])
    def test_what_came_after_time_zero_describes_but_neither_groups_nor_adjusts(self, cohort, name):
        with pytest.raises(ImmortalTimeError, match="program_booked"):
            cohort.analysis_set(treatment=name)
        data = cohort.analysis_set()
        assert data.variable(name).known_by_day > 0
        with pytest.raises(ImmortalTimeError, match="under no effect"):
            data.groups(name)
        with pytest.raises(DesignError, match="cannot be a covariate"):
            cohort.analysis_set(covariates=[name])

    def test_a_number_makes_no_cohorts_and_unknown_names_are_listed(self, cohort):
        with pytest.raises(DesignError, match="is a number"):
            cohort.analysis_set(treatment="age_years")
        with pytest.raises(OptionError, match="'program_booked'"):
            cohort.analysis_set(treatment="arm")
        with pytest.raises(OptionError, match="covariate"):
            cohort.analysis_set(covariates=["arm"])
        with pytest.raises(DesignError, match="at least two levels"):
            cohort.analysis_set(treatment="route")

    def test_provenance_states_every_rule(self, cohort):
        data = cohort.analysis_set()
        settings = dict(data.provenance.settings)
        assert "more than 90 days" in settings["course rule"]
        assert settings["criteria"] == "age at least 18 years"
        assert "course day -14 to 0" in settings["baseline rule"]
        assert "the earlier" in settings["visit rule"]
        assert settings["visits"].endswith("week 12: day 84 (70 to 98)")
        assert "day 0 to 3" in settings["times of day"]
        assert (
            settings["courses analyzed"] == "the first course of each patient; the others are counted and not analyzed"
        )
        assert data.provenance.is_synthetic
        assert any("day 0 to 3" in note for note in data.notes)
        assert (data.cohort, data.attrition) == (cohort.definition.name, cohort.attrition)
        assert data.population == "patients with a first dosing session (age at least 18 years)"

    def test_arrays_are_read_only(self, cohort):
        data = cohort.analysis_set()
        arrays = [data.baseline, data.scores, *map(attrgetter("values"), data.variables)]
        assert not any(array.flags.writeable for array in arrays)


class TestDefinition:
    def test_rules_that_cannot_be_applied_are_refused(self):
        with pytest.raises(DesignError, match="gap_days"):
            CohortDefinition(gap_days=0)
        with pytest.raises(DesignError, match="gap_days"):
            CohortDefinition(gap_days=90.5)
        with pytest.raises(DesignError, match="after the first dose"):
            CohortDefinition(baseline_window=VisitWindow("baseline", 0, -14, 1))
        with pytest.raises(DesignError, match="needs a name"):
            CohortDefinition(name=" ")
        with pytest.raises(DesignError, match="not finite"):
            CohortDefinition(criteria=(Criterion("age_years", ">=", float("nan"), "r"),))

    def test_to_dict_is_plain_and_complete(self):
        definition = CohortDefinition(criteria=[Criterion("eligible_consent", "==", 1, "no consent")])
        assert definition.to_dict() == {
            "name": "first courses of adults",
            "instrument": "PHQ-9",
            "gap_days": 90,
            "baseline_window": {"name": "baseline", "target_day": 0, "first_day": -14, "last_day": 0},
            "baseline_choice": "last",
            "course": "first",
            "induction": {
                "largest_gap_days": 14,
                "most_doses": 8,
                "reinduction_doses": 3,
                "reinduction_days": 21,
            },
            "criteria": [{"field": "eligible_consent", "operator": "==", "value": 1, "reason": "no consent"}],
        }
        assert definition.criteria[0].field == "eligible_consent"

    def test_an_unknown_instrument_is_refused(self):
        with pytest.raises(OptionError):
            select_cohort(registry_of(people(1), [dose(1, 0)], []), CohortDefinition(instrument="PHQ-99"))


@pytest.mark.parametrize(
    ("column", "values", "kind", "levels"),
    [
        ("covariate_x", [2.0, 3.0, 2.0, None], "category", ("2", "3")),
        ("covariate_x", [0.0, 1.0, 1.0, None], "flag", ()),
        ("covariate_x", [0.0, 1.0, 2.0, None], "number", ()),
        ("prior_antidepressant_trials", [0, 1, 1, None], "category", ("0 trials", "1 trials")),
        ("prior_antidepressant_trials", [2, 2, 2, None], "number", ()),
    ],
)
def test_a_number_of_two_values_is_a_category_whose_counts_can_be_hidden(column, values, kind, levels):
    patients = [{"patient": n, column: value} for n, value in enumerate(values, start=1)]
    extra = (column,) if column.startswith("covariate") else ()
    registry = registry_of(patients, [dose(n, 0) for n in range(1, 5)], [], extra=extra)
    variable = select_cohort(registry).analysis_set().variable(column)
    assert (variable.kind, variable.levels) == (kind, levels)
    assert int(np.isnan(np.asarray(variable.values)).sum()) == 1


class TestColumnsWhoseNamesSayLater:
    def registry(self, name="covariate_had_integration"):
        patients = [{"patient": n, name: float(n % 2)} for n in range(1, 9)]
        return registry_of(patients, [dose(n, 0) for n in range(1, 9)], [], extra=(name,))

    @pytest.mark.parametrize("name", ["covariate_had_integration", "eligible_completed_program"])
    def test_they_make_no_groups_and_are_no_criterion(self, name):
        cohort = select_cohort(self.registry(name), NOBODY_ASKED)
        assert cohort.analysis_set().variable(name).known_by_day is None
        with pytest.raises(ImmortalTimeError, match="rename the column"):
            cohort.analysis_set(treatment=name)
        with pytest.raises(ImmortalTimeError, match="rename the column"):
            cohort.analysis_set().groups(name)
        asked = CohortDefinition(criteria=(Criterion(name, "==", 1, "had none"),))
        with pytest.raises(DesignError, match="stayed in care"):
            select_cohort(self.registry(name), asked)

    def test_they_can_be_adjusted_for_by_name(self):
        cohort = select_cohort(self.registry(), NOBODY_ASKED)
        kept = cohort.analysis_set(covariates=["covariate_had_integration"])
        assert [variable.known_by_day for variable in kept.variables] == [None]

    def test_other_columns_are_known_on_day_0(self):
        cohort = select_cohort(self.registry("covariate_expectancy"), NOBODY_ASKED)
        assert cohort.analysis_set().variable("covariate_expectancy").known_by_day == 0


def test_the_synthetic_clinic_without_effect_refuses_the_same_groups_under_a_made_up_name():
    """What the gate keeps out: had_integration, counted from the sessions of the null scenario."""
    registry = kat.simulate_registry(seed=3, n_patients=300, scenario="null")
    patients, sessions = registry.table("patients"), registry.table("sessions")
    had = patients["patient_id"].isin(sessions.loc[sessions["kind"] == "integration", "patient_id"])
    tables = {"patients": patients.assign(covariate_had_integration=had.astype(int)), "sessions": sessions}
    again = read_registry({**tables, "scores": registry.table("scores")}, is_synthetic=True)
    assert all(file.rows_rejected == 0 for file in again.load_report.files)
    with pytest.raises(
        ImmortalTimeError, match="'covariate_had_integration' sounds like something that happened after"
    ):
        select_cohort(again).analysis_set(treatment="covariate_had_integration")


class TestUncertainFirstDoses:
    def test_they_are_left_out_in_a_step_of_their_own(self):
        patients = [{"patient": n, "age_years": 17 if n == 3 else 40} for n in range(1, 6)]
        registry = registry_of(patients, [dose(n, 0) for n in (1, 2, 3, 4)], [], uncertain=(2, 3, 5))
        cohort = select_cohort(registry)
        assert [(step.step, step.reason, step.n_patients, step.n_excluded) for step in cohort.attrition] == [
            ("patients in the registry", "", 5, 0),
            ("with a first dose", "no dosing session", 4, 1),
            ("with a first dose on a certain day", UNCERTAIN, 2, 2),
            ("age at least 18 years", "under 18 or age unknown", 2, 0),
        ]
        assert cohort.courses()["patient_id"].tolist() == ["p01", "p04"]

    def test_first_doses_that_were_rejected_do_not_move_time_zero(self):
        """Twenty of forty first doses are impossible. Day 0 would become day 28, where the score has fallen by 11
        already, so that 11 + 1 points of change would be reported as 1: a mean of -6.5 instead of -12."""
        keys = [f"P{n:02d}" for n in range(40)]
        sessions = [(key, day, 70.0 if n % 2 or day else 7000.0) for n, key in enumerate(keys) for day in (0, 28)]
        scores = [(key, *pair) for key in keys for pair in ((-1, 20), (27, 9), (84, 8), (112, 8))]
        tables = {
            "patients": pd.DataFrame({"patient_id": keys, "age_years": 40}),
            "sessions": pd.DataFrame(sessions, columns=["patient_id", "day", "dose_mg"]).assign(kind="dosing"),
            "scores": pd.DataFrame(scores, columns=["patient_id", "day", "total"]).assign(instrument="PHQ-9"),
        }
        for name, key in (("sessions", "session_id"), ("scores", "score_id")):
            tables[name].insert(0, key, [f"{key[:2]}{row:04d}" for row in range(len(tables[name]))])
        registry = read_registry(tables, is_synthetic=True)
        cohort = select_cohort(registry)
        assert [(step.n_patients, step.n_excluded) for step in cohort.attrition] == [
            (40, 0),
            (40, 0),
            (20, 20),
            (20, 0),
        ]
        change = kat.change_from_baseline(cohort.analysis_set()).select(term="change", visit="week 12")[0]
        assert (change.estimate, change.n_patients) == (-12.0, 20)


def test_a_cohort_stays_usable_when_the_same_one_is_selected_again() -> None:
    registry = kat.simulate_registry(seed=20260930, n_patients=60)
    first = kat.select_cohort(registry)
    data = first.analysis_set("PHQ-9")
    before = kat.outcomes_over_time(data, events_of=first)
    kat.select_cohort(registry)
    assert kat.outcomes_over_time(data, events_of=first).to_json() == before.to_json()


def test_a_copy_of_a_registry_asks_its_own_engine() -> None:
    """Where another engine holds the rows, what the first one has made is not taken for made."""
    registry = kat.simulate_registry(seed=20260930, n_patients=60)
    kat.select_cohort(registry)
    copy = replace(registry, engine=SimpleNamespace())
    assert cohort_tables(copy, CohortDefinition()).engine is copy.engine
    assert cohort_tables(registry, CohortDefinition()).engine is registry.engine


def test_what_is_given_instead_of_an_analysis_set_says_what_to_do() -> None:
    registry = kat.simulate_registry(seed=20260930, n_patients=60)
    with pytest.raises(kat.OptionError, match=r"not a Registry: kat\.select_cohort\(registry\)\.analysis_set"):
        kat.change_from_baseline(registry)  # type: ignore[arg-type]
    with pytest.raises(kat.OptionError, match=r"not a Cohort: cohort\.analysis_set"):
        kat.change_from_baseline(kat.select_cohort(registry))  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match=r"select_cohort\(registry\)\.analysis_set"):
        registry.scores  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"cohort\.analysis_set"):
        kat.select_cohort(registry).scores  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(kat.OptionError, match="read_registry"):
        kat.select_cohort("data/sample")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        *("care_pathway", "change_correlation", "change_from_baseline", "clinical_significance"),
        *("clinical_significance_sensitivity", "cohort_difference", "compare_sites", "describe", "dropout", "mmrm"),
        *("nhs_outcomes", "outcomes_over_time", "participant_flow", "severity_transitions"),
    ],
)
def test_a_frame_given_instead_of_an_analysis_set_is_answered_with_the_way_to_one(name: str) -> None:
    frame = pd.DataFrame({"visit": ["week 4"], "score": [3.0]})
    with pytest.raises(kat.OptionError, match=r"not a DataFrame: kat\.AnalysisSet\.from_frame\(frame, patient="):
        getattr(kat, name)(frame)
    with pytest.raises(kat.OptionError, match="not a NoneType"):
        kat.compare_cohorts(None, rng=1)  # type: ignore[arg-type]
