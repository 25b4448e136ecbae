"""Least squares with HC3: identity by hand, statsmodels as slow oracle, and what stands in the way of a fit."""

import math

import numpy as np
import pytest

from katoutcomes.kernels.groups.covariance_adjustment import contrast, covariance_adjustment, least_squares

ROUNDING = 1e-10
"""Two ways of solving one well-conditioned least-squares problem."""


def example(n_patients=80, seed=7):
    """A made-up trial whose variance differs between the groups."""
    rng = np.random.default_rng(seed)
    is_treatment = rng.random(n_patients) < 0.4
    covariates = np.column_stack(
        (rng.normal(16, 4, n_patients), rng.normal(45, 12, n_patients), rng.random(n_patients) < 0.3)
    )
    spread = np.where(is_treatment, 2.0, 6.0)
    outcome = 3 + 0.6 * covariates[:, 0] - 2 * is_treatment + spread * rng.normal(size=n_patients)
    return outcome, is_treatment, covariates


def test_without_covariates_it_is_the_difference_of_means():
    """Then hᵢ = 1/n in each group, so HC3 = Σe²/(n − 1)² summed over the two groups; by hand 2/4 + 20/9."""
    outcome = np.array([1.0, 2, 3, 2, 4, 6, 8])
    is_treatment = np.arange(7) < 3
    adjusted = covariance_adjustment(outcome, is_treatment, np.empty((7, 0)), conf_level=0.95)
    assert adjusted.treatment_mean.estimate == pytest.approx(2.0, rel=ROUNDING)
    assert adjusted.comparator_mean.estimate == pytest.approx(5.0, rel=ROUNDING)
    assert adjusted.difference.estimate == pytest.approx(-3.0, rel=ROUNDING)
    assert adjusted.difference.std_error == pytest.approx(math.sqrt(2 / 4 + 20 / 9), rel=ROUNDING)
    assert adjusted.difference.df == 5


@pytest.mark.parametrize("conf_level", [0.9, 0.95])
def test_against_statsmodels(conf_level):
    import statsmodels.api as sm

    outcome, is_treatment, covariates = example()
    design = np.column_stack((np.ones(len(outcome)), is_treatment, covariates)).astype(float)
    peer = sm.OLS(outcome, design).fit(cov_type="HC3", use_t=True)
    fit = least_squares(design, outcome)
    assert fit.status == "ok"
    assert fit.coefficients == pytest.approx(peer.params, rel=ROUNDING)
    assert fit.covariance == pytest.approx(peer.cov_params(), rel=ROUNDING, abs=ROUNDING)
    assert fit.df == peer.df_resid
    assert fit.max_leverage == pytest.approx(peer.get_influence().hat_matrix_diag.max(), rel=ROUNDING)

    at_means = np.concatenate(([1.0, 0.0], covariates.mean(axis=0)))
    weights = {
        "treatment_mean": at_means + np.eye(5)[1],
        "comparator_mean": at_means,
        "difference": np.eye(5)[1],
    }
    adjusted = covariance_adjustment(outcome, is_treatment, covariates, conf_level)
    for name, weight in weights.items():
        test = peer.t_test(weight)
        found = getattr(adjusted, name)
        low, high = test.conf_int(1 - conf_level)[0]
        expected = [test.effect[0], test.sd[0, 0], test.df_denom, low, high, test.tvalue[0, 0], float(test.pvalue)]
        actual = [
            found.estimate,
            found.std_error,
            found.df,
            found.conf_low,
            found.conf_high,
            found.statistic,
            found.p_value,
        ]
        assert actual == pytest.approx(expected, rel=ROUNDING), name


def test_the_difference_does_not_depend_on_how_covariates_are_scaled():
    outcome, is_treatment, covariates = example()
    plain = covariance_adjustment(outcome, is_treatment, covariates, 0.95).difference
    scaled = covariance_adjustment(outcome, is_treatment, covariates * [0.01, 12, 1] + [2000, -5, 3], 0.95).difference
    assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-9)
    assert scaled.std_error == pytest.approx(plain.std_error, rel=1e-9)


