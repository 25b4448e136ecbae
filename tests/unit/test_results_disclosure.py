"""What release hides, rule by rule, on results made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from katoutcomes.errors import DisclosureError, OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.disclosure import DisclosurePolicy, release, require_released
from katoutcomes.results.disclosure_audit import audit_release
from katoutcomes.results.disclosure_rules import declared_counts
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import IndividualValues, Part, ScorePairs
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult, Result

FIVE = DisclosurePolicy(minimum_cell=5)
MARKED = DisclosurePolicy(marks_small=True)
HIDDEN_TOGETHER = ("estimate", "std_error", "df", "conf_low", "conf_high", "conf_level", "statistic", "p_value")
A, B = "program: a", "program: b"


@pytest.fixture(autouse=True)
def _declared(monkeypatch):
    """Results made up here have said what they count, by the names that all analyses share."""
    monkeypatch.setattr(declared_counts, "COUNTS_OF", {**declared_counts.COUNTS_OF, "made_up": "these tests"})


def made_up(*estimates, analysis="made_up", parts=(), checks=(), assumptions=(), warnings=(), **fields):
    return Result(
        analysis=analysis,
        title="Made up",
        estimand=Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean"),
        method=Method("counting", "Somebody counted."),
        estimates=estimates,
        provenance=Provenance("frame", "ab" * 32, software=()),
        parts=parts,
        checks=checks,
        assumptions=assumptions,
        warnings=warnings,
        **fields,
    )


def mean(n_patients, term="follow-up", **fields):
    numbers = dict.fromkeys(HIDDEN_TOGETHER, 0.5)
    return Estimate(term=term, measure="mean", unit="points", n_patients=n_patients, **(numbers | fields))


def share(n_counted, n_patients, term="response", **fields):
    return Estimate(
        term=term,
        measure="proportion",
        estimate=n_counted / n_patients,
        conf_low=0.1,
        conf_high=0.9,
        conf_level=0.95,
        n_patients=n_patients,
        **fields,
    )


def count(n_counted, n_patients=None, term="patients", **fields):
    n = n_counted if n_patients is None else n_patients
    return Estimate(term=term, measure="count", unit="patients", estimate=float(n_counted), n_patients=n, **fields)


def shown(result, **fields):
    """Return n_counted (or True for other measures) of each estimate, None where it is hidden."""
    return [
        None if estimate.suppressed else (True if estimate.n_counted is None else estimate.n_counted)
        for estimate in result.select(**fields)
    ]


# --- one number ------------------------------------------------------------------------------------------------------


def test_a_number_of_few_patients_is_hidden_with_all_that_hangs_on_it():
    released = release(made_up(mean(10), mean(11, term="baseline")), MARKED)
    few, enough = released.estimates
    assert few.suppressed
    assert few.below_minimum
    assert all(math.isnan(getattr(few, name)) for name in HIDDEN_TOGETHER)
    assert few.n_patients is None
    assert (few.term, few.unit, few.measure) == ("follow-up", "points", "mean")
    assert enough == mean(11, term="baseline")


def test_observations_are_counted_as_well():
    assert release(made_up(mean(20, n_observations=9))).estimates[0].n_patients is None
    assert release(made_up(mean(9, n_observations=20))).estimates[0].n_observations is None
    assert release(made_up(mean(20, n_observations=40))).estimates[0].n_observations == 40


def test_nobody_is_shown_unless_the_policy_hides_it():
    nobody = mean(0, **dict.fromkeys(HIDDEN_TOGETHER, math.nan))
    assert not release(made_up(nobody)).estimates[0].suppressed
    assert release(made_up(nobody), DisclosurePolicy(zero_is_shown=False)).estimates[0].suppressed


def test_a_threshold_is_about_the_instrument_and_stays():
    threshold = Estimate(term="cut-off c", measure="threshold", unit="points", estimate=8.6)
    assert release(made_up(threshold)).estimates == (threshold,)


def test_a_threshold_that_rests_on_few_patients_goes():
    threshold = Estimate(term="reliable change threshold", measure="threshold", estimate=8.6, n_patients=7)
    assert release(made_up(threshold)).estimates[0].suppressed


@pytest.mark.parametrize(("n_counted", "is_hidden"), [(0, False), (1, True), (10, True), (11, False), (40, False)])
def test_a_share_is_hidden_when_it_or_the_rest_is_small(n_counted, is_hidden):
    for counted in (n_counted, 40 - n_counted):
        released = release(made_up(share(counted, 40))).estimates[0]
        assert released.suppressed is is_hidden
        assert released.n_patients == 40  # the denominator is no secret
        assert math.isnan(released.conf_low) is is_hidden


def test_the_mark_below_minimum_is_true_only_of_small_counts():
    few, rest = release(made_up(share(5, 40), share(35, 40, term="remission")), MARKED).estimates
    assert not release(made_up(share(5, 40))).estimates[0].below_minimum
    assert few.below_minimum
    assert not rest.below_minimum


def test_what_cannot_be_checked_is_not_released():
    with pytest.raises(DisclosureError, match="on how many patients"):
        release(made_up(mean(None)))
    with pytest.raises(DisclosureError, match="whole numbers"):
        release(made_up(parts=(Part("flow", ("kind", "step", "reason", "n_patients"), (("stage", "a", "", 3.0),)),)))


# --- sums ------------------------------------------------------------------------------------------------------------


def classes(improved, unchanged, worse, **fields):
    n_patients = improved + unchanged + worse
    terms = {"reliable improvement": improved, "no reliable change": unchanged, "reliable deterioration": worse}
    fields = {"definition_set": "jacobson_truax", "visit": "week 12"} | fields
    return [share(n_counted, n_patients, term=term, **fields) for term, n_counted in terms.items()]


def test_a_lone_small_class_takes_no_reliable_change_with_it():
    assert shown(release(made_up(*classes(20, 60, 4)))) == [20, None, None]
    assert shown(release(made_up(*classes(60, 20, 4)))) == [60, None, None]
    assert shown(release(made_up(*classes(60, 20, 0)))) == [60, 20, 0]
    assert shown(release(made_up(*classes(60, 4, 20)))) == [60, None, None]
    assert shown(release(made_up(*classes(90, 4, 4)))) == [None, None, None]


def test_each_definition_visit_and_group_is_a_sum_of_its_own():
    released = release(
        made_up(*classes(50, 20, 30, definition_set="other"), *classes(20, 60, 4), *classes(20, 60, 14, visit="week 4"))
    )
    assert shown(released, visit="week 4") == [20, 60, 14]
    assert shown(released, definition_set="other") == [50, 20, 30]


def test_recovered_and_improved_add_up_to_improved():
    recovery = [
        share(20, 90, term="recovered", definition_set="jacobson_truax", visit="week 12"),
        share(10, 90, term="improved, not recovered", definition_set="jacobson_truax", visit="week 12"),
    ]
    released = release(made_up(*classes(30, 40, 20), *recovery, analysis="clinical_significance"))
    assert shown(released) == [30, 40, 20, None, None]


def test_recovery_is_given_up_where_few_recovered_but_not_reliably():
    fields = {"definition_set": "service", "visit": "week 12"}
    rates = [share(40, 80, term="recovery", **fields), share(35, 80, term="reliable recovery", **fields)]
    assert shown(release(made_up(*rates))) == [None, 35]


def test_denominators_are_counts_too():
    fields = {"visit": "week 12"}
    few_not_cases = [share(30, 100, **fields), share(40, 95, term="recovery", **fields)]
    released = release(made_up(*few_not_cases, analysis="clinical_significance"))
    assert shown(released) == [30, None]
    assert [estimate.n_patients for estimate in released.estimates] == [100, None]
    assert not released.estimates[1].below_minimum  # 95 is not small, and must not read "<11"


def test_levels_of_a_category_add_up():
    levels = {"sex: female": 60, "sex: male": 37, "sex: other": 3}
    estimates = [
        estimate
        for term, n_counted in levels.items()
        for estimate in (count(n_counted, 100, term=term), share(n_counted, 100, term=term))
    ]
    released = release(made_up(*estimates, analysis="describe"))
    assert shown(released) == [60, 60, None, None, None, None]
    assert all(estimate.n_patients == 100 for estimate in released.estimates)


# --- groups ----------------------------------------------------------------------------------------------------------


def test_a_small_group_takes_the_other_one_with_it_and_leaves_all():
    released = release(made_up(mean(70), mean(8, subgroup=A), mean(62, subgroup=B)), MARKED)
    assert shown(released) == [True, None, None]
    assert [estimate.below_minimum for estimate in released.estimates] == [False, True, False]


def test_of_three_groups_the_next_smallest_goes():
    groups = [mean(8, subgroup=A), mean(20, subgroup=B), mean(62, subgroup="program: c")]
    assert shown(release(made_up(mean(90), *groups))) == [True, None, None, True]


def test_groups_are_protected_where_all_patients_stand_in_another_result():
    assert shown(release(made_up(mean(8, subgroup=A), mean(62, subgroup=B)))) == [None, None]


def test_a_patient_of_no_known_group_cannot_be_worked_out():
    """Of 61 patients 30 are in each group: the last one's scores would follow from the sums of the others."""
    result = made_up(mean(61), mean(30, subgroup=A), mean(30, subgroup=B))
    assert shown(release(result)) == [True, None, None]
    assert release(release(result)).to_json() == release(result).to_json()
    assert shown(release(made_up(mean(72), mean(30, subgroup=A), mean(31, subgroup=B)))) == [True, True, True]


