"""`kat.contrast`: questions to a fit against the plain model, in which every patient has a design and a covariance."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtr, stdtrit

import katoutcomes as kat

_SPEC = importlib.util.spec_from_file_location(
    "dense_repeated_measures", Path(__file__).resolve().parents[1] / "oracles" / "dense_repeated_measures.py"
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)

N, N_VISITS = 50, 3
WEIGHTS = {"visit 2": 0.25, "visit 3": 0.75}
RELATIVE = 1e-8
"""Of degrees of freedom, which the plain model takes from an N x N matrix; all else is nearer."""


@cache
def trial():
    """Return arm, baseline, scores and weights of synthetic patients, with drop-out and gaps."""
    z, y = dense.simulated(N, N_VISITS, 2, seed=5, missing=0.3)
    z[:, 1] = np.clip(np.round(14.0 + 4.0 * z[:, 1]), 0, 27)
    y = np.clip(np.round(y), 0, 27)
    return z, y, np.where(np.arange(N) % 3 == 0, 2.0, 1.0)


@cache
def asked(variance, *, weighted=False, visits=None, df_method="kenward-roger-linear"):
    z, y, weights = trial()
    frame = pd.DataFrame(
        {
            "patient": np.repeat(np.arange(N), N_VISITS),
            "visit": np.tile(np.arange(1, N_VISITS + 1), N),
            "score": y.reshape(-1),
            "baseline": np.repeat(z[:, 1], N_VISITS),
            "arm": np.repeat(np.where(z[:, 0] > 0.5, "new", "usual"), N_VISITS),
            "w": np.repeat(weights, N_VISITS),
        }
    )
    data = kat.AnalysisSet.from_frame(
        frame,
        patient="patient",
        visit="visit",
        score="score",
        baseline="baseline",
        treatment="arm",
        comparator="usual",
        treatment_known_by_day=0,
        covariates=["w"],
        instrument="PHQ-9",
    )
    fitted = kat.mmrm(data, variance=variance, df_method=df_method, weights="w" if weighted else None)
    return fitted, kat.contrast(fitted, visits=WEIGHTS), kat.contrast(fitted)


def plain(fitted, *, weighted=False):
    """Return the plain model at the parameters of the fit, and the combinations that were asked for."""
    z, y, weights = trial()
    design = dense.patients_design(N_VISITS, 2)
    truth = dense.DenseModel(z, y, design, frequency=weights if weighted else None)
    differences = np.zeros((N_VISITS, design.shape[1]))
    differences[np.arange(N_VISITS), 3 * np.arange(N_VISITS) + 1] = 1.0
    return truth, fitted.model.parameters, np.vstack((0.25 * differences[1] + 0.75 * differences[2], differences))


def assert_agree(estimates, combinations, beta, covariance, df):
    for one, combination, freedom in zip(estimates, combinations, df, strict=True):
        estimate, error = combination @ beta, np.sqrt(combination @ covariance @ combination)
        assert one.estimate == pytest.approx(estimate, rel=RELATIVE)
        assert one.std_error == pytest.approx(error, rel=RELATIVE)
        assert one.df == pytest.approx(freedom, rel=RELATIVE)
        assert one.conf_low == pytest.approx(estimate - stdtrit(freedom, 0.975) * error, rel=RELATIVE)
        assert one.conf_high == pytest.approx(estimate + stdtrit(freedom, 0.975) * error, rel=RELATIVE)
        assert one.statistic == pytest.approx(estimate / error, rel=RELATIVE)
        assert one.p_value == pytest.approx(2.0 * stdtr(freedom, -abs(estimate / error)), rel=10.0 * RELATIVE)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("variance", ["CR0", "CR2", "CR3"])
def test_robust_answers_have_the_variance_and_degrees_of_freedom_of_their_definition(variance, weighted):
    fitted, mean_of_visits, by_visit = asked(variance, weighted=weighted)
    truth, theta, combinations = plain(fitted, weighted=weighted)
    covariance, df = truth.sandwich(theta, variance, combinations)
    answers = [*mean_of_visits.estimates, *by_visit.estimates]
    assert_agree(answers, combinations, truth.coefficients(theta), covariance, df)


def test_answers_of_the_model_have_kenward_and_rogers():
    fitted, mean_of_visits, by_visit = asked("model")
    truth, theta, combinations = plain(fitted)
    _, df = truth.satterthwaite(theta, combinations)
    covariance = truth.kenward_roger(theta, linear=True)
    beta = truth.coefficients(theta)
    # Second derivatives of the plain model are differences: they end after seven digits.
    for one, combination, freedom in zip(
        [*mean_of_visits.estimates, *by_visit.estimates], combinations, df, strict=True
    ):
        assert one.estimate == pytest.approx(combination @ beta, rel=RELATIVE)
        assert one.std_error == pytest.approx(np.sqrt(combination @ covariance @ combination), rel=1e-6)
        assert one.df == pytest.approx(freedom, rel=1e-6)


@pytest.mark.parametrize("variance", ["model", "CR2"])
def test_the_differences_of_the_fit_are_answered_again_to_the_last_bit(variance):
    fitted, _, by_visit = asked(variance)
    for one, other in zip(fitted.select(measure="difference in means"), by_visit.estimates, strict=True):
        for field in ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value", "n_patients"):
            assert getattr(one, field) == pytest.approx(getattr(other, field), rel=1e-13)


def test_what_a_robust_fit_keeps_for_its_answers_holds_no_score():
    fitted, _, _ = asked("CR2")
    _, y, _ = trial()
    kept = fitted.model.linear.robust_df.data.y
    assert sorted(np.isnan(kept).tolist()) == sorted(np.isnan(y[~np.isnan(y).all(axis=1)]).tolist())
    assert np.nansum(np.abs(kept)) == 0.0
    assert kat.contrast(fitted).method.sources == fitted.method.sources


def test_named_combinations_are_sums_of_adjusted_means_and_coefficients():
    fitted, _, by_visit = asked("CR2")
    change = {("new", "visit 3"): 1.0, ("usual", "visit 3"): -1.0, ("new", "visit 1"): -1.0, ("usual", "visit 1"): 1.0}
    slope = fitted.select(measure="coefficient")[1]
    found = kat.contrast(fitted, {"widening": change, "slope": {slope.term: 2.0}})
    widening, doubled = found.estimates
    first, _, last = by_visit.estimates
    assert widening.estimate == pytest.approx(last.estimate - first.estimate, rel=1e-10)
    assert (doubled.estimate, doubled.std_error) == pytest.approx((2.0 * slope.estimate, 2.0 * slope.std_error))
    assert doubled.df == pytest.approx(slope.df, rel=1e-10)


def test_the_figure_shows_every_answer():
    _, mean_of_visits, by_visit = asked("CR2")
    for result in (mean_of_visits, by_visit):
        figure = result.plot()
        rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
        for row, one in zip(rows, result.estimates, strict=True):
            assert row["question"] == "New minus usual"
            for field in ("visit", "estimate", "conf_low", "conf_high", "conf_level", "p_value", "n_patients"):
                assert row[field] == getattr(one, field)
    drawn = by_visit.plot().matplotlib_figure()
    marks = [line for line in drawn.findobj() if getattr(line, "get_marker", lambda: "None")() == "o"]
    assert len(marks) == N_VISITS


def test_the_figure_says_what_cannot_be_estimated_or_is_not_shown():
    fitted, _, _ = asked("model")
    hidden = kat.release(kat.contrast(fitted), kat.DisclosurePolicy(minimum_cell=40)).plot()
    assert "Without a mark: not shown." in hidden.alt_text
    assert all(row[2] is None for row in hidden.rows)
