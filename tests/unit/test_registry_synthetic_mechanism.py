"""The mechanism against a run by hand and against the formulas applied to one patient at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.registry.synthetic.mechanism import (
    ENTRY_SCORE,
    N_WEEKS,
    Intake,
    WeeklyDraws,
    draw_intake,
    draw_weeks,
    follow,
)
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS, find_mechanism, find_scenario

ROUNDING = 1e-9
"""The two implementations add the same terms in another order; the state stays below 100 points."""

SITE_SLOWNESS = (-0.8, -0.4, 0.0, 0.4, 0.8)
SITE_BOOKING = (0.9, 0.3, 0.0, -0.3, -0.9)


def expit(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def score_of(value: float) -> int:
    return min(27, max(0, round(value)))


def two_patients() -> Intake:
    """Twins of the clinic without habits: true state 14, observed 15, improving by 1.05 points a week, both booked."""
    same = np.ones(2)
    return Intake(
        site=np.array([2, 2]),
        prognosis=same,
        affluence=0.0 * same,
        trauma_history=0.0 * same,
        motivation=0.0 * same,
        true_state=14.0 * same,
        baseline_score=np.array([15, 15]),
        booking_probability=0.46 * same,
        program=np.array([1, 1]),
        weekly_improvement=1.05 * same,
    )


def hand_draws() -> WeeklyDraws:
    def weeks(first: list[float], second: list[float]) -> np.ndarray:
        draws = np.full((2, N_WEEKS), 0.5)
        draws[:, 0], draws[:, 1] = first, second
        return draws

    return WeeklyDraws(
        session=weeks([0.62, 0.63], [0.689, 0.0]),
        recording=weeks([0.84, 0.85], [0.9, 0.23]),
        leaving=weeks([0.03, 0.06], [0.9, 0.0]),
        state=weeks([1.0, 1.0], [0.0, 0.0]),
        score=weeks([-0.5, -0.5], [0.0, 0.0]),
    )


def test_two_weeks_by_hand() -> None:
    course = follow(two_patients(), hand_draws(), SCENARIOS["effect"], MECHANISMS["booked"])

    # Week 0. Session: log odds -1.9 + 2.2 + .07 * (15 - 12) = .51, probability .6248: .62 is below, .63 above.
    assert course.session[:, 0].tolist() == [True, False]
    # State: 14 - 1.05 - .5 + .9 = 13.35 with a session, 13.85 without; scores 12.45 and 12.95, minus nothing more.
    np.testing.assert_allclose(course.state[:, 1], [13.35, 13.85], rtol=0, atol=ROUNDING)
    assert course.score[:, 0].tolist() == [12, 13]
    # Recorded: log odds 1.8 - .03 * (15 - 12) = 1.71, probability .8468.
    assert course.recorded[:, 0].tolist() == [True, False]
    # Leaving: last score 12 and a session, -3.2 + .2 - .5 = -3.5, probability .0293; or last score still 15 and no
    # session, -3.2 + .5 = -2.7, probability .0630.
    assert course.in_care[:, 1].tolist() == [True, False]

    # Week 1. The first: log odds -1.9 + 2.2 + 0 + .5 = .8, probability .690; state 13.35 - 1.55.
    # The second has left: no session whatever the draw, and the state drifts back, 13.85 + .15 * (14 - 13.85).
    assert course.session[:, 1].tolist() == [True, False]
    np.testing.assert_allclose(course.state[:, 2], [11.80, 13.8725], rtol=0, atol=ROUNDING)
    # Recorded: in care, log odds 1.8, probability .858, draw .9; left, -1.1 - .09 = -1.19, probability .2333, draw .23.
    assert course.recorded[:, 1].tolist() == [False, True]
    # Who left does not come back, and the one in care stays with a draw of .9.
    assert course.in_care[:, 2].tolist() == [True, False]


def follow_one(intake: Intake, draws: WeeklyDraws, i: int, scenario: str, mechanism: str, program: int | None):
    """The formulas for one patient, week by week, written a second time."""
    delta, rho, m, a_u = {
        "null": (0.0, 0.0, 0.0, 0.0),
        "effect": (0.5, -0.5, 0.0, 0.0),
        "mnar": (0.0, 0.0, -0.15, 0.0),
        "unmeasured_confounding": (0.0, 0.0, 0.0, 0.6),
        "effect_mnar": (0.5, -0.5, -0.15, 0.0),
    }[scenario]
    alpha_0, alpha_p = {"booked": (-1.9, 2.2), "start": (-1.4, 0.9)}[mechanism]
    x1, x2, x3, u = (
        float(values[i]) for values in (intake.prognosis, intake.affluence, intake.trauma_history, intake.motivation)
    )
    kappa = 1.0 + 0.15 * x2 - 0.3 * x3 - 0.22 * SITE_SLOWNESS[intake.site[i]] + 0.05 * x1
    kappa += 0.35 * u if a_u else 0.0
    p = int(intake.program[i]) if program is None else program
    start = state = float(intake.true_state[i])
    last, in_care, before, any_session = int(intake.baseline_score[i]), True, 0, 0
    rows = []
    for week in range(12):
        probability = expit(alpha_0 + alpha_p * p + 0.07 * (last - 12) + 0.3 * x2 + 0.3 * x3 + 0.5 * before + a_u * u)
        a = int(in_care and draws.session[i, week] < probability)
        if not in_care:
            drift = 0.15 * (start - state)
        elif week < 6:
            drift = -kappa - delta * a
        else:
            drift = -delta * a + 0.04 * (start - state)
        state = state + drift + 0.9 * draws.state[i, week]
        score = score_of(state + 1.8 * draws.score[i, week])
        recorded = draws.recording[i, week] < expit(
            (1.8 if in_care else -1.1) - 0.03 * (last - 12) + m * (state - 10.0)
        )
        rows.append((in_care, bool(a), state, score, bool(recorded)))
        if in_care and recorded:
            last = score
        any_session = max(any_session, a)
        leaves = draws.leaving[i, week] < expit(-3.2 + 0.10 * (last - 10) - 0.3 * x2 + rho * any_session)
        in_care = in_care and not leaves
        before = a
    return rows


@pytest.mark.parametrize("program", [None, 0, 1])
@pytest.mark.parametrize("mechanism", ["booked", "start"])
@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_arrays_agree_with_one_patient_at_a_time(scenario: str, mechanism: str, program: int | None) -> None:
    n_patients = 60
    rng = np.random.default_rng(5)
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario])
    draws = draw_weeks(rng, n_patients)
    course = follow(intake, draws, SCENARIOS[scenario], MECHANISMS[mechanism], program=program)
    for i in range(n_patients):
        rows = follow_one(intake, draws, i, scenario, mechanism, program)
        in_care, session, state, score, recorded = (list(column) for column in zip(*rows, strict=True))
        assert course.in_care[i, :N_WEEKS].tolist() == in_care
        assert course.session[i].tolist() == session
        np.testing.assert_allclose(course.state[i, 1:], state, rtol=0, atol=ROUNDING)
        assert course.score[i].tolist() == score
        assert course.recorded[i].tolist() == recorded


@pytest.mark.parametrize("scenario", ["null", "unmeasured_confounding"])
def test_intake_follows_its_formulas(scenario: str) -> None:
    intake = draw_intake(np.random.default_rng(9), 300, SCENARIOS[scenario])
    a_u = SCENARIOS[scenario].motivation_log_odds
    for i in range(300):
        x1, x2, x3, u = intake.prognosis[i], intake.affluence[i], intake.trauma_history[i], intake.motivation[i]
        site = intake.site[i]
        log_odds = -0.1 + SITE_BOOKING[site] + 0.7 * x2 + 0.5 * x3 + 0.06 * (intake.baseline_score[i] - 16) + a_u * u
        assert intake.booking_probability[i] == pytest.approx(expit(log_odds), abs=ROUNDING)
        kappa = 1.0 + 0.15 * x2 - 0.3 * x3 - 0.22 * SITE_SLOWNESS[site] + 0.05 * x1 + (0.35 * u if a_u else 0.0)
        assert intake.weekly_improvement[i] == pytest.approx(kappa, abs=ROUNDING)
    assert intake.baseline_score.min() >= ENTRY_SCORE
    assert set(intake.trauma_history.tolist()) == {0.0, 1.0}
    assert set(intake.site.tolist()) == {0, 1, 2, 3, 4}


def test_the_first_patients_do_not_depend_on_how_many_there_are() -> None:
    few = draw_intake(np.random.default_rng(3), 40, SCENARIOS["effect"])
    many = draw_intake(np.random.default_rng(3), 400, SCENARIOS["effect"])
    for name in Intake.__slots__:
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:40], err_msg=name)
    few_weeks, many_weeks = draw_weeks(np.random.default_rng(3), 40), draw_weeks(np.random.default_rng(3), 400)
    for name in WeeklyDraws.__slots__:
        np.testing.assert_array_equal(getattr(few_weeks, name), getattr(many_weeks, name)[:40], err_msg=name)


def test_leaving_is_permanent_and_stops_sessions() -> None:
    rng = np.random.default_rng(4)
    course = follow(
        draw_intake(rng, 2_000, SCENARIOS["effect"]),
        draw_weeks(rng, 2_000),
        SCENARIOS["effect"],
        MECHANISMS["start"],
    )
    assert (np.diff(course.in_care.astype(int), axis=1) <= 0).all()
    assert not (course.session & ~course.in_care[:, :N_WEEKS]).any()
    assert 0 < course.in_care[:, N_WEEKS].sum() < 2_000


def test_settings_are_checked() -> None:
    assert find_scenario("effect", 0.25).session_effect_points == 0.25
    assert find_scenario("effect_mnar").recording_log_odds == -0.15
    assert find_mechanism("start").program_log_odds == 0.9
    with pytest.raises(OptionError, match="scenario must be one of"):
        find_scenario("placebo")
    with pytest.raises(OptionError, match="mechanism must be one of"):
        find_mechanism("chance")
    for effect in (-0.1, math.inf, math.nan):
        with pytest.raises(OptionError, match="session_effect_points"):
            find_scenario("effect", effect)
