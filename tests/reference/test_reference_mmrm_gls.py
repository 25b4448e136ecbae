"""The repeated-measures model against R's nlme::gls, where the two are the same model: scripts/nlme_gls.R.

gls maximizes a profiled likelihood with an optimizer that stops by itself; that limits the digits of everything but the
likelihood, which is flat at its maximum. Two habits of gls are undone here: with maximum likelihood it multiplies the
covariance of the coefficients by N / (N - p), and its restricted likelihood is that of an orthonormal design.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.mmrm.fit import fit_repeated_measures
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate

NUMBERS = Path(__file__).with_name("nlme_gls.json")
N_VISITS = 4
RELATIVE = 3e-5
"""What the optimizer of gls leaves; its likelihood agrees to many more digits."""


@cache
def reference():
    return json.loads(NUMBERS.read_text("utf-8"))


def fitted(structure, *, reml):
    female = np.array(reference()["female"], dtype=float)[:, None]
    y = np.array(reference()["distance"], dtype=float)
    design = np.zeros((N_VISITS, 2 * N_VISITS, 2))
    design[:, 0, 0] = design[:, N_VISITS, 1] = 1.0
    for visit in range(1, N_VISITS):
        design[visit, visit, 0] = design[visit, N_VISITS + visit, 1] = 1.0
    return fit_repeated_measures(aggregate(female, y), design, structure=structure, reml=reml), y


@pytest.mark.parametrize(("structure", "reml"), tuple(product(("us", "cs", "csh", "ar1", "ar1h"), (True, False))))
def test_gls(structure, reml):
    expected = reference()["fits"][structure]["REML" if reml else "ML"]
    fit, y = fitted(structure, reml=reml)
    assert fit.convergence.has_converged
    n_observations, n_coefficients = int(np.isfinite(y).sum()), 2 * N_VISITS
    assert n_observations < y.size
    # gls never finds a higher likelihood, and one that is as high up to its own stopping rule.
    assert -0.5 * fit.deviance == pytest.approx(expected["log_likelihood"], rel=0.0, abs=1e-8)
    np.testing.assert_allclose(fit.coefficients, expected["coefficients"], rtol=RELATIVE)
    factor = 1.0 if reml else n_observations / (n_observations - n_coefficients)
    np.testing.assert_allclose(fit.coefficient_covariance * factor, expected["covariance"], rtol=RELATIVE)
    if structure in ("cs", "ar1"):
        sd = np.sqrt(fit.covariances[0, 0, 0])
        np.testing.assert_allclose(sd, expected["sigma"], rtol=RELATIVE)
