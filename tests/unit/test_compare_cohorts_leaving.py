"""`compare_cohorts` where leaving care counts, or days do: by hand, against statsmodels, and by what must be equal."""

from __future__ import annotations

import dataclasses
import warnings
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.kernels.groups.weighted_risks import estimate_risks
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, arm_weights

VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}
WHEN = "up to week 12"
COMPOSITE = {"outcome": "response", "left_care": "composite"}
IN_CARE = {"left_care": "while_in_care"}
DAYS = {"outcome": "days_in_response"}


def people(n_patients=260, seed=11):
    """Patients as columns: many responders, some who leave, some who are missed while in care."""
    rng = np.random.default_rng(seed)
    severity = np.round(rng.normal(size=n_patients), 2)
    frame = pd.DataFrame(
        {
            "id": [f"p{number}" for number in range(n_patients)],
            "before": np.clip(np.round(16 + 2 * severity + rng.normal(0, 2, n_patients)), 6, 27),
            "severity": severity,
            "clinic": rng.choice(list("abcd"), n_patients),
            "arm": np.where(rng.random(n_patients) < 1 / (1 + np.exp(-0.5 * severity)), "booked", "not booked"),
            "until": np.where(rng.random(n_patients) < 0.35, rng.integers(5, 84, n_patients), 120),
            "control": np.round(rng.normal(size=n_patients), 2),
        }
    )
    for name, day in VISITS.items():
        mean = frame["before"] * (1 - day / 170) - 2 * (frame["arm"] == "booked")
        score = np.clip(np.round(mean + rng.normal(0, 3, n_patients)), 0, 27)
        gone = rng.random(n_patients) < np.where(frame["until"] < day, 0.7, 0.15)
        frame[name] = score.where(~gone)
    return frame


def analysis_set(frame):
    rows = frame.melt([name for name in frame if name not in VISITS], list(VISITS), "visit", "score")
    return kat.AnalysisSet.from_frame(
        rows,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        covariates=["severity", "clinic", "until", "control"],
        instrument="PHQ-9",
        visits=VISITS,
        treatment="arm",
        comparator="not booked",
        treatment_known_by_day=0,
    )


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def data(frame):
    return analysis_set(frame)


def compare(data, **choices):
    return kat.compare_cohorts(data, **({"covariates": ("severity",), "n_bootstrap": 100, "rng": 5} | choices))


def only(result, **fields):
    (found,) = result.select(**fields)
    return found


def answer(result):
    return result.estimates[0]


# --- who left has not responded --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_known", [True, False])
def test_everybody_has_an_outcome_but_those_missed_while_in_care(frame, data, is_known):
    result = compare(data, **COMPOSITE, **({"in_care_until": "until"} if is_known else {}))
    left = frame["until"] < 84 if is_known else frame["week 12"].isna()
    scored = frame["week 12"].notna() & ~left
    responded = scored & (frame["week 12"] <= 0.5 * frame["before"])
    for arm in ("not booked", "booked"):
        members, where = frame["arm"] == arm, {"subgroup": f"arm: {arm}", "visit": WHEN}
        counts = {
            "with an outcome, of those compared": (members & (left | scored), members),
            "scored in care, of those compared": (members & scored, members),
            "left care, of those compared": (members & left, members),
            "seen, of those with an outcome: response": (members & responded, members & (left | scored)),
        }
        for term, (some, whole) in counts.items():
            found = only(result, term=term, **where)
            assert (found.n_counted, found.n_patients) == (some.sum(), whole.sum()), term
        assert only(result, term="follow-up, weighted", **where).n_patients == (members & (left | scored)).sum()
    assert not is_known or (left & frame["week 12"].notna()).sum() > 0  # scored after leaving, and no responders
    assert result.estimand.name == "composite_response"
    assert "everybody who leaves care before the visit counts as a non-responder" in result.estimand.sentence()
    assert any("counts as having left" in text for text in result.warnings) != is_known
    assert answer(result).n_patients == (left | scored).sum()
    for measure in ("difference in proportions", "risk ratio"):
        assert result.select(measure=measure)


