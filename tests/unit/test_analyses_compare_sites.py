"""Sites beside each other: against counts and models worked out another way, verdicts, funnel, release, figures."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import katoutcomes as kat
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.kernels.groups.partial_pooling import partial_pooling

MANY = ["Dale", "East", "Ford", "Glen", "Hill", "Lake", "Mill", "Moor", "North", "Port", "South", "West"]


def made_up(sites, n_patients=60, seed=9, better=()):
    """One row a patient; sites begin with other scores, and some improve more."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, site in enumerate(sites):
        size = n_patients if isinstance(n_patients, int) else n_patients[place]
        before = np.clip(np.round(rng.normal(14 + place % 4, 4, size)), 5, 27)
        after = np.clip(np.round(0.6 * before - (5.0 if site in better else 0.0) + rng.normal(1, 4, size)), 0, 27)
        after[rng.random(size) < 0.1] = np.nan
        rows.append(pd.DataFrame({"before": before, "score": after, "site": site}))
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(id=range(len(frame)), visit="week 12", age=rng.integers(20, 70, len(frame)))


def as_set(frame):
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        covariates=["site", "age"],
        visits={"week 12": 84},
    )


@pytest.fixture(scope="module")
def frame():
    return made_up(["North", "South", "East", "West"], [50, 40, 60, 45])


@pytest.fixture(scope="module")
def result(frame):
    return kat.compare_sites(as_set(frame), adjust_for=["age"])


def pairs(frame):
    known = frame.dropna(subset=["before", "score"])
    return known.assign(change=known["score"] - known["before"])


def test_adjusted_means_are_predictions_at_the_mean_covariates(frame, result):
    """Against a model with one column a site, fitted by statsmodels."""
    known = pairs(frame)
    sites = sorted(known["site"].unique())
    design = np.column_stack([(known["site"] == site).astype(float) for site in sites])
    design = np.column_stack([design, known[["before", "age"]].to_numpy(dtype=float)])
    fit = sm.OLS(known["change"].to_numpy(), design).fit()
    for place, site in enumerate(sites):
        at = np.zeros(len(sites) + 2)
        at[place], at[-2:] = 1.0, known[["before", "age"]].mean()
        test = fit.t_test(at)
        (found,) = result.select(term="change, adjusted", subgroup=f"site: {site}")
        assert found.estimate == pytest.approx(float(test.effect[0]))
        assert found.std_error == pytest.approx(float(test.sd[0, 0]))
        assert (found.conf_low, found.conf_high) == pytest.approx(tuple(test.conf_int()[0]))
        assert found.df == fit.df_resid
        assert found.n_patients == (known["site"] == site).sum()


def test_pooled_means_are_those_of_the_adjusted_ones(result):
    adjusted = result.select(term="change, adjusted")
    pooled = partial_pooling(
        np.array([one.estimate for one in adjusted]), np.array([one.std_error for one in adjusted]) ** 2, 0.95
    )
    found = result.select(term="change, adjusted and partially pooled")
    assert [one.estimate for one in found] == pytest.approx(pooled.pooled)
    assert [one.conf_low for one in found] == pytest.approx(pooled.pooled_conf_low)
    assert [one.conf_high for one in found] == pytest.approx(pooled.pooled_conf_high)
    (mean,) = result.select(term="between sites: mean")
    (spread,) = result.select(term="between sites: standard deviation")
    assert mean.estimate == pytest.approx(pooled.mean)
    assert spread.estimate == pytest.approx(math.sqrt(pooled.between_variance))
    assert (spread.conf_low, spread.conf_high) == pytest.approx(
        (math.sqrt(pooled.between_conf_low), math.sqrt(pooled.between_conf_high))
    )


def test_standardized_shares_are_observed_over_expected(frame, result):
    """Against a logistic model by statsmodels."""
    known = pairs(frame)
    counted = (known["change"] <= -6).to_numpy()
    design = sm.add_constant(known[["before", "age"]].to_numpy(dtype=float))
    expected = sm.Logit(counted.astype(float), design).fit(disp=0, tol=1e-12).predict()
    for site in sorted(known["site"].unique()):
        here = (known["site"] == site).to_numpy()
        ratio = counted[here].sum() / expected[here].sum()
        (found,) = result.select(term="reliable improvement, standardized", subgroup=f"site: {site}")
        assert found.estimate == pytest.approx(ratio * counted.mean())
        scale = counted.mean() * here.sum() / expected[here].sum()
        exact = stats.binomtest(int(counted[here].sum()), int(here.sum())).proportion_ci(0.95, "exact")
        assert (found.conf_low, found.conf_high) == pytest.approx((exact.low * scale, min(1.0, exact.high * scale)))


def test_what_is_seen_of_each_site(frame, result):
    known = pairs(frame)
    for site, rows in [("", known), *known.groupby("site")]:
        subgroup = f"site: {site}" if site else ""
        (change,) = result.select(term="change", measure="mean change", subgroup=subgroup)
        interval = stats.t.interval(0.95, len(rows) - 1, rows["change"].mean(), stats.sem(rows["change"]))
        assert (change.estimate, change.conf_low, change.conf_high) == pytest.approx((rows["change"].mean(), *interval))
        (share,) = result.select(term="reliable improvement", measure="proportion", subgroup=subgroup)
        assert (share.n_counted, share.n_patients) == ((rows["change"] <= -6).sum(), len(rows))


