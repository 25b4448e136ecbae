"""`compare_cohorts` on what cannot be answered: a named error or "not estimable" with counts, never a guess."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.comparison.choices import METHODS, MISSING, WEIGHTS
from katoutcomes.errors import DesignError, ImmortalTimeError, KatOutcomesError, NumericalError, OptionError

VISITS = {"week 4": 28, "week 12": 84}


def rows(n_patients=80, seed=1, **columns):
    """Return two arms and two visits; `columns` replace what is made up."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(size=n_patients)
    people = pd.DataFrame(
        {
            "id": [f"p{number}" for number in range(n_patients)],
            "before": np.clip(np.round(17 + 2 * severity + rng.normal(0, 2, n_patients)), 8, 27),
            "severity": severity.round(2),
            "clinic": rng.choice(list("abcd"), n_patients),
            "until": np.where(rng.random(n_patients) < 0.3, rng.integers(10, 80, n_patients), 99),
            "arm": np.where(rng.random(n_patients) < 1 / (1 + np.exp(-severity)), "booked", "not booked"),
        }
        | columns
    )
    visits = []
    for name, day in VISITS.items():
        mean = people["before"] - 4 - 2 * (people["arm"] == "booked")
        score = np.clip(np.round(mean + rng.normal(0, 3, n_patients)), 0, 27)
        is_missing = rng.random(n_patients) < np.where(people["until"] < day, 0.6, 0.1)
        visits.append(people.assign(visit=name, score=score.where(~is_missing)))
    return pd.concat(visits, ignore_index=True)


def analysis_set(frame, **choices):
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        covariates=["severity", "clinic", "until"],
        instrument="PHQ-9",
        visits=VISITS,
        **{"treatment": "arm", "comparator": "not booked", "treatment_known_by_day": 0} | choices,
    )


def compare(data, **choices):
    return kat.compare_cohorts(data, **{"covariates": ("severity",), "n_bootstrap": 100, "rng": 1} | choices)


def answer(result):
    return next(one for one in result.estimates if one.term.startswith("follow-up, weighted: "))


def assert_not_estimable(result, words):
    """The difference is NaN, the check says why without a count, the counts stand beside it and nothing else does."""
    assert math.isnan(answer(result).estimate)
    assert math.isnan(answer(result).conf_low)
    check = result.checks[0]
    assert (check.name, check.passed, check.severity) == ("estimable", False, "withhold")
    assert words in check.message
    assert result.verdict == "withhold"
    assert {one.term.split(": ")[0] for one in result.estimates} <= {
        *("follow-up, weighted", "compared", "scored, of those compared", "seen, of those scored"),
        # Who is missing, not what was scored.
        *("in care, of those compared", "no score at the visit"),
    }
    assert result.select(term="compared")
    assert result.to_table().rows
    assert kat.release(result).verdict == "withhold"


# --- each case of the issue ------------------------------------------------------------------------------------------


def test_an_exposure_after_time_zero():
    with pytest.raises(ImmortalTimeError, match="known only by day 28"):
        compare(analysis_set(rows(), treatment_known_by_day=28))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_no_overlap(weights):
    """Covariates that separate the arms: nobody has a counterpart, whatever the weights."""
    data = analysis_set(
        rows(severity=np.r_[np.linspace(-6, -4, 40), np.linspace(4, 6, 40)], arm=["not booked"] * 40 + ["booked"] * 40)
    )
    assert_not_estimable(compare(data, weights=weights), "separation")


def test_hardly_any_overlap_is_withheld():
    rng = np.random.default_rng(2)
    severity = np.r_[rng.normal(-2.2, 1, 60), rng.normal(2.2, 1, 60)]
    data = analysis_set(rows(120, severity=severity, arm=["not booked"] * 60 + ["booked"] * 60))
    result = compare(data, weights="iptw_ate", missing="complete_cases")
    assert result.verdict == "withhold"
    assert {"overlap", "positivity"} & {check.name for check in result.checks if not check.passed}


def test_exploding_weights_are_withheld_with_their_share():
    """One patient who was hardly likely to be in the own arm has most of its weight."""
    rng = np.random.default_rng(3)
    severity = np.r_[rng.normal(-2.5, 0.7, 100), rng.normal(2.5, 0.7, 39), -3.5]
    data = analysis_set(rows(140, severity=severity, arm=["not booked"] * 100 + ["booked"] * 40))
    result = compare(data, weights="iptw_ate", missing="complete_cases")
    failed = {check.name: check for check in result.checks if not check.passed}
    assert failed["largest weight"].severity == "withhold"
    assert failed["largest weight"].value > 0.25
    assert result.verdict == "withhold"


def test_an_arm_of_nobody():
    with pytest.raises(DesignError, match="at least two levels"):
        compare(analysis_set(rows(arm=["booked"] * 80), comparator="booked"))
    severity = np.r_[np.full(40, np.nan), np.linspace(-1, 1, 40)]
    with pytest.raises(DesignError, match="nothing to compare"):
        compare(analysis_set(rows(severity=severity, arm=["booked"] * 40 + ["not booked"] * 40)))


def test_one_clinic_an_arm():
    arm = np.where(np.arange(80) % 2, "booked", "not booked")
    data = analysis_set(rows(arm=arm, clinic=np.where(arm == "booked", "a", "b")))
    with pytest.raises(DesignError, match="policies of 2 clinics; below 4"):
        compare(data, cluster="clinic")
    # As a covariate the clinic is the arm: separation, or the same column twice.
    assert_not_estimable(compare(data, covariates=("severity", "clinic")), "separation")


