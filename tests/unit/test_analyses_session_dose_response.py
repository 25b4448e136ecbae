"""Several arms of weeks with integration: their compilation against a loop, their weights, and the analysis."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.cohorts.emulation.compile_trial import emulation_set
from katoutcomes.cohorts.emulation.counts import compiled_counts
from katoutcomes.estimands.session_counts import SessionCount, session_counts
from katoutcomes.kernels.emulation.censoring_weights import censoring_weights
from katoutcomes.kernels.emulation.dose_response import ARM_MEANS, arm_estimates, linear_trend
from katoutcomes.kernels.emulation.estimators import emulated_estimates, predicted_outcome
from katoutcomes.kernels.emulation.further_estimates import further_estimates
from katoutcomes.results.formatting import format_number

TRIAL = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence", "covariate_trauma_history"))
SAME_ARITHMETIC = 1e-8
"""Two orders of adding up the same sums, through models that are solved to 1e-9 a patient."""


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=400, mechanism="start", scenario="null")


@cache
def found():
    return emulation(TRIAL, emulation_set(TRIAL, registry()), ())


def several(most, by_day=28):
    weeks, arms = compiled_counts(session_counts(most, by_day), found().found)
    return replace(found().data, models=(weeks,), arms=arms)


@cache
def result():
    return kat.session_dose_response(TRIAL, registry(), n_bootstrap=100, rng=3)


def looped(strategy, sessions, last_care_day, probabilities):
    """Return whether one patient followed a strategy, and the weight, going through the weeks one by one."""
    had, weight, n_weeks = 0, 1.0, strategy.by_day // 7
    for week in range(n_weeks):
        if last_care_day < 7 * week:
            break
        p, did = probabilities[week], sessions[week]
        missing = strategy.weeks - had
        if missing > 0 and missing == n_weeks - week:
            weight *= 1.0 / p if did else 0.0
        elif missing <= 0 and not strategy.or_more:
            weight *= 0.0 if did else 1.0 / (1.0 - p)
        had += did
    return weight


@pytest.mark.parametrize("most", [1, 2, 4])
def test_followers_and_weights_are_those_of_a_loop_over_patients(most):
    strategies, patients = session_counts(most, 28), found().found
    data = several(most)
    weeks, fitted = data.models[0], censoring_weights(data, np.ones((1, found().n_patients)))
    by_patient = [{} for _ in range(found().n_patients)]
    for row, (person, week) in enumerate(zip(weeks.patient, weeks.slot, strict=True)):
        by_patient[person][int(week)] = fitted.probabilities[0][0, row]
    for strategy, arm, weight in zip(strategies, data.arms, fitted.arms, strict=True):
        expected = [
            looped(strategy, patients.session[person], patients.last_care_day[person], by_patient[person])
            for person in range(found().n_patients)
        ]
        np.testing.assert_allclose(weight[0], expected, rtol=1e-12)
        np.testing.assert_array_equal(arm.followed, np.array(expected) > 0.0)


def test_who_stays_follows_exactly_one_arm():
    patients = found().found
    _, arms = compiled_counts(session_counts(2, 28), patients)
    stayed = patients.last_care_day >= 21
    assert (np.sum([arm.followed for arm in arms], axis=0)[stayed] == 1).all()
    two_arms = found().data.arms
    _, arms = compiled_counts(session_counts(1, 28), patients)
    for arm, other in zip(arms, two_arms, strict=True):
        np.testing.assert_array_equal(arm.followed, other.followed)


def test_means_are_those_of_weighted_least_squares_on_stacked_copies():
    data, once = several(2), np.ones((1, found().n_patients))
    weights = censoring_weights(data, once).arms
    completed = predicted_outcome(data, once).completed[0]
    dummies = np.repeat(np.eye(3), data.n_patients, axis=0)
    centered = np.tile(data.covariates - data.covariates.mean(axis=0), (3, 1))
    fit = sm.WLS(np.tile(completed, 3), np.column_stack([dummies, centered]), np.concatenate([w[0] for w in weights]))
    estimates = arm_estimates(data, once)[0].reshape(-1, 3)
    np.testing.assert_allclose(estimates[0], fit.fit().params[:3], atol=SAME_ARITHMETIC)
    alone = np.zeros((1, data.n_patients))
    alone[0, np.flatnonzero(data.arms[0].followed & ~data.arms[2].followed)] = 1.0
    assert np.isnan(arm_estimates(data, alone)[0, 2])


def test_two_arms_have_the_numbers_of_a_trial_of_two_arms():
    """None or some week with a session is what `emulate_trial` asks; only the model of sessions holds more weeks."""
    data, frequencies = several(1), np.random.default_rng(4).integers(0, 3, (2, found().n_patients)).astype(float)
    control = np.where(np.arange(data.n_patients) % 7 == 0, np.nan, data.covariates[:, -1])
    estimates = arm_estimates(data, frequencies, control).reshape(2, -1, 2)
    differences = dict(zip(ARM_MEANS, np.moveaxis(np.diff(estimates)[:, :, 0], 1, 0), strict=False))
    of_two = emulated_estimates(data, frequencies)
    np.testing.assert_allclose(estimates[:, 0], of_two[:, :2], rtol=1e-12)
    for column, name in ((3, "truncated weights"), (4, "weights for missing outcomes"), (5, "augmented")):
        np.testing.assert_allclose(differences[name], of_two[:, column], atol=SAME_ARITHMETIC)
    further = further_estimates(data, frequencies, control=control)
    np.testing.assert_allclose(differences["negative control"], further[:, 2], atol=SAME_ARITHMETIC)
    shifts = np.diff(estimates[:, len(ARM_MEANS) :])[:, :, 0]
    np.testing.assert_allclose(shifts, further[:, :2], atol=SAME_ARITHMETIC)


def test_what_higher_missing_scores_of_an_arm_do_is_what_adding_points_does():
    """The same analysis of predictions that are two points higher where the arm's copies have no score."""
    data, once = several(2), np.ones((1, found().n_patients))
    weights, completed = censoring_weights(data, once).arms, predicted_outcome(data, once).completed[0]
    shifts = arm_estimates(data, once)[0].reshape(-1, 3)[len(ARM_MEANS) :]
    dummies = np.repeat(np.eye(3), data.n_patients, axis=0)
    design = np.column_stack([dummies, np.tile(data.covariates - data.covariates.mean(axis=0), (3, 1))])

    def means(arm, points):
        outcome = np.tile(completed, 3)
        own = np.repeat(np.arange(3) == arm, data.n_patients)
        outcome[own & np.tile(~data.is_observed, 3)] += points
        return sm.WLS(outcome, design, np.concatenate([one[0] for one in weights])).fit().params[:3]

    for arm in range(3):
        np.testing.assert_allclose(2.0 * shifts[arm], means(arm, 2.0) - means(arm, 0.0), atol=SAME_ARITHMETIC)


