"""Clinics as clusters: what may be claimed where patients of a clinic are alike, or the clinic decides the arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.resamples import Interval, estimate_of
from katoutcomes.errors import DataError, DesignError
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.fits import Fitted
    from katoutcomes.kernels.groups.cluster_robust import ClusterEstimate

FEWEST_CLINICS = 4
"""A policy of fewer clinics is not tested: one clinic an arm says nothing, and two have hardly a degree of freedom."""
FEWEST_DF = 4.0
CLUSTERED, WILD, CLINIC_MEANS = "clinics as clusters", "wild cluster bootstrap", "clinic means"


@dataclass(frozen=True, slots=True, eq=False)
class Clinics:
    """The clinics of the scored patients.

    Attributes
    ----------
    name : str
        The variable.
    codes : ndarray of int64, shape (n_scored,)
        Which clinic.
    decide_the_arm : bool
        Whether all patients of a clinic are in one arm: then the clinic is the unit that was exposed.
    """

    name: str
    codes: NDArray[np.int64]
    decide_the_arm: bool


def clinics_of(found: Comparison, cluster: str | None) -> Clinics | None:
    """Return the clinics, or None where none are named.

    Raises
    ------
    DesignError
        If the clinic decides the arm and there are fewer than four clinics or the clinic is a covariate as well.
    DataError
        If the clinic of somebody is not known.
    """
    import numpy as np

    if cluster is None:
        return None
    variable = found.data.variable(cluster)
    values = variable.values[found.compared]
    if variable.kind != "category" or np.isnan(values).any():
        raise DataError(f"cluster={cluster!r} must be a category that is known for everybody compared.")
    arms_of_clinic = [np.unique(found.arms.arms[values == code]).size for code in np.unique(values)]
    decide = max(arms_of_clinic) == 1
    if decide and any(one.name == cluster for one in found.variables):
        raise DesignError(f"every clinic of {cluster!r} is in one arm only, so it cannot be a covariate as well.")
    if decide and len(arms_of_clinic) < FEWEST_CLINICS:
        raise DesignError(
            f"the arms are policies of {len(arms_of_clinic)} clinics; below {FEWEST_CLINICS} clinics a difference "
            "between policies cannot be told from a difference between clinics. Describe the clinics instead."
        )
    return Clinics(cluster, values[found.arms.is_observed].astype(np.int64), decide)


@dataclass(frozen=True, slots=True, eq=False)
class ClinicFindings:
    """The fit with the inference that fits the clinics, and what is printed and checked because of them."""

    fitted: Fitted
    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]


def with_clinics(
    found: Comparison, fitted: Fitted, clinics: Clinics | None, choices: ComparisonChoices
) -> ClinicFindings:
    """Return the comparison with clinics as clusters; where they decide the arm, the interval is theirs."""
    if clinics is None:
        return ClinicFindings(fitted, (), ())
    tests = [_cluster_robust(found, fitted, clinics, arm, choices.conf_level) for arm, _ in found.later_arms]
    estimates: list[Estimate] = []
    for (arm, group), test in zip(found.later_arms, tests, strict=True):
        sides: dict[str, Any] = {"treatment": group.label, "comparator": found.groups[0].label}
        estimates += _rows(found, fitted, clinics, arm, test=test, sides=sides, choices=choices)
    if clinics.decide_the_arm:
        differences = tuple(
            _interval(test, difference.estimate) for test, difference in zip(tests, fitted.differences, strict=True)
        )
        means = tuple(Interval(mean.estimate) for mean in fitted.means)
        ratios = tuple(Interval(ratio.estimate) for ratio in fitted.ratios)
        fitted = replace(
            fitted, differences=differences, means=means, ratios=ratios, replicates=None, replicate_shares=None
        )
    return ClinicFindings(fitted, tuple(estimates), (_check(tests, clinics),))


def _design(found: Comparison) -> NDArray[np.float64]:
    from katoutcomes.kernels.weighting.weighted_ancova import arm_design

    data, seen = found.arms, found.arms.is_observed
    return arm_design(data.arms[seen], data.n_arms, data.covariates[seen] - data.covariates[seen].mean(axis=0))


def _cluster_robust(
    found: Comparison, fitted: Fitted, clinics: Clinics, arm: int, conf_level: float
) -> ClusterEstimate:
    import numpy as np

    from katoutcomes.kernels.groups.cluster_robust import cluster_robust

    design, seen = _design(found), found.arms.is_observed
    direction = np.zeros(design.shape[1])
    direction[arm], direction[0] = 1.0, -1.0
    return cluster_robust(
        design, found.arms.outcome[seen], clinics.codes, direction, conf_level=conf_level, weights=fitted.combined[seen]
    )


def _interval(test: ClusterEstimate, estimate: float) -> Interval:
    """Return the clinics' inference around the estimate of the analysis."""
    shift = estimate - test.estimate
    return Interval(
        estimate, test.std_error, test.df, test.conf_low + shift, test.conf_high + shift, test.statistic, test.p_value
    )


