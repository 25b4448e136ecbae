"""Who is lost, and when: scores at each visit and after, by cohort and by how ill patients were at baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import completers_check, paired_completeness_check, patients_check
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.dropout_predictors import predictor_variables, predictors_of_loss
from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE, level_of, share_estimate
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.part import IndividualValues, ScoreCourses
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.kernels.missing.kaplan_meier import KaplanMeier

SEVERITY = "baseline severity"
SCORED = "scored at visit"
SEEN_LATER = "seen then or later"

_SOURCES = (
    "Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. doi:10.1080/01621459.1958.10501452",
    EXACT_SOURCE,
    "Albert A, Anderson JA. Biometrika 1984;71:1-10. doi:10.1093/biomet/71.1.1",
)
_ASSUMPTIONS = (
    "Lost means without a score at this visit and every later one; why is not known.",
    (
        "A patient whose visit was still to come when the data end counts as lost, so recent patients make loss look "
        "larger than it is."
    ),
    (
        "What goes with being lost is described here; that loss hangs on nothing else, and not on the scores that were "
        "never seen, cannot be shown from data."
    ),
)


def dropout(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    by: str | None = None,
    predictors: Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Say who was lost, when, and what was known of them at time zero.

    Parameters
    ----------
    data : AnalysisSet
        The scores. Only patients with a baseline score can be lost.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        The visit whose missing scores are modeled; the last one by default.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if it has
        any. Bands of the baseline score always are, where the instrument has cited ones.
    predictors : sequence of str, optional
        Variables of the model beside the baseline score; by default the cohort and ``"age_years"``, where they are
        there. An empty sequence leaves the baseline score alone.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For everybody, each group and each band: the share of those with a baseline score who have one at each visit
        (exact interval) and who have one then or later (Kaplan-Meier estimate of the time of the last score, with
        log(-log) limits); mean and SD of the baseline of those scored, and how far that mean lies from the mean of all,
        in SDs of all. Odds ratios of having no score at `visit`. NaN where there is nothing to work it out of; no odds
        ratios where everybody or nobody has a score, and NaN where a predictor separates the two.

    Raises
    ------
    DesignError
        If nobody has a baseline score, `by` is a number, or the predictors depend on each other.
    ImmortalTimeError
        If `by` or a predictor is known only after time zero.
    OptionError
        If there is no such visit or variable, or the level is outside its range.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. doi:10.1080/01621459.1958.10501452.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=80)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> result = kat.dropout(data)
    >>> all(0 < share.estimate <= 1 for share in result.select(term="scored at visit", subgroup=""))
    True
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    window = data.visit(visit)
    if not data.with_baseline.any():
        raise DesignError(f"nobody has a baseline {data.instrument.name} score, so nobody can be lost.")
    variables = predictor_variables(data, predictors)
    groups = (*reported_groups(data, by), *_severity_groups(data))
    found: list[Estimate] = []
    for group in groups:
        described = _of_group(data, group.mask & data.with_baseline, conf_level)
        found += [replace(estimate, subgroup=group.subgroup) for estimate in described]
    model = predictors_of_loss(data, window, variables, conf_level)
    n_pairs = int(data.pairs(window.name).sum())
    return Result(
        analysis="dropout",
        title=f"Who was lost: {data.instrument.name}",
        estimand=estimand if estimand is not None else _estimand(data),
        method=_method(window, [variable.label for variable in variables], conf_level),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort)
            for estimate in (*found, *model.estimates)
        ),
        provenance=data.provenance,
        parts=(visits_part(data.visits),),
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=(
            patients_check(n_pairs, window.name),
            paired_completeness_check(n_pairs, int(data.with_baseline.sum()), window.name),
            completers_check(data.baseline, data.pairs(window.name), window.name),
            *model.checks,
        ),
        warnings=anchored_warnings(data.visits),
        individual_values=IndividualValues((), tuple(_courses(data, group) for group in reported_groups(data, by))),
    )


def _courses(data: AnalysisSet, group: Group) -> ScoreCourses:
    """Return the scores of the patients with a baseline at every visit, in an order that tells nothing."""
    import numpy as np

    mask = group.mask & data.with_baseline
    scores = np.column_stack([data.baseline[mask], data.scores[mask]])
    scores = scores[np.lexsort(scores.T[::-1])]
    scores.setflags(write=False)
    return ScoreCourses(group.subgroup, ("baseline", *(visit.name for visit in data.visits)), scores)


def _severity_groups(data: AnalysisSet) -> tuple[Group, ...]:
    """Return the bands of the baseline score that somebody is in; nothing where the instrument has none."""
    from katoutcomes.cohorts.analysis_set import Group
    from katoutcomes.errors import KatOutcomesError
    from katoutcomes.instruments.severity import severity_band

    try:
        banded = severity_band(data.instrument, data.baseline)
    except KatOutcomesError:
        return ()
    groups = (Group(label, f"{SEVERITY}: {label}", banded.codes == code) for code, label in enumerate(banded.labels))
    return tuple(group for group in groups if group.mask.any())


def _of_group(data: AnalysisSet, mask: NDArray[np.bool_], conf_level: float) -> Iterator[Estimate]:
    """Yield, for each visit, who has a score, who has one then or later, and how those scored began."""
    import numpy as np

    from katoutcomes.kernels.summaries import mean_and_sd

    n_patients = int(mask.sum())
    if n_patients == 0:
        return
    yield Estimate(
        term="with a baseline score",
        measure="count",
        unit="patients",
        estimate=float(n_patients),
        n_patients=n_patients,
    )
    mean, sd = mean_and_sd(data.baseline[mask])
    yield from _mean_and_sd("baseline, all with baseline", mean, sd, n_patients, "")
    has_score = ~np.isnan(data.scores[mask])
    curve = _time_of_last_score(has_score, conf_level)
    for place, window in enumerate(data.visits):
        scored = has_score[:, place]
        yield share_estimate(SCORED, int(scored.sum()), n_patients, conf_level, visit=window.name)
        if place + 1 < len(data.visits):  # at the last visit it is the same number
            yield _still_seen(window, has_score[:, place:], curve, place, conf_level)
        if scored.any():
            of_scored, sd_of_scored = mean_and_sd(data.baseline[mask][scored])
            yield from _mean_and_sd("baseline, scored", of_scored, sd_of_scored, int(scored.sum()), window.name)
            yield Estimate(
                term="baseline, scored",
                measure="shift of the mean",
                unit="SD",
                visit=window.name,
                estimate=(of_scored - mean) / sd if sd > 0 else NOT_A_NUMBER,
                n_patients=int(scored.sum()),
            )


def _mean_and_sd(term: str, mean: float, sd: float, n_patients: int, visit: str) -> Iterator[Estimate]:
    for measure, value in (("mean", mean), ("standard deviation", sd)):
        yield Estimate(term=term, measure=measure, unit="points", visit=visit, estimate=value, n_patients=n_patients)


def _time_of_last_score(has_score: NDArray[np.bool_], conf_level: float) -> KaplanMeier:
    """Return the Kaplan-Meier estimate of the first visit from which on no score is there, in visits from 0 on."""
    import numpy as np

    from katoutcomes.kernels.missing.kaplan_meier import kaplan_meier

    n_visits = has_score.shape[1]
    last = np.where(has_score.any(axis=1), n_visits - np.argmax(has_score[:, ::-1], axis=1), 0)
    # Who has a score at the last visit is not lost there: seen for the last time, and not known to be lost ever.
    return kaplan_meier(np.minimum(last, n_visits - 1).astype(np.float64), last < n_visits, conf_level)


def _still_seen(
    window: VisitWindow, later: NDArray[np.bool_], curve: KaplanMeier, place: int, conf_level: float
) -> Estimate:
    """Return the Kaplan-Meier estimate at a visit; nobody is censored before the last one, so it is a share."""
    import numpy as np

    n_patients = len(later)
    step = int(np.searchsorted(curve.time, place, side="right")) - 1
    low, high = (float(limits[step]) if step >= 0 else NOT_A_NUMBER for limits in (curve.conf_low, curve.conf_high))
    n_seen = int(later.any(axis=1).sum())
    return Estimate(
        term=SEEN_LATER,
        measure="proportion",
        visit=window.name,
        estimate=n_seen / n_patients,
        conf_low=low,
        conf_high=high,
        conf_level=level_of(low, conf_level),
        n_patients=n_patients,
    )


def _estimand(data: AnalysisSet) -> Estimand:
    return Estimand(
        name="dropout",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, "every visit", "having a score"),
        intercurrent_events="leaving care is the outcome",
        summary_measure="share of patients",
    )


def _method(window: VisitWindow, labels: Sequence[str], conf_level: float) -> Method:
    others = "".join(f", {label}" for label in labels)
    return Method(
        name="completeness by visit, Kaplan-Meier and logistic regression",
        description=(
            "Shares of patients with a baseline score, exact intervals (Clopper and Pearson, "
            f"{format_level(conf_level)}). Seen then or later: Kaplan-Meier estimate of the visit from which on "
            "there is no score, with log(-log) limits; nobody is censored before the last visit. Shift: mean baseline "
            "of those scored minus that of all, over the SD "
            f"of all. Odds ratios of no score at {window.name} with Wald intervals: baseline score{others}, together "
            "in one model of patients who have all of them."
        ),
        sources=_SOURCES,
    )
