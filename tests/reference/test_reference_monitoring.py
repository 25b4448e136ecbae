"""Control charts, rules of runs, funnel limits and partial pooling against R (scripts/monitoring.R), papers and
handbooks."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from katoutcomes.kernels.groups.group_profiles import adjusted_means, standardized_shares_of_groups
from katoutcomes.kernels.groups.partial_pooling import METHODS, partial_pooling
from katoutcomes.kernels.monitoring.control_charts import individuals_chart, proportion_chart, rate_chart
from katoutcomes.kernels.monitoring.funnel import exact_limits, over_dispersed_limits, over_dispersion
from katoutcomes.kernels.monitoring.runs import fewest_crossings_by_chance, longest_run_by_chance

REFERENCE = json.loads((Path(__file__).parent / "monitoring.json").read_text())
ROUNDING = 1e-11
"""Relative. Closed formulas in double precision."""
ITERATED = 1e-7
"""Relative. metafor stops its search for the variance between groups at steps of 1e-14 of flat likelihoods."""
ROOT = 1e-5
"""Absolute. metafor's limits of the variance between groups are roots of uniroot."""
PRINTED = 5e-5
"""The handbook prints four decimals.

Its pages: https://www.itl.nist.gov/div898/handbook/pmc/section3/ with pmc322.htm (individuals), pmc331.htm (counts) and
pmc332.htm (proportions). Only their beginnings could be read; the numbers are those that others quote of them.
"""
IN_METAFOR = dict(zip(METHODS, ("REML", "DL", "PM"), strict=True))
OF_THE_MODEL = (
    "mean",
    "mean_std_error",
    "mean_conf_low",
    "mean_conf_high",
    "between_variance",
    "heterogeneity",
    "p_value",
    "pooled",
    "pooled_std_error",
    "pooled_conf_low",
    "pooled_conf_high",
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["six", "alike", "far"])
def test_partial_pooling_is_that_of_metafor(name, method):
    case = REFERENCE[f"{name} {IN_METAFOR[method]}"]
    y, v = np.array(case["y"]), np.array(case["v"])
    found = partial_pooling(y, v, 0.95, method)
    for field in OF_THE_MODEL:
        assert getattr(found, field) == pytest.approx(case[field], rel=ITERATED, abs=1e-12), field
    assert found.between_conf_low == pytest.approx(case["between_conf_low"], abs=ROOT)
    assert found.between_conf_high == pytest.approx(case["between_conf_high"], rel=ROOT, abs=ROOT)
    assert found.df == len(y) - 1
    assert found.own_weight == pytest.approx(found.between_variance / (found.between_variance + v))


@pytest.mark.parametrize(("method", "in_statsmodels"), [("dersimonian_laird", "chi2"), ("paule_mandel", "iterated")])
def test_partial_pooling_is_that_of_statsmodels(method, in_statsmodels):
    case = REFERENCE["six REML"]
    y, v = np.array(case["y"]), np.array(case["v"])
    other = combine_effects(y, v, method_re=in_statsmodels, atol=1e-13)
    found = partial_pooling(y, v, 0.95, method)
    assert found.between_variance == pytest.approx(other.tau2, rel=1e-9)
    assert found.mean == pytest.approx(other.mean_effect_re, rel=1e-9)
    assert found.heterogeneity == pytest.approx(other.q, rel=1e-9)


def test_exact_funnel_limits():
    case = REFERENCE["exact limits"]
    sizes = np.array(case["sizes"], dtype=int)
    found = [exact_limits(case["target"], sizes, probability) for probability in case["probabilities"]]
    assert np.concatenate(found) == pytest.approx(case["limits"], rel=1e-9, abs=1e-12)


def test_over_dispersed_funnel_limits():
    case = REFERENCE["over-dispersion"]
    found = over_dispersion(np.array(case["events"], dtype=int), np.array(case["patients"], dtype=int), case["target"])
    assert found.factor == pytest.approx(case["factor"], rel=ROUNDING)
    assert found.between_variance == pytest.approx(case["between_variance"], rel=ROUNDING)
    sizes = np.array(case["sizes"], dtype=int)
    for probability, name in ((0.025, "low"), (0.999, "high")):
        limits = over_dispersed_limits(case["target"], sizes, found.between_variance, probability)
        assert limits == pytest.approx(case[name], rel=ROUNDING)


@pytest.mark.parametrize(("name", "chart_of"), [("p chart", proportion_chart), ("u chart", rate_chart)])
def test_charts_of_shares_and_rates(name, chart_of):
    case = REFERENCE[name]
    events, units = np.array(case["events"], dtype=int), np.array(case["units"], dtype=int)
    units = units if name == "p chart" else units.astype(float)
    plain, wide = chart_of(events, units), chart_of(events, units, over_dispersed=True)
    assert (plain.over_dispersion, wide.over_dispersion) == (1.0, pytest.approx(case["factor"], rel=ROUNDING))
    for chart, upper in ((plain, np.array(case["plain"])), (wide, np.array(case["wide"]))):
        assert chart.center == pytest.approx(case["center"], rel=ROUNDING)
        assert chart.upper == pytest.approx(upper, rel=ROUNDING)
        assert chart.lower == pytest.approx(np.maximum(2.0 * chart.center - upper, 0.0), rel=1e-9, abs=1e-12)


