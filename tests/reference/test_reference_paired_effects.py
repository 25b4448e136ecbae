"""Ranks, equivalence, superiority, relative and adjusted change against R (scripts/paired_effects.R), SciPy and
statsmodels."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.equivalence import equivalence
from katoutcomes.kernels.change.paired_effects import pair_moments
from katoutcomes.kernels.change.rank_change import rank_change
from katoutcomes.kernels.change.regression_to_the_mean import regression_with_cut_off
from katoutcomes.kernels.change.superiority import superiority
from katoutcomes.kernels.groups.baseline_adjustment import change_at_baseline, relative_change
from katoutcomes.kernels.multiplicity import adjusted_p_values

REFERENCE = json.loads((Path(__file__).parent / "paired_effects.json").read_text())
ROUNDING = 1e-11
"""Relative. Closed formulas in double precision."""
ROOT = 1e-9
"""R's root finder was asked for about this."""
R_ROOT = 1e-4
"""wilcox.test looks for its asymptotic limits with uniroot at its default tolerance."""
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
SLEEP_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


@pytest.mark.parametrize("level", [0.95, 0.9])
@pytest.mark.parametrize("name", ["untied", "many", "tied", "sleep"])
def test_signed_rank(name, level):
    case = REFERENCE[f"{name} {level}"]
    changes = np.array(case["changes"])
    found = rank_change(changes, level)
    assert found.is_exact == (name == "untied")
    assert (found.statistic, found.p_value) == pytest.approx((case["statistic"], case["p_value"]), rel=ROUNDING)
    assert found.estimate == pytest.approx(case["estimate"], rel=ROUNDING)
    assert [found.conf_low, found.conf_high] == pytest.approx(case["limits"], rel=ROUNDING)
    if name in {"untied", "many"}:  # with ties R leaves out the changes of 0, which pulls its interval away from 0
        assert [found.conf_low, found.conf_high] == pytest.approx(case["r_limits"], abs=R_ROOT)
        assert found.estimate == pytest.approx(case["r_estimate"], abs=0.02 if name == "many" else ROUNDING)


@pytest.mark.parametrize("name", ["untied", "many", "tied", "sleep"])
def test_signed_rank_against_scipy(name):
    changes = np.array(REFERENCE[f"{name} 0.95"]["changes"])
    is_exact = name == "untied"
    found = rank_change(changes, 0.95)
    peer = stats.wilcoxon(
        changes, zero_method="wilcox", correction=not is_exact, method="exact" if is_exact else "approx"
    )
    n_ranks = int((changes != 0).sum())
    assert peer.statistic == min(found.statistic, n_ranks * (n_ranks + 1) / 2 - found.statistic)
    assert found.p_value == pytest.approx(peer.pvalue, rel=ROUNDING)


def test_two_one_sided_tests():
    case = REFERENCE["equivalence"]
    found = equivalence(SLEEP_1, SLEEP_2, 2.5, 0.95)
    actual = (found.p_above_lower, found.p_below_upper, found.p_beyond_lower, found.p_beyond_upper)
    assert actual == pytest.approx(case["p_values"], rel=1e-9)
    assert (found.conf_low, found.conf_high) == pytest.approx(case["limits"], rel=ROUNDING)
    assert (found.conf_level, found.df) == (pytest.approx(0.9), 9.0)
    assert found.p_equivalence == max(found.p_above_lower, found.p_below_upper)


def test_two_one_sided_tests_against_a_share_of_the_baseline():
    found = equivalence(SLEEP_1, SLEEP_2, 0.3, 0.95, is_share=True)
    assert (found.p_above_lower, found.p_below_upper) == pytest.approx(
        REFERENCE["equivalence, share"]["p_values"], rel=1e-9
    )


@pytest.mark.parametrize("margin", [1.0, 1.5, 2.0, 2.5])
def test_two_one_sided_tests_against_statsmodels(margin):
    from statsmodels.stats.weightstats import DescrStatsW

    p_value, lower, upper = DescrStatsW(SLEEP_2 - SLEEP_1).ttost_mean(-margin, margin)
    found = equivalence(SLEEP_1, SLEEP_2, margin, 0.95)
    assert (found.p_equivalence, found.p_above_lower, found.p_below_upper) == pytest.approx(
        (p_value, lower[1], upper[1]), rel=1e-9
    )
    assert (found.statistic_lower, found.statistic_upper) == pytest.approx((lower[0], upper[0]), rel=ROUNDING)
    assert (found.p_equivalence < 0.05) == (-margin < found.conf_low and found.conf_high < margin)


@pytest.mark.parametrize("counts", [(30, 4, 6), (8, 1, 3), (15, 0, 5), (20, 0, 0)])
def test_superiority(counts):
    found = superiority(*counts, conf_level=0.95)
    expected = REFERENCE[f"superiority {' '.join(map(str, counts))}"]["values"]
    assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx(expected, rel=ROOT)


def test_relative_change():
    case = REFERENCE["relative"]
    found = relative_change(pair_moments(np.array(case["before"], float), np.array(case["after"], float)), 0.95)
    assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx(case["values"], rel=ROOT)


def test_change_at_a_stated_baseline():
    before, after = (np.array(REFERENCE["relative"][name], float) for name in ("before", "after"))
    found = change_at_baseline(before, after - before, REFERENCE["adjusted"]["at"], 0.95)
    actual = (found.estimate, found.conf_low, found.conf_high, found.std_error, found.df, found.slope)
    assert actual == pytest.approx(REFERENCE["adjusted"]["values"], rel=1e-10)


@pytest.mark.parametrize(("method", "peer"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_adjusted_p_values_against_statsmodels(method, peer):
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(20261122)
    for n_tests in (1, 2, 7, 40):
        p_values = np.round(rng.random(n_tests) ** 3, 3)  # rounded, so that some are tied
        assert adjusted_p_values(p_values, method) == pytest.approx(multipletests(p_values, method=peer)[1], rel=1e-12)


def test_regression_to_the_mean_as_printed_with_its_source():
    """Barnett, van der Pols and Dobson's own R code: mean 60, SD 15, those below 40, correlation .5."""
    found = regression_with_cut_off(40.0, 60.0, 15.0, 0.5, selected_above=False)
    assert found == pytest.approx(13.486, abs=5e-4)