def test_a_patient_of_no_known_group_in_a_real_analysis():
    import pandas as pd

    import katoutcomes as kat

    rows = [
        {"id": f"p{n}", "visit": "week 4", "before": 20.0 - n % 9, "score": 12.0 - n % 7, "arm": arm}
        for n, arm in enumerate(["a"] * 30 + ["b"] * 30 + [None])
    ]
    data = kat.AnalysisSet.from_frame(
        pd.DataFrame(rows), patient="id", visit="visit", score="score", baseline="before", treatment="arm",
        comparator="a", treatment_known_by_day=0, instrument="PHQ-9", visits={"week 4": 28},
    )  # fmt: skip
    for analysis in (kat.change_from_baseline, kat.describe, kat.participant_flow, kat.clinical_significance):
        released = release(analysis(data))
        of_groups = [one for one in released.estimates if one.subgroup]
        assert of_groups, analysis
        assert all(one.suppressed and one.n_patients is None for one in of_groups), analysis
        assert any(not one.suppressed for one in released.estimates if not one.subgroup), analysis


def test_counts_of_groups_add_up():
    terms = [("", 40), (A, 36), (B, 4)]
    flags = [
        estimate
        for subgroup, n_counted in terms
        for estimate in (
            count(n_counted, 60 if subgroup else 120, term="smoker", subgroup=subgroup),
            share(n_counted, 60 if subgroup else 120, term="smoker", subgroup=subgroup),
        )
    ]
    released = release(made_up(*flags, analysis="describe"))
    assert shown(released) == [40, 40, None, None, None, None]