def test_composite_risks_are_those_of_statsmodels(monkeypatch):
    """Step by step: who is observed among those in care, everybody's weights, a weighted model, its average."""
    monkeypatch.setattr("katoutcomes.kernels.groups.weighted_risks.OUTCOME_RIDGE", 0.0)
    rng = np.random.default_rng(2)
    n_patients = 600
    x, last = rng.normal(size=(n_patients, 2)), rng.normal(size=(n_patients, 1))
    arms = (rng.random(n_patients) < 1 / (1 + np.exp(-x[:, 0]))).astype(np.int64)
    left = rng.random(n_patients) < 0.3
    outcome = np.where(left, 0.0, (rng.random(n_patients) < 1 / (1 + np.exp(-x[:, 1] - arms))).astype(np.float64))
    outcome[~left & (rng.random(n_patients) < 1 / (1 + np.exp(1.0 - last[:, 0])))] = np.nan
    data = ArmData(outcome, arms, 2, x, last, np.empty((n_patients, 0)), certain=left)
    recipe = Recipe("overlap", observation_weights=True, ridge=0.0, limits=(0.0, 1.0))
    found = estimate_risks(data, recipe, np.ones((1, n_patients))).means[0]

    ones, seen = np.ones(n_patients), ~np.isnan(outcome)
    propensity = sm.Logit(arms, np.column_stack([ones, x])).fit(disp=0, tol=1e-12).predict()
    design = np.column_stack([ones, x, last, arms])
    observed = ones.copy()
    observed[~left] = sm.Logit(seen[~left], design[~left]).fit(disp=0, tol=1e-12).predict(design[~left])
    weight = np.where(arms == 1, 1 - propensity, propensity) / observed
    outcome_design = np.column_stack([ones, x, arms])
    fit = sm.GLM(outcome[seen], outcome_design[seen], sm.families.Binomial(), freq_weights=weight[seen]).fit(tol=1e-12)
    tilt = propensity * (1 - propensity)
    for arm in (0, 1):
        forced = np.column_stack([ones, x, np.full(n_patients, arm)])
        assert found[arm] == pytest.approx(tilt @ fit.predict(forced) / tilt.sum(), abs=1e-7)
    assert (arm_weights(data, recipe, np.ones((1, n_patients))).observed[0, left] == 1.0).all()


@pytest.mark.parametrize("way", [{}, {"missing": "multiple_imputation", "n_imputations": 5}, {"interval": "robust"}])
def test_where_nobody_leaves_it_is_the_response_itself(frame, way):
    stayed = analysis_set(frame.assign(until=200 + frame["until"]))
    plain = compare(stayed, outcome="response", **way)
    composite = compare(stayed, **COMPOSITE, in_care_until="until", **way)
    one, other = (result.select(measure="difference in proportions")[0] for result in (plain, composite))
    for name in ("estimate", "conf_low", "conf_high", "std_error"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-12)


def test_leavers_count_in_every_way(data):
    """Fewer respond than by the scores alone, and imputation agrees with weights."""
    plain = compare(data, outcome="response", in_care_until="until")
    ways = [{}, {"missing": "multiple_imputation", "n_imputations": 10}, {"method": "aipw"}, {"interval": "robust"}]
    found = [compare(data, **COMPOSITE, in_care_until="until", **way) for way in ways]
    for arm in ("not booked", "booked"):
        where = {"term": "follow-up, weighted", "subgroup": f"arm: {arm}"}
        shares = [only(result, **where).estimate for result in found]
        assert max(shares) < only(plain, **where).estimate
        assert np.ptp(shares) < 0.04
    for result in found:
        assert not [one for one in result.estimates if one.term.startswith("reference-based")]


# --- the last score in care ------------------------------------------------------------------------------------------


def last_in_care(frame):
    last = frame["before"].copy()
    for name, day in VISITS.items():
        last = frame[name].where(frame[name].notna() & (frame["until"] >= day), last)
    return last


def test_the_last_score_in_care_is_compared_as_statsmodels_does(frame, data):
    result = compare(data, **IN_CARE, in_care_until="until", weights="none", interval="robust")
    design = sm.add_constant(
        np.column_stack([frame["arm"] == "booked", frame["before"], frame["severity"]]).astype(np.float64)
    )
    fit = sm.OLS(last_in_care(frame), design).fit(cov_type="HC3", use_t=True)
    found = answer(result)
    assert found.estimate == pytest.approx(fit.params.iloc[1], abs=1e-9)
    assert found.std_error == pytest.approx(fit.bse.iloc[1], abs=1e-9)
    assert (found.conf_low, found.conf_high) == pytest.approx(tuple(fit.conf_int().loc["x1"]), abs=1e-9)
    assert found.n_patients == len(frame)
    means = [one.estimate for one in result.select(measure="adjusted mean")]
    assert means[1] - means[0] == pytest.approx(found.estimate, abs=1e-9)


def test_it_describes_and_is_no_effect(data):
    result = compare(data, **IN_CARE, in_care_until="until")
    assert result.estimand.name == "while_in_care"
    assert not result.estimand.is_causal
    assert "describes and is no effect" in result.estimand.sentence()
    assert "describes and is no effect" in "".join(result.to_table().footnotes)
    assert any("Last scores in care are of different days" in text for text in result.warnings)
    stems = {one.term.split(": ")[0] for one in result.estimates}
    assert not stems & {"unmeasured confounding", "tipping point", "scored, of those compared"}


