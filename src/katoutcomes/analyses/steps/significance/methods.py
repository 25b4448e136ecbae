"""Each method of reliable change by its name: how it classes the patients, and how its description reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError, OptionError
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.significance.reliable_change_rule import ReliableChangeRule
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Reliability
    from katoutcomes.kernels.individual.individual_change import IndexRule, ScoreMoments
    from katoutcomes.kernels.individual.reliable_change import Moves

JACOBSON_TRUAX = "jacobson_truax"
NUNNALLY_KOTSCH = "nunnally_kotsch"
HAGEMAN_ARRINDELL = "hageman_arrindell"
GROWTH_MODEL = "growth_model"
CUT_OFF_ONLY = "cut_off_only"
METHODS: tuple[str, ...] = (
    JACOBSON_TRUAX,
    "gulliksen_lord_novick",
    "hsu_linn_lord",
    "edwards_nunnally",
    NUNNALLY_KOTSCH,
    HAGEMAN_ARRINDELL,
    GROWTH_MODEL,
    CUT_OFF_ONLY,
)
"""Names of the methods, which are also the `definition_set` of their estimates."""

OF_BOTH_SCORES: frozenset[str] = frozenset({"hsu_linn_lord", NUNNALLY_KOTSCH, HAGEMAN_ARRINDELL})
"""Methods that compare two distributions of scores, so both must be those of the same patients."""

TWO_SIDED_LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class ClassedPatients:
    """What one method says of every patient who has both scores.

    Attributes
    ----------
    name : str
        One of `METHODS`.
    classes : ndarray of int8, shape (n_pairs,) or None
        `IMPROVED`, `UNCHANGED` or `DETERIORATED`; None where only the cut-off counts or something is not known.
    moved : Moves or None
        Over the cut-off; None where there is none.
    thresholds : tuple of Estimate
        What the method used, in points.
    true_cut_off : float or None
        The cut-off for true scores, for Hageman and Arrindell's group shares.
    """

    name: str
    classes: NDArray[np.int8] | None
    moved: Moves | None
    thresholds: tuple[Estimate, ...]
    true_cut_off: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """The scores of the patients who have both, and everything a method may need beside them."""

    data: AnalysisSet
    window: VisitWindow
    rule: ReliableChangeRule
    has_both: NDArray[np.bool_]
    baseline: NDArray[np.float64] = field(repr=False)
    follow_up: NDArray[np.float64] = field(repr=False)

    @property
    def sign(self) -> int:
        return self.data.instrument.sign


_ADVICE = (
    " A growth model needs scores at many visits of the same patients, who move along lines of their own: ask for more "
    "visits (every one or two weeks rather than three in all, visits=[...]) or for a later one, or use "
    'method="jacobson_truax", for which two scores of a patient are enough.'
)


def classed_patients(
    data: AnalysisSet, window: VisitWindow, method: str, rule: ReliableChangeRule, sd: str | None
) -> ClassedPatients:
    """Return what a method says of every patient who has both scores.

    Parameters
    ----------
    data, window
        The scores and the visit; means and spreads are those of all patients, whatever group is reported.
    method : str
        One of `METHODS`.
    rule : ReliableChangeRule
        The reliability and the cut-off in use.
    sd : str or None
        As the caller chose it: a method of `OF_BOTH_SCORES` takes that of the patients, so it refuses ``"norms"``.

    Raises
    ------
    OptionError
        If `sd` does not fit the method.
    DesignError
        If the scores do not let the method say anything.
    """
    if method in OF_BOTH_SCORES and sd == "norms":
        raise OptionError(
            f'{method} compares the baseline and the follow-up scores of the same patients; leave out sd="norms".'
        )
    has_both = data.pairs(window.name)
    scores = data.scores_at(window.name)
    pairs = _Pairs(data, window, rule, has_both, data.baseline[has_both], scores[has_both])
    try:
        return _BY_METHOD.get(method, _by_index)(method, pairs)
    except ValueError as error:
        reason = str(error)
    advice = _ADVICE if method == GROWTH_MODEL else ""
    raise DesignError(f"{method} cannot be used with these scores: {reason}{advice}")


def _over_cut_off(pairs: _Pairs) -> Moves | None:
    from katoutcomes.kernels.individual.reliable_change import moves

    cut_off = pairs.rule.cut_off
    return None if cut_off is None else moves(pairs.baseline, pairs.follow_up, cut_off.value, pairs.sign)


def _threshold(name: str, term: str, value: float, n_patients: int | None, visit: str = "") -> Estimate:
    return Estimate(
        term=term,
        measure="threshold",
        unit="points",
        definition_set=name,
        visit=visit,
        estimate=float(value),
        n_patients=n_patients,
    )


def _cut_off_estimates(name: str, pairs: _Pairs) -> tuple[Estimate, ...]:
    cut_off = pairs.rule.cut_off
    return () if cut_off is None else (_threshold(name, f"cut-off {cut_off.kind}", cut_off.value, cut_off.n_patients),)


def _by_jacobson_truax(method: str, pairs: _Pairs) -> ClassedPatients:
    from katoutcomes.kernels.individual.reliable_change import reliable_change

    rule = pairs.rule
    cut_offs, moved = _cut_off_estimates(method, pairs), _over_cut_off(pairs)
    if rule.reliability is None or rule.threshold is None:
        return ClassedPatients(method, None, None, cut_offs)
    reliability = rule.reliability.value
    found = reliable_change(pairs.baseline, pairs.follow_up, rule.standard_deviation, reliability, sign=pairs.sign)
    threshold = _threshold(method, "reliable change threshold", rule.threshold, rule.sd_n_patients)
    return ClassedPatients(method, found.classes, moved, (threshold, *cut_offs))


def _by_index(method: str, pairs: _Pairs) -> ClassedPatients:
    """Class by an index other than Jacobson and Truax's."""
    from katoutcomes.kernels.individual.individual_change import individual_change

    rule = pairs.rule
    if rule.reliability is None:
        return ClassedPatients(method, None, None, _cut_off_estimates(method, pairs))
    moments = _moments(method, pairs)
    if not moments.baseline_sd > 0.0:
        raise ValueError("they do not vary.")
    index = _index_rule(method, rule.reliability.value, rule.follow_up_reliability or rule.reliability, moments)
    classes = individual_change(pairs.baseline, pairs.follow_up, index, sign=pairs.sign, level=TWO_SIDED_LEVEL).classes
    n_patients, visit = rule.sd_n_patients, ""
    if method in OF_BOTH_SCORES:
        n_patients, visit = int(pairs.baseline.size), pairs.window.name
    error = _threshold(method, "standard error of the index", index.standard_error, n_patients, visit)
    if method == HAGEMAN_ARRINDELL:
        moved, cut_off = _over_true_cut_off(pairs, moments)
        return ClassedPatients(method, classes, moved, (error, *_true_cut_off_estimates(cut_off, pairs)), cut_off)
    return ClassedPatients(method, classes, _over_cut_off(pairs), (error, *_cut_off_estimates(method, pairs)))


