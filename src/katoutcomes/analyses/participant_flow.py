"""From everybody in the data to the scores at each visit: how many are left, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.choices import grouping, grouping_note, require_conf_level
from katoutcomes.analyses.steps.flow_rows import BASELINE_STEP, NO_BASELINE, excluded, flow_of, selection_rows, stage
from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE, share_estimate
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group

VISIT_STEP = "scored at visit"
REPEAT_COURSES = "repeat courses, not analyzed"
SCORES_OUTSIDE = "scores outside every window, not analyzed"

_METHOD = Method(
    name="counts",
    description=(
        "Patients are counted by the code that selects them, so the numbers of each step and of those it leaves out "
        "add up. The share scored at a visit is of the patients with a baseline score, with its exact interval "
        "(Clopper and Pearson)."
    ),
    sources=(
        (
            "von Elm E, Altman DG, Egger M, et al. The Strengthening the Reporting of Observational Studies in "
            "Epidemiology (STROBE) statement. PLoS Med 2007;4:e296. doi:10.1371/journal.pmed.0040296"
        ),
        EXACT_SOURCE,
    ),
)
_ASSUMPTIONS = (
    (
        "Who is not in the files at all is not counted: patients who were never entered, or whose records were not "
        "handed over, are not in the first number."
    ),
    (
        "A missing score does not say why it is missing. Leaving care, feeling well, feeling worse and an unsent "
        "questionnaire look the same here."
    ),
)


def participant_flow(
    data: AnalysisSet, estimand: Estimand | None = None, *, by: str | None = None, conf_level: float = 0.95
) -> Result:
    """Count the patients left at each step, and how many of those with a baseline score have one at each visit.

    Parameters
    ----------
    data : AnalysisSet
        Its `attrition` holds the steps.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    by : str, optional
        A variable known at time zero whose levels are also counted; by default the cohorts of `data`, if it has any.
    conf_level : float, default 0.95
        Level of the intervals of the shares.

    Returns
    -------
    Result
        Counts of patients for each step and with a baseline score; for each visit, and for everybody and each group,
        the share of those with a baseline score who have a score there. NaN where a group has no baseline score at
        all. Where it is known, also the scores of these patients that lie in no window, neither the baseline's nor a
        visit's: they were filled in, and no number of this result is made of them. The part ``"flow"`` holds the rows
        of the diagram from top to bottom.

    Raises
    ------
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If there is no such variable, or the level is outside its range.

    References
    ----------
    von Elm E, et al. The STROBE statement, item 13. PLoS Med 2007;4:e296. doi:10.1371/journal.pmed.0040296.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [4, None, 15, None], "before": [16, 14, 17, None]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    ... )
    >>> for estimate in kat.participant_flow(data).estimates:
    ...     print(estimate.term, estimate.visit, round(estimate.estimate, 3), estimate.n_patients)
    in the data  4.0 4
    with a baseline score  3.0 3
    scored at visit visit 12 0.667 3
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    by = grouping(data, by)
    everybody, levels = data.groups(None), () if by is None else data.groups(by)
    estimates = [*_step_counts(data), *_repeat_courses(data), *_scores_outside(data)]
    for group in everybody + levels:
        estimates += _visit_shares(data, group, conf_level)
    return Result(
        analysis="participant_flow",
        title=f"Participant flow: {data.instrument.name}",
        estimand=estimand if estimand is not None else _estimand(data),
        method=_METHOD,
        estimates=tuple(estimates),
        provenance=data.provenance,
        parts=(_flow_part(data, everybody + levels),),
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=(_steps_check(data),),
        warnings=anchored_warnings(data.visits),
    )


def _estimand(data: AnalysisSet) -> Estimand:
    return Estimand(
        name="participant_flow",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, "every visit", "whether a score is there"),
        intercurrent_events="a score counts whatever happened before it",
        summary_measure="number of patients",
    )


def _step_counts(data: AnalysisSet) -> Iterator[Estimate]:
    """Yield one count for each step of the selection, then that of the patients with a baseline score."""
    steps = [(step.step, step.n_patients) for step in data.attrition]
    for term, n_patients in [*steps, (BASELINE_STEP, int(data.with_baseline.sum()))]:
        yield Estimate(
            term=term,
            measure="count",
            unit="patients",
            instrument=data.instrument.name if term == BASELINE_STEP else "",
            cohort=data.cohort,
            estimate=float(n_patients),
            n_patients=n_patients,
        )


def _repeat_courses(data: AnalysisSet) -> Iterator[Estimate]:
    """Yield the number of courses after the first, where courses are known."""
    if data.n_repeat_courses is not None:
        yield Estimate(
            term=REPEAT_COURSES,
            measure="count",
            unit="courses",
            cohort=data.cohort,
            estimate=float(data.n_repeat_courses),
            n_patients=data.n_patients,
        )


def _scores_outside(data: AnalysisSet) -> Iterator[Estimate]:
    """Yield the number of scores that no window holds, where that is known."""
    if data.n_scores_outside is not None:
        yield Estimate(
            term=SCORES_OUTSIDE,
            measure="count",
            instrument=data.instrument.name,
            cohort=data.cohort,
            estimate=float(data.n_scores_outside),
            n_patients=data.n_patients,
        )


def _visit_shares(data: AnalysisSet, group: Group, conf_level: float) -> Iterator[Estimate]:
    """Yield the share of a group's patients with a baseline score who have one at each visit."""
    n_baseline = int((group.mask & data.with_baseline).sum())
    for visit in data.visits:
        yield share_estimate(
            VISIT_STEP,
            int((group.mask & data.pairs(visit.name)).sum()),
            n_baseline,
            conf_level,
            instrument=data.instrument.name,
            cohort=data.cohort,
            subgroup=group.subgroup,
            visit=visit.name,
        )


def _flow_part(data: AnalysisSet, groups: tuple[Group, ...]) -> Part:
    """Return the rows of the diagram: the steps, each behind those it leaves out; then each group with its visits."""
    n_with_baseline = int(data.with_baseline.sum())
    rows = [
        *selection_rows(data.attrition),
        excluded(BASELINE_STEP, NO_BASELINE, data.n_patients - n_with_baseline),
        stage(BASELINE_STEP, n_with_baseline),
    ]
    for group in groups:
        if group.subgroup:
            n_baseline = int((group.mask & data.with_baseline).sum())
            rows.append(("group", BASELINE_STEP, "", group.subgroup, "", n_baseline))
        for visit in data.visits:
            n_scored = int((group.mask & data.pairs(visit.name)).sum())
            rows.append(("visit", VISIT_STEP, "", group.subgroup, visit.name, n_scored))
    return flow_of(rows)


def _steps_check(data: AnalysisSet) -> Check:
    """Return whether what each step leaves and what it takes add up to what came before, down to the analysis set."""
    fits = all(
        before.n_patients - after.n_excluded == after.n_patients for before, after in pairwise(data.attrition)
    ) and all(step.n_patients == data.n_patients for step in data.attrition[-1:])
    return Check(
        name="steps add up",
        passed=fits,
        severity="withhold",
        value=NOT_A_NUMBER,
        limit=NOT_A_NUMBER,
        message=(
            "The patients left at each step and those it leaves out add up."
            if fits
            else "The steps do not add up, so patients were lost without a reason."
        ),
    )
