"""Dropout by hand, on eight patients with every pattern of scores, and on the edges."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import DesignError, DisclosureError, ImmortalTimeError, OptionError

NAN = float("nan")
VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}
PATTERNS = {  # baseline, then scores at the visits; the last patient has no baseline
    "a": (20, 9, 9, 9),
    "b": (18, 9, NAN, 9),
    "c": (16, 9, 9, NAN),
    "d": (14, 9, NAN, NAN),
    "e": (12, NAN, 9, NAN),
    "f": (10, NAN, NAN, NAN),
    "g": (22, NAN, NAN, 9),
    "h": (NAN, 9, 9, 9),
}


def analysis_set(patterns=None, **columns):
    rows = [
        {"id": name, "visit": visit, "score": score, "before": scores[0]}
        for name, scores in (PATTERNS if patterns is None else patterns).items()
        for visit, score in zip(VISITS, scores[1:], strict=True)
    ]
    frame = pd.DataFrame(rows)
    for name, values in columns.items():
        frame[name] = frame["id"].map(values)
    choices = {"treatment": "arm", "treatment_known_by_day": 0} if "arm" in columns else {}
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        visits=VISITS,
        covariates=[name for name in columns if name != "arm"],
        **choices,
    )


def share(result, term, visit, subgroup=""):
    (found,) = result.select(term=term, visit=visit, subgroup=subgroup, measure="proportion")
    return found.n_counted, found.n_patients


@pytest.fixture(scope="module")
def result():
    return kat.dropout(analysis_set())


@pytest.mark.parametrize(("visit", "counts"), [("week 4", (4, 7)), ("week 8", (3, 7)), ("week 12", (3, 7))])
def test_who_has_a_score(result, visit, counts):
    assert share(result, "scored at visit", visit) == counts


@pytest.mark.parametrize(("visit", "counts"), [("week 4", (6, 7)), ("week 8", (5, 7))])
def test_who_is_seen_then_or_later(result, visit, counts):
    assert share(result, "seen then or later", visit) == counts


def test_at_the_last_visit_it_is_the_same_number_and_stands_once(result):
    assert not result.select(term="seen then or later", visit="week 12")


def test_the_limits_are_those_of_the_curve(result):
    (found,) = result.select(term="seen then or later", visit="week 8", subgroup="")
    # Lost: f from the first visit on, d from the second: S = 5/7, Greenwood 1/(7·6) + 1/(6·5).
    survival = 5 / 7
    width = 1.959963984540054 * math.sqrt(1 / 42 + 1 / 30) / abs(math.log(survival))
    assert found.estimate == survival
    assert found.conf_low == pytest.approx(survival ** math.exp(width), rel=1e-12)
    assert found.conf_high == pytest.approx(survival ** math.exp(-width), rel=1e-12)


def test_the_baseline_of_those_scored_against_all(result):
    everybody = np.array([20, 18, 16, 14, 12, 10, 22.0])
    scored = np.array([20, 18, 22.0])
    (shift,) = result.select(measure="shift of the mean", visit="week 12", subgroup="")
    assert shift.estimate == pytest.approx((scored.mean() - everybody.mean()) / everybody.std(ddof=1), rel=1e-12)
    assert shift.n_patients == 3
    (mean,) = result.select(term="baseline, scored", measure="mean", visit="week 12", subgroup="")
    assert mean.estimate == 20.0


def test_bands_of_the_baseline_score(result):
    # PHQ-9: 10 to 14 moderate, 15 to 19 moderately severe, 20 and more severe.
    assert share(result, "scored at visit", "week 12", "baseline severity: moderate") == (0, 3)
    assert share(result, "scored at visit", "week 12", "baseline severity: moderately severe") == (1, 2)
    assert share(result, "scored at visit", "week 12", "baseline severity: severe") == (2, 2)


def test_cohorts_come_before_bands():
    result = kat.dropout(analysis_set(arm=dict.fromkeys("abcd", "x") | dict.fromkeys("efgh", "y")), predictors=())
    groups = list(dict.fromkeys(estimate.subgroup for estimate in result.select(term="scored at visit")))
    assert groups[:3] == ["", "arm: x", "arm: y"]
    assert groups[3].startswith("baseline severity: ")


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(3)
    patterns = {
        f"p{number}": (float(rng.integers(8, 27)), *np.where(rng.random(3) < [0.1, 0.2, 0.35], NAN, 9.0))
        for number in range(200)
    }
    age = {name: float(rng.integers(20, 70)) for name in patterns} | {"p1": NAN}
    site = {name: ["north", "south", "west"][number % 3] for number, name in enumerate(patterns)}
    smoker = {name: number % 4 == 0 for number, name in enumerate(patterns)}
    return analysis_set(patterns, age=age, site=site, smoker=smoker)


def test_odds_ratios_are_those_of_statsmodels(large):
    import statsmodels.api as sm

    result = kat.dropout(large, predictors=["age", "site", "smoker"])
    odds = result.select(measure="odds ratio")
    by_name = {variable.name: variable for variable in large.variables}
    age, site, smoker = (np.asarray(by_name[name].values) for name in ("age", "site", "smoker"))
    known = ~np.isnan(age)
    columns = [np.ones(len(age)), large.baseline, age, site == 1, site == 2, smoker]
    lost = np.isnan(large.scores_at("week 12"))
    theirs = sm.Logit(lost[known].astype(float), np.column_stack(columns)[known]).fit(disp=0, tol=1e-12)
    assert [one.estimate for one in odds] == pytest.approx(np.exp(theirs.params[1:]), rel=1e-7)
    assert [one.p_value for one in odds] == pytest.approx(theirs.pvalues[1:], rel=1e-6)
    limits = np.exp(theirs.conf_int()[1:])
    assert [one.conf_low for one in odds] == pytest.approx(limits[:, 0], rel=1e-6)
    assert [one.conf_high for one in odds] == pytest.approx(limits[:, 1], rel=1e-6)
    assert [one.term.removeprefix("odds of no score, ") for one in odds] == [
        "per point of the baseline score",
        "per unit of age",
        "site: south against north",
        "site: west against north",
        "smoker: yes against no",
    ]
    assert [one.n_patients for one in odds] == [199, 199, 66, 66, 50]  # the one without an age is of the south
    (in_model,) = result.select(term="in the model of no score")
    assert in_model.n_patients == 199


def test_a_predictor_that_separates_gives_no_odds_ratio_and_a_failed_check(large):
    lost = np.isnan(large.scores_at("week 12"))
    patterns = {
        f"q{number}": (float(before), *scores)
        for number, (before, scores) in enumerate(zip(large.baseline, large.scores, strict=True))
    }
    told = {name: bool(flag) for name, flag in zip(patterns, lost, strict=True)}
    result = kat.dropout(analysis_set(patterns, told=told), predictors=["told"])
    assert all(math.isnan(one.estimate) for one in result.select(measure="odds ratio"))
    assert "separation" in {check.name for check in result.checks if not check.passed}
    assert "nan" not in result.to_table().to_csv()


def test_where_nobody_is_lost_there_is_no_model():
    result = kat.dropout(analysis_set({name: (10 + number, 9, 9, 9) for number, name in enumerate("abcdef")}))
    assert not result.select(measure="odds ratio")
    (later,) = result.select(term="seen then or later", visit="week 4", subgroup="")
    assert later.estimate == 1.0
    assert math.isnan(later.conf_level)


def test_predictors_that_depend_on_each_other_are_refused(large):
    with pytest.raises(DesignError, match="depend on each other"):
        kat.dropout(large, predictors=["age", "age"])


def test_what_is_known_later_predicts_nothing():
    data = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=40)).analysis_set("PHQ-9")
    for choices in ({"predictors": ["any_integration_by_day_84"]}, {"by": "any_integration_by_day_84"}):
        with pytest.raises((DesignError, ImmortalTimeError)):
            kat.dropout(data, **choices)


def test_without_a_baseline_nobody_can_be_lost():
    with pytest.raises(DesignError, match="nobody has a baseline"):
        kat.dropout(analysis_set({"a": (NAN, 9, 9, 9)}))


@pytest.mark.parametrize("choices", [{"visit": "week 13"}, {"predictors": ["shoe size"]}, {"conf_level": 95}])
def test_what_cannot_be_chosen(choices):
    with pytest.raises(OptionError):
        kat.dropout(analysis_set(), **choices)


# --- single patients -------------------------------------------------------------------------------------------------


def test_single_patients_are_drawn_with_every_score_they_have(result):
    figure = result.plot("individual_trajectories")
    drawn = sorted(row[3] for row in figure.rows)
    began = [scores for scores in PATTERNS.values() if not math.isnan(scores[0])]
    wanted = [score for scores in began for score in scores if not math.isnan(score)]
    assert drawn == sorted(wanted)
    last = [(row[1], row[3]) for row in figure.rows if row[4]]
    assert sorted(last) == [("baseline", 10.0), ("week 4", 9.0), ("week 8", 9.0), ("week 8", 9.0)]


def test_single_patients_never_leave(result):
    released = kat.release(result)
    with pytest.raises(DisclosureError, match="stay in the clinic"):
        released.plot("individual_trajectories")


def test_many_patients_are_not_drawn_one_by_one(large):
    with pytest.raises(OptionError, match="at most 40"):
        kat.dropout(large, predictors=()).plot("individual_trajectories")
