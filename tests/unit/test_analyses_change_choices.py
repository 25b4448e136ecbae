"""What may be chosen of `change_from_baseline`: margins, bootstrap, selection, subgroups, families."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import katoutcomes as kat
from katoutcomes.analyses.steps.change.choices import MULTIPLICITY
from katoutcomes.errors import OptionError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.kernels.multiplicity import METHODS, adjusted_p_values

ROUNDING = 1e-11


def patients(n_patients=160, seed=5):
    rng = np.random.default_rng(seed)
    before = np.clip(np.round(rng.normal(17, 4, n_patients)), 0, 27)
    site = rng.choice(["lake", "north", "south"], n_patients)
    rows = []
    for week, fall in ((4, 3.0), (12, 5.0)):
        score = np.clip(np.round(before - fall - (site == "north") + rng.normal(0, 4, n_patients)), 0, 27)
        rows.append(pd.DataFrame({"id": range(n_patients), "week": week, "phq": score, "before": before, "site": site}))
    frame = pd.concat(rows)
    frame["arm"] = np.where(frame["id"] % 2 == 0, "alone", "with")
    return frame[(frame["id"] * 7 + frame["week"]) % 11 > 1]


def as_set(frame, **choices):
    given = {"treatment": "arm", "treatment_known_by_day": 0, "comparator": "alone", "instrument": "PHQ-9"} | choices
    return kat.AnalysisSet.from_frame(
        frame, patient="id", visit="week", score="phq", baseline="before", covariates=["site"], **given
    )


@pytest.fixture(scope="module")
def data():
    return as_set(patients())


def one(result, **fields):
    (found,) = result.select(**({"visit": "visit 12", "subgroup": ""} | fields))
    return found


def pairs_of(data, visit="visit 12"):
    both = data.pairs(visit)
    return data.baseline[both], data.scores_at(visit)[both]


# --- margins ---------------------------------------------------------------------------------------------------------


def test_a_named_margin_is_tested_in_the_direction_of_the_instrument(data):
    result = kat.change_from_baseline(data, margin="turkoz_2021_mcid")
    before, after = pairs_of(data)
    t = {
        "non-inferiority": stats.ttest_1samp(after - before, 3.0, alternative="less"),
        "improvement beyond the margin": stats.ttest_1samp(after - before, -3.0, alternative="less"),
    }
    for term, expected in t.items():
        found = one(result, term=term)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
        assert abs(found.statistic) == pytest.approx(abs(expected.statistic), rel=ROUNDING)
        assert (found.definition_set, found.conf_level) == ("phq9/turkoz_2021_mcid", pytest.approx(0.9))
    assert one(result, term="equivalence").p_value > 0.5
    (margin,) = result.select(term="margin")
    assert (margin.estimate, margin.unit, margin.n_patients) == (3.0, "points", None)
    assert any("Turkoz" in source for source in result.method.sources)


def test_a_margin_where_higher_is_better():
    """The same scores turned round give the same answers."""
    frame = patients()
    turned = frame.assign(phq=27 - frame["phq"], before=27 - frame["before"])
    scale = kat.instrument("PHQ-9")
    import dataclasses

    better = dataclasses.replace(scale, id="other", name="Other", direction="higher_is_better", definition_sets=())
    down = kat.change_from_baseline(as_set(frame), margin=3.0)
    up = kat.change_from_baseline(as_set(turned, instrument=better), margin=3.0)
    for term in ("equivalence", "non-inferiority", "improvement beyond the margin"):
        first, second = one(down, term=term), one(up, term=term)
        assert first.p_value == pytest.approx(second.p_value, rel=1e-9)
        assert first.statistic == pytest.approx(second.statistic, rel=ROUNDING)
    for fields in ({"measure": "U3"}, {"measure": "probability of superiority"}, {"term": "score change: improved"}):
        first, second = one(down, **fields), one(up, **fields)
        assert (first.estimate, first.conf_low) == pytest.approx((second.estimate, second.conf_low), rel=1e-9)
    assert one(down, term="follow-up score: lowest").estimate == one(up, term="follow-up score: highest").estimate


def test_a_share_of_the_baseline_as_margin(data):
    result = kat.change_from_baseline(data, margin="kounali_2022_mcid_share")
    before, after = pairs_of(data)
    expected = stats.ttest_1samp(after - before + 0.21 * before, 0.0, alternative="less").pvalue
    assert one(result, term="improvement beyond the margin").p_value == pytest.approx(expected, rel=1e-9)
    assert "21% of each patient's baseline" in result.method.description


# --- bootstrap -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", ["bca", "percentile"])
def test_bootstrap_limits_replace_the_formulas(data, interval):
    closed = kat.change_from_baseline(data)
    result = kat.change_from_baseline(data, interval=interval, rng=7, n_resamples=1000)
    for measure in ("mean change", "d_z", "hedges_d_av", "d_rm", "delta_pre"):
        fields = {"term": "change", "measure": measure}
        before, now = one(closed, **fields), one(result, **fields)
        assert now.estimate == before.estimate
        assert now.conf_low != before.conf_low
        assert abs(now.conf_low - before.conf_low) < 0.6 * (before.estimate - before.conf_low)
    assert one(result, term="follow-up", measure="mean") == one(closed, term="follow-up", measure="mean")
    assert "1,000 samples of patients" in result.method.description
    again = kat.change_from_baseline(data, interval=interval, rng=np.random.default_rng(7), n_resamples=1000)
    assert again.to_json() == result.to_json()


def test_the_bootstrap_stays_within_the_rules_for_few_patients():
    """Limits hold the estimate they stand beside, or there are none."""
    result = kat.change_from_baseline(as_set(patients(14)), interval="bca", rng=1, n_resamples=1000)
    for estimate in result.estimates:
        if not math.isnan(estimate.conf_low):
            assert estimate.conf_low <= estimate.estimate <= estimate.conf_high


# --- selection -------------------------------------------------------------------------------------------------------


def test_regression_to_the_mean_without_a_cut_off(data):
    rule = kat.SelectionRule(referral_mean=14.0, reliabilities=(0.6, 0.8), mean_margin=1.0)
    result = kat.change_from_baseline(data, selection=rule)
    before, _ = pairs_of(data)
    apart = before.mean() - 14.0
    assert one(result, term="regression to the mean, reliability 0.6").estimate == pytest.approx(-0.4 * apart)
    assert one(result, term="regression to the mean, most").estimate == pytest.approx(-0.4 * (apart + 1.0))
    assert one(result, term="regression to the mean, least").estimate == pytest.approx(-0.2 * (apart - 1.0))
    change = one(result, term="change", measure="mean change")
    least = one(result, term="change beyond regression to the mean, least")
    assert least.estimate == pytest.approx(change.estimate + 0.4 * (apart + 1.0))
    assert least.conf_high - least.conf_low == pytest.approx(change.conf_high - change.conf_low)


def test_regression_to_the_mean_with_a_cut_off_and_a_known_population(data):
    rule = kat.SelectionRule(cut_off=10, referral_mean=15.0, referral_sd=5.0, mean_margin=0.0)
    result = kat.change_from_baseline(data, selection=rule)
    z = (10 - 15) / 5
    hazard = stats.norm.pdf(z) / stats.norm.sf(z)
    for reliability in (0.6, 0.7, 0.8, 0.9):
        found = one(result, term=f"regression to the mean, reliability {reliability}")
        assert found.estimate == pytest.approx(-(1 - reliability) * 5 * hazard, rel=1e-12)


def test_regression_to_the_mean_with_a_population_that_is_estimated():
    """Scores of people chosen at 15 or more who never changed: what they did is inside the bound."""
    rng = np.random.default_rng(3)
    n_all, reliability = 60_000, 0.7
    person = rng.normal(14, 5 * math.sqrt(reliability), n_all)
    seen = [np.clip(np.round(person + rng.normal(0, 5 * math.sqrt(1 - reliability), n_all)), 0, 27) for _ in range(2)]
    chosen = seen[0] >= 15
    frame = pd.DataFrame({"id": np.flatnonzero(chosen), "week": 12, "before": seen[0][chosen], "phq": seen[1][chosen]})
    data = kat.AnalysisSet.from_frame(
        frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    )
    result = kat.change_from_baseline(data, selection=kat.SelectionRule(cut_off=15))
    change = one(result, term="change", measure="mean change").estimate
    at_the_truth = one(result, term="regression to the mean, reliability 0.7").estimate
    assert at_the_truth == pytest.approx(change, abs=0.25)
    assert one(result, term="regression to the mean, most").estimate < change
    assert change < one(result, term="regression to the mean, least").estimate


def asking(data, *limits):
    criteria = [Criterion("baseline_score", operator, value, "not asked") for operator, value in limits]
    return replace(data, baseline_criteria=tuple(criteria))


@pytest.fixture(scope="module")
def selected():
    """Everybody at 15 or more, as a criterion of the cohort keeps them."""
    frame = patients()
    return as_set(frame[frame["before"] >= 15])


def test_the_cut_off_is_read_from_the_cohort(selected):
    read = kat.change_from_baseline(asking(selected, (">=", 15)))
    stated = kat.change_from_baseline(selected, selection=kat.SelectionRule(cut_off=15))
    assert read.estimates == stated.estimates
    assert len(read.select(measure="expected change")) > 0
    assert "the cohort's own criterion (baseline score at least 15)" in read.method.description
    assert not read.warnings
    assert not kat.change_from_baseline(selected).select(measure="expected change")


@pytest.mark.parametrize(
    "limits", [[(">", 14)], [(">", 14.2)], [(">=", 12), (">=", 15)], [(">=", 15), ("<=", 24)], [(">", 10), (">=", 15)]]
)
def test_the_strictest_limit_counts_and_above_14_is_from_15_on(selected, limits):
    read = kat.change_from_baseline(asking(selected, *limits))
    stated = kat.change_from_baseline(selected, selection=kat.SelectionRule(cut_off=15))
    assert read.estimates == stated.estimates


def test_a_limit_at_the_milder_side_of_an_instrument_that_falls_with_severity():
    who5 = as_set(patients(), instrument="WHO-5")
    read = kat.change_from_baseline(asking(who5, ("<=", 20)))
    assert read.estimates == kat.change_from_baseline(who5, selection=kat.SelectionRule(cut_off=20)).estimates


def test_a_limit_that_leaves_out_the_most_severe_gives_no_bound_and_is_named(data):
    result = kat.change_from_baseline(asking(data, ("<=", 24)))
    assert not result.select(measure="expected change")
    assert "baseline score at most 24" in result.method.description


def test_the_callers_rule_comes_first_and_a_difference_is_said(selected):
    rule = kat.SelectionRule(cut_off=12)
    result = kat.change_from_baseline(asking(selected, (">=", 15)), selection=rule)
    assert result.estimates == kat.change_from_baseline(selected, selection=rule).estimates
    assert any("baseline score at least 15" in text for text in result.warnings)
    assert "another cut-off" in result.method.description
    assert "cut-off of 12" in result.method.description
    same = kat.change_from_baseline(asking(selected, (">=", 15)), selection=kat.SelectionRule(cut_off=15))
    assert not same.warnings
    assert "the caller's and the cohort's own as well" in same.method.description
    without = kat.change_from_baseline(asking(selected, (">=", 15)), selection=kat.SelectionRule(referral_mean=14))
    assert "without a cut-off" in without.method.description
    assert without.warnings


def test_a_registry_hands_the_criterion_to_the_set_of_its_own_instrument_only():
    asked = Criterion("baseline_score", ">=", 15, "baseline PHQ-9 below 15 or unknown")
    cohort = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=60), kat.CohortDefinition(criteria=(asked,)))
    assert cohort.analysis_set("PHQ-9").baseline_criteria == (asked,)
    assert cohort.analysis_set("GAD-7").baseline_criteria == ()
    assert kat.change_from_baseline(cohort.analysis_set("PHQ-9")).select(measure="expected change")


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"cut_off": 10.0, "referral_mean": 12.0},
        {"cut_off": math.nan},
        {"cut_off": 10.0, "referral_mean": 12.0, "referral_sd": 0.0},
        {"cut_off": 10.0, "reliabilities": (1.0,)},
        {"cut_off": 10.0, "reliabilities": ()},
        {"cut_off": 10.0, "n_baseline_scores": 0},
        {"cut_off": 10.0, "mean_margin": -1.0},
    ],
)
def test_refuses_a_selection_rule_that_says_too_little(choices):
    with pytest.raises(OptionError):
        kat.SelectionRule(**choices)


# --- severity --------------------------------------------------------------------------------------------------------


def test_change_at_a_stated_baseline(data):
    before, after = pairs_of(data)
    line = stats.linregress(before, after - before)
    result = kat.change_from_baseline(data, at_baseline=20)
    found = one(result, term="change at the stated baseline")
    assert found.estimate == pytest.approx(line.intercept + 20 * line.slope, rel=1e-9)
    assert [e.estimate for e in result.select(term="stated baseline")] == [20.0]
    usual = one(kat.change_from_baseline(data), term="change at the stated baseline")
    assert usual.estimate == pytest.approx(line.intercept + np.nanmean(data.baseline) * line.slope, rel=1e-9)


# --- subgroups and families ------------------------------------------------------------------------------------------


def test_subgroups_are_compared_by_their_difference(data):
    result = kat.change_from_baseline(data, by="site")
    differences = result.select(measure="difference in means", visit="visit 12")
    assert [(d.treatment, d.comparator) for d in differences] == [("north", "lake"), ("south", "lake")]
    site = data.variable("site")
    code = site.values  # noqa: PD011 - a record's array, not a frame's
    both = data.pairs("visit 12")
    change = data.scores_at("visit 12") - data.baseline
    groups = [change[both & (code == site.levels.index(name))] for name in ("north", "lake")]
    expected = stats.ttest_ind(*groups, equal_var=False)
    limits = expected.confidence_interval()
    found = differences[0]
    actual = (found.statistic, found.p_value, found.df, found.conf_low, found.conf_high)
    assert actual == pytest.approx((expected.statistic, expected.pvalue, expected.df, limits.low, limits.high))


def test_cohorts_are_not_compared_here(data):
    for by in (None, "arm"):
        assert kat.change_from_baseline(data, by=by).select(measure="difference in means") == ()


def test_families_are_adjusted_apart(data):
    result = kat.change_from_baseline(data, by="site", families=("visits", "subgroup differences"))
    raw = [d.p_value for d in result.select(measure="difference in means")]
    adjusted = [d.p_value for d in result.select(measure="adjusted p-value") if d.comparator]
    assert adjusted == pytest.approx(adjusted_p_values(np.array(raw), "holm").tolist())
    assert len(adjusted) == 4  # two differences at each of two visits
    visits = [d for d in result.select(measure="adjusted p-value") if not d.comparator]
    assert [d.visit for d in visits] == ["visit 4", "visit 12"]
    by_rate = kat.change_from_baseline(data, by="site", multiplicity="benjamini-hochberg")
    rates = [d.p_value for d in by_rate.select(measure="adjusted p-value")]
    assert rates == pytest.approx(adjusted_p_values(np.array(raw), "benjamini-hochberg").tolist())
    assert kat.change_from_baseline(data, by="site", multiplicity="none").select(measure="adjusted p-value") == ()


def test_the_words_for_adjusting_are_the_same_in_both_rooms():
    assert MULTIPLICITY == METHODS


@pytest.mark.parametrize(
    "choices",
    [
        {"interval": "basic"},
        {"interval": "bca"},
        {"interval": "bca", "rng": 1, "n_resamples": 100},
        {"margin": "no_such_set"},
        {"margin": -3.0},
        {"margin": 3.0, "conf_level": 0.5},
        {"families": ("everything",)},
        {"multiplicity": "bonferroni"},
    ],
)
def test_refuses_a_choice_it_does_not_know(data, choices):
    with pytest.raises(OptionError):
        kat.change_from_baseline(data, **choices)


# --- what leaves -----------------------------------------------------------------------------------------------------


def test_superiority_is_hidden_with_the_counts_it_is_made_of():
    released = kat.release(kat.change_from_baseline(as_set(patients(60))))
    for found in released.select(measure="probability of superiority"):
        shares = [e for e in released.select(visit=found.visit, subgroup=found.subgroup) if "score change:" in e.term]
        assert found.suppressed == any(share.suppressed for share in shares)
    assert any(e.suppressed for e in released.select(measure="probability of superiority"))
    assert any(not e.suppressed for e in released.select(measure="d_z"))


def test_no_share_leaves_a_small_rest_beside_the_bins():
    """Who improved, minus whom the bins show lower than before, would be those who improved inside their bin."""
    for n_patients in (90, 300, 900):
        released = kat.release(kat.change_from_baseline(as_set(patients(n_patients, seed=n_patients))))
        part = released.part("score_pair_counts")
        rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
        for share in released.estimates:
            bins = [r for r in rows if (r["visit"], r["group"]) == (share.visit, share.subgroup)]
            if share.suppressed or not bins or sum(r["n_patients"] for r in bins) != share.n_patients:
                continue
            near = {
                "score change: improved": [r for r in bins if r["follow_up_low"] < r["baseline_low"]],
                "score change: worse": [r for r in bins if r["follow_up_low"] > r["baseline_low"]],
                "score change: unchanged": [r for r in bins if r["follow_up_low"] == r["baseline_low"]],
                "follow-up score: lowest": [r for r in bins if r["follow_up_low"] == 0],
            }.get(share.term)
            if near and share.n_counted:
                rest = abs(share.n_counted - sum(r["n_patients"] for r in near))
                assert not 0 < rest < 11, (share.term, rest)
