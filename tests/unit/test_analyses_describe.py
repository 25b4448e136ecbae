"""Description: every number of a small set by hand, denominators, groups, and what is left out on purpose."""

import math
from dataclasses import replace

import numpy as np
import pytest

from katoutcomes.analyses.describe import describe
from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.errors import ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import DEFAULT_VISITS
from katoutcomes.instruments import catalog
from katoutcomes.results.provenance import Provenance

NAN = float("nan")


def analysis_set():
    program = np.array([0.0, 0.0, 0.0, 1.0, 1.0, NAN])
    return AnalysisSet(
        instrument=catalog.instrument("PHQ-9"),
        visits=DEFAULT_VISITS[:1],
        baseline=np.array([20.0, 18.0, NAN, 15.0, 21.0, 11.0]),
        scores=np.zeros((6, 1)),
        variables=(
            Variable("program_booked", "Program booked", "category", program, ("ketamine_only", "with_integration")),
            Variable("age_years", "Age", "number", np.array([30.0, 40.0, 50.0, 35.0, NAN, 60.0]), unit="years"),
            Variable("sex", "Sex", "category", np.array([0.0, 1.0, 0.0, 1.0, 1.0, 2.0]), ("female", "male", "other")),
            Variable("diagnosis_ptsd", "PTSD", "flag", np.array([1.0, 0.0, NAN, 0.0, 1.0, 1.0])),
            Variable("n_doses", "Doses", "number", np.arange(6.0), unit="sessions", known_by_day=84),
            Variable("site", "Site", "category", np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]), ("A", "B", "C", "D")),
        ),
        treatment="program_booked",
        attrition=(AttritionStep("in the data", "", 6, 0),),
        cohort="first course",
        population="patients with a first dose",
        provenance=Provenance("frame", "0" * 64),
        notes=("A note about the data.",),
    )


def numbers(result, term, subgroup=""):
    """Return measure → (estimate, n_patients) of one term in one group."""
    found = result.select(term=term, subgroup=subgroup, treatment="")
    return {one.measure: (one.estimate, one.n_patients) for one in found}


def test_patients():
    result = describe(analysis_set())
    assert [(one.subgroup, one.estimate, one.n_patients) for one in result.select(term="patients")] == [
        ("", 6.0, 6),
        ("program_booked: ketamine_only", 3.0, 3),
        ("program_booked: with_integration", 2.0, 2),
    ]


def test_a_number_with_its_own_denominator():
    """30, 35, 40, 50, 60 are known: mean 43, squares 169 + 64 + 9 + 49 + 289 = 580, variance 145."""
    found = numbers(describe(analysis_set()), "age_years")
    assert found.keys() == {"mean", "standard deviation", "median", "lower quartile", "upper quartile"}
    assert {n for _, n in found.values()} == {5}
    assert found["mean"][0] == 43.0
    assert found["standard deviation"][0] == pytest.approx(math.sqrt(145), rel=1e-12)
    assert [found[name][0] for name in ("lower quartile", "median", "upper quartile")] == [35.0, 40.0, 50.0]
    assert {one.unit for one in describe(analysis_set()).select(term="age_years", treatment="")} == {"years"}


def test_the_baseline_score_is_described_in_points_of_its_instrument():
    result = describe(analysis_set())
    assert numbers(result, "baseline_score")["mean"] == (17.0, 5)
    assert {(one.unit, one.instrument) for one in result.select(term="baseline_score", treatment="")} == {
        ("points", "PHQ-9")
    }


def test_a_category_has_all_its_levels():
    result = describe(analysis_set())
    group = "program_booked: ketamine_only"
    assert numbers(result, "sex: female", group) == {"count": (2.0, 3), "proportion": (2 / 3, 3)}
    assert numbers(result, "sex: male", group) == {"count": (1.0, 3), "proportion": (1 / 3, 3)}
    assert numbers(result, "sex: other", group) == {"count": (0.0, 3), "proportion": (0.0, 3)}


def test_a_flag_is_a_share_of_those_for_whom_it_is_known():
    result = describe(analysis_set())
    assert numbers(result, "diagnosis_ptsd") == {"count": (3.0, 5), "proportion": (0.6, 5)}
    assert numbers(result, "diagnosis_ptsd", "program_booked: ketamine_only")["proportion"] == (0.5, 2)


