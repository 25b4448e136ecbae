"""Paired effect sizes against R packages: effectsize 1.0.0 and statpsych."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.paired_change import paired_change
from katoutcomes.kernels.change.paired_effects import PairMoments, hedges_factor, paired_effect

POINT = 1e-8
LIMITS = 1e-6
"""The peers' own root finders stop at about this."""

SLEEP_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
"""Student (1908), table I: extra hours of sleep under two drugs; R's data set `sleep`."""

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "effect_sizes" / "effectsize.json"


@pytest.mark.parametrize(
    ("conf_level", "limits"),
    [(0.95, (0.41462783999185365, 2.1180165738821017)), (0.90, (0.544639757743486, 1.9746153534674835))],
)
def test_d_z_of_sleep(conf_level, limits):
    """effectsize 1.0.0, cohens_d(paired = TRUE)."""
    found = paired_change(SLEEP_1, SLEEP_2, conf_level).d_z
    assert found.estimate == pytest.approx(1.2845575625910546, rel=POINT)
    assert (found.conf_low, found.conf_high) == pytest.approx(limits, rel=LIMITS)


@pytest.mark.parametrize(
    ("conf_level", "limits"),
    [(0.95, (-1.2471190253239772, -0.5141016743097994)), (0.90, (-1.187579587974016, -0.5724013513960625))],
)
def test_d_z_of_a_depression_trial_from_its_summary(conf_level, limits):
    """effectsize 1.0.0 on 40 patients' BDI-II (claus_2020); t and the mean change are from R's t.test."""
    mean_change, statistic, n_pairs = -9.775, -5.595399693871975, 40
    change_variance = mean_change**2 * n_pairs / statistic**2
    found = paired_effect("d_z", PairMoments(n_pairs, math.nan, mean_change, 1.0, 1.0, change_variance), conf_level)
    assert found.estimate == pytest.approx(-0.8847103725822169, rel=POINT)
    assert (found.conf_low, found.conf_high) == pytest.approx(limits, rel=LIMITS)


def test_standard_error_of_d_z():
    """effectsize's other interval for d_z (repeated_measures_d) is estimate ± z SE with the same SE as ours."""
    found = paired_change(SLEEP_1, SLEEP_2, 0.95).d_z
    peer_std_error = (2.1218646522983997 - 1.2845575625910546) / stats.norm.ppf(0.975)
    assert found.std_error == pytest.approx(peer_std_error, rel=POINT)


@pytest.mark.parametrize(
    ("conf_level", "peer_limits"),
    [(0.95, (0.43065629552529827, 1.2337058671737813)), (0.90, (0.49521085869062437, 1.169151304008455))],
)
def test_d_av_of_sleep(conf_level, peer_limits):
    """The estimates agree. effectsize's interval treats the standard deviation as known: (mean ± z SE) / s. Ours adds
    what its estimation costs (the first term of Bonett's variance) and divides by n − 1, so it is wider."""
    change = paired_change(SLEEP_1, SLEEP_2, conf_level)
    found = change.d_av
    assert found.estimate == pytest.approx(0.8321810813495397, rel=POINT)
    scale = math.sqrt((SLEEP_1.var(ddof=1) + SLEEP_2.var(ddof=1)) / 2)
    reach = stats.norm.ppf(0.5 + conf_level / 2) * change.change.std_error
    as_if_known = ((change.change.estimate - reach) / scale, (change.change.estimate + reach) / scale)
    assert as_if_known == pytest.approx(peer_limits, rel=LIMITS)
    assert found.conf_low < peer_limits[0] < peer_limits[1] < found.conf_high


