"""Recovery and reliable change on depression and anxiety together, as NHS Talking Therapies counts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import paired_completeness_check, patients_check, smallest_group_check
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.interval_estimates import (
    DEFAULT_SHARE_INTERVAL,
    SHARE_INTERVAL_SOURCES,
    share_interval_words,
)
from katoutcomes.analyses.steps.significance.shares import CountedShare, share_estimates
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.cohorts.second_instrument import score_variable_name
from katoutcomes.errors import DesignError, OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.kernels.shares.proportions import INTERVALS
from katoutcomes.results.formatting import format_number
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument
    from katoutcomes.kernels.individual.service_outcomes import ServiceMeasure
    from katoutcomes.results.check import Check

DEFINITION_SET = "nhs_talking_therapies"
SCORED = "scored on both measures"
AT_CASENESS = "at caseness at baseline"
_SOURCES = (
    (
        "NHS England, NHS Talking Therapies for anxiety and depression: recovery is counted of those who finished a "
        "course and started at caseness; reliable improvement of all who finished, and needs a reliable decrease of "
        "one or both scores and a reliable increase of neither"
    ),
    "Gyani A, Shafran R, Layard R, Clark DM. Behav Res Ther 2013;51:597-606. doi:10.1016/j.brat.2013.06.004",
)
_ABOUT_DETERIORATION = (
    "Reliable deterioration mirrors the service's wording of reliable improvement: a reliable increase of one or both "
    "scores and a reliable decrease of neither. Those who changed reliably both ways stand by themselves, so that no "
    "harm is hidden in another class."
)
_ABOUT_SCORES = (
    "Shares are of patients with both measures at both times. A patient without them counts neither as recovered nor "
    "as improved nor as worse; the share scored on both measures says how many they are."
)
_ABOUT_FINISHED = (
    "The service counts finished courses only. Who finishes is decided after the start and partly by how it goes, so "
    "these shares describe those who finished and say nothing of the others."
)
_FINISHED_UNKNOWN = (
    "Who finished the course is not said (finished=), so the shares are of everybody scored; they are not the rates "
    "that the service publishes, which are of finished courses."
)
_ABOUT_CARRIED = (
    "Where a score at the visit is missing, the last one between baseline and it is taken, as the service does. "
    "Whoever left early is then counted as staying as they were, which no data can show."
)


def nhs_outcomes(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    anxiety: str | Instrument = "GAD-7",
    visit: str | None = None,
    by: str | None = None,
    finished: str | None = None,
    carry_forward: bool = False,
    interval: str = DEFAULT_SHARE_INTERVAL,
    conf_level: float = 0.95,
) -> Result:
    """Count recovery, reliable improvement, reliable recovery and reliable deterioration on two measures together.

    Each share stands with the denominator that the service uses: recovery and reliable recovery of those at caseness
    at baseline, reliable change of all who finished and have both measures at both times.

    Parameters
    ----------
    data : AnalysisSet
        Its instrument is the depression measure. The scores of the anxiety measure are variables of it, named as
        `Cohort.analysis_set(..., with_scores_of=["GAD-7"])` names them: ``gad7_baseline`` and one a visit,
        ``gad7_week_12``. In a frame they are columns with one value a patient, named after the visits of the set: one
        whose visits are the numbers of a column (``week=12``) calls them "visit 12", so ``gad7_visit_12``.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    anxiety : str or Instrument, default "GAD-7"
        The anxiety measure: any whose caseness and reliable change the catalog knows from the service, or a record of
        your own with definition sets that end in ``nhs_talking_therapies_caseness`` and
        ``nhs_talking_therapies_reliable_change``.
    visit : str, optional
        Name of the visit; the last one by default.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if any.
    finished : str, optional
        A flag that says who finished the course. Without it everybody scored is counted, and a warning says so.
    carry_forward : bool, default False
        Whether a missing score at the visit is replaced by the last one before it, as the service does.
    interval : {"exact", "wilson"}
        Of the shares.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For everybody and each group: the share scored on both measures, at caseness at baseline, recovery, reliable
        recovery, and the four classes of reliable change (better, none, both ways, worse), which add up to all scored.

    Raises
    ------
    DesignError
        If nobody has both measures at both times, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If a variable is missing, `finished` is not a flag, or the service's rule is not known for a measure.

    References
    ----------
    Gyani A, Shafran R, Layard R, Clark DM. Behav Res Ther 2013;51:597-606. doi:10.1016/j.brat.2013.06.004.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame(
    ...     {"id": range(4), "visit": "end", "phq": [4, 12, 6, 20], "before": [16, 18, 9, 15],
    ...      "gad7_baseline": [12, 6, 9, 14], "gad7_end": [5, 11, 4, 15], "done": [1, 1, 1, 0]}
    ... )
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="visit", score="phq", baseline="before", instrument="PHQ-9", visits={"end": 84},
    ...     covariates=["gad7_baseline", "gad7_end", "done"],
    ... )
    >>> for share in kat.nhs_outcomes(data, finished="done").select(subgroup=""):
    ...     print(share.term, share.n_counted, "of", share.n_patients)
    scored on both measures 3 of 3
    at caseness at baseline 3 of 3
    recovery 2 of 3
    reliable recovery 2 of 3
    reliable improvement 2 of 3
    no reliable change 0 of 3
    reliable change both ways 1 of 3
    reliable deterioration 0 of 3
    """
    require_analysis_set(data)
    from katoutcomes.instruments.catalog import instrument as instrument_called

    require_conf_level(conf_level)
    require_option("interval", interval, INTERVALS)
    window, groups = data.visit(visit), reported_groups(data, by)
    second = instrument_called(anxiety) if isinstance(anxiety, str) else anxiety
    scores = _scores(data, window, second, carry_forward=carry_forward)
    counted = _counted(data, finished) & ~_any_unknown(scores.starts)
    has_all = counted & ~_any_unknown(scores.ends)
    if not has_all.any():
        raise DesignError(f"nobody has a {data.instrument.name} and a {second.name} at baseline and at {window.name}.")
    shares = tuple(_shares(scores, counted, has_all))
    estimates = [
        estimate
        for group in groups
        for estimate in share_estimates(shares, group, visit=window.name, interval=interval, conf_level=conf_level)
    ]
    names = f"{data.instrument.name} and {second.name}"
    return Result(
        analysis="nhs_outcomes",
        title=f"Recovery and reliable change by the rules of NHS Talking Therapies: {names} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window, names),
        method=_method(scores, interval, conf_level),
        estimates=tuple(replace(estimate, cohort=data.cohort) for estimate in estimates),
        provenance=data.provenance,
        parts=(visits_part((window,)),),
        assumptions=(
            _ABOUT_SCORES,
            _ABOUT_DETERIORATION,
            *((_ABOUT_FINISHED,) if finished is not None else ()),
            *((_ABOUT_CARRIED,) if carry_forward else ()),
            *grouping_note(data, by),
            *data.notes,
        ),
        checks=_checks(counted, has_all, groups, window.name),
        warnings=(*anchored_warnings((window,)), *(() if finished is not None else (_FINISHED_UNKNOWN,))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _TwoMeasures:
    """Both measures at both times, over all patients; NaN where there is no score."""

    starts: tuple[NDArray[np.float64], NDArray[np.float64]]
    ends: tuple[NDArray[np.float64], NDArray[np.float64]]
    measures: tuple[ServiceMeasure, ServiceMeasure]
    instruments: tuple[Instrument, Instrument]


def _scores(data: AnalysisSet, window: VisitWindow, second: Instrument, *, carry_forward: bool) -> _TwoMeasures:
    place = data.visits.index(window)
    used = [
        number
        for number in (range(place, -1, -1) if carry_forward else (place,))
        if number == place or not data.visits[number].is_anchored_later
    ]
    first_ends = [data.scores[:, number] for number in used]
    names = [score_variable_name(second.id, data.visits[number].name) for number in used]
    second_ends = [data.variable(name).values for name in names]
    start = data.variable(score_variable_name(second.id, "baseline")).values
    return _TwoMeasures(
        (data.baseline, start),
        (_first_known(first_ends), _first_known(second_ends)),
        (_service_measure(data.instrument), _service_measure(second)),
        (data.instrument, second),
    )


def _first_known(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    import numpy as np

    found = columns[0]
    for column in columns[1:]:
        found = np.where(np.isnan(found), column, found)
    return found


def _service_definition(instrument: Instrument, kind: str) -> DefinitionSet:
    name = f"{DEFINITION_SET}_{kind}"
    found = [one for one in instrument.definitions(kind) if one.id.endswith(name)]
    if not found:
        raise OptionError(
            f"the {kind.replace('_', ' ')} of the {instrument.name} in NHS Talking Therapies is not known here; "
            f"pass an instrument with a definition set {instrument.id}/{name} and its source."
        )
    return found[0]


def _service_measure(instrument: Instrument) -> ServiceMeasure:
    from katoutcomes.kernels.individual.service_outcomes import ServiceMeasure

    kinds = ("caseness", "reliable_change")
    caseness, change = (float(_service_definition(instrument, kind).value) for kind in kinds)
    return ServiceMeasure(caseness, change, instrument.sign)


def _any_unknown(pair: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(np.isnan(pair[0]) | np.isnan(pair[1]))


def _counted(data: AnalysisSet, finished: str | None) -> NDArray[np.bool_]:
    """Return who finished; everybody where that is not said. Who may have finished is not counted."""
    import numpy as np

    if finished is None:
        return np.ones(data.n_patients, dtype=np.bool_)
    variable = data.variable(finished)
    if variable.kind != "flag":
        raise OptionError(f"{finished!r} must be a flag (0 and 1, or false and true): who finished the course.")
    return np.asarray(variable.values == 1.0)


def _shares(scores: _TwoMeasures, counted: NDArray[np.bool_], has_all: NDArray[np.bool_]) -> Iterator[CountedShare]:
    import numpy as np

    from katoutcomes.kernels.individual.service_outcomes import service_outcomes

    (starts, ends) = ((pair[0][has_all], pair[1][has_all]) for pair in (scores.starts, scores.ends))
    found = service_outcomes(starts, ends, scores.measures)

    def share(term: str, applies: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> CountedShare:
        masks = [np.zeros(has_all.size, dtype=np.bool_) for _ in range(2)]
        masks[0][has_all] = applies
        masks[1][has_all] = True if among is None else among
        return CountedShare(term, DEFINITION_SET, *masks)

    yield CountedShare(SCORED, DEFINITION_SET, has_all, counted)
    yield share(AT_CASENESS, found.was_case)
    yield share("recovery", found.recovered, found.was_case)
    yield share("reliable recovery", found.reliably_recovered, found.was_case)
    yield share("reliable improvement", found.improved)
    yield share("no reliable change", ~(found.improved | found.deteriorated | found.both_ways))
    yield share("reliable change both ways", found.both_ways)
    yield share("reliable deterioration", found.deteriorated)


def _checks(
    counted: NDArray[np.bool_], has_all: NDArray[np.bool_], groups: Sequence[Group], visit: str
) -> tuple[Check, ...]:
    smallest = min(int((group.mask & has_all).sum()) for group in groups)
    return (
        patients_check(int(has_all.sum()), visit),
        smallest_group_check(
            smallest,
            "Each group has enough patients with both measures.",
            "Some group has too few patients with both measures; its shares say little.",
        ),
        paired_completeness_check(int(has_all.sum()), int(counted.sum()), visit),
    )


def _estimand(data: AnalysisSet, window: VisitWindow, names: str) -> Estimand:
    return Estimand(
        name="nhs_outcomes",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(names, window.name, "recovery and reliable change on both measures"),
        intercurrent_events="scores are used as observed, and patients without both measures are left out",
        summary_measure="share of patients",
    )


def _method(scores: _TwoMeasures, interval: str, conf_level: float) -> Method:
    pairs = list(zip(scores.instruments, scores.measures, strict=True))
    cases, changes = (
        " or ".join(
            f"{instrument.name} {words} {format_number(getattr(rule, name), 2, trailing_zeros=False)}"
            for instrument, rule in pairs
        )
        for name, words in (("caseness", "of at least"), ("reliable_change", "by at least"))
    )
    if any(rule.sign > 0 for rule in scores.measures):
        cases = cases.replace("of at least", "at")
    definitions = [
        _service_definition(instrument, kind)
        for instrument in scores.instruments
        for kind in ("caseness", "reliable_change")
    ]
    return Method(
        "rules of NHS Talking Therapies",
        f"At caseness: {cases}. Reliable change: {changes}. Recovery: of those at caseness at baseline, on neither "
        "measure at the visit. Reliable improvement: reliably better on one measure or both and reliably worse "
        "on neither; reliable recovery: both of these. Shares with "
        f"{share_interval_words(interval, conf_level)}.",
        tuple(dict.fromkeys((*_SOURCES, SHARE_INTERVAL_SOURCES[interval], *(one.source for one in definitions)))),
    )