@pytest.mark.parametrize("n_small", [8, 40])
def test_a_contrast_goes_with_its_groups(n_small):
    contrast = {"treatment": "a", "comparator": "b"}
    result = made_up(
        mean(n_small, term="follow-up, adjusted", subgroup=A, visit="week 12"),
        mean(60, term="follow-up, adjusted", subgroup=B, visit="week 12"),
        mean(60 + n_small, term="follow-up, adjusted: a - b", visit="week 12", **contrast),
        mean(60 + n_small, term="change, unadjusted: a - b", visit="week 12", **contrast),
        analysis="cohort_difference",
    )
    assert shown(release(result)) == [True if n_small == 40 else None] * 4


def test_a_standardized_difference_goes_with_the_counts_it_is_made_of():
    def variable(name, in_a, in_b):
        smd = Estimate(
            term=name,
            measure="standardized mean difference",
            estimate=0.2,
            n_patients=120,
            treatment="a",
            comparator="b",
        )
        return [share(in_a, 60, term=name, subgroup=A), share(in_b, 60, term=name, subgroup=B), smd]

    released = release(made_up(*variable("smoker", 4, 30), *variable("consent", 30, 31), analysis="describe"))
    assert shown(released, term="smoker") == [None, None, None]
    assert shown(released, term="consent") == [30, 31, True]


def defined(definition_set, better, same, worse):
    n = better + same + worse
    counts = {"reliable improvement": better, "no reliable change": same, "reliable deterioration": worse}
    fields = {"definition_set": definition_set, "visit": "week 12"}
    return [share(count, n, term=term, **fields) for term, count in counts.items()]


def test_few_between_two_definitions_are_hidden_in_the_later():
    """51 improved by one rule and 47 by the other: the 4 between would be known."""
    result = made_up(*defined("first", 47, 33, 20), *defined("later", 51, 29, 20), analysis="clinical_significance")
    released = release(result)
    assert shown(released, definition_set="first") == [47, 33, 20]
    assert shown(released, definition_set="later") == [None, None, 20]
    assert release(released).to_json() == released.to_json()
    apart = made_up(*defined("first", 47, 33, 20), *defined("later", 62, 18, 20), analysis="clinical_significance")
    assert shown(release(apart)) == [47, 33, 20, 62, 18, 20]


def test_a_class_that_is_hidden_is_hidden_under_every_definition():
    """Of whole scores "more than 5.61 points" and "at least 6" are the same patients."""
    same = defined("first", 50, 30, 20), defined("later", 50, 30, 20)
    few_of_them = share(4, 50, term="reliable improvement", definition_set="later", visit="week 12", subgroup=A)
    most_of_them = share(46, 50, term="reliable improvement", definition_set="later", visit="week 12", subgroup=B)
    released = release(made_up(*same[0], *same[1], few_of_them, most_of_them, analysis="clinical_significance"))
    both = [shown(released, definition_set=name, subgroup="") for name in ("first", "later")]
    assert both[0] == both[1]
    small = release(made_up(*defined("first", 50, 42, 8), *defined("later", 50, 30, 20)))
    assert shown(small) == [50, None, None, 50, None, None]


def test_those_without_a_second_score_are_protected_by_giving_up_all_with_a_baseline():
    """Of 100 with a baseline 95 have both scores: the 95 are shown, so the 100 must not be."""
    result = made_up(
        mean(100, term="baseline, all with baseline", visit="baseline"),
        mean(95, visit="week 4"),
        mean(95, visit="week 4", term="change"),
        mean(95, visit="week 4", term="baseline, completers"),
        share(95, 100, term="paired completeness", visit="week 4"),
        mean(60, visit="week 12"),
        share(60, 100, term="paired completeness", visit="week 12"),
        analysis="change_from_baseline",
    )
    released = release(result)
    assert shown(released) == [None, True, True, True, None, True, None]
    assert [estimate.n_patients for estimate in released.estimates] == [None, 95, 95, 95, None, 60, None]
    assert not any(estimate.below_minimum for estimate in released.estimates)