@pytest.mark.parametrize(
    ("summary", "printed"),
    [
        # statpsych 1.7, documentation of ci.stdmean.ps: m1, m2, sd1, sd2, cor, n; and what it prints (first row)
        ((110.4, 102.1, 15.3, 14.6, 0.75, 25), (0.5550319, 0.1609934, 0.2394905, 0.8705732)),
        # statpsych 2.0.0, the same page
        ((602.4, 705.6, 33.17, 51.08, 0.769, 8), (-2.3963, 0.65209, -3.6744, -1.1182)),
        # vcmeta, documentation of se.stdmean.ps: estimate and standard error
        ((23.9, 25.1, 1.76, 2.01, 0.78, 25), (-0.6352097, 0.1602852, None, None)),
    ],
)
def test_d_av_as_documented_by_its_author(summary, printed):
    """D. G. Bonett's own packages; they take measurement 1 minus measurement 2."""
    first, second, sd_1, sd_2, correlation, n_pairs = summary
    change_variance = sd_1**2 + sd_2**2 - 2 * correlation * sd_1 * sd_2
    moments = PairMoments(n_pairs, second, first - second, sd_2**2, sd_1**2, change_variance)
    found = paired_effect("d_av", moments, 0.95)
    actual = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    for number, expected in zip(actual, printed, strict=True):
        if expected is not None:
            digits = 7 if n_pairs == 25 else 4
            assert number == pytest.approx(expected, abs=0.51 * 10**-digits)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared reference data are not here")
@pytest.mark.parametrize("name", ["claus_bdi", "sleep"])
@pytest.mark.parametrize("level", ["ci95", "ci90"])
def test_every_number_that_effectsize_gives(name, level):
    case = json.loads(SHARED.read_text())[name]
    conf_level = {"ci95": 0.95, "ci90": 0.90}[level]
    found = paired_change(np.array(case["pre"], float), np.array(case["post"], float), conf_level)
    assert found.correlation == pytest.approx(case["r"], rel=POINT)
    assert (found.statistic, found.change.df) == pytest.approx((case["ttest"]["t"], case["ttest"]["df"]), rel=POINT)
    assert found.p_value == pytest.approx(case["ttest"]["p"], rel=POINT)
    assert found.change.estimate == pytest.approx(case["ttest"]["est"], rel=POINT)
    if level == "ci95":
        assert (found.change.conf_low, found.change.conf_high) == pytest.approx(case["ttest"]["ci"], rel=POINT)
    peer = case[level]["cohens_d_paired"]
    assert found.d_z.estimate == pytest.approx(peer["Cohens_d"][0], rel=POINT)
    assert (found.d_z.conf_low, found.d_z.conf_high) == pytest.approx(
        (peer["CI_low"][0], peer["CI_high"][0]), rel=LIMITS
    )
    assert found.d_av.estimate == pytest.approx(case[level]["rm_d_av"]["d_av"][0], rel=POINT)
    assert_small_sample_versions(found, case[level], len(case["pre"]))
    assert_deltas(found, case[level])


def assert_small_sample_versions(found, peer, n_pairs):
    """The peer gives every effect the factor J(n − 1), and multiplies the limits with it as well.

    Ours agree for d_z and delta_pre, whose denominators have n − 1 degrees of freedom; those of d_av and d_rm rest on
    two scores a patient and have more, so less bias is taken away. The limits are those of the effect in the
    population, which the correction of an estimate does not move: they are the peer's before its multiplication.
    """
    factor = hedges_factor(n_pairs - 1.0)
    assert found.d_z.corrected == pytest.approx(peer["hedges_g_paired"]["Hedges_g"][0], rel=POINT)
    limits = (factor * found.d_z.conf_low, factor * found.d_z.conf_high)
    of_peer = (peer["hedges_g_paired"]["CI_low"][0], peer["hedges_g_paired"]["CI_high"][0])
    assert limits == pytest.approx(of_peer, rel=LIMITS)
    assert found.delta_pre.corrected == pytest.approx(peer["rm_d_b_adj"]["Beckers_d"][0], rel=POINT)
    for name in ("d_av", "d_rm"):
        effect = getattr(found, name)
        assert factor * effect.estimate == pytest.approx(peer[f"rm_{name}_adj"][name][0], rel=POINT)
        assert abs(factor) < effect.corrected / effect.estimate < 1.0


def assert_deltas(found, peer):
    """d_rm and delta_pre: equal estimates. The peer's intervals take the correlation, or s_d/s₀, as known."""
    assert found.d_rm.estimate == pytest.approx(peer["rm_d_rm"]["d_rm"][0], rel=POINT)
    assert found.delta_pre.estimate == pytest.approx(peer["rm_d_b"]["Beckers_d"][0], rel=POINT)