def _rows(
    found: Comparison,
    fitted: Fitted,
    clinics: Clinics,
    arm: int,
    *,
    test: ClusterEstimate,
    sides: dict[str, Any],
    choices: ComparisonChoices,
) -> Iterator[Estimate]:
    shared: dict[str, Any] = {
        "measure": found.difference,
        "unit": found.unit,
        "visit": found.when,
        "n_patients": found.n_scored,
        **sides,
    }
    yield estimate_of(test, choices.conf_level, term=f"{CLUSTERED} (CR2, Satterthwaite)", **shared)
    if found.arms.n_arms == 2:
        yield _wild(found, fitted, clinics, test.estimate, entropy=choices.entropy, shared=shared)
    if clinics.decide_the_arm:
        means = _clinic_means(found, fitted, clinics, arm, choices.conf_level)
        yield estimate_of(means, choices.conf_level, term=CLINIC_MEANS, **shared)


def _wild(
    found: Comparison, fitted: Fitted, clinics: Clinics, estimate: float, *, entropy: int, shared: dict[str, Any]
) -> Estimate:
    """Return the restricted wild cluster bootstrap-t of two arms: a p-value, no limits."""
    import numpy as np

    from katoutcomes.kernels.groups.cluster_wild_bootstrap import wild_cluster_test

    seen = found.arms.is_observed
    root = np.sqrt(fitted.combined[seen])
    design = _design(found)
    design[:, 0] = 1.0  # an intercept, so that the second column is the difference
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy, spawn_key=(2_000_000,))))
    test = wild_cluster_test(design * root[:, None], found.arms.outcome[seen] * root, clinics.codes, 1, rng)
    return Estimate(
        term=f"{WILD} ({test.points} points)",
        estimate=estimate,
        statistic=test.statistic,
        p_value=test.p_value,
        **shared,
    )


def _clinic_means(found: Comparison, fitted: Fitted, clinics: Clinics, arm: int, conf_level: float) -> ClusterEstimate:
    import numpy as np

    from katoutcomes.kernels.groups.cluster_robust import clinic_means_test
    from katoutcomes.kernels.weighting.weighted_ancova import weighted_coefficients

    seen = found.arms.is_observed
    design, weights = _design(found), fitted.combined[seen]
    coefficients = weighted_coefficients(design, found.arms.outcome[seen], weights[None, :])[0]
    n_arms = found.arms.n_arms
    rest = found.arms.outcome[seen] - design[:, n_arms:] @ coefficients[n_arms:]
    arms = found.arms.arms[seen]
    codes = [code for code in np.unique(clinics.codes) if arms[clinics.codes == code][0] in {0, arm}]
    means = np.array(
        [np.average(rest[clinics.codes == code], weights=weights[clinics.codes == code]) for code in codes]
    )
    is_treated = np.array([arms[clinics.codes == code][0] == arm for code in codes])
    return clinic_means_test(means, is_treated, conf_level)


def _check(tests: list[ClusterEstimate], clinics: Clinics) -> Check:
    df = min(test.df for test in tests)
    passed = df >= FEWEST_DF
    if clinics.decide_the_arm:
        words = (
            "The arms are policies of clinics; the interval is that of clinics."
            if passed
            else "The arms are policies of few clinics: the interval has very few degrees of freedom; see the test of "
            "clinic means."
        )
    else:
        words = (
            "Both arms occur inside clinics, and there are enough clinics to see how far they agree."
            if passed
            else "There are too few clinics to see how far they agree about the difference."
        )
    return Check("clinics", passed, "caution", df, FEWEST_DF, words)