def test_the_completeness_of_one_group_does_not_give_away_the_pairs_of_the_other():
    """All 12 of one group were seen, 7 of 10 of the other: "12 of 12" would leave 7 of the 19 of both."""
    result = made_up(
        mean(19, visit="week 12"),
        share(19, 22, term="paired completeness", visit="week 12"),
        mean(12, visit="week 12", subgroup=A),
        share(12, 12, term="paired completeness", visit="week 12", subgroup=A),
        mean(7, visit="week 12", subgroup=B),
        share(7, 10, term="paired completeness", visit="week 12", subgroup=B),
        analysis="change_from_baseline",
    )
    released = release(result)
    assert shown(released) == [True, None, None, None, None, None]
    assert release(released).to_json() == released.to_json()


def test_giving_up_the_baseline_does_not_take_the_contrast_of_those_scored_again():
    contrast = {"treatment": "a", "comparator": "b", "visit": "week 12"}
    result = made_up(
        mean(55, term="follow-up, adjusted", subgroup=A, visit="week 12"),
        mean(57, term="follow-up, adjusted", subgroup=B, visit="week 12"),
        mean(112, term="follow-up, adjusted: a - b", **contrast),
        mean(112, term="change, unadjusted: a - b", **contrast),
        share(55, 60, term="paired completeness", subgroup=A, visit="week 12"),
        share(57, 80, term="paired completeness", subgroup=B, visit="week 12"),
        Estimate(
            term="baseline_score", measure="standardized mean difference", estimate=0.1, n_patients=140, **contrast
        ),
        analysis="cohort_difference",
    )
    assert shown(release(result)) == [True, True, True, True, None, None, None]


def test_few_whose_covariates_are_not_known_do_not_follow_from_the_completeness():
    """Of one group 62 have both scores and 57 are in the model: the 5 between would be known."""
    result = made_up(
        mean(57, term="follow-up, adjusted", subgroup=A, visit="week 12"),
        mean(60, term="follow-up, adjusted", subgroup=B, visit="week 12"),
        share(62, 80, term="paired completeness", subgroup=A, visit="week 12"),
        share(75, 90, term="paired completeness", subgroup=B, visit="week 12"),
        analysis="cohort_difference",
    )
    released = release(result)
    assert shown(released) == [True, True, 62, 75]  # the adjusted means stay, of how many patients is not said
    assert [estimate.n_patients for estimate in released.estimates] == [None, None, 80, 90]
    assert release(released).to_json() == released.to_json()


def test_the_two_cohorts_in_the_comparison_are_everybody_in_it():
    """15 and 29 of the 45 with both scores are in the comparison: the one whose covariates are not known would show."""
    comparison = made_up(
        mean(15, term="follow-up, adjusted", subgroup=A, visit="week 12"),
        mean(29, term="follow-up, adjusted", subgroup=B, visit="week 12"),
        Estimate(
            term="follow-up, adjusted: b - a",
            measure="difference in means",
            unit="points",
            treatment="b",
            comparator="a",
            visit="week 12",
            estimate=-1.0,
            n_patients=44,
        ),
        analysis="cohort_difference",
    )
    change = made_up(mean(45, visit="week 12"), analysis="change_from_baseline")
    everybody, compared = ([one.n_patients for one in result.estimates] for result in release([change, comparison]))
    assert everybody == [45]
    assert compared[2] is None
    assert None in compared[:2]


# --- the flow --------------------------------------------------------------------------------------------------------

FLOW_COLUMNS = ("order", "kind", "step", "reason", "group", "visit", "n_patients")


def flow_result(n_registry, n_dosed, n_baseline, n_scored, groups=()):
    rows = [
        ("stage", "in the registry", "", "", "", n_registry),
        ("excluded", "with a dose", "no dose", "", "", n_registry - n_dosed),
        ("stage", "with a dose", "", "", "", n_dosed),
        ("excluded", "with a baseline score", "no baseline score", "", "", n_dosed - n_baseline),
        ("stage", "with a baseline score", "", "", "", n_baseline),
        ("visit", "scored at visit", "", "", "week 12", n_scored),
    ]
    for subgroup, n_group, n_group_scored in groups:
        rows.append(("group", "with a baseline score", "", subgroup, "", n_group))
        rows.append(("visit", "scored at visit", "", subgroup, "week 12", n_group_scored))
    everybody = (("", n_baseline, n_scored), *groups)
    return made_up(
        count(n_registry, term="in the registry"),
        count(n_dosed, term="with a dose"),
        count(n_baseline, term="with a baseline score"),
        *(share(k, n, term="scored at visit", visit="week 12", subgroup=name) for name, n, k in everybody),
        analysis="participant_flow",
        parts=(Part("flow", FLOW_COLUMNS, tuple((order, *row) for order, row in enumerate(rows))),),
    )


