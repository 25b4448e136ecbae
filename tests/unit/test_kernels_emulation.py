"""Censoring weights and estimators of emulated trials against loops over patients and statsmodels fits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from katoutcomes.kernels.emulation.censoring_weights import censoring_weights, model_design, truncated
from katoutcomes.kernels.emulation.data import Arm, Decisions, EmulationData
from katoutcomes.kernels.emulation.estimators import (
    ESTIMATES,
    emulated_estimates,
    emulation_starts,
    predicted_outcome,
)
from katoutcomes.kernels.emulation.proportional_hazards import fit_cox
from katoutcomes.kernels.weighting.bootstrap import bootstrap, frequencies_of_block
from katoutcomes.kernels.weighting.weighted_ancova import arm_coefficients, weighted_coefficients

N_WEEKS = 3
SAME_ARITHMETIC = 1e-8
"""Two orders of adding up the same sums, through models that are solved to 1e-9 a patient."""


def made_up(n_patients=160, seed=4):
    """Return patients followed for three weeks by a loop, with arrays made by another one."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_patients, 2))
    last = covariates[:, :1] + rng.normal(size=(n_patients, N_WEEKS))
    stay = rng.integers(1, N_WEEKS + 2, n_patients)
    session = np.zeros((n_patients, N_WEEKS), dtype=bool)
    patient, slot, happened, state = [], [], [], []
    for person in range(n_patients):
        for week in range(min(stay[person], N_WEEKS)):
            if session[person, :week].any():
                break
            session[person, week] = rng.random() < 1.0 / (1.0 + np.exp(0.8 - 0.5 * last[person, week]))
            patient.append(person)
            slot.append(week)
            happened.append(float(session[person, week]))
            state.append([last[person, week]])
    weeks = Decisions(np.array(patient), np.array(slot), np.array(happened), np.array(state))
    started = session.any(axis=1)
    arms = (
        Arm(0, np.ones(len(patient), dtype=bool), 0.0, ~started),
        Arm(0, weeks.slot == N_WEEKS - 1, 1.0, started | (stay < N_WEEKS)),
    )
    outcome = covariates[:, 0] - 0.7 * started + rng.normal(size=n_patients)
    outcome[rng.random(n_patients) < 0.3] = np.nan
    history = np.column_stack([last[:, -1], started, stay < N_WEEKS])
    data = EmulationData(outcome, covariates, history, (weeks,), arms, stay >= N_WEEKS, started, started)
    return data, stay


def looped_weights(data, stay, probability):
    """Return the weights of both arms, a patient at a time."""
    weeks, weights = data.models[0], np.zeros((2, data.n_patients))
    for person in range(data.n_patients):
        rows = [row for row in range(len(weeks.patient)) if weeks.patient[row] == person]
        began = [weeks.slot[row] for row in rows if weeks.happened[row]]
        if not began:
            weights[0, person] = np.prod([1.0 / (1.0 - probability[row]) for row in rows])
        if began and began[0] == N_WEEKS - 1:
            weights[1, person] = 1.0 / probability[rows[-1]]
        elif began or stay[person] < N_WEEKS:
            weights[1, person] = 1.0
    return weights


def test_weights_are_those_of_a_loop():
    data, stay = made_up()
    found = censoring_weights(data, np.ones((1, data.n_patients)))
    expected = looped_weights(data, stay, found.probabilities[0][0])
    np.testing.assert_allclose([one[0] for one in found.arms], expected, rtol=1e-12)
    assert ((expected > 0.0).sum(axis=1) > 20).all()


def test_the_session_model_is_the_logistic_regression_of_statsmodels():
    data, _ = made_up(n_patients=400)
    weeks = data.models[0]
    fit = sm.Logit(weeks.happened, sm.add_constant(model_design(data, weeks))).fit(disp=0)
    found = censoring_weights(data, np.ones((1, data.n_patients))).probabilities[0][0]
    # The ridge of 0.001 a row moves probabilities by less than a hundredth.
    np.testing.assert_allclose(found, np.clip(fit.predict(), 0.01, 0.99), atol=1e-2)


def test_the_answer_is_that_of_weighted_least_squares_on_stacked_copies():
    data, _ = made_up()
    once = np.ones((1, data.n_patients))
    weights = [one[0] for one in censoring_weights(data, once).arms]
    columns = sm.add_constant(np.column_stack([data.covariates, data.history]))
    seen = data.is_observed
    prediction = sm.OLS(data.outcome[seen], columns[seen]).fit().predict(columns)
    completed = np.where(seen, data.outcome, prediction)
    np.testing.assert_allclose(predicted_outcome(data, once).completed[0], completed, atol=SAME_ARITHMETIC)
    arm = np.repeat([0.0, 1.0], data.n_patients)
    design = sm.add_constant(np.column_stack([arm, np.tile(data.covariates, (2, 1))]))
    fit = sm.WLS(np.tile(completed, 2), design, weights=np.concatenate(weights)).fit()
    found = emulated_estimates(data, once)[0]
    assert found[ESTIMATES.index("cloned, censored, weighted")] == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)
    assert found[1] - found[0] == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)