@pytest.mark.parametrize(("more", "severity"), [(0.0, ""), (0.2, "caution"), (0.6, "withhold")])
def test_arms_that_are_left_at_different_rates_are_doubted(frame, more, severity):
    rng = np.random.default_rng(8)
    gone = rng.random(len(frame)) < 0.1 + more * (frame["arm"] == "booked")
    until = rng.integers(0, 80, len(frame)) + 100 * ~gone
    result = compare(analysis_set(frame.assign(until=until)), **IN_CARE, in_care_until="until")
    (check,) = [check for check in result.checks if check.name == "difference in leaving care"]
    shares = gone.groupby(frame["arm"]).mean()
    assert check.value == pytest.approx(shares.max() - shares.min())
    assert check.passed == (not severity)
    assert not severity or check.severity == severity
    assert (result.verdict == "withhold") == (severity == "withhold")


def test_where_everybody_is_scored_and_stays_it_is_the_score(frame):
    stayed = frame.assign(until=200 + frame["until"], **{"week 12": frame["week 12"].fillna(10.0)})
    one, other = (
        answer(compare(analysis_set(stayed), **asked)) for asked in ({}, IN_CARE | {"in_care_until": "until"})
    )
    assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
    assert one.conf_low == pytest.approx(other.conf_low, abs=1e-12)


# --- days in response ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [{}, {"weights": "iptw_ate"}, {"method": "aipw"}, {"missing": "complete_cases"}])
def test_days_are_the_area_under_the_share_at_each_visit(data, way):
    """The share at a visit is what a comparison of response at that visit finds; each speaks for its days."""
    result = compare(data, **DAYS, in_care_until="until", **way)
    by_visit = [compare(data, outcome="response", visit=visit, in_care_until="until", **way) for visit in VISITS]
    for arm in ("not booked", "booked"):
        where = {"subgroup": f"arm: {arm}"}
        shares = [only(one, term="follow-up, weighted", **where) for one in by_visit]
        here = [only(result, term="in response, weighted", visit=visit, **where) for visit in VISITS]
        for one, other in zip(shares, here, strict=True):
            assert other.estimate == pytest.approx(one.estimate, abs=1e-9)
            assert (other.conf_low, other.conf_high) == pytest.approx((one.conf_low, one.conf_high), abs=1e-9)
            assert other.n_patients == one.n_patients
        days = np.array([28.0, 28.0, 14.0]) @ [one.estimate for one in shares]
        assert only(result, measure="adjusted mean", subgroup=f"arm: {arm}").estimate == pytest.approx(days, abs=1e-9)
    means = [one.estimate for one in result.select(measure="adjusted mean")]
    found = answer(result)
    assert found.estimate == pytest.approx(means[1] - means[0], abs=1e-9)
    assert found.conf_low < found.estimate < found.conf_high
    rules = [one for one in result.estimates if one.term.startswith("days between visits")]
    assert np.mean([one.estimate for one in rules]) == pytest.approx(found.estimate, abs=1e-9)
    assert result.estimand.name == "days_in_response"
    assert (found.unit, result.to_table().rows[0][2]) == ("days", f"{found.estimate:.1f}")
    assert "week 4 for 28 days, week 8 for 28 days, week 12 for 14 days" in result.method.description


def test_imputed_days_of_a_complete_clinic_are_those_of_least_squares(frame):
    complete = frame.fillna(dict.fromkeys(VISITS, 9.0))
    way = {"missing": "multiple_imputation", "n_imputations": 2, "weights": "none"}
    result = compare(analysis_set(complete), **DAYS, **way)
    states = np.column_stack([complete[visit] <= 0.5 * complete["before"] for visit in VISITS])
    design = sm.add_constant(
        np.column_stack([complete["arm"] == "booked", complete["before"], complete["severity"]]).astype(np.float64)
    )
    fit = sm.OLS(states @ [28.0, 28.0, 14.0], design).fit(cov_type="HC3", use_t=True)
    assert answer(result).estimate == pytest.approx(fit.params[1], abs=1e-9)
    assert answer(result).std_error == pytest.approx(fit.bse[1], abs=1e-9)


def test_imputed_days_agree_with_weighted_ones(data):
    weighted = compare(data, **DAYS, in_care_until="until")
    imputed = compare(data, **DAYS, in_care_until="until", missing="multiple_imputation", n_imputations=10)
    assert answer(imputed).estimate == pytest.approx(answer(weighted).estimate, abs=answer(weighted).std_error)
    assert imputed.select(measure="missing information")
    assert len(imputed.select(measure="adjusted share")) == 6


