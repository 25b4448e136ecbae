"""Kaplan-Meier and logistic regression against R 4.2.2 (survival, glm) and statsmodels.

R: summary(survfit(Surv(time, event) ~ 1, conf.type = "log-log"), censored = TRUE), the remission times of the 6-MP
group of Freireich 1963; glm(y ~ x + a + g, family = binomial, control = list(epsilon = 1e-14, maxit = 50)).
"""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from katoutcomes.kernels.logistic import logistic_regression
from katoutcomes.kernels.missing.kaplan_meier import kaplan_meier

TIME = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], dtype=float)
EVENT = np.arange(21) < 9

# time, at risk, events, survival, Greenwood's standard error, lower, upper
SURVFIT = [
    (6, 21, 3, 0.857142857142857, 0.0763603548321213, 0.619717955265984, 0.951551747646997),
    (7, 17, 1, 0.806722689075630, 0.0869352851800572, 0.563146564622233, 0.922809019202880),
    (9, 16, 0, 0.806722689075630, 0.0869352851800572, 0.563146564622233, 0.922809019202880),
    (10, 15, 1, 0.752941176470588, 0.0963496529943205, 0.503199510799957, 0.889361835169265),
    (11, 13, 0, 0.752941176470588, 0.0963496529943205, 0.503199510799957, 0.889361835169265),
    (13, 12, 1, 0.690196078431372, 0.1068147077750098, 0.431610222486184, 0.849065963349451),
    (16, 11, 1, 0.627450980392157, 0.1140538652567525, 0.367510855987502, 0.804912189471841),
    (17, 10, 0, 0.627450980392157, 0.1140538652567525, 0.367510855987502, 0.804912189471841),
    (19, 9, 0, 0.627450980392157, 0.1140538652567525, 0.367510855987502, 0.804912189471841),
    (20, 8, 0, 0.627450980392157, 0.1140538652567525, 0.367510855987502, 0.804912189471841),
    (22, 7, 1, 0.537815126050420, 0.1282337516930340, 0.267778936767135, 0.746790717635394),
    (23, 6, 1, 0.448179271708683, 0.1345914567557604, 0.188052005959232, 0.680142628495241),
    (25, 5, 0, 0.448179271708683, 0.1345914567557604, 0.188052005959232, 0.680142628495241),
    (32, 4, 0, 0.448179271708683, 0.1345914567557604, 0.188052005959232, 0.680142628495241),
    (34, 2, 0, 0.448179271708683, 0.1345914567557604, 0.188052005959232, 0.680142628495241),
    (35, 1, 0, 0.448179271708683, 0.1345914567557604, 0.188052005959232, 0.680142628495241),
]
SAME = 1e-12  # products and sums of a few terms


def test_the_curve_is_that_of_survfit():
    found = kaplan_meier(TIME, EVENT, 0.95)
    wanted = np.array(SURVFIT, dtype=float).T
    fields = ("time", "n_at_risk", "n_events", "survival", "std_error", "conf_low", "conf_high")
    for name, column in zip(fields, wanted, strict=True):
        assert getattr(found, name) == pytest.approx(column, rel=SAME), name
    assert found.n_censored.sum() == 12


def test_the_curve_is_that_of_statsmodels():
    found, theirs = kaplan_meier(TIME, EVENT, 0.95), sm.SurvfuncRight(TIME, EVENT)
    at_events = found.n_events > 0
    assert found.survival[at_events] == pytest.approx(theirs.surv_prob, rel=SAME)
    assert found.std_error[at_events] == pytest.approx(theirs.surv_prob_se, rel=SAME)


def test_without_censoring_it_is_the_share_still_there():
    time = np.array([1.0, 1.0, 2.0, 5.0])
    found = kaplan_meier(time, np.ones(4, dtype=bool), 0.9)
    assert found.survival.tolist() == [0.5, 0.25, 0.0]
    # Greenwood's is then that of a binomial share.
    assert found.std_error[:2] == pytest.approx(np.sqrt(np.array([0.25, 0.1875]) / 4), rel=SAME)
    assert np.isnan([found.std_error[2], found.conf_low[2], found.conf_high[2]]).all()


def test_before_the_first_event_there_are_no_limits():
    found = kaplan_meier(np.array([1.0, 2.0]), np.array([False, True]), 0.95)
    assert found.survival.tolist() == [1.0, 0.0]
    assert np.isnan(found.conf_low).all()
    assert found.std_error[0] == 0.0