def test_individuals_chart_of_the_handbook():
    """NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rates of ten batches.

    Data, center, mean moving range and limits were compared with nine independent quotations of that page.
    """
    flow = np.array([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    chart = individuals_chart(flow)
    assert chart.center == pytest.approx(50.81)
    assert np.abs(np.diff(flow)).mean() == pytest.approx(1.8778, abs=PRINTED)
    assert (chart.upper[0], chart.lower[0]) == pytest.approx((55.8041, 45.8159), abs=2 * PRINTED)


FAULTS_OF_WAFERS = (
    *(12, 15, 8, 10, 4, 7, 16, 9, 14, 10),
    *(5, 6, 17, 12, 22, 8, 10, 5, 13, 11),
    *(20, 18, 24, 15, 9, 12, 7, 13, 9, 6),
)
"""On 30 wafers of 50 chips, 347 in all; compared with three independent quotations of the page of the handbook, and
with two of the 30 samples of 50 cans of orange juice in Montgomery's Introduction to statistical quality control: the
same numbers."""


def test_p_chart_of_the_handbook():
    """NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2.

    The average is also quoted in an exercise of a textbook (Ryan). The limits are not taken from the page, whose last
    digits are quoted differently (0.4102 and 0.4103): they are p and three times the root of p (1 - p) / 50. Of
    Montgomery 0.4102 and 0.0524 are quoted.
    """
    chart = proportion_chart(np.array(FAULTS_OF_WAFERS), np.full(30, 50))
    assert chart.center == pytest.approx(0.2313, abs=PRINTED)
    share = Fraction(347, 1500)
    reach = 3 * math.sqrt(share * (1 - share) / 50)
    assert (chart.upper[0], chart.lower[0]) == pytest.approx((float(share) + reach, float(share) - reach), rel=ROUNDING)
    assert (chart.upper[0], chart.lower[0]) == pytest.approx((0.4102, 0.0524), abs=PRINTED)


def test_u_chart_of_the_handbook():
    """NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.1: faults on 25 wafers, each of which is a unit.

    The counts were compared with one quotation of the page. They give its round numbers: 400 faults, so 16 a wafer, and
    limits 3 times 4 away.
    """
    faults = np.array(
        [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]
    )
    chart = rate_chart(faults, np.ones(25))
    assert chart.center == 16.0
    assert (chart.upper[0], chart.lower[0]) == pytest.approx((28.0, 4.0), rel=ROUNDING)
    assert np.flatnonzero(faults > chart.upper).tolist() == [23]


def test_adjusted_means_are_those_of_emmeans():
    case = REFERENCE["groups"]
    covariates = np.column_stack((case["x1"], case["x2"]))
    found = adjusted_means(np.array(case["y"]), covariates, np.array(case["g"], dtype=int), 4, 0.9)
    for field in ("means", "std_errors", "conf_low", "conf_high"):
        assert getattr(found, field) == pytest.approx(case[field], rel=1e-9), field
    assert (found.df, found.within_sd) == pytest.approx((case["df"], case["within_sd"]), rel=ROUNDING)


def test_expected_counts_are_those_of_glm():
    case = REFERENCE["groups"]
    counted, group = np.array(case["y"]) > 19, np.array(case["g"], dtype=int)
    found = standardized_shares_of_groups(counted, np.array(case["x2"])[:, None], group, 4, 0.95)
    assert found.observed.tolist() == case["observed"]
    assert found.expected == pytest.approx(case["expected"], rel=1e-8)
    sizes = np.bincount(group)
    assert found.standardized == pytest.approx(counted.mean() * np.array(case["observed"]) / case["expected"], rel=1e-8)
    for place, (n_counted, size) in enumerate(zip(found.observed, sizes, strict=True)):
        exact = stats.binomtest(int(n_counted), int(size)).proportion_ci(0.95, "exact")
        scale = counted.mean() * size / case["expected"][place]
        limits = (found.conf_low[place], found.conf_high[place])
        assert limits == pytest.approx((exact.low * scale, min(1.0, exact.high * scale)), rel=1e-6)


def test_rules_of_runs():
    """Anhøj and Olesen 2014, for every number of useful points from 10 to 60."""
    case = REFERENCE["runs"]
    useful = [round(number) for number in case["useful"]]
    assert [longest_run_by_chance(number) for number in useful] == case["longest"]
    assert [fewest_crossings_by_chance(number) for number in useful] == case["fewest"]