@pytest.mark.parametrize("n_clinics", [3, 4])
def test_policies_of_few_clinics(n_clinics):
    clinic = np.array(list("abcd"))[np.arange(80) % n_clinics]
    data = analysis_set(rows(clinic=clinic, arm=np.where(np.isin(clinic, ["a", "c"]), "booked", "not booked")))
    if n_clinics < 4:
        with pytest.raises(DesignError, match="below 4"):
            compare(data, cluster="clinic")
        return
    with pytest.raises(DesignError, match="no interval"):
        compare(data, cluster="clinic", modifiers=("severity",))
    result = compare(data, cluster="clinic")
    assert answer(result).df < 4.0
    assert not next(check for check in result.checks if check.name == "clinics").passed
    assert result.verdict != "report"


WAYS = [
    {},
    {"missing": "multiple_imputation"},
    {"missing": "multiple_imputation", "in_care_until": "until"},
    {"missing": "complete_cases", "interval": "robust"},
    {"method": "mmrm", "missing": "likelihood", "weights": "none"},
    {"method": "aipw"},
    {"outcome": "response"},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())) or "default")
def test_no_score_in_an_arm(way):
    frame = rows()
    frame.loc[(frame["arm"] == "booked") & (frame["visit"] == "week 12"), "score"] = np.nan
    assert_not_estimable(compare(analysis_set(frame), **way), "In booked, no patient has a score at week 12.")


def test_nobody_is_scored_at_all():
    frame = rows()
    frame.loc[frame["visit"] == "week 12", "score"] = np.nan
    assert_not_estimable(compare(analysis_set(frame)), "no patient has a score at week 12")


def test_an_imputation_model_with_too_few_scores():
    frame = rows(40)
    late = frame["visit"] == "week 12"
    kept = frame.index[late & frame["score"].notna()]
    frame.loc[np.setdiff1d(frame.index[late], [*kept[:4], *kept[-4:]]), "score"] = np.nan
    result = compare(analysis_set(frame), missing="multiple_imputation", in_care_until="until", covariates=("clinic",))
    assert_not_estimable(result, "more coefficients than patients")


def test_the_same_score_for_everybody_has_no_interval():
    frame = rows()
    frame["score"] = frame["score"].where(frame["score"].isna(), 9.0)
    result = compare(analysis_set(frame))
    assert answer(result).estimate == pytest.approx(0.0, abs=1e-9)
    constant = compare(analysis_set(frame), outcome="remission")
    assert answer(constant).estimate == pytest.approx(0.0, abs=1e-3)
    assert all(math.isnan(one.estimate) for one in constant.select(measure="risk ratio"))


def test_a_covariate_that_is_another():
    frame = rows()
    data = analysis_set(frame)
    double = dataclasses.replace(data.variable("severity"), name="double")
    with pytest.raises(NumericalError, match="'double'"):
        compare(dataclasses.replace(data, variables=(*data.variables, double)), covariates=("severity", "double"))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"outcome": "recovery"}, "outcome must be one of"),
        ({"outcome": "response", "method": "mmrm", "missing": "likelihood", "weights": "none"}, "models scores"),
        ({"outcome": "response", "method": "aipw", "slopes": "per_arm"}, "slopes='pooled'"),
        ({"modifiers": ("clinic",)}, "not adjusted for"),
        ({"modifiers": ("severity", "severity")}, "at most 3 different"),
        ({"modifiers": ("severity",), "interval": "robust"}, "modifiers go with"),
        ({"modifiers": ("severity",), "method": "aipw"}, "modifiers go with"),
    ],
)
def test_choices_that_cannot_be_made(choices, message):
    with pytest.raises(OptionError, match=message):
        compare(analysis_set(rows()), **choices)


# --- every combination -----------------------------------------------------------------------------------------------

VALID = {
    (weights, missing, method)
    for weights, missing, method in itertools.product(WEIGHTS, MISSING, METHODS)
    if (missing in {"observation_weights", "complete_cases"} and method != "mmrm")
    or (missing == "multiple_imputation" and method == "weighted_ancova")
    or (missing == "likelihood" and method == "mmrm" and weights == "none")
}


@pytest.fixture(scope="module")
def few():
    return analysis_set(rows(70))


@pytest.mark.parametrize("outcome", ["score", "response"])
@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_combination_answers_or_says_why_not(few, weights, missing, outcome):
    for method in METHODS:
        choices = {"weights": weights, "missing": missing, "method": method, "outcome": outcome}
        if (weights, missing, method) not in VALID or (outcome == "response" and method == "mmrm"):
            with pytest.raises(OptionError):
                compare(few, **choices)
            continue
        result = compare(few, **choices)
        found = answer(result)
        assert math.isfinite(found.estimate)
        assert found.conf_low < found.estimate < found.conf_high
        assert found.measure == ("difference in means" if outcome == "score" else "difference in proportions")
        assert bool(result.select(measure="risk ratio")) == (outcome == "response")
        assert result.verdict in {"report", "with caution", "withhold"}


@pytest.mark.parametrize("seed", range(12))
def test_tiny_data_answer_or_raise_an_error_of_the_package(seed):
    """With a dozen patients an answer is rare; whatever comes has a name."""
    ways = [{}, {"missing": "multiple_imputation"}, {"weights": "entropy"}, {"outcome": "response", "method": "aipw"}]
    frame = rows(12, seed=seed)
    for way in ways:
        try:
            result = compare(analysis_set(frame), **way)
        except KatOutcomesError:
            continue
        assert result.verdict == "withhold"
