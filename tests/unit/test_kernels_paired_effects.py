"""Effect sizes, ranks, superiority, adjusted and relative change: hand cases, slow oracles, identities."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.equivalence import equivalence
from katoutcomes.kernels.change.paired_effects import (
    EFFECTS,
    PairMoments,
    effect_values,
    hedges_factor,
    pair_moments,
    paired_effects,
)
from katoutcomes.kernels.change.rank_change import rank_change, signed_rank_counts
from katoutcomes.kernels.change.regression_to_the_mean import (
    regression_with_cut_off,
    regression_without_cut_off,
    truncated_normal,
)
from katoutcomes.kernels.change.superiority import normal_share, superiority, superiority_limits
from katoutcomes.kernels.groups.baseline_adjustment import change_at_baseline, relative_change
from katoutcomes.kernels.multiplicity import adjusted_p_values

ROUNDING = 1e-12


def scores(n_pairs, seed=1, slope=0.5):
    rng = np.random.default_rng(seed)
    before = rng.normal(16.0, 4.0, n_pairs)
    return before, slope * before + rng.normal(3.0, 3.5, n_pairs)


# --- effect sizes -----------------------------------------------------------------------------------------------------


def test_each_effect_has_its_own_denominator():
    """Baseline SD 4, follow-up SD 3, covariance 6: r = .5, change variance 13."""
    found = paired_effects(PairMoments(41, 20.0, -6.0, 16.0, 9.0, 13.0), 0.95)
    denominators = {"d_z": math.sqrt(13), "d_av": math.sqrt(12.5), "d_rm": math.sqrt(13), "delta_pre": 4.0}
    for name, denominator in denominators.items():
        assert found[name].estimate == pytest.approx(-6.0 / denominator, rel=ROUNDING), name
        assert found[name].conf_low < found[name].estimate < found[name].corrected < found[name].conf_high < 0.0


def test_d_rm_and_d_av_are_one_where_the_scores_vary_alike():
    """With s₀ = s₁ the two are the same number with the same standard error and interval."""
    found = paired_effects(PairMoments(30, 20.0, -6.0, 16.0, 16.0, 12.0), 0.95)
    for field in ("estimate", "std_error", "conf_low", "conf_high"):
        assert getattr(found["d_rm"], field) == pytest.approx(getattr(found["d_av"], field), rel=ROUNDING)


def test_standard_error_of_d_rm_is_that_of_the_delta_method():
    """Numerical gradient of log d_rm in the three second moments, and their covariances under normality."""
    before, after, covariance, n_pairs, mean = 16.0, 30.0, 9.0, 30, -6.0

    def effect(moments):
        change = moments[0] + moments[1] - 2 * moments[2]
        correlation = moments[2] / math.sqrt(moments[0] * moments[1])
        return mean / math.sqrt(change) * math.sqrt(2 * (1 - correlation))

    point, step = np.array([before, after, covariance]), 1e-5
    slope = [(effect(point + step * unit) - effect(point - step * unit)) / (2 * step) for unit in np.eye(3)]
    matrix = np.array([[before, covariance], [covariance, after]])
    places = ((0, 0), (1, 1), (0, 1))
    spread = np.array(
        [[matrix[i, k] * matrix[j, m] + matrix[i, m] * matrix[j, k] for k, m in places] for i, j in places]
    ) / (n_pairs - 1)
    change = before + after - 2 * covariance
    of_the_mean = (effect(point) / mean) ** 2 * change / (n_pairs - 1)
    found = paired_effects(PairMoments(n_pairs, 20.0, mean, before, after, change), 0.95)["d_rm"]
    assert found.std_error**2 == pytest.approx(np.array(slope) @ spread @ np.array(slope) + of_the_mean, rel=1e-7)


@pytest.mark.parametrize("df", [2, 3, 9, 49, 1000])
def test_hedges_factor_undoes_the_bias(df):
    """E(1/s) of a chi distribution, by integration."""
    mean = stats.chi(df).expect(lambda s: math.sqrt(df) / s, lb=0)
    assert hedges_factor(df) == pytest.approx(1.0 / mean, rel=1e-7)


def test_corrected_effects_are_nearly_unbiased():
    rng = np.random.default_rng(3)
    n_sets, n_pairs, fall = 40_000, 12, -0.8
    before = rng.standard_normal((n_sets, n_pairs))
    after = fall + 1.2 * (0.5 * before + math.sqrt(0.75) * rng.standard_normal((n_sets, n_pairs)))
    change = after - before
    values = effect_values(
        change.mean(axis=1), before.var(axis=1, ddof=1), after.var(axis=1, ddof=1), change.var(axis=1, ddof=1)
    )
    change_sd = math.sqrt(1 + 1.44 - 1.2)
    truth = {
        "d_z": fall / change_sd,
        "d_av": fall / math.sqrt(1.22),
        "d_rm": fall / change_sd,
        "delta_pre": fall,
    }
    for name in EFFECTS:
        population = PairMoments(n_pairs, 0.0, truth[name], 1.0, 1.44, change_sd**2)
        effect = paired_effects(population, 0.95)[name]
        factor = effect.corrected / effect.estimate
        mean = float(values[name].mean())
        error = float(values[name].std()) / math.sqrt(n_sets)
        assert abs(mean / truth[name] - 1.0) > 0.01, name  # there is something to correct
        assert abs(factor * mean - truth[name]) < 0.012 * abs(truth[name]) + 3 * error, name


def test_effects_of_many_samples_are_those_of_each():
    samples = [scores(20, seed) for seed in range(5)]
    moments = [pair_moments(*one) for one in samples]
    fields = ("mean_change", "baseline_variance", "follow_up_variance", "change_variance")
    together = effect_values(*(np.array([getattr(one, field) for one in moments]) for field in fields))
    for name in EFFECTS:
        alone = [paired_effects(one, 0.95)[name].estimate for one in moments]
        assert together[name] == pytest.approx(alone, rel=ROUNDING)


def test_no_effect_without_a_denominator():
    constant = paired_effects(PairMoments(5, 20.0, -5.0, 0.0, 0.0, 0.0), 0.95)
    assert all(math.isnan(constant[name].estimate) for name in EFFECTS)
    same_change = paired_effects(PairMoments(5, 20.0, -5.0, 4.0, 4.0, 0.0), 0.95)
    assert math.isnan(same_change["d_rm"].estimate)
    assert same_change["delta_pre"].estimate == -2.5
    two = paired_effects(PairMoments(2, 20.0, -5.0, 4.0, 9.0, 6.0), 0.95)
    assert math.isnan(two["d_z"].corrected)
    assert not math.isnan(two["d_z"].conf_low)


# --- ranks ------------------------------------------------------------------------------------------------------------


def pairwise_means(changes):
    sums = np.add.outer(changes, changes) / 2
    return np.sort(sums[np.tril_indices(changes.size)])


@pytest.mark.parametrize("n_values", [1, 2, 3, 10, 60])
@pytest.mark.parametrize("digits", [0, 1, 8])
def test_hodges_lehmann_is_the_median_of_all_pairwise_means(n_values, digits):
    changes = np.round(np.random.default_rng(n_values + digits).normal(-3, 5, n_values), digits)
    found = rank_change(changes, 0.9)
    means = pairwise_means(changes)
    assert found.estimate == pytest.approx(np.median(means), abs=1e-12)
    if not math.isnan(found.conf_low):
        place = np.flatnonzero(np.isclose(means, found.conf_low, atol=1e-12))
        mirrored = np.flatnonzero(np.isclose(means, found.conf_high, atol=1e-12))
        assert place.size
        assert set(means.size - 1 - place) & set(mirrored)


def test_exact_distribution_by_listing_all_signs():
    n_values = 7
    signs = (np.arange(2**n_values)[:, None] >> np.arange(n_values)) & 1
    sums = np.bincount(signs @ np.arange(1, n_values + 1)) / 2**n_values
    assert signed_rank_counts(n_values) == pytest.approx(sums, rel=ROUNDING)


def test_exact_interval_keeps_its_level():
    """P(W < k) is at most the tail, and P(W ≤ k) above it."""
    for n_values in (6, 12, 30, 49):
        changes = np.arange(1, n_values + 1) * 1.0 + np.arange(n_values) ** 2 * 1e-3
        found = rank_change(changes, 0.95)
        means = pairwise_means(changes)
        place = int(np.flatnonzero(means == found.conf_low)[0]) + 1
        below = np.cumsum(signed_rank_counts(n_values))
        assert below[place - 1] <= 0.025 < below[place]


def test_ranks_of_very_many_whole_scores():
    changes = np.random.default_rng(5).integers(-20, 8, 200_000).astype(float)
    found = rank_change(changes, 0.95)
    assert found.conf_low <= found.estimate <= found.conf_high
    assert abs(found.estimate - changes.mean()) < 0.2


@pytest.mark.parametrize(("level", "fewest"), [(0.5, 2), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_no_rank_limits_where_their_level_is_out_of_reach(level, fewest):
    changes = np.array([-9.0, -7.5, -6.25, -4.0, -2.5, -1.0, 0.5, 3.0])
    for n_values in range(1, 9):
        for tied in (False, True):
            some = changes[:n_values].copy()
            if tied and n_values > 2:
                some[1] = some[0]
            assert math.isnan(rank_change(some, level).conf_low) == (n_values < fewest)
            assert math.isnan(rank_change(some, level).conf_high) == (n_values < fewest)


@pytest.mark.parametrize("n_values", [2, 3, 4, 5])
def test_no_tied_changes_are_rarer_than_all_signs_alike(n_values):
    changes = np.full(n_values, -9.0)
    assert rank_change(changes, 0.95).p_value == 2.0 ** (1 - n_values)
    assert rank_change(np.append(changes, 0.0), 0.95).p_value == 2.0 ** (1 - n_values)


def test_ranks_without_change():
    found = rank_change(np.zeros(5), 0.95)
    assert (found.estimate, found.n_zero) == (0.0, 5)
    assert math.isnan(found.p_value)
    assert math.isnan(found.conf_low)
    assert math.isnan(rank_change(np.array([]), 0.95).estimate)


# --- superiority, adjusted and relative change ------------------------------------------------------------------------


def test_superiority_without_ties_inverts_wilsons_score_test_with_correction():
    """At a limit inside 0 and 1, half a patient short of the count is 1.96 standard errors away."""
    for improved in (0, 3, 10, 17, 20):
        found = superiority(improved, 0, 20 - improved, 0.95)
        assert found.estimate == improved / 20
        for limit, side in ((found.conf_low, 1.0), (found.conf_high, -1.0)):
            if 0.0 < limit < 1.0:
                apart = side * (improved - 20 * limit) - 0.5
                assert apart / math.sqrt(20 * limit * (1 - limit)) == pytest.approx(1.959963984540054, rel=1e-9)
            else:
                assert limit == found.estimate


def test_superiority_covers_its_level_for_every_pair_of_shares():
    """Exact, over all counts of 12 patients: no pair of shares is held less often than promised."""
    counts = [(b, c) for b in range(13) for c in range(13 - b)]
    better, worse = (np.array(column, float) for column in zip(*counts, strict=True))
    low, high = superiority_limits(better, worse, 12.0, 0.95)
    for improved in np.linspace(0.01, 0.98, 30):
        for worsened in np.linspace(0.01, 0.99 - improved, 12):
            chances = stats.multinomial.pmf(
                np.column_stack((better, worse, 12 - better - worse)), 12, (improved, worsened, 1 - improved - worsened)
            )
            truth = (1 + improved - worsened) / 2
            assert chances[(low <= truth) & (truth <= high)].sum() >= 0.95


def test_superiority_where_nothing_moves():
    found = superiority(0, 9, 0, 0.95)
    assert found.estimate == 0.5
    assert found.conf_low == pytest.approx(1.0 - found.conf_high, abs=1e-12)
    assert 0.2 < found.conf_low < 0.4
    assert math.isnan(superiority(0, 0, 0, 0.95).estimate)


def test_superiority_keeps_its_level_where_nearly_all_improve():
    """Half ties and hardly anybody worse: an interval that takes the ties as known covers 82 % here."""
    rng = np.random.default_rng(2)
    drawn = rng.multinomial(20, (0.93, 0.05, 0.02), size=20_000).astype(float)
    low, high = superiority_limits(drawn[:, 0], drawn[:, 2], 20.0, 0.95)
    assert ((low <= 0.955) & (high >= 0.955)).mean() > 0.95


def test_u3():
    assert normal_share(0.0) == 0.5
    assert normal_share(1.0) == pytest.approx(0.8413447460685429, rel=ROUNDING)


def test_change_at_the_mean_baseline_is_the_mean_change():
    before, after = scores(30)
    found = change_at_baseline(before, after - before, float(before.mean()), 0.95)
    assert found.estimate == pytest.approx((after - before).mean(), rel=ROUNDING)
    residual = stats.linregress(before, after - before)
    assert found.slope == pytest.approx(residual.slope, rel=1e-10)
    assert math.isnan(change_at_baseline(np.full(5, 3.0), np.arange(5.0), 3.0, 0.95).estimate)


def test_relative_change_is_of_the_means():
    before, after = np.array([2.0, 20.0]), np.array([4.0, 10.0])
    assert relative_change(pair_moments(before, after), 0.95).estimate == pytest.approx(-8.0 / 22.0)
    far = relative_change(PairMoments(4, 0.5, -1.0, 16.0, 16.0, 9.0), 0.95)
    assert math.isnan(far.conf_low)  # a baseline that may be 0 leaves no end to the ratio


# --- margins, families, regression to the mean ------------------------------------------------------------------------


def test_equivalence_needs_spread():
    found = equivalence(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]), 3.0, 0.95)
    assert math.isnan(found.p_equivalence)
    with pytest.raises(ValueError, match="margin"):
        equivalence(np.array([1.0, 2.0]), np.array([2.0, 3.0]), 0.0, 0.95)


def test_adjusted_p_values_leave_out_what_was_not_tested():
    found = adjusted_p_values(np.array([0.02, math.nan, 0.01]), "holm")
    assert found[[0, 2]].tolist() == [0.02, 0.02]
    assert math.isnan(found[1])
    assert adjusted_p_values(np.array([0.2, 0.1]), "none").tolist() == [0.2, 0.1]
    with pytest.raises(ValueError, match="no method"):
        adjusted_p_values(np.array([0.2]), "bonferroni")


@pytest.mark.parametrize("reliability", [0.6, 0.9])
@pytest.mark.parametrize(("cut_off", "above"), [(10.0, True), (20.0, True), (12.0, False)])
def test_regression_to_the_mean_happens(reliability, cut_off, above):
    """People chosen by one score, who do not change, measured once more."""
    rng = np.random.default_rng(8)
    person = rng.normal(15.0, 5.0 * math.sqrt(reliability), 400_000)
    first, second = (person + rng.normal(0.0, 5.0 * math.sqrt(1 - reliability), person.size) for _ in range(2))
    chosen = first >= cut_off if above else first <= cut_off
    moved = second[chosen] - first[chosen]
    error = moved.std() / math.sqrt(chosen.sum())
    found = regression_with_cut_off(cut_off, 15.0, 5.0, reliability, selected_above=above)
    assert abs(found - moved.mean()) < 4 * error
    # Given the mean of those chosen, the same follows without the cut-off.
    without = regression_without_cut_off(first[chosen].mean(), 15.0, reliability)
    assert abs(found - without) < 4 * error


def test_averaging_baseline_scores_leaves_less_to_regress():
    once, twice = (regression_with_cut_off(20.0, 15.0, 5.0, 0.6, n_measurements=m) for m in (1, 2))
    assert once < twice < 0.0


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("cut_off", [8.0, 15.0, 19.0])
def test_truncated_normal_finds_the_whole_population(cut_off, above):
    cut_off = cut_off if above else 30.0 - cut_off  # mirrored, so that the same share is seen
    values = np.random.default_rng(4).normal(15.0, 5.0, 400_000)
    seen = values[values >= cut_off if above else values <= cut_off]
    found = truncated_normal(seen, cut_off, selected_above=above)
    assert found.mean == pytest.approx(15.0, abs=0.25)
    assert found.sd == pytest.approx(5.0, abs=0.1)


def test_truncated_normal_does_not_guess():
    assert math.isnan(truncated_normal(np.array([12.0, 13.0]), 10.0).mean)
    assert math.isnan(truncated_normal(10.0 + np.random.default_rng(1).exponential(3.0, 5_000) ** 1.2, 10.0).mean)