def test_comparisons_that_go_wrong_are_what_they_say():
    data, _ = made_up()
    found = dict(zip(ESTIMATES, emulated_estimates(data, np.ones((1, data.n_patients)))[0], strict=True))
    seen = data.is_observed
    means = [data.outcome[seen & (data.exposed_ever == flag)].mean() for flag in (False, True)]
    assert found["ever or never"] == pytest.approx(means[1] - means[0], abs=SAME_ARITHMETIC)
    followers = [data.outcome[seen & arm.followed].mean() for arm in data.arms]
    assert found["clones without weights"] == pytest.approx(followers[1] - followers[0], abs=SAME_ARITHMETIC)
    rows = seen & data.in_care
    design = sm.add_constant(np.column_stack([data.exposed_early[rows], data.covariates[rows]]).astype(float))
    fit = sm.OLS(data.outcome[rows], design).fit()
    assert found["landmark"] == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)


def test_sequential_augmentation_is_that_of_a_loop_over_weeks():
    data, _ = made_up()
    once = np.ones((1, data.n_patients))
    weeks, probability = data.models[0], censoring_weights(data, once).probabilities[0][0]
    corrected = predicted_outcome(data, once).corrected[0]
    means = []
    for required, slots in ((0.0, (2, 1, 0)), (1.0, (2,))):
        value = corrected.copy()
        for week in slots:
            rows = np.flatnonzero(weeks.slot == week)
            people, did = weeks.patient[rows], weeks.happened[rows] == required
            columns = np.column_stack([data.covariates[people], weeks.state[rows]])
            design = np.column_stack([np.ones(rows.size), (columns - columns.mean(axis=0)) / columns.std(axis=0)])
            # A ridge of 0.001 a patient on the slopes, as rows of data that pull them to 0.
            pull = np.sqrt(1e-3 * did.sum()) * np.eye(design.shape[1])[1:]
            stacked, zeros = np.vstack([design[did], pull]), np.zeros(len(pull))
            q = sm.OLS(np.append(value[people][did], zeros), stacked).fit().predict(design)
            kept = probability[rows] if required else 1.0 - probability[rows]
            value[people] = q + did * (value[people] - q) / kept
        means.append(value.mean())
    found = emulated_estimates(data, once)[0][ESTIMATES.index("augmented")]
    assert found == pytest.approx(means[1] - means[0], abs=1e-7)


def test_a_resample_is_the_analysis_of_the_patients_drawn():
    """Frequencies, and the same patients copied as often, give the same numbers."""
    data, _ = made_up(n_patients=90)
    frequencies = np.random.default_rng(1).integers(0, 3, (1, 90)).astype(float)
    drawn = np.repeat(np.arange(90), frequencies[0].astype(int))
    found = emulated_estimates(data, frequencies)[0]
    weeks, rows, patient = data.models[0], [], []
    for place, person in enumerate(drawn):
        own = np.flatnonzero(weeks.patient == person)
        rows.append(own)
        patient.append(np.full(own.size, place))
    chosen = np.concatenate(rows)
    copied = Decisions(np.concatenate(patient), weeks.slot[chosen], weeks.happened[chosen], weeks.state[chosen])
    arms = tuple(Arm(0, arm.is_decision[chosen], arm.required, arm.followed[drawn]) for arm in data.arms)
    again = EmulationData(
        *(getattr(data, name)[drawn] for name in ("outcome", "covariates", "history")),
        (copied,),
        arms,
        *(getattr(data, name)[drawn] for name in ("in_care", "exposed_early", "exposed_ever")),
    )
    # The ridge is on slopes over the SD of all patients there are, which differs between the two: a hair's breadth.
    np.testing.assert_allclose(found, emulated_estimates(again, np.ones((1, drawn.size)))[0], atol=5e-3)


def test_the_bootstrap_is_the_same_for_any_number_of_workers():
    data, _ = made_up()
    draws = [
        bootstrap(lambda f: emulated_estimates(data, f), data.n_patients, 220, 9, n_workers=workers)
        for workers in (1, 3)
    ]
    assert draws[0].tobytes() == draws[1].tobytes()