# --- what goes together, and what is released ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"left_care": "stayed"}, "left_care"),
        ({"left_care": "composite"}, "needs a binary outcome"),
        (DAYS | {"left_care": "composite"}, "count whatever happened"),
        (DAYS | {"interval": "robust"}, "bootstrap"),
        (DAYS | {"modifiers": ("severity",)}, "neither modifiers nor cluster"),
        (DAYS | {"cluster": "clinic"}, "neither modifiers nor cluster"),
        (DAYS | {"method": "aipw", "slopes": "per_arm"}, "pooled"),
        (DAYS | {"method": "mmrm", "missing": "likelihood", "weights": "none"}, "models scores"),
        (IN_CARE | {"method": "mmrm", "missing": "likelihood", "weights": "none"}, "one score of each patient"),
        (IN_CARE | {"missing": "multiple_imputation"}, "nothing to impute"),
    ],
)
def test_what_does_not_go_together_is_refused(data, choices, words):
    with pytest.raises(OptionError, match=words):
        compare(data, **choices)


@pytest.mark.parametrize("asked", [COMPOSITE, IN_CARE, IN_CARE | {"outcome": "response"}, DAYS])
def test_the_rest_of_the_suite_goes_with_them(data, asked):
    further = {} if asked is DAYS else {"modifiers": ("severity",), "cluster": "clinic"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare(data, **asked, in_care_until="until", negative_control="control", **further)
    assert abs(only(result, term="negative control: control").estimate) < 0.5
    assert result.plot("love").rows
    assert result.plot("overlap").rows
    released = kat.release(result)
    assert released.to_table().rows
    assert released.estimand == result.estimand
    same = compare(data, **asked, in_care_until="until", negative_control="control", n_workers=2, **further)
    assert same.to_json() == result.to_json()


def test_a_visit_without_scores_in_an_arm_is_said(frame):
    result = compare(analysis_set(frame.assign(**{"week 4": np.where(frame["arm"] == "booked", np.nan, 9.0)})), **DAYS)
    assert "one of the visits up to week 12" in result.checks[0].message
    assert np.isnan(answer(result).estimate)
    assert result.verdict == "withhold"


def test_fewer_than_eleven_responders_hide_composite_and_days(frame):
    few = frame.copy()
    booked = few.index[few["arm"] == "booked"]
    few.loc[booked, list(VISITS)] = few.loc[booked, list(VISITS)].clip(lower=27.0)
    some = [index for index in booked if few.loc[index, "until"] > 84][:5]
    few.loc[some, list(VISITS)] = 0.0
    for asked in (COMPOSITE, DAYS):
        released = kat.release(compare(analysis_set(few), **asked, in_care_until="until"))
        assert answer(released).suppressed
        for one in released.select(measure="adjusted share", subgroup="arm: booked"):
            assert one.suppressed


def test_a_family_takes_them(data):
    results = [compare(data, **asked, in_care_until="until") for asked in ({}, COMPOSITE, DAYS, IN_CARE)]
    family = kat.outcome_family(results)
    assert len({one.term for one in family.estimates}) == 4
    assert family.estimand.endpoint.visit == "week 12"


def test_a_plan_asks_for_them(tmp_path):
    text = (files("katoutcomes.plans") / "default_plan.toml").read_text(encoding="utf-8")
    asked = '\n[analyses.compare_cohorts]\nn_bootstrap = 100\noutcome = "response"\nleft_care = "composite"\n'
    (tmp_path / "plan.toml").write_text(text + asked, encoding="utf-8")
    plan = kat.AnalysisPlan.read(tmp_path / "plan.toml")
    (comparison,) = [one for one in plan.analyses if one.name == "compare_cohorts"]
    alone = dataclasses.replace(plan, instruments=("PHQ-9",), in_full=(), analyses=(comparison,))
    results = kat.run(alone, kat.simulate_registry(seed=2, n_patients=120))
    assert results.of("compare_cohorts").estimand.name == "composite_response"
    (tmp_path / "plan.toml").write_text(text + asked.replace("composite", "stayed"), encoding="utf-8")
    with pytest.raises(OptionError, match="left_care"):
        kat.AnalysisPlan.read(tmp_path / "plan.toml")


def test_the_words_are_those_of_the_named_estimand():
    for name, leaving in (("composite_response", "composite"), ("while_in_care", "while on treatment")):
        assert kat.NAMED_ESTIMANDS[name].leaving_care == leaving
    with pytest.raises(dataclasses.FrozenInstanceError):
        kat.NAMED_ESTIMANDS["while_in_care"].name = "another"
