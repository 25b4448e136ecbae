"""A comparison of cohorts with missing scores multiply imputed, also under the assumption of jump to reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.days import OTHER_RULES
from katoutcomes.analyses.steps.comparison.fits import (
    Fitted,
    FittedDays,
    ancova,
    exponentiated,
    fitted_weights,
    log_ratio,
    recipe_of,
)
from katoutcomes.analyses.steps.comparison.history import visits_up_to
from katoutcomes.analyses.steps.resamples import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.kernels.missing.imputation import ScoresToImpute
    from katoutcomes.kernels.missing.imputation_pooling import PooledEstimate

    Floats = NDArray[np.float64]

WITH_PRODUCTS_FROM = 150
"""From this many patients on, the imputation model has the products of having left care: with fewer they cost more than
they bring."""
_STREAM, _STREAM_OF_REFERENCE = 1_000_000, 1_000_001
_OF_MEANS = ("estimate", "std_error", "df", "conf_low", "conf_high")
_OF_DIFFERENCES = (*_OF_MEANS, "statistic", "p_value")


def fit_imputed(found: Comparison, choices: ComparisonChoices) -> Fitted:
    """Impute, estimate in each completed data set, and pool by Rubin's rules."""
    import numpy as np

    from katoutcomes.kernels.missing.imputation import impute

    imputations = impute(scores_to_impute(found), choices.n_imputations, _rng(choices, _STREAM))
    outcomes, missing = _outcomes(found, imputations.completed), _missing(found)
    weights, balancing, _ = fitted_weights(replace(found.arms, outcome=outcomes[0]), recipe_of(choices))
    tilt = weights.tilt[0]
    pooled = _pooled(found, outcomes, balancing, tilt, choices)
    members = found.arms.arms == np.arange(found.arms.n_arms)[:, None]
    shares = members @ (balancing * missing) / (members @ balancing)
    reference: tuple[Interval, ...] = ()
    if found.leaving is not None and found.when == found.window.name and not why_no_reference(found):
        jumped = _outcomes(found, jump_to_reference(found, choices)[:, :, None])
        reference = _intervals(_pooled(found, jumped, balancing, tilt, choices).differences, _OF_DIFFERENCES)
    return Fitted(
        _intervals(pooled.means, _OF_MEANS),
        _intervals(pooled.differences, _OF_DIFFERENCES),
        weights,
        np.where(found.arms.is_observed, balancing, 0.0),
        np.asarray(shares),
        missing_information=tuple(one.missing_information for one in pooled.differences),
        scale_reduction=imputations.scale_reduction,
        jump_to_reference=reference,
        ratios=tuple(exponentiated(one) for one in _intervals(pooled.log_ratios, _OF_DIFFERENCES)),
        days=_days(found, imputations.completed, balancing, tilt, choices) if found.days else None,
    )


def _outcomes(found: Comparison, completed: Floats, rule: str = "midpoint") -> Floats:
    """Return what is compared of the completed scores of all visits: the last, who has the event, or days with it."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    if found.days:
        return np.asarray(_states(found, completed) @ days_spoken_for(found.visit_days, rule))
    states = _states(found, completed[:, :, -1:])[:, :, 0]
    return states if found.has_left is None else np.where(found.has_left, 0.0, states)


def _states(found: Comparison, completed: Floats) -> Floats:
    """Return the scores, or who has the event by them, shape (m, n_compared, n_visits)."""
    import numpy as np

    if found.event is None:
        return completed
    baseline = found.data.baseline[found.compared]
    return np.moveaxis(found.event.of(baseline, np.moveaxis(completed, 2, 0)), 0, 2)


def _missing(found: Comparison) -> Floats:
    """Return whose outcome is missing, as 1; of days, how many of each patient's."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    if not found.days:
        return np.asarray(~found.arms.is_observed, dtype=np.float64)
    return np.column_stack([~one.is_observed for one in found.days]) @ days_spoken_for(found.visit_days)


def _days(
    found: Comparison, completed: Floats, balancing: Floats, tilt: Floats, choices: ComparisonChoices
) -> FittedDays:
    """Return the share in the state at each visit, and the differences by the other rules."""
    import numpy as np

    states = np.moveaxis(_states(found, completed), 2, 0)
    shares = (_pooled(found, one, balancing, tilt, choices).means for one in states)
    others = (_pooled(found, _outcomes(found, completed, rule), balancing, tilt, choices) for rule in OTHER_RULES)
    return FittedDays(
        tuple(_intervals(means, _OF_MEANS) for means in shares),
        tuple(_intervals(one.differences, _OF_DIFFERENCES) for one in others),
    )


def _rng(choices: ComparisonChoices, stream: int) -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(choices.entropy, spawn_key=(stream,))))


@dataclass(frozen=True, slots=True)
class _Pooled:
    means: tuple[PooledEstimate, ...]
    differences: tuple[PooledEstimate, ...]
    log_ratios: tuple[PooledEstimate, ...]