def test_where_the_fits_of_resamples_begin_changes_no_estimate():
    data, _ = made_up()
    frequencies = frequencies_of_block(5, 0, 40, data.n_patients)
    warm, cold = emulated_estimates(data, frequencies, emulation_starts(data)), emulated_estimates(data, frequencies)
    # The last step of Newton's method leaves the square of 1e-5 in either; weights multiply it by some tens.
    np.testing.assert_allclose(warm, cold, rtol=0, atol=1e-7)


def test_copies_need_not_be_formed():
    rng = np.random.default_rng(8)
    covariates, response = rng.normal(size=(40, 3)), rng.normal(size=(2, 40))
    weights = [rng.uniform(size=(2, 40)) for _ in range(2)]
    design = np.column_stack([np.repeat(np.eye(2), 40, axis=0), np.tile(covariates, (2, 1))])
    stacked = weighted_coefficients(design, np.tile(response, (1, 2)), np.concatenate(weights, axis=1))
    np.testing.assert_allclose(arm_coefficients(covariates, response, weights), stacked, rtol=1e-10)


def test_truncation_counts_patients_by_frequency():
    weights = np.array([[1.0, 2.0, 3.0, 50.0]])
    assert truncated(weights, np.array([[1.0, 1.0, 1.0, 0.0]]), 0.99).tolist() == [[1.0, 2.0, 3.0, 3.0]]


def test_an_arm_without_an_outcome_has_no_estimate():
    data, _ = made_up()
    frequencies = np.where(data.arms[0].followed, 0.0, 1.0)[None, :]
    assert np.isnan(emulated_estimates(data, frequencies)).all()


def test_the_proportional_hazards_model_is_that_of_statsmodels():
    rng = np.random.default_rng(2)
    design = rng.normal(size=(120, 2))
    time = np.ceil(rng.exponential(np.exp(-design[:, 0])) * 5)  # whole days: many ties
    is_event = rng.random(120) < 0.7
    fit = fit_cox(design, time, is_event)
    expected = sm.PHReg(time, design, status=is_event.astype(int), ties="efron").fit(disp=0)
    assert fit.converged
    np.testing.assert_allclose(fit.coefficients, expected.params, atol=1e-6)
    assert fit.hazard_until(np.array([0.0])).tolist() == [0.0]
    assert (np.diff(fit.cumulative_hazard) > 0.0).all()


def test_a_patient_cut_into_stretches_is_the_same_patient():
    rng = np.random.default_rng(3)
    design, stop, is_event = rng.normal(size=(80, 2)), np.ceil(rng.exponential(20.0, 80)), rng.random(80) < 0.6
    cut = stop / 3.0
    whole = fit_cox(design, stop, is_event)
    pieces = fit_cox(
        np.tile(design, (2, 1)),
        np.concatenate([cut, stop]),
        np.concatenate([np.zeros(80, bool), is_event]),
        start=np.concatenate([np.zeros(80), cut]),
    )
    np.testing.assert_allclose(pieces.coefficients, whole.coefficients, rtol=1e-9)
    np.testing.assert_allclose(pieces.covariance, whole.covariance, rtol=1e-9)
    np.testing.assert_allclose(pieces.cumulative_hazard, whole.cumulative_hazard, rtol=1e-9)


def test_weights_count_as_patients_where_no_events_are_tied():
    rng = np.random.default_rng(4)
    design, stop = rng.normal(size=(60, 1)), rng.permutation(60) + 1.0
    is_event, weight = rng.random(60) < 0.5, np.where(rng.random(60) < 0.5, 1.0, 3.0)
    censored = ~is_event
    repeats = np.where(censored, weight, 1.0).astype(int)  # copies of censored rows tie no events
    counted = fit_cox(design, stop, is_event, weight=np.where(censored, weight, 1.0))
    copied = fit_cox(np.repeat(design, repeats, axis=0), np.repeat(stop, repeats), np.repeat(is_event, repeats))
    np.testing.assert_allclose(counted.coefficients, copied.coefficients, rtol=1e-9)


def test_a_row_is_not_at_risk_at_its_start():
    """The second patient begins on the day of the first event: the first stands alone, and says nothing."""
    design, stop = np.array([[0.0], [1.0], [0.0]]), np.array([5.0, 9.0, 12.0])
    start = np.array([0.0, 5.0, 5.0])
    late = fit_cox(design, stop, np.array([True, False, False]), start=start - 0.5)
    assert late.coefficients[0] < -5.0  # at risk just before: the unexposed one of two has the event
    with pytest.raises(np.linalg.LinAlgError):
        fit_cox(design, stop, np.array([True, False, False]), start=start)