def test_names_the_dependent_column():
    outcome, is_treatment, covariates = example()
    twice = np.column_stack((covariates, 2 * covariates[:, 0] - covariates[:, 1]))
    fit = covariance_adjustment(outcome, is_treatment, twice, 0.95).fit
    assert (fit.status, fit.problem_columns) == ("dependent column", (5,))
    assert np.isnan(fit.coefficients).all()
    assert np.isnan(fit.covariance).all()
    assert math.isnan(fit.df)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_a_constant_covariate_is_dependent(value):
    outcome, is_treatment, covariates = example()
    constant = np.column_stack((covariates, np.full(len(outcome), value)))
    adjusted = covariance_adjustment(outcome, is_treatment, constant, 0.95)
    assert (adjusted.fit.status, adjusted.fit.problem_columns) == ("dependent column", (5,))
    assert math.isnan(adjusted.difference.estimate)
    assert math.isnan(adjusted.difference.std_error)
    assert math.isnan(adjusted.treatment_mean.conf_low)


def test_a_covariate_that_is_constant_but_for_rounding_is_dependent():
    outcome, is_treatment, covariates = example()
    rounding = np.where(np.arange(len(outcome)) % 2 == 0, 0.3, 0.1 + 0.2)
    assert len(set(rounding)) == 2
    fit = covariance_adjustment(outcome, is_treatment, np.column_stack((covariates, rounding)), 0.95).fit
    assert (fit.status, fit.problem_columns) == ("dependent column", (5,))


def test_a_covariate_that_separates_the_groups_is_dependent():
    outcome, is_treatment, covariates = example()
    same = np.column_stack((covariates, is_treatment))
    assert covariance_adjustment(outcome, is_treatment, same, 0.95).fit.problem_columns == (5,)


def test_an_empty_group_is_dependent():
    outcome, _, covariates = example()
    fit = covariance_adjustment(outcome, np.zeros(len(outcome), dtype=bool), covariates, 0.95).fit
    assert (fit.status, fit.problem_columns) == ("dependent column", (1,))


def test_a_level_with_one_patient_has_full_leverage():
    outcome, is_treatment, covariates = example()
    alone = np.zeros(len(outcome))
    alone[11] = 1.0
    fit = covariance_adjustment(outcome, is_treatment, np.column_stack((covariates, alone)), 0.95).fit
    assert fit.status == "full leverage"
    assert [column for column in fit.problem_columns if column >= 2] == [5]


def test_a_reference_level_with_one_patient_blames_its_dummies():
    outcome, is_treatment, covariates = example()
    first, second = np.zeros((2, len(outcome)))
    first[1::2] = second[2::2] = 1.0  # row 0 alone has neither
    fit = covariance_adjustment(outcome, is_treatment, np.column_stack((covariates, first, second)), 0.95).fit
    assert fit.status == "full leverage"
    assert [column for column in fit.problem_columns if column >= 2] == [5, 6]


def test_a_group_of_one_has_full_leverage_of_its_own():
    outcome, _, covariates = example()
    fit = covariance_adjustment(outcome, np.arange(len(outcome)) == 4, covariates, 0.95).fit
    assert (fit.status, fit.problem_columns) == ("full leverage", (1,))


def test_no_more_rows_than_columns():
    fit = least_squares(np.eye(3), np.ones(3))
    assert (fit.status, fit.problem_columns) == ("too few rows", ())


def test_a_perfect_fit_has_no_statistic():
    difference = contrast(least_squares(np.ones((4, 1)), np.zeros(4)), np.array([1.0]), conf_level=0.95)
    assert (difference.estimate, difference.df) == (0.0, 3.0)
    assert math.isnan(difference.std_error)
    assert all(math.isnan(value) for value in (difference.conf_low, difference.statistic, difference.p_value))


def test_refuses_a_level_outside_its_range():
    with pytest.raises(ValueError, match="conf_level"):
        contrast(least_squares(np.ones((4, 1)), np.arange(4.0)), np.array([1.0]), conf_level=95)


def test_equal_scores_at_follow_up_give_a_difference_of_0_without_p_value():
    """What least squares leaves of them is rounding."""
    g = np.random.default_rng(32)
    n_patients, score = int(g.integers(20, 60)), float(g.integers(1, 10))
    baseline = g.integers(10, 27, n_patients).astype(float)
    is_treatment = g.permutation(np.arange(n_patients) < n_patients // 2)
    found = covariance_adjustment(np.full(n_patients, score), is_treatment, baseline[:, None], 0.95)
    assert found.difference.estimate == pytest.approx(0.0, abs=1e-13)
    assert found.treatment_mean.estimate == pytest.approx(score, rel=1e-13)
    assert found.difference.df == n_patients - 3
    rest = [found.difference.std_error, found.difference.conf_low, found.difference.conf_high]
    assert all(math.isnan(value) for value in [*rest, found.difference.statistic, found.difference.p_value])
