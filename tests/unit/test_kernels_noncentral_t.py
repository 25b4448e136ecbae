"""The noncentral t distribution: its definition integrated slowly, SciPy where it is good, and extreme t."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from katoutcomes.kernels.noncentral_t import noncentral_t_sf, noncentrality_limits

ABSOLUTE = 1e-12
"""Of a probability: both sides integrate a smooth function to rounding."""
INVERTED = 1e-9
"""Of a noncentrality, relative: SciPy's distribution function is good to about 1e-11."""


def slow_sf(statistic, df, noncentrality):
    """P((Z + δ)/S > t) = E of Φ(δ − t S), by adaptive integration in pieces."""

    def integrand(s):
        return 2.0 * s * df * stats.chi2.pdf(df * s * s, df) * stats.norm.cdf(noncentrality - statistic * s)

    middle = 1.0
    spread = 1.0 / math.sqrt(2.0 * df)
    ends = sorted({0.0, *(max(0.0, middle + k * spread) for k in (-8, -4, -2, 0, 2, 4, 8, 16))})
    return sum(integrate.quad(integrand, a, b, epsabs=1e-14, epsrel=1e-13)[0] for a, b in pairwise(ends))


@pytest.mark.parametrize("df", [2, 9, 400])
@pytest.mark.parametrize("statistic", [0.4, 2.0, 15.0])
@pytest.mark.parametrize("noncentrality", [-2.0, 1.0, 16.0])
def test_against_its_definition(statistic, df, noncentrality):
    found = noncentral_t_sf(statistic, float(df), noncentrality)
    assert found == pytest.approx(slow_sf(statistic, df, noncentrality), abs=1e-11)


@pytest.mark.parametrize("df", [1, 2, 5, 39, 999, 99_999])
@pytest.mark.parametrize("statistic", [0.0, 0.5, 1.3, 1.42, 5.0, 25.0, 40.0])
@pytest.mark.parametrize("noncentrality", [-5.0, 0.0, 0.3, 5.0, 30.0])
def test_against_scipy_where_it_is_good(statistic, df, noncentrality):
    found = noncentral_t_sf(statistic, float(df), noncentrality)
    assert found == pytest.approx(stats.nct.sf(statistic, df, noncentrality), abs=ABSOLUTE)


@pytest.mark.parametrize(
    ("n_pairs", "statistic"), [(2, 0.3), (2, 12.0), (5, 50.0), (30, 0.0), (40, -5.6), (10_000, 100.0)]
)
@pytest.mark.parametrize("conf_level", [0.5, 0.95, 0.999])
def test_limits_give_the_two_tails(n_pairs, statistic, conf_level):
    low, high = noncentrality_limits(statistic, n_pairs - 1.0, conf_level)
    tail = (1 - conf_level) / 2
    assert stats.nct.sf(statistic, n_pairs - 1, low) == pytest.approx(tail, abs=INVERTED)
    assert stats.nct.cdf(statistic, n_pairs - 1, high) == pytest.approx(tail, abs=INVERTED)
    assert low < statistic or n_pairs == 2
    assert low < high


def test_no_effect_gives_the_normal_quantiles():
    """P(T ≤ 0) = Φ(−δ), whatever the degrees of freedom."""
    assert noncentrality_limits(0.0, 7.0, 0.95) == pytest.approx((-1.959963984540054, 1.959963984540054), rel=ABSOLUTE)


def test_is_mirrored():
    low, high = noncentrality_limits(3.3, 12.0, 0.9)
    assert noncentrality_limits(-3.3, 12.0, 0.9) == (-high, -low)


@pytest.mark.parametrize(("statistic", "df"), [(1e6, 2.0), (1e12, 39.0)])
def test_an_enormous_t(statistic, df):
    """δ/t goes to the quantiles of S = √(χ²/df); here SciPy's series never ends."""
    limits = noncentrality_limits(statistic, df, 0.95)
    expected = [statistic * math.sqrt(stats.chi2.ppf(tail, df) / df) for tail in (0.025, 0.975)]
    assert limits == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n_pairs", "statistic"), [(1_000_000, 0.5), (1_000_000, 1_000.0), (10_000_000, 3_000.0)])
def test_very_many_patients(n_pairs, statistic):
    """T is nearly normal around δ with variance 1 + δ²/(2 df); what is neglected is of the order 1/√df."""
    df = n_pairs - 1.0
    z = stats.norm.isf(0.025)
    reach = z * math.sqrt(1.0 + statistic**2 / (2.0 * df))
    limits = np.array(noncentrality_limits(statistic, df, 0.95))
    assert limits == pytest.approx([statistic - reach, statistic + reach], abs=5e-3 * reach)