def flow_counts(result):
    part = result.part("flow")
    return list(zip(part.column("kind"), part.column("n_patients"), strict=True))


def test_a_flow_of_large_numbers_is_shown_as_it_is():
    result = flow_result(200, 150, 120, 80, ((A, 60, 45), (B, 60, 35)))
    released = release(result)
    assert released.estimates == result.estimates
    assert released.parts == result.parts


def test_few_without_a_dose_and_few_without_a_baseline_are_one_exclusion():
    released = release(flow_result(130, 126, 118, 80))
    assert flow_counts(released) == [("stage", 130), ("excluded", 12), ("stage", 118), ("visit", 80)]
    assert released.part("flow").column("reason")[1] == "no dose; no baseline score"
    # The count of the stage left out is not shown beside the flow either.
    assert [estimate.term for estimate in released.estimates] == [
        "in the registry",
        "with a baseline score",
        "scored at visit",
    ]


def test_a_count_beside_the_flow_does_not_bring_back_a_stage_left_out():
    result = flow_result(130, 126, 118, 80)
    courses = Estimate(term="repeat courses", measure="count", unit="courses", estimate=30.0, n_patients=126)
    released = release(replace(result, estimates=(*result.estimates, courses)))
    assert released.estimates[-1] == replace(courses, n_patients=None)
    assert 126 not in {estimate.n_patients for estimate in released.estimates}
    untouched = replace(courses, n_patients=130)
    assert release(replace(result, estimates=(*result.estimates, untouched))).estimates[-1] == untouched


def test_a_lone_small_exclusion_hides_the_number_before_it():
    released = release(flow_result(124, 120, 120, 80), MARKED)
    assert flow_counts(released) == [("stage", None), ("excluded", None), ("stage", 120), ("visit", 80)]
    assert released.part("flow").below_minimum == ((1, 6),)
    assert shown(released) == [None, 120, 80]


def test_few_scored_and_few_not_scored_are_hidden_in_part_and_estimates():
    for n_scored in (4, 116):
        released = release(flow_result(200, 150, 120, n_scored))
        assert flow_counts(released)[-1] == ("visit", None)
        assert shown(released, term="scored at visit") == [None]


def test_groups_of_the_flow():
    released = release(flow_result(200, 150, 120, 80, ((A, 8, 6), (B, 112, 74))))
    assert flow_counts(released)[5:] == [
        ("visit", 80),
        ("group", None),
        ("visit", None),
        ("group", None),
        ("visit", None),
    ]
    assert shown(released, term="scored at visit") == [80, None, None]


def test_a_small_cohort_is_hidden_with_those_left_out():
    released = release(flow_result(200, 9, 9, 7))
    assert flow_counts(released)[:3] == [("stage", 200), ("excluded", None), ("stage", None)]
    assert shown(released) == [200, None, None, None]


# --- other parts -----------------------------------------------------------------------------------------------------

BIN_COLUMNS = ("visit", "group", "baseline_low", "baseline_high", "follow_up_low", "follow_up_high", "n_patients")


def bins(**groups):
    rows = [
        ("week 12", group.replace("_", ": ").replace("all", ""), 0, 2, low, low + 2, n_patients)
        for group, cells in groups.items()
        for low, n_patients in cells.items()
    ]
    return Part("score_pair_counts", BIN_COLUMNS, tuple(rows))


def bins_of(result, visit="week 12"):
    """Return the bins that are listed, with their counts."""
    part = result.part("score_pair_counts")
    assert part.suppressed == part.below_minimum == ()
    return {(row[1], row[4]): row[6] for row in part.rows if row[0] == visit}


def test_small_bins_of_scores_are_left_out_with_one_more():
    released = release(made_up(parts=(bins(all={0: 30, 3: 20, 6: 4}),)))
    assert bins_of(released) == {("", 0): 30}


def test_twelve_patients_in_twelve_bins_are_not_seen_to_be_one_in_each():
    released = release(made_up(parts=(bins(all={0: 60} | {3 * number: 1 for number in range(1, 13)}),)))
    assert bins_of(released) == {("", 0): 60}


def test_bins_that_are_left_out_hold_at_least_the_minimum_together():
    one_more = release(made_up(parts=(bins(all={0: 60, 3: 14, 6: 5, 9: 5}),)))
    assert bins_of(one_more) == {("", 0): 60}
    enough = release(made_up(parts=(bins(all={0: 60, 3: 14, 6: 6, 9: 5}),)))
    assert bins_of(enough) == {("", 0): 60, ("", 3): 14}


def test_bins_of_groups_add_up_to_those_of_all():
    part = bins(all={0: 40, 3: 40}, p_a={0: 35, 3: 20}, p_b={0: 5, 3: 20})
    assert bins_of(release(made_up(parts=(part,)))) == {("", 0): 40, ("", 3): 40}