def test_nothing_known_in_a_group():
    result = describe(analysis_set(), by="site", variables=["diagnosis_ptsd", "age_years"])
    assert {one.subgroup for one in result.estimates} == {"", "site: A", "site: B", "site: C"}
    unknown = replace(analysis_set(), treatment=None)
    unknown = replace(unknown, variables=(replace(unknown.variables[3], values=np.full(6, NAN)),))
    share = describe(unknown).select(term="diagnosis_ptsd", measure="proportion")[0]
    assert math.isnan(share.estimate)
    assert share.n_patients == 0


def test_standardized_mean_differences_of_two_groups():
    result = describe(analysis_set())
    found = {one.term: one for one in result.select(measure="standardized mean difference")}
    assert list(found) == ["baseline_score", "age_years", "sex", "diagnosis_ptsd", "site"]
    assert {(one.treatment, one.comparator, one.unit, one.subgroup) for one in found.values()} == {
        ("with_integration", "ketamine_only", "SD", "")
    }
    # Baseline: 15, 21 against 18, 20; variances 18 and 2.
    assert found["baseline_score"].estimate == pytest.approx(-1 / math.sqrt(10), rel=1e-12)
    assert found["baseline_score"].n_patients == 4
    # PTSD: 1 of 2 against 1 of 2.
    assert found["diagnosis_ptsd"].estimate == 0.0
    # Age: one value among those with integration, so no standard deviation.
    assert math.isnan(found["age_years"].estimate)
    # Sex: (0, 1) against (2/3, 1/3): with the third level empty, a flag without its sign.
    assert found["sex"].estimate == pytest.approx((2 / 3) / math.sqrt(1 / 9), rel=1e-12)


def test_a_category_of_two_levels_has_a_sign():
    data = analysis_set()
    sex = replace(data.variable("sex"), levels=("female", "male"), values=np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0]))
    program = replace(data.variables[0], values=np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]))
    (found,) = describe(replace(data, variables=(program, sex)), variables=["sex"]).select(term="sex")
    assert found.estimate == pytest.approx(-(1 / 3) / math.sqrt(2 / 9), rel=1e-12)


def test_three_groups_have_no_standardized_difference():
    assert not describe(analysis_set(), by="site").select(measure="standardized mean difference")


def test_there_are_no_p_values():
    assert all(math.isnan(one.p_value) and math.isnan(one.statistic) for one in describe(analysis_set()).estimates)


def test_what_is_described_by_default():
    """The grouping variable says nothing about itself, and doses are known only later."""
    part = describe(analysis_set()).part("variables")
    assert part.columns == ("order", "name", "description", "kind")
    assert part.rows == (
        (0, "baseline_score", "PHQ-9 at baseline", "number"),
        (1, "age_years", "Age", "number"),
        (2, "sex", "Sex", "category"),
        (3, "diagnosis_ptsd", "PTSD", "flag"),
        (4, "site", "Site", "category"),
    )


def test_what_is_known_only_later_is_described_when_asked_for_but_not_compared():
    result = describe(analysis_set(), variables=["n_doses", "age_years"])
    assert numbers(result, "n_doses")["mean"] == (2.5, 6)
    assert not result.select(term="n_doses", measure="standardized mean difference")
    assert any(sentence.startswith("Doses is known only after time zero") for sentence in result.assumptions)


def test_names_decide_the_order():
    part = describe(analysis_set(), variables=["sex", "baseline_score"]).part("variables")
    assert part.column("name") == ("sex", "baseline_score")


def test_checks():
    checks = {check.name: check for check in describe(analysis_set()).checks}
    assert checks["values known"].value == pytest.approx(5 / 6)
    assert not checks["baseline imbalance"].passed
    assert describe(analysis_set()).verdict == "report"
    assert "baseline imbalance" not in {check.name for check in describe(analysis_set(), by="site").checks}


def test_the_question_and_the_notes_travel_with_the_answer():
    data = analysis_set()
    result = describe(data)
    assert result.estimand.population == data.population
    assert "A note about the data." in result.assumptions
    own = replace(result.estimand, name="another wording")
    assert describe(data, own).estimand is own


def test_refuses_groups_that_came_about_later():
    data = analysis_set()
    late = Variable("ever", "Ever", "flag", np.zeros(6), known_by_day=84)
    with pytest.raises(ImmortalTimeError):
        describe(replace(data, variables=(*data.variables, late)), by="ever")


@pytest.mark.parametrize("choices", [{"by": "clinic"}, {"variables": ["height"]}, {"variables": ["sex", "sex"]}])
def test_refuses_what_it_cannot_read(choices):
    with pytest.raises(OptionError):
        describe(analysis_set(), **choices)