def test_the_trend_is_the_slope_of_a_line_through_the_means():
    means = np.array([4.0, 3.0, 3.5, 1.0])
    slope = np.polyfit([0.0, 1.0, 2.0, 4.0], means, 1)[0]
    assert linear_trend([0.0, 1.0, 2.0, 4.0]) @ means == pytest.approx(slope)


def test_under_no_effect_every_interval_holds_none_and_the_numbers_hang_together():
    pairs = [one for one in result().select(measure="difference in means") if one.term.startswith("emulated arms")]
    means = [one.estimate for one in result().select(measure="adjusted mean")]
    assert [one.estimate for one in pairs] == pytest.approx(
        [means[1] - means[0], means[2] - means[0], means[2] - means[1]], abs=1e-9
    )
    trend = result().select(measure="linear combination")[0]
    assert trend.estimate == pytest.approx((means[2] - means[0]) / 2.0)
    assert all(one.conf_low < 0.0 < one.conf_high for one in (*pairs, trend))
    holm = [one.estimate for one in result().select(measure="adjusted p-value")]
    assert all(after >= one.p_value for one, after in zip(pairs, holm, strict=True))
    again = kat.session_dose_response(TRIAL, registry(), n_bootstrap=100, rng=3, n_workers=2)
    assert again.to_json() == result().to_json()


