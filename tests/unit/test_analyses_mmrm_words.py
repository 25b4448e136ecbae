"""What `mmrm` and `contrast` say: messages for what was asked, warnings for what was done, checks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import DesignError, NumericalError, OptionError

VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}


def made_up(n_patients=80, unknown=0, absent=None, arms=None):
    """Return patients of two arms, `unknown` of them without a baseline, who miss the visits that `absent` names."""
    rng = np.random.default_rng(11)
    people = pd.DataFrame(
        {
            "id": [f"patient-{number}" for number in range(n_patients)],
            "before": rng.normal(16, 4, n_patients).round().clip(0, 27),
            "arm": np.resize(["usual", "new"], n_patients),
            "age": rng.normal(44, 12, n_patients).round(),
        }
    )
    people.loc[: unknown - 1, "before"] = np.nan
    rows = []
    for number, visit in enumerate(VISITS):
        score = (people["before"].fillna(16) - 2 - number + rng.normal(0, 4, n_patients)).round().clip(0, 27)
        if absent is not None:
            score[[absent(patient, visit) for patient in range(n_patients)]] = np.nan
        rows.append(people.assign(visit=visit, score=score))
    return kat.AnalysisSet.from_frame(
        pd.concat(rows, ignore_index=True),
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        **({"treatment": "arm", "comparator": "usual", "treatment_known_by_day": 0} if arms is None else arms),
        covariates=["age"],
        instrument="PHQ-9",
        visits=VISITS,
    )


@cache
def data():
    return made_up()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"mean": "treatment*visit + basline"}, "'visit', 'baseline', 'treatment', 'age'; got 'basline'"),
        ({"mean": "arm*visit"}, "in the formula it is called 'treatment'"),
        ({"mean": "score ~ visit"}, "not the right-hand side of a formula"),
        ({"mean": "treatment + baseline"}, "the formula has no visit"),
        ({"covariance": "ar"}, "'autoregressive'"),
        ({"df_method": "kr"}, "'kenward-roger-linear'"),
        ({"weights": "age"}, "variance='CR2'"),
        ({"precision": "arm"}, "the weights 'arm' are not numbers"),
        ({"average": "emmeans"}, "'proportional'"),
    ],
)
def test_a_choice_that_there_is_not_is_named_with_those_there_are(choices, words):
    with pytest.raises(OptionError) as caught:
        kat.mmrm(data(), **choices)
    assert words in str(caught.value)


def test_a_formula_with_a_treatment_needs_one():
    with pytest.raises(DesignError, match="make the analysis set with treatment"):
        kat.mmrm(made_up(arms={}), mean="treatment*visit")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"visits": {"week 9": 1.0}}, "visit must be one of 'week 4', 'week 8', 'week 12'; got 'week 9'"),
        ({"combinations": {"a": {("neu", "week 4"): 1.0}}}, "cohort must be one of 'usual', 'new'; got 'neu'"),
        ({"combinations": {"a": {"agee": 1.0}}}, "coefficient must be one of 'Intercept'"),
        ({"multiplicity": "tukey"}, "'holm'"),
    ],
)
def test_a_further_question_that_cannot_be_asked_is_named(choices, words):
    with pytest.raises(OptionError) as caught:
        kat.contrast(kat.mmrm(data()), **choices)
    assert words in str(caught.value)


def test_further_questions_need_a_model():
    with pytest.raises(OptionError, match="before it is released"):
        kat.contrast(kat.release(kat.mmrm(data())))


def test_visits_never_seen_together_are_named_with_what_to_do():
    with pytest.raises(NumericalError) as caught:
        kat.mmrm(made_up(absent=lambda number, visit: visit != list(VISITS)[number % 3]))
    assert "never seen in the same patient" in str(caught.value)
    assert "leave one of them out" in str(caught.value)


def test_a_fallback_is_used_only_where_asked_for_and_says_so():
    neighbors = made_up(
        absent=lambda number, visit: number % 2 == (0 if visit == "week 4" else 1) and visit != "week 8"
    )
    with pytest.raises(NumericalError, match="fallback="):
        kat.mmrm(neighbors)
    result = kat.mmrm(neighbors, fallback=("ar1h", "cs"))
    assert "heterogeneous autoregressive" in result.method.description
    assert any("could not be estimated (unstructured)" in warning for warning in result.warnings)
    assert "The fallback heterogeneous autoregressive was used instead." in result.warnings
    assert "covariance as asked for" in {check.name for check in result.checks if not check.passed}
    not_needed = kat.mmrm(data(), fallback=("cs",))
    assert "unstructured" in not_needed.method.description
    assert not any("fallback" in warning for warning in not_needed.warnings)


def test_a_column_that_follows_from_others_is_left_out_and_the_means_stay():
    """At the mean of a covariate all that is left of the dropped column is rounding, which is no reason to stop."""
    plain = kat.mmrm(data(), mean="treatment*visit + age")
    twice = kat.mmrm(data(), mean="treatment*visit + age + I(2 * age) + I(age - 40)")
    (warning,) = twice.warnings
    assert "I(2 * age), I(age - 40)" in warning
    for measure in ("adjusted mean", "difference in means"):
        for one, other in zip(plain.select(measure=measure), twice.select(measure=measure), strict=True):
            assert one.estimate == pytest.approx(other.estimate, rel=1e-10)


def test_a_cohort_never_seen_at_a_visit_has_no_mean_there_and_the_others_do():
    result = kat.mmrm(made_up(absent=lambda number, visit: visit == "week 12" and number % 2 == 1))
    (empty,) = (one for one in result.select(measure="adjusted mean") if np.isnan(one.estimate))
    assert (empty.subgroup, empty.visit, empty.n_patients) == ("arm: new", "week 12", 0)
    assert any("left empty" in warning for warning in result.warnings)
    assert "A gap is a mean that cannot be estimated" in result.plot().alt_text


def test_patients_without_a_baseline_score_are_left_out_and_counted_by_a_check():
    few, many = kat.mmrm(made_up(unknown=1)), kat.mmrm(made_up(unknown=12))
    for result, passed in ((few, True), (many, False)):
        (check,) = (check for check in result.checks if check.name == "missing covariates")
        assert check.passed is passed
        assert "both scores" not in check.message
        assert any("are left out" in warning for warning in result.warnings)
    assert many.model.n_patients == 68


def test_what_is_not_there_is_not_spoken_of():
    description = kat.mmrm(made_up(arms={})).method.description
    assert "cohort" not in description
    assert "tandardized" not in description
    assert "one matrix for each level of arm" in kat.mmrm(data(), by="treatment").method.description
    assert any("Bell" in source for source in kat.mmrm(data(), variance="CR2").method.sources)
    assert not any("Bell" in source for source in kat.mmrm(data()).method.sources)
