"""The emulated trial as a whole: the gate, the order, the diary, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.balance import balance_estimates, emulation_balance
from katoutcomes.analyses.steps.emulation.checks import diagnostic_checks
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.analyses.steps.emulation.feasibility import (
    count_estimates,
    feasibility,
    feasibility_checks,
    power_estimates,
)
from katoutcomes.analyses.steps.emulation.sensitivity import missing_score_estimates
from katoutcomes.analyses.steps.emulation.weights import weight_estimates
from katoutcomes.cohorts.emulation.compile_trial import emulation_set

TRIAL = kat.TargetTrial(
    confounders=("site", "program_booked", "covariate_affluence", "covariate_prognosis", "covariate_trauma_history")
)
FOLLOWED_NONE, BY_WEEK = "followed only the comparator", "effective sample size at the end of the week"
EACH_DOSE = replace(TRIAL, strategy=kat.AfterEachDose(), comparator=kat.NoneUntil(42))


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=500, mechanism="start", scenario="null")


@cache
def result():
    return kat.emulate_trial(TRIAL, registry(), n_bootstrap=200, rng=7)


def test_the_smallest_difference_comes_first_and_the_question_stands_above():
    assert result().estimates[0].measure == "minimal detectable difference"
    assert TRIAL.estimand.sentence in result().method.description
    assert result().estimand.name == "start_integration"
    assert result().estimand.is_causal


def test_the_diary_ends_with_the_answer_and_says_what_is_wrong_with_each_line():
    lines = [one for one in result().estimates if one.term.startswith("bias diary")]
    answer = result().select(term="emulated trial")[0]
    assert [line.term[12] for line in lines] == ["1", "2", "3", "4"]
    assert (lines[-1].estimate, lines[-1].conf_low) == (answer.estimate, answer.conf_low)
    assert len(result().part("bias_diary").rows) == 4


def test_under_no_effect_the_naive_number_is_a_benefit_and_the_answer_holds_none():
    naive = result().select(term="bias diary: 1, ever against never")[0]
    answer = result().select(term="emulated trial")[0]
    assert naive.estimate < -1.0
    assert answer.conf_low < 0.0 < answer.conf_high


def test_means_differ_by_the_difference_and_groups_add_up():
    means = {one.term: one.estimate for one in result().select(measure="adjusted mean")}
    answer = result().select(term="emulated trial")[0].estimate
    difference = means["follow-up, emulated: integration"] - means["follow-up, emulated: no integration"]
    assert answer == pytest.approx(difference, abs=1e-12)
    counts = {one.term: one.estimate for one in result().select(measure="count")}
    assert (
        sum(count for term, count in counts.items() if term.startswith("followed")) == counts["patients in the trial"]
    )
    assert counts["followed neither"] == 0


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers():
    again = kat.emulate_trial(TRIAL, registry(), n_bootstrap=200, rng=7, n_workers=3)
    assert again.to_json() == result().to_json()


def test_a_strict_strategy_is_not_estimable_and_the_counts_say_why():
    found = kat.emulate_trial(EACH_DOSE, registry(), n_bootstrap=100, rng=1)
    assert found.verdict == "withhold"
    assert np.isnan(found.select(term="emulated trial")[0].estimate)
    assert not [one for one in found.estimates if one.term.startswith(("bias diary", "follow-up"))]
    assert found.select(term="followed only the treated strategy")[0].n_patients < 30
    assert any("not estimable" in check.message for check in found.checks if not check.passed)
    assert found.plot().svg()
    assert found.to_table().rows


def test_the_gate_looks_at_no_outcome():
    """Other scores at the visit, missing for the same patients, change nothing that the gate says."""
    found = emulation(TRIAL, emulation_set(TRIAL, registry()), ())
    other = replace(found, data=replace(found.data, outcome=27.0 - found.data.outcome))
    said = []
    for one in (found, other):
        feasible = feasibility(one)
        shown = emulation_balance(one, feasible)
        said.append(
            (
                [*power_estimates(one, feasible), *count_estimates(one), *missing_score_estimates(one, 0.95)],
                [*balance_estimates(one, shown), *weight_estimates(one, feasible)],
                [*feasibility_checks(one, feasible, TRIAL.gate), *diagnostic_checks(one, feasible, shown)],
            )
        )
    assert repr(said[0]) == repr(said[1])


def test_other_limits_of_the_gate_are_kept():
    shut = kat.emulate_trial(TRIAL, registry(), n_bootstrap=100, rng=1, gate=kat.FeasibilityGate(30, 1000.0, 0.05))
    assert shut.verdict == "withhold"


def test_the_balance_is_the_same_in_the_table_and_the_picture():
    table, figure = result().to_table("balance"), result().plot("love")
    assert [row[0] for row in table.rows] == [row[0] for row in figure.rows]
    baseline = result().select(term="balance, as analyzed: baseline_score")[0]
    assert figure.rows[0][2] == baseline.estimate
    assert result().plot("overlap").svg()
    assert result().plot("protocol").svg()


def test_every_copy_departs_in_one_week_or_follows():
    part = result().part("trial_by_week")
    counts = {one.term: one.n_patients for one in result().select(measure="count")}
    for arm, own in (("integration", "followed only the treated strategy"), ("no integration", FOLLOWED_NONE)):
        departed = sum(row[3] for row in part.rows if row[1] == arm)
        assert departed + counts["followed both"] + counts[own] == counts["patients in the trial"]
    sizes = {one.visit: one.estimate for one in result().estimates if one.term.endswith("no integration, " + BY_WEEK)}
    final = result().select(term="weights: no integration, effective sample size")[0].estimate
    assert sizes["week 4"] == pytest.approx(final)


def test_effects_by_level_and_their_differences_hang_together():
    found = kat.emulate_trial(
        TRIAL,
        registry(),
        n_bootstrap=100,
        rng=7,
        modifiers=("site", "baseline_score"),
        negative_control="prior_antidepressant_trials",
        smallest_important=2.0,
    )
    effects = {one.subgroup: one for one in found.select(term="effect by modifier")}
    first, second = list(effects)[:2]
    label = second.removeprefix("site: ")
    gap = next(one for one in found.estimates if one.term.startswith(f"difference of effects: site, {label} minus"))
    assert gap.estimate == pytest.approx(effects[second].estimate - effects[first].estimate)
    assert sum(one.n_patients for one in effects.values()) == gap.n_patients
    pooled = [one.estimate for one in found.select(term="effect by modifier, partially pooled")]
    assert np.ptp(pooled) < np.ptp([one.estimate for one in effects.values()])
    assert found.select(term="negative control: prior_antidepressant_trials")[0].conf_low < 0.0
    assert any(check.name == "negative control" for check in found.checks)
    assert [one for one in found.estimates if one.term.startswith("tipping point") and "too small" in one.term]
    # What stands beside the answer does not move it.
    assert found.select(term="emulated trial")[0].estimate == result().select(term="emulated trial")[0].estimate


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"modifiers": ("route",)}, kat.OptionError),
        ({"modifiers": ("site", "program_booked", "baseline_score", "covariate_affluence")}, kat.OptionError),
        ({"negative_control": "site"}, kat.OptionError),
        ({"negative_control": "integration_sessions_by_day_28"}, kat.DesignError),
        ({"smallest_important": -1.0}, kat.OptionError),
        ({"covariates": ("integration_sessions_by_day_28",)}, kat.DesignError),
        ({"covariates": ("site",)}, kat.OptionError),
        ({"covariates": ("nothing",)}, kat.OptionError),
        ({"n_bootstrap": 20}, kat.OptionError),
        ({"rng": -1}, kat.OptionError),
        ({"conf_level": 95}, kat.OptionError),
    ],
)
def test_choices_that_cannot_be_are_refused(choices, error):
    with pytest.raises(error):
        kat.emulate_trial(TRIAL, registry(), **({"rng": 1} | choices))


def test_the_naive_number_is_offered_nowhere_else():
    data = kat.select_cohort(registry()).analysis_set("PHQ-9")
    with pytest.raises(kat.ImmortalTimeError):
        kat.compare_cohorts(data, treatment="any_integration_by_day_84", rng=1)
    assert not [name for name in kat.__all__ if "naive" in name or "never" in name]


def test_the_protocol_is_a_table():
    table = result().to_table("protocol")
    assert [row[0] for row in table.rows][:2] == ["Eligibility criteria", "Treatment strategies"]
    assert len(table.rows) == 10


def test_weeks_without_a_score_are_gaps_or_for_good_and_the_others_are_scored():
    """One patient at a time."""
    found = emulation(TRIAL, emulation_set(TRIAL, registry()), ()).found
    part = result().part("missing_by_week")
    rows = {tuple(row[:3]): row[3] for row in part.rows}
    assert part.columns == ("order", "group", "step", "n_patients")
    weeks = sorted({row[0] for row in part.rows})
    # The window of the visit begins on day 70, so the tenth week, which ends that day, belongs to it.
    assert weeks == list(range(1, 10))
    arms = emulation(TRIAL, emulation_set(TRIAL, registry()), ()).data.arms
    for label, arm in zip((TRIAL.comparator.label, TRIAL.strategy.label), arms, strict=True):
        for week in weeks:
            later = never = 0
            for person in np.flatnonzero(arm.followed):
                if not found.scored[person, week - 1]:
                    seen_later = found.scored[person, week:9].any() or not np.isnan(found.outcome[person])
                    later, never = later + seen_later, never + (not seen_later)
            assert rows[week, label, "missing, scored later"] == later
            assert rows[week, label, "missing, not scored again"] == never


def test_leaving_care_is_the_product_of_its_weeks():
    rows = {tuple(row[:3]): row[3] for part in ("leaving_by_week", "trial_by_week") for row in result().part(part).rows}
    n_patients = result().select(term="patients in the trial")[0].n_patients
    curves = result().select(term="still in care, of the copies that follow")
    assert {one.measure for one in curves} == {"Kaplan-Meier share"}
    for arm in {one.subgroup for one in curves}:
        label, there, share, hazard = arm.removeprefix("strategy: "), n_patients, 1.0, 0.0
        for one in (one for one in curves if one.subgroup == arm):
            week = int(one.visit.removeprefix("week "))
            left = rows[week, label, "left care in the week"]
            share *= 1.0 - left / there
            hazard += left / (there * (there - left))
            assert one.estimate == pytest.approx(share, abs=1e-12)
            # Greenwood's formula by hand.
            assert one.std_error == pytest.approx(share * hazard**0.5, abs=1e-12)
            there -= left + rows.get((week, label, "departed in the week"), 0)
        # As those lost are no longer at risk, what is left are the copies that followed to the end and stayed.
        assert there >= 0
        assert 0.0 < share < 1.0


def test_the_tipping_grid_moves_both_arms():
    grid = {one.term.removeprefix("tipping grid: "): one for one in result().estimates if "grid" in one.term}
    answer, middle = result().select(term="emulated trial")[0], grid["treated as assumed, comparator as assumed"]
    assert (middle.estimate, middle.conf_low, middle.conf_high) == (answer.estimate, answer.conf_low, answer.conf_high)
    assert len(grid) == 35
    steps = np.diff([one.estimate for name, one in grid.items() if name.endswith("comparator as assumed")])
    assert steps == pytest.approx([steps[0]] * 4, abs=1e-12)
    assert abs(steps[0]) < 2.0
    assert len(result().to_table("tipping").rows) == 5