def test_a_group_whose_patients_are_hidden_has_no_bins():
    cells = bins(all={0: 30, 3: 40}, p_a={0: 15, 3: 20}, p_b={0: 15, 3: 20})
    sizes = [(70, ""), (35, A), (35, B)]
    means = [mean(n, term="change", visit="week 12", subgroup=name) for n, name in sizes]
    baseline = [share(n, 35, term="paired completeness", visit="week 12", subgroup=name) for n, name in sizes[1:]]
    parts = (replace(cells, rows=tuple((*row[:1], row[1].replace("p:", "program:"), *row[2:]) for row in cells.rows)),)
    assert len(bins_of(release(made_up(*means, *baseline, parts=parts)))) == 6
    few_of_no_group = (mean(71, term="change", visit="week 12"), *means[1:])
    released = release(made_up(*few_of_no_group, *baseline, parts=parts))
    assert shown(released, term="change") == [True, None, None]
    assert bins_of(released) == {("", 0): 30, ("", 3): 40}


def test_rows_of_files():
    columns = ("file", "rows_in", "rows_accepted", "rows_rejected")
    rows = (("patients", 120, 120, 0), ("scores", 900, 896, 4), ("sessions", 800, 700, 100))
    released = release(made_up(parts=(Part("files", columns, rows),), analysis="data_quality"))
    assert released.part("files").rows == (
        ("patients", 120, 120, 0),
        ("scores", 900, None, None),
        ("sessions", 800, 700, 100),
    )
    rules = Part("rules", ("file", "rule", "n_rows"), (("scores", "range", 4), ("sessions", "linked", 100)))
    assert release(made_up(parts=(rules,))).part("rules").column("n_rows") == (None, 100)


def test_the_rules_of_a_file_add_up_to_its_rejected_rows():
    files = Part("files", ("file", "rows_in", "rows_accepted", "rows_rejected"), (("scores", 900, 865, 35),))
    rules = Part(
        "rules", ("file", "rule", "n_rows"), (("scores", "range", 20), ("scores", "linked", 12), ("scores", "day", 3))
    )
    released = release(made_up(parts=(files, rules), analysis="data_quality"))
    assert released.part("files").rows[0] == ("scores", 900, 865, 35)
    assert released.part("rules").column("n_rows") == (20, None, None)


def test_the_counts_of_files_are_hidden_beside_the_part_as_well():
    part = Part("files", ("file", "rows_in", "rows_accepted", "rows_rejected"), (("scores", 900, 896, 4),))
    estimates = (count(896, term="scores: rows accepted"), count(4, term="scores: rows rejected"))
    released = release(made_up(*estimates, parts=(part,), analysis="data_quality"))
    assert shown(released) == [896, None]
    assert released.part("files").rows[0][1:] == (None, 896, None)


# --- digits ----------------------------------------------------------------------------------------------------------


def test_a_released_number_has_the_digits_that_are_printed():
    numbers = {"estimate": 9.1355932203, "std_error": 0.718284, "df": 58.0, "conf_low": 7.6951, "conf_high": 10.5761}
    numbers |= {"statistic": 12.71828, "p_value": 3.14159e-17, "conf_level": 0.95}
    released = release(made_up(mean(59, **numbers))).estimates[0]
    assert (released.estimate, released.std_error, released.conf_low, released.conf_high) == (9.1, 0.72, 7.7, 10.6)
    assert (released.df, released.statistic, released.p_value, released.conf_level) == (58.0, 12.72, 3.1e-17, 0.95)


def test_two_released_means_do_not_give_one_patients_score():
    """All 61 less the 60 of one group would be the score of the last, were the means exact."""
    scores = np.arange(61.0) % 28
    means = [float(scores.mean()), float(scores[:-1].mean())]
    assert round(61 * means[0] - 60 * means[1], 6) == scores[-1]
    first, second = release(made_up(*(mean(n, estimate=m) for n, m in zip((61, 60), means, strict=True)))).estimates
    assert abs(61 * first.estimate - 60 * second.estimate - scores[-1]) > 1.0


def test_thresholds_of_the_literature_counts_and_shares_keep_their_digits():
    threshold = Estimate(term="cut-off c", measure="threshold", unit="points", estimate=8.123456)
    result = made_up(threshold, share(20, 60), replace(threshold, n_patients=60))
    assert release(result).estimates[:2] == result.estimates[:2]
    assert release(result).estimates[2].estimate == 8.12


def test_equal_rounding_keeps_the_estimate_inside_its_limits():
    for estimate in np.linspace(-1.06, 1.06, 213).tolist():
        one = mean(40, estimate=estimate, conf_low=estimate - 0.001, conf_high=estimate + 0.001)
        printed = release(made_up(one)).estimates[0]
        assert printed.conf_low <= printed.estimate <= printed.conf_high


def test_a_check_has_two_significant_digits():
    check = Check("baseline imbalance", True, "caution", 0.123456, 0.25, "The groups are alike.")
    assert release(made_up(mean(80), checks=(check,))).checks == (replace(check, value=0.12),)


