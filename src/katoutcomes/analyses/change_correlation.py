"""Whether two instruments tell of the same change: patient-rated against clinician-rated, in the same patients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import paired_completeness_check, patients_check
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.interval_estimates import (
    DEFAULT_SHARE_INTERVAL,
    EXACT_SOURCE,
    SHARE_INTERVAL_WORDS,
    level_of,
    share_estimate,
)
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.cohorts.second_instrument import score_variable_name
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.instruments.catalog import instruments
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Instrument

ON_BOTH = "with a change on both instruments"
CORRELATION = "correlation of changes"

_SOURCES = (
    "Fisher RA. On the probable error of a coefficient of correlation deduced from a small sample. Metron 1921;1:3-32",
    EXACT_SOURCE,
)
_ASSUMPTIONS = (
    "Two instruments that change together do not confirm each other's size: both may share expectancy and memory.",
    "Changes correlate less than scores do, because each holds the error of two measurements.",
    "Only who has all four scores is in the correlation; who was rated by a clinician again is seldom like the others.",
)


def change_correlation(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    other: str | Instrument | None = None,
    visit: str | None = None,
    by: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Correlate the change on the set's instrument with the change on another one, in the same patients.

    Parameters
    ----------
    data : AnalysisSet
        Made by ``cohort.analysis_set(..., with_scores_of=[...])``.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    other : str or Instrument, optional
        The other instrument; by default the one whose scores `data` holds.
    visit : str, optional
        Name of the visit; the last one by default.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if any.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For everybody and each group: the share of those with a change on the set's instrument who have one on the other
        as well (exact interval), and Pearson's correlation of the two changes with its interval (Fisher's z). Below
        four patients the correlation is NaN, because the interval needs n − 3 in its denominator and a correlation
        without one says nothing; so it is where a change does not vary. A correlation of exactly 1 or -1 has no limits.

    Raises
    ------
    DesignError
        If nobody has a change on both, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If `data` holds no scores of the other instrument (or of several, and none is named), there is no such visit or
        variable, or the level is outside its range.

    Notes
    -----
    z = artanh(r) has the standard error 1/√(n − 3); the limits are tanh(z ± q/√(n − 3)).

    References
    ----------
    Fisher RA. Metron 1921;1:3-32.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> cohort = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=120))
    >>> data = cohort.analysis_set("PHQ-9", with_scores_of=["GAD-7"])
    >>> kat.change_correlation(data).select(measure="correlation")[0].estimate > 0
    True
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    window, second = data.visit(visit), _other(data, other)
    changes = (data.scores_at(window.name) - data.baseline, _second_change(data, second, window))
    groups = reported_groups(data, by)
    found: list[Estimate] = []
    for group in groups:
        described = _of_group(changes[0][group.mask], changes[1][group.mask], conf_level)
        found += [replace(estimate, subgroup=group.subgroup) for estimate in described]
    n_both = found[0].n_counted or 0
    if n_both == 0:
        raise DesignError(f"nobody has a change of the {data.instrument.name} and of the {second.name}.")
    return Result(
        analysis="change_correlation",
        title=f"Change of the {data.instrument.name} and of the {second.name} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, second, window),
        method=Method(
            "Pearson correlation",
            f"Correlation of the two changes with Fisher's z interval ({format_level(conf_level)}), from four patients "
            f"on; shares with {SHARE_INTERVAL_WORDS[DEFAULT_SHARE_INTERVAL]}.",
            _SOURCES,
        ),
        estimates=tuple(replace(estimate, visit=window.name, cohort=data.cohort) for estimate in found),
        provenance=data.provenance,
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=(
            patients_check(n_both, window.name),
            paired_completeness_check(n_both, int(data.with_baseline.sum()), window.name),
        ),
    )


def _other(data: AnalysisSet, other: str | Instrument | None) -> Instrument:
    """Return the other instrument: the named one, or the only one whose scores the set holds."""
    there = {variable.name for variable in data.variables}
    held = [scale for scale in instruments() if score_variable_name(scale.id, "baseline") in there]
    if other is not None:
        named = instrument_called(other) if isinstance(other, str) else other
        held = [scale for scale in held if scale.id == named.id]
    if len(held) != 1:
        raise OptionError(
            "the analysis set must hold the scores of one other instrument, or it must be named: make the set with "
            "cohort.analysis_set(..., with_scores_of=[...])."
        )
    return held[0]


def _second_change(data: AnalysisSet, second: Instrument, window: VisitWindow) -> NDArray[np.float64]:
    before, after = (data.variable(score_variable_name(second.id, visit)).values for visit in ("baseline", window.name))
    return after - before


def _of_group(first: NDArray[np.float64], second: NDArray[np.float64], conf_level: float) -> Iterator[Estimate]:
    """Yield who has both changes, and their correlation."""
    import numpy as np

    has_first = ~np.isnan(first)
    both = has_first & ~np.isnan(second)
    n_both = int(both.sum())
    yield share_estimate(ON_BOTH, n_both, int(has_first.sum()), conf_level)
    if n_both:
        yield _correlation(first[both], second[both], conf_level)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64], conf_level: float) -> Estimate:
    from scipy.special import ndtri

    from katoutcomes.kernels.change.paired_change import paired_change

    n_patients = len(first)
    # The correlation of a pair of columns is what the paired kernel already works out with care for rounding.
    value = paired_change(first, second, conf_level).correlation if n_patients > 3 else NOT_A_NUMBER
    low = high = NOT_A_NUMBER
    if abs(value) < 1.0:
        width = float(ndtri(0.5 + conf_level / 2.0)) / math.sqrt(n_patients - 3)
        low, high = math.tanh(math.atanh(value) - width), math.tanh(math.atanh(value) + width)
    return Estimate(
        term=CORRELATION,
        measure="correlation",
        estimate=value,
        conf_low=low,
        conf_high=high,
        conf_level=level_of(low, conf_level),
        n_patients=n_patients,
    )


def _estimand(data: AnalysisSet, second: Instrument, window: VisitWindow) -> Estimand:
    return Estimand(
        name="change_correlation",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, f"change, beside that of the {second.name}"),
        intercurrent_events="scores are used as observed, and patients without all four are left out",
        summary_measure="correlation",
    )