def test_sites_are_in_alphabetical_order_and_never_ranked(result):
    groups = [one.subgroup for one in result.select(term="change, adjusted")]
    assert groups == sorted(groups)
    assert [row[0] for row in result.to_table().rows][1:] == ["East", "North", "South", "West"]
    assert "ranks none" in " ".join(result.assumptions)


def test_a_small_site_is_too_small_to_tell_and_a_distant_one_differs():
    frame = made_up(["A", "B", "C", "D", "E"], [80, 80, 9, 80, 80], better=("E",))
    result = kat.compare_sites(as_set(frame))
    said = dict(zip(*(result.part("site_verdicts").column(name) for name in ("group", "verdict")), strict=True))
    assert said["site: C"] == "too small to tell"
    assert said["site: E"] == "differs from all sites together"
    assert said["site: D"] == "no difference shown"
    strict = kat.compare_sites(as_set(frame), smallest_important=0.5)
    assert set(strict.part("site_verdicts").column("verdict")) == {"too small to tell"}


def test_one_site_says_so():
    result = kat.compare_sites(as_set(made_up(["Only"])))
    assert result.verdict == "withhold"
    assert "one site" in result.warnings[0]
    assert not result.select(term="change, adjusted")
    assert "one site" in str(result.to_table())
    assert "nothing to compare" in result.plot().alt_text
    with pytest.raises(OptionError, match="ten sites"):
        result.plot("funnel")


def test_a_funnel_from_ten_sites_on():
    nine = kat.compare_sites(as_set(made_up(MANY[:9], 20)))
    assert [part.name for part in nine.parts] == ["site_verdicts"]
    twelve = kat.compare_sites(as_set(made_up(MANY, 40, better=("Mill",))))
    places = {(row[0], row[1]): row[2] for row in twelve.part("funnel_places").rows}
    assert places["site: Mill", "exact"].startswith("beyond")
    assert sum(verdict != "within the limits" for (_, kind), verdict in places.items() if kind == "exact") <= 3
    exact, wide = twelve.part("funnel_limits").rows, twelve.part("wide_funnel_limits").rows
    assert all(broad[2] <= narrow[2] and narrow[3] <= broad[3] for narrow, broad in zip(exact, wide, strict=True))
    known = pairs(made_up(MANY, 40, better=("Mill",)))
    target = (known["change"] <= -6).mean()
    _, size, low, high, _ = next(row for row in exact if row[1] >= 40 and row[0] == "95%")
    assert low == pytest.approx(stats.binom.ppf(0.025, size, target) / size, abs=1.0 / size)
    assert high == pytest.approx(stats.binom.ppf(0.975, size, target) / size, abs=1.0 / size)
    assert "Mill" in twelve.plot("funnel").alt_text


def test_limits_do_not_stand_at_the_sizes_of_sites():
    result = kat.compare_sites(as_set(made_up(MANY, [31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79])))
    shown = {row[1] for row in result.part("funnel_limits").rows}
    assert max(shown) % 10 == 0


def test_what_is_released_hides_what_rests_on_hidden_sites():
    result = kat.compare_sites(as_set(made_up(["A", "B", "C", "D"], [70, 60, 8, 50])))
    released = kat.release(result)
    small = released.select(term="change", measure="mean change", subgroup="site: C")[0]
    assert small.suppressed
    assert all(one.suppressed for one in released.select(term="change, adjusted and partially pooled"))
    assert all(one.suppressed for one in released.select(measure="standard deviation between groups"))
    assert "site: C" not in released.part("site_verdicts").column("group")
    assert "not shown" in str(released.to_table())
    assert kat.release(released).to_json() == released.to_json()
    figure = released.plot()
    assert figure.svg() == figure.svg()


def test_over_dispersed_limits_go_with_a_hidden_count():
    frame = made_up(MANY, [60] * 11 + [14], seed=3)
    released = kat.release(kat.compare_sites(as_set(frame)))
    assert released.select(measure="over-dispersion factor")[0].suppressed
    assert released.part("wide_funnel_limits").rows == ()
    assert "not drawn" in released.plot("funnel").alt_text


def test_what_cannot_be_asked(frame):
    data = as_set(frame)
    with pytest.raises(OptionError, match="smallest_important"):
        kat.compare_sites(data, smallest_important=0.0)
    with pytest.raises(OptionError, match="nowhere"):
        kat.compare_sites(data, site="nowhere")
    with pytest.raises(DesignError, match="number"):
        kat.compare_sites(data, site="age")


def test_everybody_alike_is_not_modeled():
    frame = made_up(["A", "B"], 20).assign(score=lambda rows: rows["before"] - 3)
    result = kat.compare_sites(as_set(frame))
    assert not result.select(term="change, adjusted")
    assert "nothing is adjusted" in result.warnings[0]
