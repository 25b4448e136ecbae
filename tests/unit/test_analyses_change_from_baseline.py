"""Change from baseline: the whole layout of the result, bins, groups, checks, and what has no answer."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.change_from_baseline import change_from_baseline
from katoutcomes.analyses.steps.change.estimates import MOVES, PLACES
from katoutcomes.analyses.steps.score_pairs import bin_width, individual_pairs, score_pair_counts
from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import DEFAULT_VISITS
from katoutcomes.instruments import catalog
from katoutcomes.results.provenance import Provenance

NAN = float("nan")
EFFECTS = ("d_av", "d_z", "d_rm", "delta_pre")
ONLY, BOTH = "program_booked: ketamine_only", "program_booked: with_integration"


def analysis_set():
    """Six patients, PHQ-9; week 4 has five pairs, week 8 has one, week 12 none."""
    return AnalysisSet(
        instrument=catalog.instrument("PHQ-9"),
        visits=DEFAULT_VISITS,
        baseline=np.array([20.0, 18.0, 27.0, NAN, 15.0, 20.0]),
        scores=np.array(
            [
                [10.0, NAN, NAN],
                [12.0, 9.0, NAN],
                [27.0, NAN, NAN],
                [3.0, 3.0, 3.0],
                [9.0, NAN, NAN],
                [9.0, NAN, NAN],
            ]
        ),
        variables=(
            Variable(
                "program_booked",
                "Program booked",
                "category",
                np.array([0.0, 0.0, 0.0, 0.0, 1.0, NAN]),
                ("ketamine_only", "with_integration"),
            ),
            Variable("site", "Site", "category", np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0]), ("A", "B", "C")),
            Variable("n_doses", "Doses", "category", np.zeros(6), ("one", "two"), known_by_day=84),
        ),
        treatment="program_booked",
        attrition=(AttritionStep("in the data", "", 6, 0),),
        cohort="first course",
        population="patients with a first dose",
        provenance=Provenance("frame", "0" * 64),
        notes=("A note about the data.",),
    )


def large_set(n_patients=200, seed=3, lost=0.1):
    rng = np.random.default_rng(seed)
    baseline = np.clip(np.round(rng.normal(16, 4, n_patients)), 0, 27)
    scores = np.clip(np.round(baseline[:, None] - 5 + rng.normal(0, 4, (n_patients, 3))), 0, 27)
    scores[rng.random((n_patients, 3)) < lost] = NAN
    return replace(
        analysis_set(),
        baseline=baseline,
        scores=scores,
        variables=(),
        treatment=None,
        attrition=(AttritionStep("in the data", "", n_patients, 0),),
    )


def test_the_layout():
    result = change_from_baseline(analysis_set())
    whole = [(one.visit, one.term, one.measure, one.unit, one.n_patients) for one in result.select(subgroup="")]
    visits = []
    for visit, n_pairs in (("week 4", 5), ("week 8", 1), ("week 12", 0)):
        visits += [
            (visit, "baseline, completers", "mean", "points", n_pairs),
            (visit, "baseline, completers", "standard deviation", "points", n_pairs),
            (visit, "follow-up", "mean", "points", n_pairs),
            (visit, "follow-up", "standard deviation", "points", n_pairs),
            (visit, "change", "mean change", "points", n_pairs),
            (visit, "change", "standard deviation", "points", n_pairs),
            *((visit, "change", f"{size}{name}", "SD", n_pairs) for name in EFFECTS for size in ("", "hedges_")),
            (visit, "baseline with follow-up", "correlation", "", n_pairs),
            (visit, "change", "Hodges-Lehmann estimate", "points", n_pairs),
            (visit, "change", "percent change of the mean", "%", n_pairs),
            (visit, "change at the stated baseline", "adjusted mean change", "points", n_pairs),
            *((visit, f"score change: {move}", "proportion", "", n_pairs) for move in MOVES),
            (visit, "score change", "probability of superiority", "", n_pairs),
            (visit, "change", "U3", "", n_pairs),
            *((visit, f"baseline score: {place}", "proportion", "", n_pairs) for place in PLACES),
            *((visit, f"follow-up score: {place}", "proportion", "", n_pairs) for place in PLACES),
            (visit, "paired completeness", "proportion", "", 5),
        ]
    assert whole == [
        ("baseline", "baseline, all with baseline", "mean", "points", 5),
        ("baseline", "baseline, all with baseline", "standard deviation", "points", 5),
        *visits,
    ]
    assert {one.instrument for one in result.estimates} == {"PHQ-9"}
    assert {one.cohort for one in result.estimates} == {"first course"}
    assert list(dict.fromkeys(one.subgroup for one in result.estimates)) == ["", ONLY, BOTH]


def test_numbers_by_hand():
    """Changes −10, −6, 0, −6, −11: mean −6.6; squares 100 + 36 + 0 + 36 + 121 = 293, variance (293 − 217.8)/4."""
    result = change_from_baseline(analysis_set())
    where = {"visit": "week 4", "subgroup": ""}
    (change,) = result.select(term="change", measure="mean change", **where)
    std_error = math.sqrt((293 - 5 * 6.6**2) / 4 / 5)
    assert change.estimate == pytest.approx(-6.6, rel=1e-12)
    assert change.std_error == pytest.approx(std_error, rel=1e-12)
    assert change.statistic == pytest.approx(-6.6 / std_error, rel=1e-12)
    assert (change.df, change.conf_level) == (4.0, 0.95)
    # t with 4 degrees of freedom at 0.975.
    assert change.conf_high - change.conf_low == pytest.approx(2 * 2.7764451051977987 * std_error, rel=1e-9)
    (baseline,) = result.select(term="baseline, completers", measure="mean", **where)
    (all_with_baseline,) = result.select(term="baseline, all with baseline", measure="mean", subgroup=ONLY)
    assert baseline.estimate == 20.0
    assert all_with_baseline.estimate == pytest.approx(65 / 3, rel=1e-12)


def test_one_pair_has_a_change_without_an_interval():
    (change,) = change_from_baseline(analysis_set()).select(measure="mean change", visit="week 8", subgroup="")
    assert change.estimate == -9.0
    assert all(math.isnan(number) for number in (change.std_error, change.conf_low, change.conf_level, change.p_value))


def test_a_visit_that_no_estimate_is_of_is_not_selected_silently():
    result = change_from_baseline(analysis_set())
    with pytest.raises(OptionError, match=r"visit must be one of 'baseline', 'week 4', .* Did you mean 'week 12'\?"):
        result.select(term="change", visit="week12")
    assert result.select(term="no such term", visit="week 12") == ()
    assert all(not found.visit for found in result.select(visit=""))


def test_no_pair_has_nothing_but_its_completeness():
    result = change_from_baseline(analysis_set())
    found = {one.measure: one for one in result.select(visit="week 12", subgroup="")}
    assert found["proportion"].estimate == 0.0
    assert found["proportion"].conf_low == 0.0
    assert all(math.isnan(one.estimate) for name, one in found.items() if name != "proportion")


def test_levels_belong_to_limits():
    for found in change_from_baseline(analysis_set(), conf_level=0.9).estimates:
        assert math.isnan(found.conf_level) == math.isnan(found.conf_low)
        assert math.isnan(found.conf_level) or found.conf_level == 0.9


def test_visits():
    assert change_from_baseline(analysis_set()).part("visits").rows == (
        (0, "baseline", 0, "first dose"),
        (1, "week 4", 28, "first dose"),
        (2, "week 8", 56, "first dose"),
        (3, "week 12", 84, "first dose"),
    )


def test_score_pair_counts():
    """PHQ-9: few patients, so 0 to 27 in bins of 9 points, the last one holding 27 alone."""
    part = change_from_baseline(analysis_set()).part("score_pair_counts")
    assert part.rows == (
        ("week 4", "", 9, 17, 9, 17, 1),
        ("week 4", "", 18, 26, 9, 17, 3),
        ("week 4", "", 27, 27, 27, 27, 1),
        ("week 4", ONLY, 18, 26, 9, 17, 2),
        ("week 4", ONLY, 27, 27, 27, 27, 1),
        ("week 4", BOTH, 9, 17, 9, 17, 1),
        ("week 8", "", 18, 26, 9, 17, 1),
        ("week 8", ONLY, 18, 26, 9, 17, 1),
    )


@pytest.mark.parametrize(
    ("n_patients", "width"), [(0, 9), (53, 9), (95, 9), (96, 7), (149, 7), (150, 6), (485, 4), (486, 3), (10**6, 3)]
)
def test_bins_are_wider_where_patients_are_few(n_patients, width):
    assert bin_width(catalog.instrument("PHQ-9"), n_patients) == width


@pytest.mark.parametrize(
    ("minimum", "maximum", "width"),
    [(0, 27, 9), (0, 63, 21), (0, 21, 7), (0, 80, 27), (0, 6, 2), (17, 85, 23), (0, 1, 1)],
)
def test_every_score_lies_in_the_bin_that_counts_it(minimum, maximum, width):
    instrument = replace(catalog.instrument("PHQ-9"), minimum=minimum, maximum=maximum)
    scores = np.arange(minimum, maximum + 1.0)
    assert bin_width(instrument, scores.size) == width
    data = replace(
        large_set(scores.size),
        instrument=instrument,
        visits=DEFAULT_VISITS[:1],
        baseline=scores,
        scores=scores[::-1, None],
    )
    rows = score_pair_counts(data, data.visits, data.groups()).rows
    assert sum(row[-1] for row in rows) == scores.size
    for _, _, low, high, follow_up_low, follow_up_high, n_patients in rows:
        in_bin = (low <= scores) & (scores <= high) & (follow_up_low <= scores[::-1]) & (scores[::-1] <= follow_up_high)
        assert in_bin.sum() == n_patients
        assert high - low < width
        assert maximum >= high
        assert (low - minimum) % width == 0


def test_individual_values_are_sorted_and_only_those_with_both_scores():
    data = analysis_set()
    values = individual_pairs(data, data.visits, data.groups())
    pairs = values.of("week 4")
    assert pairs.baseline.tolist() == [15.0, 18.0, 20.0, 20.0, 27.0]
    assert pairs.follow_up.tolist() == [9.0, 12.0, 9.0, 10.0, 27.0]
    assert values.of("week 12").baseline.size == 0


def test_groups_of_another_variable():
    result = change_from_baseline(analysis_set(), by="site")
    assert list(dict.fromkeys(one.subgroup for one in result.estimates)) == ["", "site: A", "site: B"]


def test_without_groups_there_is_only_everybody():
    result = change_from_baseline(replace(analysis_set(), treatment=None))
    assert {one.subgroup for one in result.estimates} == {""}


def test_says_that_a_change_is_not_an_effect():
    result = change_from_baseline(analysis_set())
    assert not result.estimand.is_causal
    assert "not an effect" in result.method.description
    text = " ".join(result.assumptions)
    for phrase in ("no group without the treatment", "regression to the mean", "left", "not the same"):
        assert phrase in text
    assert not re.search(r"\d", " ".join(result.assumptions[:-1]))
    assert "A note about the data." in result.assumptions
    assert any("program_booked is not known" in sentence for sentence in result.assumptions)


def test_the_question_travels_with_the_answer():
    data = analysis_set()
    result = change_from_baseline(data)
    assert result.estimand.endpoint.variable == "change from baseline"
    assert result.estimand.population == data.population
    assert result.provenance is data.provenance
    own = replace(result.estimand, name="another wording")
    assert change_from_baseline(data, own).estimand is own


def test_too_few_patients_withhold_the_result():
    assert change_from_baseline(analysis_set()).verdict == "withhold"


def test_one_visit_with_too_few_patients_does_not_withhold_the_others():
    data = large_set(lost=0.0)
    scores = data.scores.copy()
    scores[5:, 2] = NAN
    result = change_from_baseline(replace(data, scores=scores))
    failed = {check.name for check in result.checks if not check.passed}
    assert {"patients per group and visit", "paired completeness"} <= failed
    assert "patients" not in failed
    assert result.verdict == "with caution"


def test_a_complete_set_is_reported():
    result = change_from_baseline(large_set())
    assert [check.name for check in result.checks if not check.passed] == []
    assert result.verdict == "report"


def test_many_missing_scores_call_for_caution():
    result = change_from_baseline(large_set(lost=0.4))
    assert "paired completeness" in {check.name for check in result.checks if not check.passed}
    assert result.verdict == "with caution"


def test_completers_unlike_the_others_call_for_caution():
    data = large_set(lost=0.0)
    scores = data.scores.copy()
    scores[np.argsort(data.baseline)[-30:], 2] = NAN
    failed = [check for check in change_from_baseline(replace(data, scores=scores)).checks if not check.passed]
    assert [check.name for check in failed] == ["completers at baseline"]
    everybody, others = data.baseline, np.sort(data.baseline)[-30:]
    lost = (others.mean() - everybody.mean()) * 30 / 170 / everybody.std(ddof=1)
    assert failed[0].value == pytest.approx(-lost, rel=1e-9)
    assert failed[0].limit == 0.1
    assert "week 12" in failed[0].message


def test_a_small_group_calls_for_caution_but_withholds_nothing():
    data = large_set()
    codes = np.zeros(200)
    codes[:5] = 1.0
    data = replace(data, variables=(Variable("site", "Site", "category", codes, ("A", "B")),))
    result = change_from_baseline(data, by="site")
    assert [check.name for check in result.checks if not check.passed] == ["patients per group and visit"]
    assert result.verdict == "with caution"


def test_messages_hold_no_counts():
    """Disclosure control hides the values of checks, not their words."""
    for check in (*change_from_baseline(analysis_set()).checks, *change_from_baseline(large_set()).checks):
        assert not re.search(r"\d", check.message.replace("week 12", "").replace("week 4", "").replace("week 8", ""))


def test_refuses_data_without_a_pair():
    data = analysis_set()
    with pytest.raises(DesignError, match="PHQ-9"):
        change_from_baseline(replace(data, scores=np.where(np.isnan(data.baseline)[:, None], data.scores, NAN)))


def test_refuses_groups_that_came_about_later():
    with pytest.raises(ImmortalTimeError, match="n_doses"):
        change_from_baseline(analysis_set(), by="n_doses")


@pytest.mark.parametrize("choices", [{"by": "clinic"}, {"conf_level": 95.0}, {"conf_level": NAN}])
def test_refuses_what_it_cannot_read(choices):
    with pytest.raises(OptionError):
        change_from_baseline(analysis_set(), **choices)


def test_nothing_that_is_printed_shows_scores():
    """23.4375 and 3.0625 are nobody's mean, so wherever they stand a patient's score stands."""
    frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [3.0625, 9, 11, 14], "before": [23.4375, 15, 17, 19]})
    frame["age"] = [71.125, 40, 50, 60]
    data = kat.AnalysisSet.from_frame(
        frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9", covariates=["age"]
    )
    result = kat.change_from_baseline(data)
    pairs = result.individual_values.of("visit 12")
    assert pairs.baseline.max() == 23.4375
    printed = [result, result.individual_values, pairs, data, *data.variables, data.groups(None)[0]]
    for text in (*map(repr, printed), *map(str, printed)):
        assert not any(value in text for value in ("23.4375", "3.0625", "71.125", "array("))
    assert repr(pairs) == "<ScorePairs: visit 12, all patients; not printed>"
