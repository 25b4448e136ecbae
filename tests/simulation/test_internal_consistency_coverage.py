"""How often the intervals of alpha and omega hold the truth, with normal answers, answers of 0 to 3, and skewed ones.

The slow version measures coverage to about half a percentage point; docs/methods/internal_consistency.md prints it.
"""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.kernels.reliability.internal_consistency import (
    alpha_of_covariance,
    coefficient_alpha,
    coefficient_omega,
    omega_of,
)
from katoutcomes.kernels.reliability.one_factor import CONVERGED, HEYWOOD, one_factor

N_SLOW = 2_000
N_FAST = 150
"""Samples of the version that always runs: it sees a wrong standard error, not a coverage of 94 %."""
N_LARGE = 400_000
"""Rows of the one large sample that stands for the truth of whole-number answers."""
LOADINGS = np.linspace(0.8, 0.5, 9)
ANSWERS = {
    "normal": lambda raw: raw,
    "0 to 3": lambda raw: np.clip(np.round(1.5 + raw), 0, 3),
    "skewed": lambda raw: np.clip(np.round(0.4 + raw), 0, 3),
}
RANGES = {"normal": (0.93, 0.97), "0 to 3": (0.93, 0.97), "skewed": (0.88, 0.96)}
"""Where answers are skewed the intervals are too narrow, and the page says so."""


def draw(n_rows: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal((n_rows, LOADINGS.size)) * np.sqrt(1.0 - LOADINGS**2)
    return ANSWERS[kind](rng.standard_normal((n_rows, 1)) * LOADINGS + noise)


def truth(kind: str, rng: np.random.Generator) -> tuple[float, float]:
    covariance = np.cov(draw(N_LARGE, kind, rng), rowvar=False)
    model = one_factor(covariance, N_LARGE)
    return alpha_of_covariance(covariance), omega_of(model.loadings, model.uniquenesses)


def coverage(kind: str, n_rows: int, n_sets: int) -> tuple[np.ndarray, float]:
    """Return the shares of samples whose 95 % intervals hold alpha and omega, and the share of Heywood cases."""
    rng = np.random.default_rng([20260930, n_rows, list(ANSWERS).index(kind)])
    true_alpha, true_omega = truth(kind, rng)
    held, n_heywood = np.zeros(2), 0
    for _ in range(n_sets):
        answers = draw(n_rows, kind, rng)
        alpha, omega = coefficient_alpha(answers), coefficient_omega(answers)
        assert omega.model.status in {CONVERGED, HEYWOOD}
        n_heywood += omega.model.status == HEYWOOD
        held += [alpha.conf_low < true_alpha < alpha.conf_high, omega.conf_low < true_omega < omega.conf_high]
    return held / n_sets, n_heywood / n_sets


@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [50, 150])
@pytest.mark.parametrize("kind", list(ANSWERS))
def test_coverage(kind, n_rows):
    held, heywood = coverage(kind, n_rows, N_SLOW)
    low, high = RANGES[kind]
    assert ((low < held) & (held < high)).all()
    assert heywood < 0.005


def test_coverage_of_few_samples():
    """With normal answers the truth is known from the loadings; 150 samples hold it 142.5 times, give or take 2.7."""
    covariance = np.outer(LOADINGS, LOADINGS) + np.diag(1.0 - LOADINGS**2)
    uniquenesses = 1.0 - LOADINGS**2
    true_alpha, true_omega = alpha_of_covariance(covariance), omega_of(LOADINGS, uniquenesses)
    assert true_omega == pytest.approx(LOADINGS.sum() ** 2 / covariance.sum(), rel=1e-12)
    rng = np.random.default_rng(20261122)
    held = np.zeros(2)
    for _ in range(N_FAST):
        answers = draw(80, "normal", rng)
        alpha, omega = coefficient_alpha(answers), coefficient_omega(answers)
        held += [alpha.conf_low < true_alpha < alpha.conf_high, omega.conf_low < true_omega < omega.conf_high]
    assert ((held >= 132) & (held <= 149)).all(), held
