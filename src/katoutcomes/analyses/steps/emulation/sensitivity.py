"""How far an emulated trial could be wrong: confounding, missing scores, weights, selection by the score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.answers import Answers
    from katoutcomes.analyses.steps.emulation.data import Emulation

CONFOUNDING, TIPPING, SENSITIVITY = "unmeasured confounding", "tipping point", "sensitivity"
NO_SCORE, SELECTION = "missing score", "selection by the score"
_LESS = "missing scores of the treated less favorable by so much"
_MAIN = "cloned, censored, weighted"
_STEPS_OF_DELTA = 64
_LARGEST_DELTA = 8.0 / 27.0
"""Of the instrument's range: 8 points of the PHQ-9."""


def sensitivity_estimates(found: Emulation, got: Answers, smallest_important: float) -> Iterator[Estimate]:
    """Yield what would have to be true for the answer to be wrong, each in a line of its own."""
    from katoutcomes.analyses.steps.emulation.answers import sides

    shared, main = sides(found), got.numbers(_MAIN)
    if main["std_error"] > 0.0:
        yield from _confounding(found, got, main, shared)
        yield from _tipping(found, got, main, shared, smallest_important)
    yield _truncated(found, shared)
    yield from _regression_to_the_mean(found)


def _confounding(found: Emulation, got: Answers, main: dict[str, Any], shared: dict[str, Any]) -> Iterator[Estimate]:
    import numpy as np

    from katoutcomes.kernels.groups.sensitivity import e_value_of_difference, robustness_value

    pure = shared | {"unit": ""}
    sd = float(np.nanstd(found.data.outcome, ddof=1))
    if sd > 0.0:
        values = e_value_of_difference(main["estimate"], main["std_error"], sd)
        # The interval that stands beside the estimate decides whether it holds 0, whatever the approximation says.
        holds_0 = not (main.get("conf_low", -1.0) > 0.0 or main.get("conf_high", 1.0) < 0.0)
        limit = 1.0 if holds_0 else values.limit
        for words, number in (("estimate", values.estimate), ("limit nearer to no difference", limit)):
            yield Estimate(term=f"{CONFOUNDING}: E-value of the {words}", measure="E-value", estimate=number, **pure)
    df = _degrees_of_freedom(found)
    statistic = main["estimate"] / main["std_error"]
    for words, level in (("estimate", None), ("interval", 1.0 - got.conf_level)):
        yield Estimate(
            term=f"{CONFOUNDING}: robustness value of the {words}",
            measure="robustness value",
            estimate=robustness_value(statistic, df, alpha=level),
            **pure,
        )
    yield from _benchmark(found, main, df, shared)


def _degrees_of_freedom(found: Emulation) -> float:
    """Return the scored who followed some strategy, less the coefficients of the analysis of covariance."""
    comparator, treated = (arm.followed for arm in found.data.arms)
    n_scored = int(((comparator | treated) & found.data.is_observed).sum())
    return float(n_scored - found.data.covariates.shape[1] - 2)


def _benchmark(found: Emulation, main: dict[str, Any], df: float, shared: dict[str, Any]) -> Iterator[Estimate]:
    """Yield what a confounder as strong as the strongest covariate would leave of the difference.

    Whoever followed one strategy alone is exposed or not; the covariates have not been weighted away among these.
    """
    from katoutcomes.kernels.groups.sensitivity import benchmark
    from katoutcomes.kernels.groups.strongest_covariate import strongest_covariate

    data = found.data
    comparator, treated = (arm.followed for arm in data.arms)
    rows = (comparator ^ treated) & data.is_observed
    if not ((rows & treated).any() and (rows & comparator).any()):
        return
    strongest = strongest_covariate(data.covariates[rows], treated[rows], data.outcome[rows], df)
    if strongest is None:
        return
    bound = benchmark(
        main["estimate"],
        main["std_error"],
        df,
        r2_covariate_exposure=strongest.r2_exposure,
        r2_covariate_outcome=strongest.r2_outcome,
    )
    name = found.columns.names[strongest.column]
    yield Estimate(
        term=f"{CONFOUNDING}: difference left by a confounder as strong as {name}",
        measure="difference in means",
        estimate=bound.adjusted_estimate,
        **shared,
    )


def _tipping(
    found: Emulation, got: Answers, main: dict[str, Any], shared: dict[str, Any], smallest_important: float
) -> Iterator[Estimate]:
    """Yield by how much the missing scores of the treated would have to be less favorable than predicted."""
    import numpy as np

    from katoutcomes.kernels.groups.sensitivity import tipping_point
    from katoutcomes.kernels.weighting.bootstrap import percentile_interval

    if "conf_low" not in main:
        return
    instrument = found.found.instrument
    grid = np.linspace(0.0, _LARGEST_DELTA * (instrument.maximum - instrument.minimum), _STEPS_OF_DELTA + 1)
    moves = (-1.0 if main["estimate"] > 0.0 else 1.0) * grid
    shift, shifts = got.further_column("treated missing")
    differences = got.column(_MAIN)
    drawn = [percentile_interval(differences + move * shifts, got.conf_level) for move in moves]
    low, high = (np.array([getattr(one, side) for one in drawn]) for side in ("conf_low", "conf_high"))
    points = tipping_point(grid, main["estimate"] + moves * shift, low, high, smallest_important)
    reasons = [("until the interval holds 0", points.to_interval)]
    if smallest_important > 0.0:
        reasons.append(("until the difference is too small to matter", points.to_threshold))
    sd = float(np.nanstd(found.data.outcome, ddof=1))
    for words, value in reasons:
        yield Estimate(term=f"{TIPPING}: {_LESS}, {words}", measure="tipping point", estimate=value, **shared)
    yield Estimate(
        term=f"{TIPPING}: {_LESS}, {reasons[0][0]}, in standard deviations of the scores",
        measure="tipping point",
        estimate=points.to_interval / sd if sd > 0.0 else math.nan,
        **(shared | {"unit": "SD"}),
    )