def _pooled(
    found: Comparison, outcomes: Floats, balancing: Floats, tilt: Floats, choices: ComparisonChoices
) -> _Pooled:
    import numpy as np

    from katoutcomes.kernels.missing.imputation_pooling import pool

    fits = [ancova(found, outcome, balancing, tilt) for outcome in outcomes]
    means = np.array([fit[0] for fit in fits])
    covariances = np.array([fit[1] for fit in fits])
    df, n_arms = fits[0][2], found.arms.n_arms
    of_means = [pool(means[:, arm], covariances[:, arm, arm], df, choices.conf_level) for arm in range(n_arms)]
    differences, log_ratios = [], []
    for arm in range(1, n_arms):
        variances = covariances[:, arm, arm] + covariances[:, 0, 0] - 2.0 * covariances[:, arm, 0]
        differences.append(pool(means[:, arm] - means[:, 0], variances, df, choices.conf_level))
        if found.is_share:
            logs = np.array([log_ratio(*one, arm) for one in zip(means, covariances, strict=True)])
            log_ratios.append(pool(logs[:, 0], logs[:, 1], df, choices.conf_level))
    return _Pooled(tuple(of_means), tuple(differences), tuple(log_ratios))


def _intervals(pooled: tuple[PooledEstimate, ...], names: tuple[str, ...]) -> tuple[Interval, ...]:
    return tuple(Interval(**{name: getattr(one, name) for name in names}) for one in pooled)


# --- the imputation model --------------------------------------------------------------------------------------------


def scores_to_impute(found: Comparison) -> ScoresToImpute:
    """Return the scores up to the visit with arms, covariates and, where it is known, having left before each visit.

    Having left before the visit compared has products with the baseline score and the later arms from 150 patients on.
    The last score is among the visits that are modeled, so of the history only what tells of leaving is a covariate.
    """
    import numpy as np

    from katoutcomes.kernels.missing.imputation import ScoresToImpute

    data, columns = found.arms, [found.arms.covariates]
    if found.leaving is not None:
        columns.append(found.leaving)
        left = found.leaving[:, -1]
        if data.arms.size >= WITH_PRODUCTS_FROM:
            baseline = data.covariates[:, 0] - data.covariates[:, 0].mean()
            products = [left * baseline, *(left * (data.arms == arm) for arm in range(1, data.n_arms))]
            columns.append(np.column_stack(products))
    stacked = np.column_stack(columns)
    varying = stacked[:, np.ptp(stacked, axis=0) > 0.0]
    return ScoresToImpute(_scores(found), data.arms, data.n_arms, varying)


def _scores(found: Comparison) -> Floats:
    """Return the scores at the visits up to the one compared, without visits at which nobody has one."""
    scores = found.data.scores[found.compared][:, _places(found)]
    return scores[:, _has_scores(found)]


def _places(found: Comparison) -> list[int]:
    return visits_up_to(found.data, found.window)


def _has_scores(found: Comparison) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(~np.isnan(found.data.scores[found.compared][:, _places(found)]).all(axis=0))


def why_not_imputable(found: Comparison) -> str:
    """Return why scores cannot be imputed, or nothing."""
    from katoutcomes.kernels.missing.imputation import fewest_scores

    if (fewest_scores(scores_to_impute(found)) < 1).any():
        return (
            "The imputation model has more coefficients than patients are scored: name fewer covariates, or use "
            "missing='observation_weights'."
        )
    return ""


# --- jump to reference -----------------------------------------------------------------------------------------------


def _in_care(found: Comparison) -> tuple[ScoresToImpute, NDArray[np.bool_]]:
    """Return the scores in care with arms and covariates, and who had left before which visit."""
    import numpy as np

    from katoutcomes.kernels.missing.imputation import ScoresToImpute

    leaving = np.zeros((found.n_compared, len(_places(found)))) if found.leaving is None else found.leaving
    left = leaving[:, _has_scores(found)] > 0.0
    scores = np.where(left, np.nan, _scores(found))
    kept = np.asarray(~np.isnan(scores).all(axis=0))
    kept[-1] = True
    data = found.arms
    return ScoresToImpute(scores[:, kept], data.arms, data.n_arms, data.covariates), left[:, kept]


def why_no_reference(found: Comparison) -> str:
    """Return why jump to reference cannot be told: an arm has nobody scored in care at the visit, or too few."""
    import numpy as np

    from katoutcomes.kernels.missing.imputation import fewest_scores

    data, _ = _in_care(found)
    seen = ~np.isnan(data.scores[:, -1])
    if len(np.unique(data.arms[seen])) < data.n_arms or (fewest_scores(data) < 1).any():
        return "too few scores in care"
    return ""


def jump_to_reference(found: Comparison, choices: ComparisonChoices) -> Floats:
    """Return the scores at the visit, shape (m, n_compared), if who left fared like the comparator's from then on.

    The model is that of scores in care. Before leaving a patient's means are those of the own arm, afterwards those of
    the comparator at the patient's covariates; what is missing is drawn given what was seen in care.

    References
    ----------
    Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371. doi:10.1080/10543406.2013.834911.
    """
    import numpy as np

    from katoutcomes.kernels.missing.imputation import impute
    from katoutcomes.kernels.missing.reference_based import draw_jump_to_reference

    data, left = _in_care(found)
    rng = _rng(choices, _STREAM_OF_REFERENCE)
    imputations = impute(data, choices.n_imputations, rng)
    return np.asarray(draw_jump_to_reference(data, imputations, left, rng.standard_normal)[:, :, -1])