def _moments(method: str, pairs: _Pairs) -> ScoreMoments:
    from katoutcomes.kernels.individual.individual_change import ScoreMoments, moments_of

    if method in OF_BOTH_SCORES:
        return moments_of(pairs.baseline, pairs.follow_up)
    return ScoreMoments(pairs.rule.mean, pairs.rule.standard_deviation)


def _index_rule(method: str, reliability: float, later: Reliability, moments: ScoreMoments) -> IndexRule:
    from katoutcomes.kernels.individual.individual_change import INDEX_RULES, nunnally_kotsch

    if method == NUNNALLY_KOTSCH:
        return nunnally_kotsch(moments, reliability, later.value)
    return INDEX_RULES[method](moments, reliability)


def _over_true_cut_off(pairs: _Pairs, moments: ScoreMoments) -> tuple[Moves | None, float | None]:
    """Return who came over the cut-off for true scores with enough certainty, and that cut-off."""
    from katoutcomes.kernels.individual.individual_change import true_end
    from katoutcomes.kernels.individual.reliable_change import Moves

    rule = pairs.rule
    cut_off = true_cut_off(rule, pairs.sign)
    if cut_off is None or rule.reliability is None:
        return None, None
    end = true_end(pairs.follow_up, moments, rule.reliability.value, cut_off, TWO_SIDED_LEVEL)
    before, after = pairs.sign * (pairs.baseline - cut_off), pairs.sign * end.index
    return Moves((before < 0.0) & (after > end.critical_value), (before > 0.0) & (after < -end.critical_value)), cut_off


