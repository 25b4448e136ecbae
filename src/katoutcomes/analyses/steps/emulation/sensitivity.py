"""How far an emulated trial could be wrong: confounding, missing scores, weights, selection by the score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.confounding import (
    benchmark_row,
    confounding_rows,
    e_values_of_difference,
    e_values_of_ratio,
)
from katoutcomes.analyses.steps.emulation.answers import MAIN, SENSITIVITY, sides
from katoutcomes.analyses.steps.emulation.balance import ARM
from katoutcomes.analyses.steps.missing_scores import odds_ratio_rows
from katoutcomes.analyses.steps.resamples import Interval
from katoutcomes.analyses.steps.tipping import (
    FAVORABLE,
    LARGEST_DELTA,
    MissingEvents,
    MissingScores,
    event_grid_rows,
    grid_rows,
    in_direction,
    room_of,
    shares_of_missing,
    tipping_rows,
)
from katoutcomes.estimands.leaving_care import WHILE_IN_CARE
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.answers import Answers
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.kernels.groups.strongest_covariate import StrongestCovariate

NO_SCORE, SELECTION = "missing score", "selection by the score"


def sensitivity_estimates(found: Emulation, got: Answers, smallest_important: float) -> Iterator[Estimate]:
    """Yield what would have to be true for the answer to be wrong, each in a line of its own."""
    yield from doubt_estimates(found, got, smallest_important)
    yield from tipping_grid_estimates(found, got)
    yield _truncated(found, sides(found))
    if found.event is None:
        yield from regression_to_the_mean_estimates(found)


def doubt_estimates(found: Emulation, got: Answers, smallest_important: float) -> Iterator[Estimate]:
    """Yield how strong what was not recorded, and how unlike the predicted the missing scores, would have to be."""
    shared, main = sides(found), got.numbers(MAIN)
    if main.std_error > 0.0 and found.trial.left_care != WHILE_IN_CARE:
        yield from _confounding(found, got, main, shared)
        yield from _tipping(found, got, shared, smallest_important)


def _confounding(found: Emulation, got: Answers, main: Interval, shared: dict[str, Any]) -> Iterator[Estimate]:
    import numpy as np

    sd, df = float(np.nanstd(found.data.outcome, ddof=1)), _degrees_of_freedom(found)
    e_values = e_values_of_ratio(got.ratio()) if found.is_share else e_values_of_difference(main, sd)
    yield from confounding_rows(main, e_values, df, got.conf_level, shared | {"unit": ""})
    strongest = _strongest_covariate(found, df)
    if strongest is not None:
        name = found.columns.names[strongest.column]
        yield benchmark_row(main, strongest, name, df, shared | {"measure": found.difference})


def _degrees_of_freedom(found: Emulation) -> float:
    """Return the scored who followed some strategy, less the coefficients of the analysis of covariance."""
    comparator, treated = (arm.followed for arm in found.data.arms)
    n_scored = int(((comparator | treated) & found.data.is_observed).sum())
    return float(n_scored - found.data.covariates.shape[1] - 2)


def _strongest_covariate(found: Emulation, df: float) -> StrongestCovariate | None:
    """Return the covariate whose like would move the difference most.

    Whoever followed one strategy alone is exposed or not; the covariates have not been weighted away among these.
    """
    from katoutcomes.kernels.groups.strongest_covariate import strongest_covariate

    data = found.data
    comparator, treated = (arm.followed for arm in data.arms)
    rows = (comparator ^ treated) & data.is_observed
    if not ((rows & treated).any() and (rows & comparator).any()):
        return None
    return strongest_covariate(data.covariates[rows], treated[rows], data.outcome[rows], df)


def _tipping(found: Emulation, got: Answers, shared: dict[str, Any], smallest_important: float) -> Iterator[Estimate]:
    """Yield by how much the missing scores of the treated would have to be other than predicted."""
    import numpy as np

    missing, instrument = _missing_scores(got), found.found.instrument
    if missing.difference.has_limits:
        is_score = found.event is None
        yield from tipping_rows(
            missing,
            _moved_words(found, missing.direction),
            largest=LARGEST_DELTA * (instrument.maximum - instrument.minimum)
            if is_score
            else room_of(_missing_events(found, got), missing.direction),
            smallest_important=smallest_important,
            sd=float(np.nanstd(found.data.outcome, ddof=1)) if is_score else math.nan,
            fields=shared | {"unit": shared["unit"] if is_score else ""},
        )


def _moved_words(found: Emulation, direction: float) -> str:
    """Return what of the treated moves, and whether for the better."""
    if found.event is not None:
        often = "more" if direction > 0.0 else "less"
        return f"{found.event.words} {often} often among the missing of the treated by so much"
    return f"missing scores of the treated {in_direction(direction, found.found.instrument.sign, FAVORABLE)} by so much"


def _missing_scores(got: Answers) -> MissingScores:
    import numpy as np

    columns = [got.further_column(name) for name in ("comparator missing", "treated missing")]
    slopes, drawn = np.array([one for one, _ in columns]), np.column_stack([many for _, many in columns])
    return MissingScores(got.numbers(MAIN), slopes, got.conf_level, got.column(MAIN), drawn)


def tipping_grid_estimates(found: Emulation, got: Answers) -> Iterator[Estimate]:
    """Yield the difference with the missing scores of the copies of both arms other than predicted."""
    missing, instrument = _missing_scores(got), found.found.instrument
    if found.trial.left_care == WHILE_IN_CARE or not missing.difference.has_limits:
        return
    if found.event is None:
        span = instrument.maximum - instrument.minimum
        yield from grid_rows(missing, span, instrument.sign, sides(found))
    elif not all(one.is_observed.all() for one in found.outcomes):
        subgroups = (f"{ARM}{found.trial.comparator.label}", f"{ARM}{found.trial.strategy.label}")
        fields = sides(found) | {"measure": found.difference}
        yield from event_grid_rows(_missing_events(found, got), subgroups, got.conf_level, fields)


def _missing_events(found: Emulation, got: Answers) -> MissingEvents:
    """Return the difference with each share of the missing copies of both arms: the model is linear in the outcome."""
    import numpy as np

    from katoutcomes.kernels.emulation.further_estimates import assumed_of_missing
    from katoutcomes.kernels.groups.delta_adjustment import adjusted_by_deltas

    (nobody, drawn), missing, shares = got.further_column("missing as 0"), _missing_scores(got), shares_of_missing()
    grid = adjusted_by_deltas(
        nobody,
        (math.nan, math.nan),
        missing.slopes,
        shares,
        replicates=drawn,
        replicate_slopes=missing.replicate_slopes,
        conf_level=got.conf_level,
    )
    numbers = zip(grid.estimate.tolist(), grid.conf_low.tolist(), grid.conf_high.tolist(), strict=True)
    differences = tuple(Interval(one, conf_low=low, conf_high=high) for one, low, high in numbers)
    assumed = assumed_of_missing(found.outcomes, found.spoken_for)
    return MissingEvents(shares, differences, np.clip(assumed, 0.0, 1.0))


def _truncated(found: Emulation, shared: dict[str, Any]) -> Estimate:
    from katoutcomes.kernels.emulation.further_estimates import difference_with_truncation

    differences = (difference_with_truncation(one, 0.95) for one in found.outcomes)
    return Estimate(
        term=f"{SENSITIVITY}: weights cut at the 95th percentile",
        measure=found.difference,
        estimate=sum(days * one for days, one in zip(found.spoken_for.tolist(), differences, strict=True)),
        **shared,
    )


def regression_to_the_mean_estimates(found: Emulation) -> Iterator[Estimate]:
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
    fields = {"visit": found.trial.visit.name, "n_patients": found.n_patients}
    columns, missing = _predictors_of_no_score(found), ~found.is_scored
    yield from odds_ratio_rows(f"{NO_SCORE}: odds, ", columns, missing, conf_level, fields)


def _predictors_of_no_score(found: Emulation) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    patients = found.found
    return {
        "per point of the last score in care": patients.last_score[:, -1],
        f"integration begun by day {found.trial.by_day} against not": found.data.exposed_early.astype(np.float64),
        "per week with an integration session": patients.session.sum(axis=1).astype(np.float64),
        "left care against stayed": patients.has_left.astype(np.float64),
    }
