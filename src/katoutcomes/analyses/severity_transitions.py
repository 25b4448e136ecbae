"""From which severity band at baseline to which at a visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import completers_check, paired_completeness_check, patients_check
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.interval_estimates import (
    DEFAULT_SHARE_INTERVAL,
    SHARE_INTERVAL_SOURCES,
    share_interval_words,
)
from katoutcomes.analyses.steps.significance.shares import CountedShare, share_estimates
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.instruments.definition_words import definition_words
from katoutcomes.kernels.shares.proportions import INTERVALS
from katoutcomes.results.formatting import format_number
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet

COLUMNS: tuple[str, ...] = ("visit", "group", "baseline_band", "follow_up_band", "term", "n_patients")
MILDER, SAME, MORE_SEVERE = "to a milder band", "same band", "to a more severe band"
_ASSUMPTIONS = (
    (
        "A band is a range of scores with a name. A patient just above its edge changes band by a point, one in its "
        "middle may change by four and stay: bands describe, they do not tell change from measurement error."
    ),
    (
        "Among people who start treatment when they feel worst some of every move to a milder band is regression to "
        "the mean. Patients without a later score are not in the matrix."
    ),
)


def severity_transitions(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    by: str | None = None,
    bands: str | None = None,
    interval: str = DEFAULT_SHARE_INTERVAL,
    conf_level: float = 0.95,
) -> Result:
    """Count the patients by severity band at baseline and at a visit.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        Name of the visit; the last one by default.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if any.
    bands : str, optional
        Id of the definition set of the bands; by default the instrument's.
    interval : {"exact", "wilson"}
        Of the shares.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        The shares who moved to a milder band, stayed, and moved to a more severe one; and the part
        ``"severity_transitions"`` with the patients of each pair of bands that holds somebody. Scores between two
        bands are in neither and are counted out. When it is released, pairs of bands with few patients are left out,
        and so are those that would give them away.

    Raises
    ------
    DesignError
        If no patient has both scores inside bands, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If the instrument has no bands, or a visit, a variable or the level is not one of the values it may take.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [4, 12, 16, 22], "before": [16, 14, 17, 15]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    ... )
    >>> result = kat.severity_transitions(data)
    >>> [row[2:] for row in result.part("severity_transitions").rows][:2]
    [('moderate', 'moderate', 'same band', 1), ('moderately severe', 'minimal', 'to a milder band', 1)]
    >>> [(share.term, share.n_counted) for share in result.select(definition_set="phq9/kroenke_2001_bands")]
    [('to a milder band', 1), ('same band', 2), ('to a more severe band', 1)]
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    require_option("interval", interval, INTERVALS)
    window, groups = data.visit(visit), reported_groups(data, by)
    definition = data.instrument.definition("bands", bands)
    banded = _banded(data, window, definition)
    if not banded.has_both.any():
        raise DesignError(f"no patient has a {data.instrument.name} in a band at baseline and at {window.name}.")
    shares = (CountedShare("paired completeness", "", data.pairs(window.name), data.with_baseline), *banded.shares())
    estimates = [
        replace(estimate, instrument=data.instrument.name, cohort=data.cohort)
        for group in groups
        for estimate in share_estimates(shares, group, visit=window.name, interval=interval, conf_level=conf_level)
    ]
    return Result(
        analysis="severity_transitions",
        title=f"Severity bands: {data.instrument.name} at baseline and {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window),
        method=_method(definition, interval, conf_level),
        estimates=tuple(estimates),
        provenance=data.provenance,
        parts=(visits_part((window,)), banded.part(window.name, groups)),
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=(
            patients_check(int(data.pairs(window.name).sum()), window.name),
            paired_completeness_check(int(data.pairs(window.name).sum()), int(data.with_baseline.sum()), window.name),
            completers_check(data.baseline, data.pairs(window.name), window.name),
        ),
        warnings=anchored_warnings((window,)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Banded:
    """The patients with both scores in a band, and these bands."""

    definition: DefinitionSet
    labels: tuple[str, ...]
    has_both: NDArray[np.bool_]
    baseline: NDArray[np.int64]
    follow_up: NDArray[np.int64]

    def shares(self) -> Iterator[CountedShare]:
        """Yield who moved to a milder band, stayed, or moved to a more severe one."""
        from katoutcomes.kernels.individual.severity_transitions import band_transitions

        moves = band_transitions(self.baseline[self.has_both], self.follow_up[self.has_both], len(self.labels)).moves
        terms = {MILDER: moves > 0, SAME: moves == 0, MORE_SEVERE: moves < 0}
        for term, applies in terms.items():
            whole = self.has_both.copy()
            whole[self.has_both] = applies
            yield CountedShare(term, self.definition.id, whole, self.has_both)

    def part(self, visit: str, groups: Sequence[Group]) -> Part:
        """Return the patients of each group by pair of bands, those pairs alone that hold somebody."""
        from katoutcomes.kernels.individual.severity_transitions import band_transitions

        rows: list[tuple[Cell, ...]] = []
        for group in groups:
            mask = self.has_both & group.mask
            counts = band_transitions(self.baseline[mask], self.follow_up[mask], len(self.labels)).counts
            rows += [
                (visit, group.subgroup, before, after, _term(row - column), int(counts[row, column]))
                for row, before in enumerate(self.labels)
                for column, after in enumerate(self.labels)
                if counts[row, column]
            ]
        return Part("severity_transitions", COLUMNS, tuple(rows))


def _term(n_bands: int) -> str:
    return MILDER if n_bands > 0 else MORE_SEVERE if n_bands < 0 else SAME


def _banded(data: AnalysisSet, window: VisitWindow, definition: DefinitionSet) -> _Banded:
    from katoutcomes.instruments.severity import severity_band

    before = severity_band(data.instrument, data.baseline, definition.id)
    after = severity_band(data.instrument, data.scores_at(window.name), definition.id)
    return _Banded(definition, before.labels, (before.codes >= 0) & (after.codes >= 0), before.codes, after.codes)


def _estimand(data: AnalysisSet, window: VisitWindow) -> Estimand:
    return Estimand(
        name="severity_transitions",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, "severity band"),
        intercurrent_events="scores are used as observed, and patients without one at the visit are left out",
        summary_measure="number of patients by band at baseline and at the visit",
    )


def _method(definition: DefinitionSet, interval: str, conf_level: float) -> Method:
    bands = ", ".join(
        f"{band.label} {format_number(band.low, 1, trailing_zeros=False)} to "
        f"{format_number(band.high, 1, trailing_zeros=False)}"
        for band in definition.bands
    )
    return Method(
        "severity bands",
        f"Patients with both scores by band at baseline and at the visit ({definition_words(definition.id)}: {bands}). "
        f"Shares with {share_interval_words(interval, conf_level)}.",
        (definition.source, SHARE_INTERVAL_SOURCES[interval]),
    )
