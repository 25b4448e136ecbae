"""`compare_cohorts`: what it answers, what it refuses, and that it never answers something else silently."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import DataError, DesignError, ImmortalTimeError, NumericalError, OptionError

N_BOOTSTRAP = 100
VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}


def people(n_patients=200, seed=3, effect=-2.0):
    rng = np.random.default_rng(seed)
    severity = rng.normal(size=n_patients)
    frame = pd.DataFrame(
        {
            "id": [f"p{number}" for number in range(n_patients)],
            "before": np.clip(np.round(16 + 3 * severity + rng.normal(0, 2, n_patients)), 5, 27),
            "severity": np.round(severity, 2),
            "clinic": rng.choice(list("abcdef"), n_patients),
            "arm": np.where(rng.random(n_patients) < 1 / (1 + np.exp(-severity)), "booked", "not booked"),
        }
    )
    # Drawn after everything else, so that what was there before stays as it is.
    frame["control"] = np.round(10 + rng.normal(size=n_patients), 2)
    frame["until"] = np.where(rng.random(n_patients) < 0.3, rng.integers(10, 80, n_patients), 99)
    return frame, rng


def tidy(frame, rng, effect=-2.0):
    visits = []
    for name, day in VISITS.items():
        mean = frame["before"] - 3 + effect * (frame["arm"] == "booked") + 0.5 * frame["severity"]
        score = np.clip(np.round(mean + rng.normal(0, 3, len(frame))), 0, 27)
        left = frame["until"] < day
        missing = rng.random(len(frame)) < np.where(left, 0.6, 0.1)
        visits.append(frame.assign(visit=name, score=score.where(~missing)))
    return pd.concat(visits, ignore_index=True)


def analysis_set(rows, covariates=("severity", "clinic", "control", "until"), **choices):
    named = {"treatment_known_by_day": 0, "treatment": "arm", "comparator": "not booked"} | choices
    return kat.AnalysisSet.from_frame(
        rows,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        covariates=list(covariates),
        instrument="PHQ-9",
        visits=VISITS,
        **named,
    )


@pytest.fixture(scope="module")
def data():
    return analysis_set(tidy(*people()))


def values_of(data, name):
    return np.asarray(data.variable(name).values, dtype=np.float64)


def compare(data, **choices):
    return kat.compare_cohorts(data, **({"covariates": ("severity",), "n_bootstrap": N_BOOTSTRAP, "rng": 5} | choices))


def difference(result):
    return result.select(measure="difference in means")[0]


WAYS = [
    {},
    {"weights": "iptw_ate"},
    {"weights": "iptw_att"},
    {"weights": "entropy"},
    {"weights": "none"},
    {"missing": "complete_cases"},
    {"missing": "multiple_imputation", "n_imputations": 5},
    {"missing": "multiple_imputation", "n_imputations": 5, "weights": "none", "in_care_until": "until"},
    {"method": "aipw"},
    {"method": "aipw", "slopes": "per_arm"},
    {"method": "g_computation", "weights": "iptw_ate"},
    {"interval": "robust"},
    {"in_care_until": "until"},
    {"method": "mmrm", "missing": "likelihood", "weights": "none"},
    {"method": "mmrm", "missing": "likelihood", "weights": "none", "in_care_until": "until"},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())) or "default")
def test_every_way_finds_the_effect_that_is_there(data, way):
    result = compare(data, **way)
    found = difference(result)
    assert found.term == "follow-up, weighted: booked - not booked"
    assert found.estimate == pytest.approx(-2.0, abs=1.6)
    assert found.conf_low < found.estimate < found.conf_high < 0.5
    assert 0.2 < found.std_error < 1.2
    assert found.conf_level == 0.95
    assert result.estimand.is_causal
    assert result.estimand.name == ("if_all_had_stayed" if way.get("method") == "mmrm" else "cohorts_by_arm")
    means = result.select(measure="adjusted mean")
    assert means[1].estimate - means[0].estimate == pytest.approx(found.estimate, abs=1e-9)


def test_the_default_is_the_kernels_pipeline(data):
    from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, contrasts, estimated_means

    result = compare(data)
    severity = values_of(data, "severity")
    scores = data.scores
    last = data.baseline.copy()
    for place in range(2):
        last = np.where(np.isnan(scores[:, place]), last, scores[:, place])
    missed = np.isnan(scores[:, 1]) * 1.0
    arms = values_of(data, "arm").astype(np.int64)
    by_hand = ArmData(
        scores[:, 2],
        arms,
        2,
        np.column_stack([data.baseline, severity]),
        np.column_stack([last, missed, missed * last]),
        (missed * arms)[:, None],
    )
    expected = contrasts(estimated_means(by_hand, Recipe(), np.ones((1, data.n_patients))))[0, 0]
    assert difference(result).estimate == pytest.approx(expected, rel=1e-12)


def test_seeds_workers_and_generators(data):
    told = []
    alone = compare(data, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (N_BOOTSTRAP, N_BOOTSTRAP)
    assert alone.to_json() == compare(data, n_workers=3).to_json()
    assert alone.to_json() != compare(data, rng=6).to_json()
    first, second = (compare(data, rng=np.random.default_rng(1)) for _ in range(2))
    assert first.to_json() == second.to_json()


def test_balance_before_and_as_analyzed(data):
    result = compare(data)
    before = result.select(term="balance, before weighting: severity", measure="standardized mean difference")[0]
    after = result.select(term="balance, as analyzed: severity", measure="standardized mean difference")[0]
    assert before.estimate > 0.5
    assert abs(after.estimate) < 0.15
    treated = values_of(data, "arm") == 1
    severity = values_of(data, "severity")
    spread = (severity[treated].var(ddof=1) + severity[~treated].var(ddof=1)) / 2
    assert before.estimate == pytest.approx((severity[treated].mean() - severity[~treated].mean()) / spread**0.5)


def test_counts_add_up(data):
    result = compare(data)
    for arm in ("arm: booked", "arm: not booked"):
        compared = result.select(term="compared", subgroup=arm)[0].n_patients
        scored = result.select(term="scored, of those compared", subgroup=arm)[0]
        assert scored.n_patients == compared
        part = result.part("scored_by_visit")
        at_visit = [row[3] for row in part.rows if row[0] == "week 12" and row[2] == arm]
        assert at_visit == [scored.n_counted]
        patterns = [row[2] for row in result.part("missing_patterns").rows if row[1] == arm]
        assert sum(patterns) == scored.n_counted


def test_tipping_point_is_where_the_interval_reaches_zero(data):
    result = compare(data, interval="robust", smallest_important=1.0)
    points = {estimate.term.split(", until ")[1]: estimate for estimate in result.select(measure="tipping point")}
    found = difference(result)
    until_zero = points["the interval holds 0"].estimate
    # The upper limit moves by the addition times the weighted share of missing scores, here about a quarter.
    assert -found.conf_high / until_zero == pytest.approx(0.24, abs=0.02)
    assert points["the difference is too small to matter"].estimate > 0.0


def test_the_tipping_grid_holds_the_answer_and_both_arms(data):
    result = compare(data)
    grid = {one.term.removeprefix("tipping grid: "): one for one in result.estimates if "grid" in one.term}
    answer, middle = difference(result), grid["treated as assumed, comparator as assumed"]
    assert (middle.estimate, middle.conf_low, middle.conf_high) == (answer.estimate, answer.conf_low, answer.conf_high)
    assert len(grid) == 35
    toward, away = (
        grid["treated 8 points worse, comparator as assumed"],
        grid["treated as assumed, comparator 8 points worse"],
    )
    shares = [answer.estimate - away.estimate, toward.estimate - answer.estimate]
    # Both arms miss about a quarter of their scores, of which eight points more move a mean by two.
    assert shares == pytest.approx([2.0, 2.0], abs=0.7)
    both = grid["treated 8 points worse, comparator 8 points worse"]
    assert both.estimate == pytest.approx(answer.estimate - shares[0] + shares[1], abs=1e-12)
    point = next(one for one in result.select(measure="tipping point") if one.unit == "points")
    held = [
        one.conf_low <= 0.0 <= one.conf_high for name, one in grid.items() if name.endswith("comparator as assumed")
    ]
    assert held == [delta >= point.estimate for delta in (0.0, 2.0, 4.0, 6.0, 8.0)]
    table = result.to_table("tipping")
    assert len(table.rows) == 5
    assert len(table.columns) == 8
    assert sum(cell.endswith("*") for row in table.rows for cell in row) == sum(
        one.conf_low <= 0.0 <= one.conf_high for one in grid.values()
    )
    assert [row[4:] for row in result.plot("tipping").rows] == [
        (one.estimate, one.conf_low, one.conf_high) for one in grid.values()
    ]


def test_a_harm_tips_when_the_missing_are_better():
    frame, rng = people()
    result = compare(analysis_set(tidy(frame, rng, effect=4.0)))
    assert difference(result).estimate > 0.0
    assert all("more favorable" in one.term for one in result.select(measure="tipping point"))
    assert [one for one in result.estimates if "treated 8 points better" in one.term]


def test_the_tipping_grid_is_hidden_with_the_few_who_are_missing():
    rows = tidy(*people())
    rows["score"] = rows["score"].fillna(10.0)
    booked = rows["arm"].eq("booked") & rows["visit"].eq("week 12")
    rows.loc[rows.index[booked][:4], "score"] = np.nan
    rows.loc[rows.index[~rows["arm"].eq("booked") & rows["visit"].eq("week 12")][:20], "score"] = np.nan
    result = compare(analysis_set(rows), weights="none")
    released = kat.release(result)
    grid = [one for one in released.estimates if one.term.startswith("tipping grid")]
    odds = [one for one in released.estimates if one.term.startswith("no score")]
    assert grid
    assert odds
    assert all(one.suppressed for one in grid + odds)


def test_the_way_to_the_compared_is_counted():
    """Two have no baseline score, three a covariate that is not known."""
    rows = tidy(*people())
    patients = list(dict.fromkeys(rows["id"]))
    rows.loc[rows["id"].isin(patients[:2]), "before"] = np.nan
    rows.loc[rows["id"].isin(patients[2:5]), "severity"] = np.nan
    result = compare(analysis_set(rows))
    flow = [(row[1], row[2], row[-1]) for row in result.part("flow").rows]
    n_patients = len(patients)
    assert flow[-4:] == [
        ("excluded", "with a baseline score", 2),
        ("stage", "with a baseline score", n_patients - 2),
        ("excluded", "patients compared", 3),
        ("stage", "patients compared", n_patients - 5),
    ]
    assert flow[0][0] == "stage"
    assert flow[0][-1] == n_patients
    assert n_patients - 5 == sum(one.n_patients for one in result.select(term="compared"))
    assert [row[1] for row in result.to_table("flow").rows[-4:]] == ["2", str(n_patients - 2), "3", str(n_patients - 5)]
    assert all(count is None or count >= 11 for _, _, *_, count in kat.release(result).part("flow").rows)


def test_missing_scores_are_gaps_or_for_good(data):
    result = compare(data, in_care_until="until")
    rows = {tuple(row[:3]): row[3] for row in result.part("missing_by_visit").rows}
    scored = {(row[0], row[2]): row[3] for row in result.part("scored_by_visit").rows}
    compared = {one.subgroup: one.n_patients for one in result.select(term="compared")}
    arms, seen = values_of(data, "arm"), ~np.isnan(data.scores)
    for code, arm in enumerate(compared):
        of_arm = seen[arms == code]
        assert rows["week 4", arm, "missing, scored later"] == int((~of_arm[:, 0] & of_arm[:, 1:].any(axis=1)).sum())
        assert rows["week 8", arm, "missing, not scored again"] == int((~of_arm[:, 1] & ~of_arm[:, 2]).sum())
        for visit in ("week 4", "week 8"):
            missing = sum(number for (name, group, _), number in rows.items() if (name, group) == (visit, arm))
            assert missing + scored[visit, arm] == compared[arm]
    until = values_of(data, "until")
    in_care = result.select(term="in care, of those compared", visit="week 8")
    assert [one.n_counted for one in in_care] == [int((until[arms == code] >= 56).sum()) for code in (0, 1)]
    assert in_care[0].conf_low < in_care[0].estimate < in_care[0].conf_high


def test_the_odds_of_having_no_score_are_those_of_one_logistic_model(data):
    from statsmodels.api import Logit

    found = {one.term: one for one in compare(data).select(measure="odds ratio")}
    scores, arm = data.scores, values_of(data, "arm")
    last = np.where(np.isnan(scores[:, 1]), np.where(np.isnan(scores[:, 0]), data.baseline, scores[:, 0]), scores[:, 1])
    columns = {
        "per point of the last score": last,
        "booked against not booked": arm,
        "the visit before missed against scored": np.isnan(scores[:, 1]) * 1.0,
    }
    fit = Logit(np.isnan(scores[:, 2]) * 1.0, np.column_stack([np.ones(len(arm)), *columns.values()])).fit(disp=False)
    limits = np.exp(fit.conf_int())
    for place, words in enumerate(columns, start=1):
        one = found[f"no score at the visit: odds, {words}"]
        # Both stop once the likelihood no longer rises, at steps of about 1e-8.
        assert (one.estimate, one.conf_low, one.conf_high, one.p_value) == pytest.approx(
            (np.exp(fit.params[place]), *limits[place], fit.pvalues[place]), rel=1e-5
        )


def test_more_than_two_arms():
    frame, rng = people(300)
    frame["arm"] = np.where(rng.random(300) < 0.3, "third", frame["arm"])
    result = compare(analysis_set(tidy(frame, rng)), weights="overlap")
    found = [e for e in result.select(measure="difference in means") if e.term.startswith("follow-up, weighted")]
    assert [estimate.treatment for estimate in found] == ["booked", "third"]
    assert "each of booked and third minus not booked" in result.estimand.sentence()
    assert "One of 2 pairs of arms." in result.plot("love").alt_text
    band = [one for one in result.estimates if one.term.startswith("simultaneous band")]
    for alone, together in zip(found, band, strict=True):
        assert (together.treatment, together.estimate) == (alone.treatment, alone.estimate)
        assert together.conf_high - together.conf_low > alone.conf_high - alone.conf_low
        # Between one interval (1.96) and Bonferroni's of two (2.24), with what 100 resamples leave open.
        assert 1.8 < (together.conf_high - together.estimate) / together.std_error < 2.6
    assert result.plot("band").rows == tuple(
        (f"{one.treatment} minus not booked", one.estimate, one.conf_low, one.conf_high, both.conf_low, both.conf_high)
        for one, both in zip(found, band, strict=True)
    )
    labels = [row[0] for row in result.to_table().rows]
    assert sum(label.endswith("together with the others") for label in labels) == 2
    imputed = compare(analysis_set(tidy(frame, rng)), missing="multiple_imputation", weights="none", n_imputations=3)
    shares = imputed.select(measure="missing information")
    assert [one.treatment for one in shares] == ["booked", "third"]
    assert all(0.0 < one.estimate < 1.0 for one in shares)
    with pytest.raises(OptionError, match="compare two arms"):
        compare(analysis_set(tidy(frame, rng)), weights="entropy")


# --- clinics ---------------------------------------------------------------------------------------------------------


def clinic_policy(exposed, n_patients=240):
    frame, rng = people(n_patients)
    frame["arm"] = np.where(frame["clinic"].isin(list(exposed)), "booked", "not booked")
    return analysis_set(tidy(frame, rng))


def test_clinics_inside_which_both_arms_occur(data):
    result = compare(data, cluster="clinic")
    row = result.select(term="clinics as clusters (CR2, Satterthwaite)")[0]
    assert 1.0 < row.df < 6.0
    assert row.conf_low < row.estimate < row.conf_high
    wild = next(e for e in result.estimates if e.term.startswith("wild cluster bootstrap"))
    assert 0.0 < wild.p_value <= 1.0
    assert difference(result).df != row.df  # the answer's interval is still that of patients


def test_where_clinics_decide_the_arm_the_interval_is_theirs():
    result = compare(clinic_policy("ace"), cluster="clinic")
    found, row = difference(result), result.select(term="clinics as clusters (CR2, Satterthwaite)")[0]
    assert (found.std_error, found.df) == (row.std_error, row.df)
    assert found.df < 5.0
    means = result.select(term="clinic means")[0]
    assert means.df == 4.0


def test_a_policy_of_few_clinics_is_refused():
    frame, rng = people(120)
    frame["clinic"] = np.where(frame["arm"] == "booked", "a", "b")
    with pytest.raises(DesignError, match="policies of 2 clinics; below 4"):
        compare(analysis_set(tidy(frame, rng)), cluster="clinic")
    with pytest.raises(DesignError, match="cannot be a covariate as well"):
        compare(clinic_policy("ace"), cluster="clinic", covariates=("clinic",))


# --- bad input -------------------------------------------------------------------------------------------------------


def test_an_exposure_known_later_is_refused(data):
    later = tuple(dataclasses.replace(one, known_by_day=84) if one.name == "clinic" else one for one in data.variables)
    known_later = dataclasses.replace(data, variables=later)
    with pytest.raises(ImmortalTimeError, match="known only by day 84"):
        compare(known_later, treatment="clinic")
    with pytest.raises(DesignError, match="cannot be a covariate"):
        compare(known_later, covariates=("clinic",))


def test_an_empty_arm_is_refused():
    frame, rng = people(60)
    frame.loc[frame["arm"] == "booked", "severity"] = np.nan
    with pytest.raises(DesignError, match="nothing to compare"):
        compare(analysis_set(tidy(frame, rng)))


def test_no_scores_in_an_arm_is_an_answer():
    frame, rng = people(120)
    rows = tidy(frame, rng)
    rows.loc[(rows["arm"] == "booked") & (rows["visit"] == "week 12"), "score"] = np.nan
    result = compare(analysis_set(rows))
    assert math.isnan(difference(result).estimate)
    assert result.verdict == "withhold"
    check = result.checks[0]
    assert (check.name, check.passed) == ("estimable", False)
    assert check.message == "Not estimable from these data. In booked, no patient has a score at week 12."
    assert result.select(term="scored, of those compared", subgroup="arm: booked")[0].estimate == 0.0
    assert result.to_table().rows
    assert kat.release(result).to_table().rows


def test_hardly_a_score_in_an_arm_is_withheld_and_not_told():
    frame, rng = people(120)
    rows = tidy(frame, rng)
    booked = rows.index[(rows["arm"] == "booked") & (rows["visit"] == "week 12") & rows["score"].notna()]
    rows.loc[booked[1:], "score"] = np.nan
    for interval in ("robust", "bootstrap"):
        result = compare(analysis_set(rows), interval=interval)
        assert result.verdict == "withhold"
        assert "estimable" not in {check.name for check in result.checks}
        assert interval == "bootstrap" or math.isnan(difference(result).conf_low)


def test_separation_is_an_answer():
    frame, rng = people(120)
    frame["severity"] = np.where(frame["arm"] == "booked", 5.0, -5.0) + frame["severity"]
    result = compare(analysis_set(tidy(frame, rng)))
    assert math.isnan(difference(result).estimate)
    assert "separation" in result.checks[0].message
    assert result.verdict == "withhold"


def test_little_overlap_and_exploding_weights_are_withheld():
    frame, rng = people(160)
    shift = np.where(frame["arm"] == "booked", 2.6, -2.6)
    frame["severity"] = shift + rng.normal(size=160)
    result = compare(analysis_set(tidy(frame, rng)), weights="iptw_ate", missing="complete_cases")
    failed = {check.name for check in result.checks if not check.passed}
    assert {"overlap", "positivity", "effective sample size"} & failed
    assert result.verdict == "withhold"


def test_a_negative_control_that_differs_is_told(data):
    fine = compare(data, negative_control="control")
    assert next(check for check in fine.checks if check.name == "negative control").passed
    frame, rng = people()
    frame["control"] += 3.0 * (frame["arm"] == "booked")
    told = compare(analysis_set(tidy(frame, rng)), negative_control="control")
    check = next(check for check in told.checks if check.name == "negative control")
    assert not check.passed
    assert told.verdict != "report"
    with pytest.raises(OptionError, match="number or a flag"):
        compare(data, negative_control="clinic")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"weights": "psm"}, "weights must be one of"),
        ({"missing": "locf"}, "missing must be one of"),
        ({"method": "mmrm"}, "belong together"),
        ({"method": "mmrm", "missing": "likelihood"}, "weights='none'"),
        ({"missing": "multiple_imputation", "interval": "bootstrap"}, "has interval='rubin'"),
        ({"missing": "multiple_imputation", "method": "aipw"}, "goes with method='weighted_ancova'"),
        ({"method": "aipw", "interval": "robust"}, "use interval='bootstrap'"),
        ({"interval": "rubin"}, "does not belong"),
        ({"n_bootstrap": 20}, "at least 100"),
        ({"rng": 1.5}, "whole number"),
        ({"rng": True}, "whole number"),
        ({"conf_level": 95}, "conf_level"),
        ({"in_care_until": "clinic"}, "must be a number"),
        ({"covariates": ("arm",)}, "cannot be a covariate"),
    ],
)
def test_choices_that_cannot_be_made(data, choices, message):
    with pytest.raises(OptionError, match=message):
        compare(data, **choices)


def test_covariates_that_follow_from_others_are_named():
    frame, rng = people(100)
    frame["double"] = 2.0 * frame["severity"]
    with pytest.raises(NumericalError, match="'double'"):
        compare(analysis_set(tidy(frame, rng), ("severity", "double")), covariates=("severity", "double"))


def test_who_had_left_must_not_be_guessed():
    frame, rng = people(80)
    rows = tidy(frame, rng)
    rows.loc[rows["id"] == "p3", "until"] = np.nan
    with pytest.raises(DataError, match="not known for everybody"):
        compare(analysis_set(rows), in_care_until="until")


# --- what a reader sees ----------------------------------------------------------------------------------------------


def test_table_and_love_plot_show_the_same_numbers(data):
    result = compare(data, covariates=("severity", "clinic"))
    table = result.to_table()
    assert table.caption == "Comparison of cohorts: PHQ-9 at week 12"
    assert table.question.startswith("Difference in mean scores had all been in")
    assert len(table.rows) < 25
    figure = result.plot("love")
    assert result.plot().name == figure.name
    with pytest.raises(OptionError, match="a band is over several arms"):
        result.plot("band")
    smd = {
        estimate.term.split(": ", 1)[1].replace("_", " "): estimate.estimate
        for estimate in result.select(measure="standardized mean difference")
        if "as analyzed" in estimate.term
    }
    assert {row[0]: row[2] for row in figure.rows} == smd
    assert [row[0] for row in result.to_table("balance").rows] == list(smd)
    assert figure.svg() == figure.svg()


def test_overlap_figure_holds_quantiles_and_hides_what_is_hidden(data):
    result = compare(data)
    figure = result.plot("overlap")
    assert [row[0] for row in figure.rows] == ["not booked", "booked"]
    assert all(0.0 < row[1] < row[3] < row[5] < 1.0 for row in figure.rows)
    assert "median" in figure.alt_text
    with pytest.raises(OptionError, match="no overlap"):
        compare(data, weights="none").plot("overlap")
    assert kat.release(result).plot("love").rows


def test_words_say_whom_the_answer_is_about(data):
    assert "weighted to those for whom each arm was likely" in compare(data).estimand.population
    assert "weighted" not in compare(data, weights="iptw_ate").estimand.population
    assert "like the patients of booked" in compare(data, weights="iptw_att").estimand.population
    assert any("in_care_until" in warning for warning in compare(data).warnings)
    assert not any("in_care_until" in warning for warning in compare(data, in_care_until="until").warnings)
    assert any("negative control" in warning for warning in compare(data).warnings)


# --- binary outcomes, modifiers, the floor of p ----------------------------------------------------------------------


def test_response_is_compared_as_difference_and_ratio(data):
    result = compare(data, outcome="response", covariates=("severity", "clinic"))
    found, ratio = result.select(measure="difference in proportions")[0], result.select(measure="risk ratio")[0]
    means = [one.estimate for one in result.select(measure="adjusted share")]
    assert found.estimate == pytest.approx(means[1] - means[0], abs=1e-12)
    assert ratio.estimate == pytest.approx(means[1] / means[0], abs=1e-12)
    assert 0.0 < found.conf_low < found.estimate < found.conf_high < 0.6
    assert 1.0 < ratio.conf_low < ratio.estimate < ratio.conf_high
    assert found.definition_set == "phq9/measurement_based_care_response"
    baseline, scores = data.baseline, data.scores_at("week 12")
    for arm, name in enumerate(("not booked", "booked")):
        members = (values_of(data, "arm") == arm) & ~np.isnan(scores)
        seen = result.select(term="seen, of those scored: response", subgroup=f"arm: {name}")[0]
        assert seen.n_counted == int((scores <= 0.5 * baseline)[members].sum())
        assert seen.n_patients == members.sum()
    assert result.estimand.endpoint.variable == "response"
    assert "standardization" in result.method.name
    table = result.to_table()
    assert table.rows[0][2].endswith("pp")
    assert "response seen" in table.rows[5][0] + table.rows[4][0]


@pytest.mark.parametrize("outcome", ["remission", "reliable_improvement", "phq9/nhs_talking_therapies_reliable_change"])
def test_other_binary_outcomes(data, outcome):
    imputed = compare(data, outcome=outcome, missing="multiple_imputation", n_imputations=5)
    weighted = compare(data, outcome=outcome)
    one, other = (result.select(measure="difference in proportions")[0] for result in (imputed, weighted))
    assert one.estimate == pytest.approx(other.estimate, abs=0.1)
    assert imputed.select(measure="risk ratio")[0].conf_low < imputed.select(measure="risk ratio")[0].estimate
    e_value = weighted.select(term="unmeasured confounding: E-value of the estimate")[0].estimate
    ratio = weighted.select(measure="risk ratio")[0].estimate
    assert e_value == pytest.approx(ratio + (ratio * (ratio - 1.0)) ** 0.5)


def test_a_rare_outcome_is_hidden_with_what_rests_on_it():
    frame, rng = people(300)
    rows = tidy(frame, rng)
    late = rows["visit"] == "week 12"
    rows.loc[late, "score"] = np.maximum(rows.loc[late, "score"], 5.0)  # nobody in remission ...
    few = rows.index[late & (rows["arm"] == "not booked") & rows["score"].notna()][:4]
    many = rows.index[late & (rows["arm"] == "booked") & rows["score"].notna()][:40]
    rows.loc[few.union(many), "score"] = 1.0  # ... but these
    released = kat.release(compare(analysis_set(rows), outcome="remission"))
    shown = {one.subgroup: one for one in released.estimates if one.term == "seen, of those scored: remission"}
    assert shown["arm: not booked"].suppressed
    for measure in ("adjusted share", "difference in proportions", "risk ratio"):
        hidden = [one for one in released.estimates if one.measure == measure and one.subgroup != "arm: booked"]
        assert hidden
        assert all(one.suppressed for one in hidden)


def test_modifiers_have_effects_differences_and_partial_pooling():
    data = analysis_set(tidy(*people(420)))
    result = compare(data, covariates=("severity", "clinic"), modifiers=("clinic", "baseline_score"), n_bootstrap=200)
    levels = result.select(term="effect by modifier")
    assert [one.subgroup for one in levels] == [f"clinic: {name}" for name in "abcdef"]
    assert sum(one.n_patients for one in levels) == data.n_patients
    pooled = result.select(term="effect by modifier, partially pooled")
    own = result.select(term="own weight in partial pooling")
    assert len(pooled) == len(own) >= 3
    spread = lambda rows: np.ptp([one.estimate for one in rows])  # noqa: E731
    assert spread(pooled) <= spread([one for one in levels if one.std_error > 0.0])
    assert all(0.0 <= one.estimate < 1.0 for one in own)
    gap = next(one for one in result.estimates if one.term == "difference of effects: clinic, b minus a")
    by_name = {one.subgroup: one.estimate for one in levels}
    assert gap.estimate == pytest.approx(by_name["clinic: b"] - by_name["clinic: a"])
    assert gap.conf_low < gap.estimate < gap.conf_high
    assert len([one for one in result.estimates if one.term.startswith("effect by modifier: baseline_score at")]) == 3
    assert result.select(term="difference of effects: baseline_score, per unit")
    assert any(one.measure == "adjusted p-value" for one in result.estimates)
    figure = result.plot("effects")
    assert len(figure.rows) > 10
    assert "Whether effects differ" in figure.alt_text
    assert any("(own weight" in row[0] for row in result.to_table().rows)
    with pytest.raises(OptionError, match="no effects by group"):
        compare(data).plot("effects")
    assert kat.release(result).plot("effects").rows


def test_jump_to_reference_stands_beside_imputation(data):
    way = {"missing": "multiple_imputation", "in_care_until": "until", "weights": "none"}
    result = compare(data, **way)
    jumped = result.select(term="reference-based imputation, jump to reference")[0]
    assert abs(jumped.estimate) < abs(difference(result).estimate)
    assert jumped.conf_low < jumped.estimate < jumped.conf_high
    assert any("reference" in row[0] for row in result.to_table().rows)
    assert not compare(data, missing="multiple_imputation").select(term=jumped.term)


def test_the_floor_of_a_bootstrap_p_is_told(data):
    result = compare(data)
    assert difference(result).p_value == pytest.approx(2.0 / 101.0)
    assert "cannot be below 0.0198" in result.method.description
    assert "cannot be below" not in compare(data, interval="robust").method.description