def test_an_arm_that_the_gate_keeps_out_has_no_number_and_the_others_stand():
    shut = kat.session_dose_response(TRIAL, registry(), most=4, n_bootstrap=100, rng=3)
    by_term = {one.term: one for one in shut.estimates}
    assert by_term["followed: 4 weeks or more"].n_patients > 0
    assert np.isnan(by_term["follow-up, emulated: 4 weeks or more"].estimate)
    assert by_term["emulated arms: 2 weeks minus 1 week"].std_error > 0.0
    assert np.isnan(by_term["trend over the arms: points per further week with a session"].estimate)
    assert any("4 weeks or more" in check.message for check in shut.checks if not check.passed)
    none = kat.session_dose_response(
        TRIAL, registry(), n_bootstrap=100, rng=3, gate=kat.FeasibilityGate(9999, 1.0, 1.0)
    )
    assert none.verdict == "withhold"
    assert none.plot().svg()
    assert none.to_table().rows


def test_what_cannot_be_is_refused():
    each_dose = kat.TargetTrial(strategy=kat.AfterEachDose(), comparator=kat.NoneUntil(42))
    with pytest.raises(kat.OptionError):
        kat.session_dose_response(each_dose, registry(), rng=1)
    for most in (0, 5, 1.5, "2"):
        with pytest.raises(kat.DesignError, match="a whole number from 1 to 4, the weeks until day 28"):
            kat.session_dose_response(TRIAL, registry(), most=most, rng=1)
    with pytest.raises(kat.OptionError, match="a TargetTrial comes first"):
        kat.session_dose_response(registry(), TRIAL, rng=1)
    with pytest.raises(kat.DesignError):
        SessionCount(1, 20)
    with pytest.raises(kat.OptionError, match="session_dose_response"):
        kat.emulate_trial(kat.TargetTrial(strategy=SessionCount(2, 28)), registry(), rng=1)
    with pytest.raises(kat.DesignError):
        kat.TargetTrial(comparator=SessionCount(1, 28))
    with pytest.raises(kat.OptionError):
        kat.session_dose_response(TRIAL, registry(), smallest_important=-1.0, rng=1)
    with pytest.raises(kat.DesignError):
        SessionCount(5, 28)
    assert [one.sentence() for one in session_counts(1, 28)] == [
        "no integration session by day 28 while in care",
        "an integration session in at least 1 week by day 28, while in care",
    ]


def test_every_difference_has_beside_it_what_a_trial_of_two_arms_has():
    """The thirteen items, for each pair of arms, from the functions that `emulate_trial` calls."""
    got = kat.session_dose_response(
        TRIAL, registry(), negative_control="age_years", smallest_important=1.0, n_bootstrap=100, rng=3
    )
    two = kat.emulate_trial(TRIAL, registry(), negative_control="age_years", n_bootstrap=100, rng=3)
    elsewhere = ("bias diary", "emulated trial", "unmeasured confounding: diff", "tipping grid")
    pairs = [("1 week", "no session"), ("2 weeks or more", "no session"), ("2 weeks or more", "1 week")]
    for treatment, comparator in pairs:
        terms = {one.term for one in got.estimates if (one.treatment, one.comparator) == (treatment, comparator)}
        own = {one.term for one in two.estimates if one.treatment and not one.term.startswith(elsewhere)}
        assert own <= terms
        assert (
            "tipping point: missing scores of the treated less favorable by so much, until the difference is too "
            in (" ".join(sorted(terms)))
        )
    assert {part.name for part in two.parts} - {"bias_diary"} == {part.name for part in got.parts}
    assert {check.name for check in two.checks} <= {check.name for check in got.checks}
    assert len({check.name for check in got.checks}) == len(got.checks)
    for arm in ("no session", "1 week", "2 weeks or more"):
        assert got.select(subgroup=f"strategy: {arm}", measure="propensity quantile")
        assert got.select(term=f"weights: {arm}, effective sample size at the end of the week")
        assert len(got.select(term="still in care, of the copies that follow", subgroup=f"strategy: {arm}")) == 12
    words = " ".join(got.assumptions)
    assert "one family, with p-values after Holm" in words
    assert got.estimates[0].term.startswith("precision: smallest difference to be expected")