# --- checks, texts, individual values --------------------------------------------------------------------------------


def test_a_check_keeps_its_verdict_and_loses_its_value_and_limit():
    """ "Passed, with a limit of 10" beside a hidden number below 11 would be 10."""
    check = Check("patients", False, "withhold", 8.0, 10.0, "Too few patients.")
    released = release(made_up(mean(8), checks=(check,)))
    assert math.isnan(released.checks[0].value)
    assert math.isnan(released.checks[0].limit)
    assert released.checks[0].message == "Too few patients."
    assert released.verdict == "withhold"
    assert release(made_up(mean(80), checks=(check,))).checks == (check,)


@pytest.mark.parametrize("name", ["leverage", "missing covariates"])
def test_a_check_whose_value_is_a_count_in_another_dress_loses_it_always(name):
    check = Check(name, True, "caution", 0.5, 0.8, "All is well.")
    released = release(made_up(mean(80), checks=(check,))).checks[0]
    assert math.isnan(released.value)
    assert released.limit == 0.8


@pytest.mark.parametrize(
    ("text", "released"),
    [
        ("3 rows were left out.", "fewer than 11 rows were left out."),
        ("1 patient has no score.", "fewer than 11 patient has no score."),
        ("4 of 90 patients left.", "fewer than 11 of 90 patients left."),
        ("5 excluded patients", "fewer than 11 excluded patients"),
        ("30 rows were left out, 0 patients.", "30 rows were left out, 0 patients."),
        ("At week 4 scores fell.", "At week 4 scores fell."),
        ("fewer than 10 patients", "fewer than 10 patients"),
        ("at least 2 sessions", "at least 2 sessions"),
        ("the PHQ-9 score", "the PHQ-9 score"),
        ("95 % of scores, 1.5 points", "95 % of scores, 1.5 points"),
        ("Without a score: 2.", "Without a score: fewer than 11."),
        ("On an unknown day: 3. Their time", "On an unknown day: fewer than 11. Their time"),
        ("Rule: 5 points or more.", "Rule: 5 points or more."),
    ],
)
def test_small_counts_in_texts(text, released):
    check = Check("texts", True, "note", math.nan, math.nan, text)
    result = release(made_up(assumptions=(text,), warnings=(text,), checks=(check,)))
    assert result.assumptions == result.warnings == (released,)
    assert result.checks[0].message == released


@pytest.mark.parametrize(
    ("text", "released"),
    [
        ("Left out 4, then another 2 and 1.", "Left out {}, then another {} and {}."),
        ("With neither a session nor a score: 2.", "With neither a session nor a score: {}."),
        ("Of those 7 are new (3 of 90).", "Of those {} are new ({} of 90)."),
        ("3", "{}"),
        ("Rejected to 3 of them.", "Rejected to {} of them."),
        ("“Within 72 hours” means on day 0 to 3.", None),
        ("Keys of 6 to 10 digits look like chart numbers.", None),
        ("On 2026-03-04, at week 4, PHQ-9, 5 %, 1.5, fewer than 5, 12 rows, 0 of them.", None),
    ],
)  # fmt: skip
def test_what_the_loader_notes_has_no_small_number(text, released):
    wanted = text if released is None else released.replace("{}", "fewer than 11")
    once = release(made_up(warnings=(text,), analysis="data_quality"))
    assert once.warnings == (wanted,)
    assert release(once, DisclosurePolicy(minimum_cell=11)).warnings == (wanted,)


def test_the_notes_of_a_registry_give_no_small_count():
    import pandas as pd

    import katoutcomes as kat

    n = 40
    keys = [f"key-{number:03d}" for number in range(n)]
    tables = {
        "patients": pd.DataFrame({"patient_id": keys, "age_years": 40, "sex": "female"}),
        "sessions": pd.DataFrame({"session_id": keys[3:], "patient_id": keys[3:], "day": 0, "kind": "dosing"}),
        "scores": pd.DataFrame(
            {"score_id": keys[3:], "patient_id": keys[3:], "day": 0, "instrument": "PHQ-9", "total": 12}
        ),
    }
    result = kat.data_quality(kat.read_registry(tables, is_synthetic=True))
    assert any(text.endswith("score: 3.") for text in result.warnings)
    assert not any(": 3" in text for text in release(result).warnings)
    assert any("score: fewer than 11." in text for text in release(result).warnings)


def test_individual_values_stay_behind():
    values = IndividualValues((ScorePairs("week 12", "", np.arange(20.0), np.arange(20.0)),))
    released = release(made_up(mean(20), individual_values=values))
    assert type(released) is ReleasedResult
    assert not hasattr(released, "individual_values")


def test_the_digest_of_the_data_stays_behind():
    """Few data can be guessed: whoever tries all scores that they may hold finds the ones with this digest."""
    result = made_up(mean(20))
    assert result.provenance.digest == "ab" * 32
    assert release(result).provenance == replace(result.provenance, digest="")
    published = replace(result, provenance=Provenance("published", "cd" * 32, software=()))
    assert release(published).provenance.digest == "cd" * 32


