"""The synthetic clinic's second nature against the formulas applied to one patient at a time, and forced strategies."""

from __future__ import annotations

import math

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.registry.synthetic.mechanism import GRACE_WEEKS, draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS, find_scenario
from katoutcomes.registry.synthetic.trajectories import N_WEEKS
from katoutcomes.registry.synthetic.truth import true_program_effect, true_start_effect

ROUNDING = 1e-9
"""The two implementations add the same terms in another order."""
BOOKING, SPEED = (0.3, 0.8, -0.9, -0.2, 0.5), (-0.10, 0.25, -0.30, 0.0, 0.30)
SESSIONS = (0.3, -0.2, 0.0, 0.2, -0.3)
FALLS = (0.10, 0.09, 0.08, 0.06, 0.04, 0.03)


def expit(log_odds):
    return 1.0 / (1.0 + math.exp(-log_odds))


def skewed(z, shape):
    variance = math.exp(2 * shape**2) - math.exp(shape**2)
    return (math.exp(shape * z) - math.exp(shape**2 / 2)) / math.sqrt(variance)


def score_of(value):
    return min(27, max(0, round(value)))


def drawn(n_patients, scenario, mechanism, seed=5):
    rng = np.random.default_rng(seed)
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario], MECHANISMS[mechanism])
    return intake, draw_weeks(rng, n_patients)


def follow_one(intake, draws, i, scenario, mechanism, strategy):
    """The formulas for one patient, week by week, written a second time."""
    chosen = SCENARIOS[scenario]
    delta, rho, m, a_u = (
        chosen.session_effect_points,
        chosen.leaving_log_odds,
        chosen.recording_log_odds,
        chosen.motivation_log_odds,
    )
    alpha, gamma = {"curved_booked": (-1.9, 2.2), "curved_start": (-1.4, 0.9)}[mechanism]
    x2, x3, u = (float(one[i]) for one in (intake.affluence, intake.trauma_history, intake.motivation))
    start = level = float(intake.true_state[i])
    base = last = int(intake.baseline_score[i])
    here, before, count, rows = True, 0, 0, []
    for week in range(12):
        odds = alpha + gamma * intake.program[i] + 0.6 * (last >= 15) - 0.6 * (last <= 5) + 0.4 * math.tanh(x2)
        odds += 0.3 * x3 + SESSIONS[intake.site[i]] + 0.6 * before + a_u * u
        session = draws.session[i, week] < expit(odds)
        if strategy == "none" and week < 4:
            session = False
        if strategy == "start" and week == 3 and count == 0:
            session = True
        session = int(session and here)
        if not here:
            level += (0.03 if last <= 7 else 0.15) * (start - level)
        else:
            gain = session * delta * max(level, 0.0) / 10 * 0.85**count
            if week < 6:
                level += -FALLS[week] * intake.weekly_improvement[i] * max(level, 0.0) - gain
            else:
                level += (0.02 if level <= 0.5 * start else 0.06) * (start - level) - gain
        level += (0.5 + 0.035 * max(level, 0.0)) * draws.state[i, week]
        score = score_of(level + (0.9 + 0.07 * max(level, 0.0)) * skewed(draws.score[i, week], 0.5))
        odds = 2.0 - 1.2 * (last >= 20) - 1.0 * (last <= 4) if here else -0.8 - 0.7 * (last <= 6)
        recorded = draws.recording[i, week] < expit(odds + m * (level - 10.0))
        rows.append((here, bool(session), level, score, bool(recorded)))
        if here and recorded:
            last = score
        count, before = count + session, session
        odds = -3.3 + 1.5 * (last <= 6) + 1.0 * (week >= 2 and last >= base) - 0.3 * x2 + rho * (count > 0)
        here = here and not draws.leaving[i, week] < expit(odds)
    return rows


@pytest.mark.parametrize("strategy", [None, "start", "none"])
@pytest.mark.parametrize("mechanism", ["curved_booked", "curved_start"])
@pytest.mark.parametrize("scenario", ["effect", "mnar", "unmeasured_confounding"])
def test_arrays_agree_with_one_patient_at_a_time(scenario, mechanism, strategy):
    n_patients = 60
    intake, draws = drawn(n_patients, scenario, mechanism)
    course = follow(intake, draws, SCENARIOS[scenario], MECHANISMS[mechanism], strategy=strategy)
    for i in range(n_patients):
        rows = follow_one(intake, draws, i, scenario, mechanism, strategy)
        in_care, session, state, score, recorded = (list(column) for column in zip(*rows, strict=True))
        assert course.in_care[i, :N_WEEKS].tolist() == in_care
        assert course.session[i].tolist() == session
        np.testing.assert_allclose(course.state[i, 1:], state, rtol=0, atol=ROUNDING)
        assert course.score[i].tolist() == score
        assert course.recorded[i].tolist() == recorded


