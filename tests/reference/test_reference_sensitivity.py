"""E-values (vignette of the R package EValue) and robustness values (documentation of sensemakr, the Darfur data)."""

from __future__ import annotations

import pytest

from katoutcomes.kernels.groups.sensitivity import benchmark, e_value, e_value_of_limit, partial_r2, robustness_value


@pytest.mark.parametrize(
    ("risk_ratio", "printed", "half_digit"),
    [
        (10.73, 20.94777, 5e-6),
        (0.80, 1.81, 5e-3),
        (3.8, 7.1, 5e-2),
        (1.8, 3.0, 5e-2),
        (2.4, 4.23303, 5e-6),
        (3.9, 7.263034, 5e-7),
    ],
)
def test_e_value(risk_ratio, printed, half_digit):
    assert e_value(risk_ratio) == pytest.approx(printed, abs=half_digit)


def test_e_value_of_the_limit_nearer_to_one():
    assert e_value_of_limit(10.73, 8.02, 14.36) == pytest.approx(15.52336, abs=5e-6)
    assert e_value_of_limit(0.80, 0.71, 0.91) == pytest.approx(1.43, abs=5e-3)
    assert e_value_of_limit(1.2, 0.9, 1.6) == 1.0


def test_robustness_value_of_the_darfur_example():
    assert partial_r2(4.184, 783) == pytest.approx(0.022, abs=5e-4)
    assert robustness_value(4.184, 783) == pytest.approx(0.139, abs=5e-4)
    assert robustness_value(4.184, 783, alpha=0.05) == pytest.approx(0.076, abs=5e-4)
    assert robustness_value(1.0, 783, alpha=0.05) == 0.0


def test_robustness_value_solves_its_definition():
    """A confounder with that share of both residual variances takes the whole difference away."""
    t, df = 3.1, 120.0
    share = robustness_value(t, df)
    assert share**2 / (1.0 - share) == pytest.approx(partial_r2(t, df) / (1.0 - partial_r2(t, df)), rel=1e-12)


def test_bound_by_a_covariate_with_no_part_in_the_outcome_is_the_estimate():
    found = benchmark(-2.0, 0.5, 100.0, r2_covariate_exposure=0.1, r2_covariate_outcome=0.0)
    assert (found.adjusted_estimate, found.r2_outcome) == (-2.0, 0.0)