def test_the_power_is_told_before_and_whether_or_not_outcomes_are_looked_at():
    """2.8 standard errors of a difference with effective sample sizes, the same where the gate is shut."""
    shut = kat.session_dose_response(
        TRIAL, registry(), n_bootstrap=100, rng=3, gate=kat.FeasibilityGate(9999, 1.0, 1.0)
    )
    term = "precision: smallest difference to be expected, before outcomes are seen"
    for got in (result(), shut):
        spread = found().found.last_score[:, 4].std(ddof=1)
        sizes = {
            arm: got.select(term=f"weights: {arm}, effective sample size")[0].estimate
            for arm in ("no session", "1 week", "2 weeks or more")
        }
        expected = [
            2.8 * spread * (1.0 / sizes[one.treatment] + 1.0 / sizes[one.comparator]) ** 0.5
            for one in got.select(term=term)
        ]
        assert len(expected) == 3
        np.testing.assert_allclose([one.estimate for one in got.select(term=term)], expected, rtol=1e-12)
    assert not [one for one in shut.estimates if one.term.startswith(("sensitivity", "tipping", "unmeasured"))]


def test_departures_of_each_arm_and_its_followers_are_the_trial():
    part = result().part("trial_by_week")
    rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    n_patients = result().select(term="patients in the trial")[0].n_patients
    for arm in ("no session", "1 week", "2 weeks or more"):
        departed = [row["n_patients"] for row in rows if row["group"] == arm]
        assert len(departed) == 4
        assert sum(departed) + result().select(term=f"followed: {arm}")[0].n_patients == n_patients
    assert len(rows) == 4 * (3 + 1)


def test_patients_are_divided_by_the_arms_that_they_followed():
    kinds = [one for one in result().estimates if one.term.startswith("followed only: ")]
    held = [one.term.removeprefix("followed only: ").split(" and ") for one in kinds]
    arms = ["no session", "1 week", "2 weeks or more"]
    assert held == [arms[:1], arms[:2], arms, arms[1:2], arms[1:], arms[2:]]
    assert sum(one.estimate for one in kinds) == result().select(term="patients in the trial")[0].estimate
    for arm in arms:
        of_arm = sum(one.estimate for one, labels in zip(kinds, held, strict=True) if arm in labels)
        assert of_arm == result().select(term=f"followed: {arm}")[0].estimate
    # Whoever was in care when the last week began followed a single arm, and only who left early followed several.
    part = result().part("trial_by_week")
    in_last_week = next(row[3] for row in part.rows if row[:3] == (4, "", "in care when the week began"))
    alone = [one.estimate for one, labels in zip(kinds, held, strict=True) if len(labels) == 1]
    assert sum(alone[:2]) <= in_last_week <= sum(alone)
    shown = [row[0] for row in result().to_table().rows]
    assert [one.term for one in kinds] == [label for label in shown if label.startswith("followed only: ")]


def test_with_several_courses_nobody_is_divided():
    trial = replace(TRIAL, courses="every")
    found = kat.session_dose_response(trial, registry(), n_bootstrap=100, rng=3)
    assert found.select(term="followed: 1 week")
    assert not [one for one in found.estimates if one.term.startswith("followed only: ")]


def test_tables_and_figures_hold_every_pair():
    table = result().to_table("sensitivity")
    assert table.columns[1:4] == (
        "1 week minus no session",
        "2 weeks or more minus no session",
        "2 weeks or more minus 1 week",
    )
    assert any(row[0].startswith("E-value of the estimate") and all(row[1:4]) for row in table.rows)
    balance = result().to_table("balance")
    assert len(balance.columns) == 1 + 2 * 3
    drawn = result().plot("love", treatment="2 weeks or more", comparator="1 week")
    shown = {row[0]: row[5:] for row in balance.rows}
    for name, *values in drawn.rows:
        assert tuple(format_number(value, 2) for value in values) == shown[name]
    with pytest.raises(kat.OptionError):
        result().plot("love", treatment="1 week", comparator="2 weeks or more")
    assert "Smallest differences to be expected" in result().plot().alt_text