def test_published_numbers_have_left_already():
    result = made_up(mean(None), share(3, 10), parts=())
    published = replace(result, provenance=Provenance("published", "cd" * 32, software=()))
    assert release(published).estimates == result.estimates


# --- policy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minimum_cell", [0, -1, 2.5, True, "11"])
def test_a_minimum_is_a_whole_number_of_at_least_one(minimum_cell):
    with pytest.raises(OptionError, match="minimum_cell"):
        DisclosurePolicy(minimum_cell=minimum_cell)


def test_a_minimum_of_one_shows_everything():
    result = made_up(mean(1), share(1, 2))
    assert release(result, DisclosurePolicy(minimum_cell=1)).estimates == result.estimates


def test_a_released_result_can_be_released_again_with_no_lower_minimum():
    result = made_up(mean(4), mean(8, term="baseline"), mean(30, term="change"))
    five = release(result, FIVE)
    assert shown(five) == [None, True, True]
    assert shown(release(five)) == [None, None, True]
    assert release(five).minimum_cell == 11
    assert release(five, FIVE).to_json() == five.to_json()
    with pytest.raises(DisclosureError, match="lower one"):
        release(release(result), FIVE)


def test_several_results_become_several():
    results = [made_up(mean(8)), made_up(mean(30))]
    released = release(results)
    assert isinstance(released, tuple)
    assert [one.to_json() for one in released] == [release(one).to_json() for one in results]


def test_only_released_results_pass():
    released = release(made_up(mean(30)))
    assert require_released([released, released]) == (released, released)
    with pytest.raises(DisclosureError, match="made_up"):
        require_released([released, made_up(mean(30))])


# --- several results, and the release before -------------------------------------------------------------------------


def test_a_number_of_another_result_does_not_tell_who_has_no_baseline():
    """Of 302 of a cohort 293 have a baseline score: the 9 must not follow from two results of one report."""
    description = made_up(
        count(302), *(share(n, 302, term=f"sex: {sex}") for sex, n in (("f", 160), ("m", 142))), analysis="describe"
    )
    change = made_up(
        mean(293, term="baseline, all with baseline", visit="baseline"),
        share(240, 293, term="paired completeness", visit="week 12"),
        mean(240, term="change", visit="week 12"),
        analysis="change_from_baseline",
    )
    numbers = {one.n_patients for result in release((description, change)) for one in result.estimates}
    assert not {302, 293} <= numbers
    assert {one.n_patients for one in release(change).estimates} == {293, 240}


def test_what_changed_by_few_since_the_last_release_is_hidden():
    before = release(made_up(mean(95), mean(50, term="baseline")))
    now = release(made_up(mean(99), mean(70, term="baseline")), previous=[before])
    assert [one.n_patients for one in now.estimates] == [None, 70]
    with pytest.raises(DisclosureError, match="not released"):
        release(made_up(mean(99)), previous=[made_up(mean(95))])


def test_an_analysis_that_declares_nothing_is_not_released():
    with pytest.raises(DisclosureError, match="has not said what it counts"):
        release(made_up(mean(40), analysis="unheard_of"))


def test_the_audit_bounds_what_a_release_hides():
    found = audit_release([made_up(*classes(20, 60, 4))])
    assert {(one.low, one.high) for one in found.counts} == {(1, 63)}
    assert found.too_close == ()
    assert '"n_too_close": 0' in found.to_json()
    assert "0 of" in found.to_text()


# --- one patient's number ---------------------------------------------------------------------------------------------


def test_the_largest_weight_is_one_patients_and_tells_the_number_of_all():
    """n weights with a mean of 1: the largest over its share of their sum is n."""
    weights = np.array([0.5] * 30 + [1.0] * 20 + [2.5])
    weights = weights / weights.mean()
    assert weights.max() / (weights.max() / weights.sum()) == pytest.approx(51)
    shown_words = ("median", "95th percentile", "standard deviation")
    hidden_words = ("largest", "share of the largest", "share of the largest 5 percent", "99th percentile")
    found = release(
        made_up(
            *(
                Estimate(term=f"weights: {words}", measure="weight", estimate=1.5, n_patients=51)
                for words in (*shown_words, *hidden_words)
            ),
            Estimate(term="propensity: 5th percentile", measure="propensity quantile", estimate=0.1, n_patients=19),
            Estimate(term="propensity: 95th percentile", measure="propensity quantile", estimate=0.9, n_patients=51),
            checks=(Check("overlap", True, "caution", 0.5, 0.25, "The groups are alike."),),
        )
    )
    hidden = [one.term.split(": ")[1] for one in found.estimates if one.suppressed]
    assert hidden == [*hidden_words, "5th percentile"]
    assert {one.n_patients for one in found.estimates} == {51, 19}
    assert found.checks[0].value == 0.5  # nobody is hidden, so what the checks found stays
    assert release(found).to_json() == found.to_json()