def true_cut_off(rule: ReliableChangeRule, sign: int) -> float | None:
    """Return the cut-off with the standard deviations of true scores; None where there is none.

    The functional population is measured with the same error as the dysfunctional one.
    """
    from katoutcomes.kernels.individual.individual_change import reliability_at_another_spread, true_sd
    from katoutcomes.kernels.individual.reliable_change import cut_off_a, cut_off_b, cut_off_c

    if rule.cut_off is None or rule.reliability is None:
        return None
    mean, sd = rule.dysfunctional
    spread = true_sd(sd, rule.reliability.value)
    if rule.cut_off.kind == "a" or rule.norms is None:
        return cut_off_a(mean, spread, sign)
    functional = reliability_at_another_spread(rule.reliability.value, sd, rule.norms.functional_sd)
    if not functional > 0.0:
        raise ValueError("the functional population spreads no more than measurement error alone.")
    functional_spread = true_sd(rule.norms.functional_sd, functional)
    if rule.cut_off.kind == "b":
        return cut_off_b(rule.norms.functional_mean, functional_spread, sign)
    return cut_off_c(rule.norms.functional_mean, functional_spread, mean, spread)


def _true_cut_off_estimates(value: float | None, pairs: _Pairs) -> tuple[Estimate, ...]:
    cut_off = pairs.rule.cut_off
    if cut_off is None or value is None:
        return ()
    return (_threshold(HAGEMAN_ARRINDELL, f"cut-off {cut_off.kind} for true scores", value, cut_off.n_patients),)


def _by_growth_model(method: str, pairs: _Pairs) -> ClassedPatients:
    """Class by the slope of each patient's own line over baseline and every visit up to this one."""
    import numpy as np

    from katoutcomes.kernels.individual.growth_model import fit_growth_model
    from katoutcomes.kernels.individual.individual_change import classes_beyond, critical_value

    data = pairs.data
    used = [
        place
        for place, visit in enumerate(data.visits[: data.visits.index(pairs.window) + 1])
        if not visit.is_anchored_later
    ]
    days = np.array([0.0, *(data.visits[place].target_day for place in used)])
    scores = np.column_stack((data.baseline, data.scores[:, used]))[pairs.has_both]
    model = fit_growth_model(scores, days / 7.0)
    limit = critical_value(TWO_SIDED_LEVEL, is_one_sided=False)
    classes = classes_beyond(pairs.sign * model.slope / model.slope_error, limit)
    return ClassedPatients(method, classes, _over_cut_off(pairs), _cut_off_estimates(method, pairs))


def _by_cut_off(method: str, pairs: _Pairs) -> ClassedPatients:
    return ClassedPatients(method, None, _over_cut_off(pairs), _cut_off_estimates(method, pairs))


_BY_METHOD: Mapping[str, Callable[[str, _Pairs], ClassedPatients]] = MappingProxyType(
    {JACOBSON_TRUAX: _by_jacobson_truax, GROWTH_MODEL: _by_growth_model, CUT_OFF_ONLY: _by_cut_off}
)