def test_nobody_has_no_curve():
    assert kaplan_meier(np.empty(0), np.empty(0, dtype=bool), 0.95).time.size == 0


@pytest.mark.parametrize(("time", "level"), [([1.0], 95), ([np.nan], 0.95)])
def test_what_cannot_be_a_curve(time, level):
    with pytest.raises(ValueError, match=r"lies between|is known"):
        kaplan_meier(np.array(time), np.array([True]), level)


X = np.array([16, 12, 21, 9, 14, 25, 18, 11, 7, 20, 15, 22, 13, 10, 19, 17, 8, 23, 24, 6], dtype=float)
AGE = np.array([34, 51, 29, 62, 45, 38, 27, 55, 60, 31, 44, 36, 48, 58, 33, 41, 65, 30, 28, 59], dtype=float)
GROUP = np.array([0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0], dtype=float)
Y = np.array([0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0], dtype=bool)
DESIGN = np.column_stack([np.ones(20), X, AGE, GROUP])


def test_the_model_is_that_of_glm():
    fit = logistic_regression(DESIGN, Y)
    # The maximum is flat to rounding at 1e-9 of a coefficient; R stops at a relative change of 1e-14 of the deviance.
    assert fit.coefficients == pytest.approx(
        [-7.9386259743351522, 0.3335998653540963, 0.0608469353586653, -0.2128280993708867], rel=1e-8
    )
    assert fit.std_errors == pytest.approx(
        [8.559582114580360, 0.260680702041563, 0.109184125395034, 1.049918299818396], rel=1e-7
    )
    assert fit.covariance[1, 2] == pytest.approx(0.0260042729178116, rel=1e-7)
    assert fit.log_likelihood == pytest.approx(-10.886431213867, rel=1e-12)
    assert (fit.n_rows, fit.n_events, fit.is_separated) == (20, 9, False)


def test_the_model_is_that_of_statsmodels():
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(400), rng.normal(16, 4, 400), rng.integers(0, 2, 400)])
    outcome = rng.random(400) < 1 / (1 + np.exp(2.0 - 0.1 * design[:, 1]))
    fit = logistic_regression(design, outcome)
    theirs = sm.GLM(outcome.astype(float), design, family=sm.families.Binomial()).fit(tol=1e-13)
    assert fit.coefficients == pytest.approx(theirs.params, rel=1e-8)
    assert fit.std_errors == pytest.approx(theirs.bse, rel=1e-7)
    assert fit.log_likelihood == pytest.approx(theirs.llf, rel=1e-10)


def test_one_flag_gives_the_odds_ratio_of_the_table():
    flag = np.repeat([0.0, 1.0], [30, 20])
    outcome = np.concatenate([np.arange(30) < 6, np.arange(20) < 8])
    fit = logistic_regression(np.column_stack([np.ones(50), flag]), outcome)
    assert np.exp(fit.coefficients[1]) == pytest.approx((8 * 24) / (12 * 6), rel=1e-10)
    assert fit.std_errors[1] == pytest.approx(np.sqrt(1 / 8 + 1 / 12 + 1 / 6 + 1 / 24), rel=1e-10)


@pytest.mark.parametrize(
    "outcome",
    [X > 14.5, (X > 14.5) | (X < 6.5) & (X < 0), np.concatenate([np.zeros(19, dtype=bool), [True]]) & (X < 7)],
    ids=["complete", "the same", "one row alone"],
)
def test_separation_is_seen(outcome):
    fit = logistic_regression(np.column_stack([np.ones(20), X]), outcome)
    assert fit.is_separated
    assert np.isnan(fit.coefficients).all()
    assert np.isnan(fit.covariance).all()


def test_quasi_separation_is_seen():
    flag = np.repeat([0.0, 1.0], [10, 10])
    outcome = np.concatenate([np.zeros(10, dtype=bool), np.arange(10) < 5])
    assert logistic_regression(np.column_stack([np.ones(20), flag]), outcome).is_separated


def test_columns_that_depend_on_each_other_are_refused():
    with pytest.raises(ValueError, match="depend on each other"):
        logistic_regression(np.column_stack([np.ones(20), X, 2 * X]), Y)