def _truncated(found: Emulation, shared: dict[str, Any]) -> Estimate:
    from katoutcomes.kernels.emulation.further_estimates import difference_with_truncation

    return Estimate(
        term=f"{SENSITIVITY}: weights cut at the 95th percentile",
        measure="difference in means",
        estimate=difference_with_truncation(found.data, 0.95),
        **shared,
    )


def _regression_to_the_mean(found: Emulation) -> Iterator[Estimate]:
    """Yield between what bounds each mean would have moved by itself; the difference is free of it."""
    from katoutcomes.analyses.steps.change.regression_bound import (
        LEAST,
        MOST,
        ReferralPopulation,
        regression_estimates,
    )

    rule, population, above = _selection(found)
    mean = float(found.found.baseline.mean())
    nothing = Estimate(
        term="", measure="mean change", unit="points", visit=found.trial.visit.name, n_patients=found.n_patients
    )
    for one in regression_estimates(nothing, mean, rule, ReferralPopulation(*population), above=above):
        if one.term in {LEAST, MOST} and not math.isnan(one.estimate):
            yield Estimate(
                term=f"{SELECTION}: {one.term}, of each mean",
                measure="expected change",
                unit="points",
                visit=one.visit,
                estimate=one.estimate,
                n_patients=found.n_patients,
            )


def _selection(found: Emulation) -> tuple[Any, tuple[float, float], bool]:
    """Return the rule by which scores let patients in, whom they were chosen from, and whether from above."""
    from katoutcomes.estimands.selection_rule import SelectionRule
    from katoutcomes.kernels.change.regression_to_the_mean import truncated_normal

    above = found.found.instrument.sign <= 0
    wanted = {">=", ">"} if above else {"<=", "<"}
    cuts = [one.value for one in found.trial.eligibility if one.field == "baseline_score" and one.operator in wanted]
    baseline = found.found.baseline
    if not cuts:
        mean = float(baseline.mean())
        return SelectionRule(referral_mean=mean), (mean, math.nan), above
    cut = max(cuts) if above else min(cuts)
    # A whole score stands for half a point to either side of it.
    edge = cut + (-0.5 if above else 0.5) if bool((baseline % 1 == 0).all()) else cut
    population = truncated_normal(baseline, edge, selected_above=above)
    return SelectionRule(cut_off=cut), (population.mean, population.sd), above


def missing_score_estimates(found: Emulation, conf_level: float) -> Iterator[Estimate]:
    """Yield odds ratios of having no score at the visit, from one logistic model; nothing where there is no maximum."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    from katoutcomes.kernels.logistic import logistic_regression

    columns = _predictors_of_no_score(found)
    missing = ~found.data.is_observed
    design = np.column_stack([np.ones(found.n_patients), *columns.values()])
    if not 0 < int(missing.sum()) < found.n_patients or np.linalg.matrix_rank(design) < design.shape[1]:
        return
    fit = logistic_regression(design, missing)
    if fit.is_separated:
        return
    width = float(ndtri(0.5 + conf_level / 2.0))
    for place, words in enumerate(columns, start=1):
        log_odds, error = float(fit.coefficients[place]), float(fit.std_errors[place])
        yield Estimate(
            term=f"{NO_SCORE}: odds, {words}",
            measure="odds ratio",
            visit=found.trial.visit.name,
            estimate=math.exp(log_odds),
            conf_low=math.exp(log_odds - width * error),
            conf_high=math.exp(log_odds + width * error),
            conf_level=conf_level,
            p_value=2.0 * float(ndtr(-abs(log_odds / error))),
            n_patients=found.n_patients,
        )


def _predictors_of_no_score(found: Emulation) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    patients = found.found
    columns = {
        "per point of the last score in care": patients.last_score[:, -1],
        f"integration begun by day {found.trial.by_day} against not": found.data.exposed_early.astype(np.float64),
        "per week with an integration session": patients.session.sum(axis=1).astype(np.float64),
        "left care against stayed": patients.has_left.astype(np.float64),
    }
    return {words: values for words, values in columns.items() if np.ptp(values) > 0.0}


def missing_score_words(conf_level: float) -> str:
    """Return how these odds ratios were made."""
    return (
        f"Odds ratios of having no score: logistic regression on all of them together, Wald {format_level(conf_level)}."
    )