@pytest.mark.parametrize("scenario", ["null", "unmeasured_confounding"])
def test_intake_follows_its_formulas(scenario):
    intake, _ = drawn(300, scenario, "curved_booked", seed=9)
    a_u = SCENARIOS[scenario].motivation_log_odds
    for i in range(300):
        x1, x2, x3, u = intake.prognosis[i], intake.affluence[i], intake.trauma_history[i], intake.motivation[i]
        odds = -0.2 + BOOKING[intake.site[i]] + 0.8 * math.tanh(x2) + 0.6 * (intake.baseline_score[i] >= 20)
        odds += -0.5 * x3 * (x2 < 0) + a_u * u
        assert intake.booking_probability[i] == pytest.approx(expit(odds), abs=1e-12)
        speed = 0.2 * math.tanh(x2) - 0.3 * x3 + SPEED[intake.site[i]] + 0.15 * x1 - 0.10 * (x1**2 - 1.0)
        speed += 0.3 * u if a_u else 0.0
        assert intake.weekly_improvement[i] == pytest.approx(math.exp(speed), rel=1e-12)
    assert intake.baseline_score.min() >= 10


def test_clinics_have_their_sizes_and_levels_are_skewed():
    intake, _ = drawn(20_000, "null", "curved_booked")
    # Entry by score hardly depends on the clinic, so shares are those of the candidates; 4 errors of .0035.
    np.testing.assert_allclose(np.bincount(intake.site) / 20_000, [0.40, 0.25, 0.15, 0.12, 0.08], atol=0.014)
    centered = intake.true_state - intake.true_state.mean()
    assert (centered**3).mean() / centered.std() ** 3 > 1.0


@pytest.mark.parametrize("mechanism", ["start", "curved_start"])
def test_strategies_are_followed_while_in_care_and_left_alone_afterwards(mechanism):
    intake, draws = drawn(2_000, "effect", mechanism)
    scenario, sessions = SCENARIOS["effect"], MECHANISMS[mechanism]
    begun = follow(intake, draws, scenario, sessions, strategy="start")
    none = follow(intake, draws, scenario, sessions, strategy="none")
    early = begun.session[:, :GRACE_WEEKS].any(axis=1)
    assert early[begun.in_care[:, GRACE_WEEKS - 1]].all()
    assert not none.session[:, :GRACE_WEEKS].any()
    assert none.session[:, GRACE_WEEKS:].any()
    # Until somebody would have begun, the strategy "start" changes nothing.
    natural = follow(intake, draws, scenario, sessions)
    assert (natural.score[:, : GRACE_WEEKS - 1] == begun.score[:, : GRACE_WEEKS - 1]).all()


@pytest.mark.parametrize("mechanism", ["start", "curved_start"])
@pytest.mark.parametrize("scenario", ["null", "mnar", "unmeasured_confounding"])
def test_where_nothing_works_beginning_changes_nothing_at_all(scenario, mechanism):
    truth = true_start_effect(np.random.default_rng(1), 3_000, scenario, mechanism)
    assert (truth.effect, truth.effect_error) == (0.0, 0.0)


def test_a_scenario_may_be_given_as_itself():
    shifted = find_scenario(find_scenario("effect"), 0.25)
    assert (shifted.session_effect_points, shifted.leaving_log_odds) == (0.25, -0.5)
    by_name = true_program_effect(np.random.default_rng(3), 2_000, "effect", "curved_booked")
    assert by_name == true_program_effect(np.random.default_rng(3), 2_000, SCENARIOS["effect"], "curved_booked")


def test_a_registry_of_the_second_clinic_can_be_read():
    registry = kat.simulate_registry(seed=3, n_patients=60, mechanism="curved_start", n_quarters=2)
    assert registry.is_synthetic
    assert sum(file.rows_rejected for file in registry.load_report.files) == 0
