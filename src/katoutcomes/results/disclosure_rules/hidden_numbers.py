"""What hiding a count takes out of a result: estimates, contrasts, rows of parts, checks, numbers in sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace

from katoutcomes.results.check import Check
from katoutcomes.results.disclosure_policy import DisclosurePolicy
from katoutcomes.results.disclosure_rules.adjusted_contrasts import leaves_few_out
from katoutcomes.results.disclosure_rules.counts_in_texts import with_rounded_numbers, without_small_counts
from katoutcomes.results.disclosure_rules.extremes import is_extreme
from katoutcomes.results.disclosure_rules.linked_counts import (
    BASELINE_TERMS,
    PAIR_COUNTS,
    counted_key,
    is_contrast,
    is_without_number,
    n_key,
    part_key,
    stem,
)
from katoutcomes.results.disclosure_rules.linked_emulation import STILL_IN_CARE
from katoutcomes.results.disclosure_rules.linked_shares import ANCHORS, SEVERITY_TRANSITIONS
from katoutcomes.results.disclosure_rules.linked_sites import PARTS as SITE_PARTS
from katoutcomes.results.disclosure_rules.linked_time import SIGNALS
from katoutcomes.results.disclosure_rules.linked_visits import is_of_hidden_cohort
from katoutcomes.results.disclosure_rules.merged_exclusions import merge_small_exclusions
from katoutcomes.results.disclosure_rules.part_counts import count_columns
from katoutcomes.results.disclosure_rules.printed_digits import check_with_few_digits, without_its_number
from katoutcomes.results.disclosure_rules.report_names import can_lose_its_number, contrast_key
from katoutcomes.results.disclosure_rules.rounded_counts import Rounding, rounded_estimates, rounded_part
from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate, number_alone
from katoutcomes.results.part import Part
from katoutcomes.results.result import ReleasedResult

FILES_ANALYSIS = "data_quality"
"""The analysis whose warnings quote the loader, which counts rows and patients."""


@dataclass(frozen=True, slots=True)
class HiddenNumbers:
    """Counts of one result to hide.

    Attributes
    ----------
    keys : frozenset of Key
        All of them, as `linked_counts` names them.
    marked : frozenset of Key
        Those that may be shown as "<11".
    alone : frozenset of Key
        Those that may be taken from an estimate that stays.
    """

    keys: frozenset[Key]
    marked: frozenset[Key] = frozenset()
    alone: frozenset[Key] = frozenset()


def without_hidden_numbers(result: ReleasedResult, hidden: HiddenNumbers, policy: DisclosurePolicy) -> ReleasedResult:
    """Return a result without hidden counts and without what would give them away, in the digits that are printed."""
    # What an earlier release took alone is no reason to hide a contrast either.
    before = frozenset(key for one in result.estimates if is_without_number(one) and (key := n_key(one)) is not None)
    hidden = replace(hidden, alone=hidden.alone | before)
    estimates = tuple(_hidden(estimate, hidden, result.analysis) for estimate in result.estimates)
    estimates = _hidden_contrasts(estimates, hidden, policy)
    rounding = Rounding(policy.round_to, policy.minimum_cell)
    return replace(
        _without_counts_in_texts(result, policy),
        estimates=rounded_estimates([_without_extremes(one, policy) for one in estimates], rounding),
        parts=tuple(rounded_part(_hidden_part(part, hidden), rounding) for part in result.parts),
        checks=tuple(_hidden_check(check, estimates, policy) for check in result.checks),
    )


def without_small_exclusions(result: ReleasedResult, policy: DisclosurePolicy) -> ReleasedResult:
    """Merge small exclusions of the flow, and leave out the counts of the stages that this leaves out."""
    if not any(part.name == "flow" for part in result.parts):
        return result
    flow, steps = merge_small_exclusions(result.part("flow"), policy.minimum_cell, zero_is_shown=policy.zero_is_shown)
    left_out = [one for one in result.estimates if one.measure == "count" and one.term in steps]
    numbers = {estimate.n_counted for estimate in left_out}
    return replace(
        result,
        parts=tuple(flow if part.name == "flow" else part for part in result.parts),
        estimates=tuple(
            # A count beside the flow, such as that of courses, may name a stage left out as its number of patients.
            replace(estimate, n_patients=None) if _names_another(estimate, numbers) else estimate
            for estimate in result.estimates
            if estimate not in left_out
        ),
    )


def _names_another(count: Estimate, numbers: set[int | None]) -> bool:
    """Return whether a count rests on one of these numbers of patients and is not that number itself."""
    return count.measure == "count" and count.n_patients != count.n_counted and count.n_patients in numbers


def _without_extremes(estimate: Estimate, policy: DisclosurePolicy) -> Estimate:
    """Return the estimate, emptied where it is one patient's number; that of all patients it is one of stays."""
    is_one = policy.minimum_cell > 1 and is_extreme(estimate, policy.minimum_cell)
    return _emptied(estimate, hides_n=False) if is_one else estimate


def _hidden(estimate: Estimate, hidden: HiddenNumbers, analysis: str) -> Estimate:
    """Return the estimate without what must not be shown: everything, its number of patients, or all but that."""
    people, counted = n_key(estimate), counted_key(estimate)
    behind = contrast_key(estimate, analysis)
    if is_without_number(estimate):
        return estimate
    if people in hidden.keys or behind in hidden.keys:
        key = people if people in hidden.keys else behind
        if key in hidden.alone and can_lose_its_number(estimate, analysis):
            return without_its_number(estimate)
        # The mark speaks of n where n is hidden: a large n, hidden for the sake of another, must not read "<11".
        return _emptied(estimate, hides_n=True, is_below=key in hidden.marked)
    if counted in hidden.keys:
        return _emptied(estimate, hides_n=False, is_below=counted in hidden.marked)
    return estimate


def _emptied(estimate: Estimate, *, hides_n: bool, is_below: bool = False) -> Estimate:
    if estimate.suppressed and not (hides_n and estimate.n_patients is not None):
        return estimate
    return replace(
        number_alone(estimate, NOT_A_NUMBER),
        n_patients=None if hides_n else estimate.n_patients,
        n_observations=None if hides_n else estimate.n_observations,
        suppressed=True,
        below_minimum=is_below,
    )


def _hidden_contrasts(
    estimates: tuple[Estimate, ...], hidden: HiddenNumbers, policy: DisclosurePolicy
) -> tuple[Estimate, ...]:
    """Hide the contrasts that rest on few patients or on a group that is hidden."""
    return tuple(
        _emptied(estimate, hides_n=True)
        if is_contrast(estimate)
        and (
            policy.hides(estimate.n_patients)
            or _gives_away_group(estimate, estimates)
            or leaves_few_out(estimate, estimates, policy.hides)
            or is_of_hidden_cohort(estimate, hidden.keys - hidden.alone)
        )
        else estimate
        for estimate in estimates
    )


def _gives_away_group(contrast: Estimate, estimates: tuple[Estimate, ...]) -> bool:
    """Return whether one of the two groups is hidden: then the other one and the contrast would give it away."""
    levels = {contrast.treatment, contrast.comparator}
    groups = [
        one
        for one in estimates
        if not is_contrast(one)
        # Few of an arm left care in a week: that hides the curve, and says nothing of a difference in all patients.
        and one.term != STILL_IN_CARE
        and one.subgroup.split(": ", 1)[-1] in levels
        and contrast.definition_set in {"", one.definition_set}
    ]
    of_same_term = [one for one in groups if stem(one.term) == stem(contrast.term)]
    if of_same_term:
        at_same_visit = [one for one in of_same_term if one.visit == contrast.visit]
        return any(one.suppressed for one in at_same_visit or of_same_term)
    is_baseline = contrast.measure == "standardized mean difference"
    of_same_patients = [one for one in groups if (one.term in BASELINE_TERMS) == is_baseline]
    at_same_visit = [one for one in of_same_patients if one.visit == contrast.visit]
    return any(one.suppressed and one.n_patients is None for one in at_same_visit or of_same_patients or groups)


_SHOWN_ROWS_ALONE = frozenset({PAIR_COUNTS, SEVERITY_TRANSITIONS, ANCHORS, SIGNALS} | SITE_PARTS)
"""Parts whose hidden rows are left out."""


def _hidden_part(part: Part, hidden: HiddenNumbers) -> Part:
    """Return the part with its hidden counts set to None and their positions listed.

    Bins of scores are left out instead: a bin that is listed holds somebody, and twelve patients in twelve bins that
    are listed are one in each.
    """
    if part.name in _SHOWN_ROWS_ALONE:
        return _without_hidden_rows(part, hidden)
    rows = [list(row) for row in part.rows]
    suppressed, below = set(part.suppressed), set(part.below_minimum)
    for column in count_columns(part):
        for row, cells in enumerate(part.rows):
            key = part_key(part, row, column)
            if not isinstance(cells[column], int) or key not in hidden.keys:
                continue
            suppressed.add((row, column))
            if key in hidden.marked:
                below.add((row, column))
            rows[row][column] = None
    return replace(
        part,
        rows=tuple(tuple(row) for row in rows),
        suppressed=tuple(sorted(suppressed)),
        below_minimum=tuple(sorted(below)),
    )


def _without_hidden_rows(part: Part, hidden: HiddenNumbers) -> Part:
    """Return the part with those rows alone whose counts are shown."""
    columns = count_columns(part)
    kept = (row for row in range(len(part.rows)) if not any(part_key(part, row, at) in hidden.keys for at in columns))
    return replace(part, rows=tuple(part.rows[row] for row in kept), suppressed=(), below_minimum=())


TELLING_CHECKS = frozenset(
    {
        "leverage",
        "missing covariates",
        "positivity",
        "limited probabilities",
        "levels in every arm",
        "largest weight",
        "followers with a score",
        "in care without integration",
    }
)
"""Checks whose values are a small count in another dress: times the number of patients, or one over them."""


def _hidden_check(check: Check, estimates: tuple[Estimate, ...], policy: DisclosurePolicy) -> Check:
    """Return the check without value and limit if anything of its result is hidden; verdict and message stay."""
    message = _text(check.message, policy)
    if any(estimate.suppressed and not is_extreme(estimate, policy.minimum_cell) for estimate in estimates):
        return replace(check, value=NOT_A_NUMBER, limit=NOT_A_NUMBER, message=message)
    if check.name in TELLING_CHECKS or policy.round_to > 1:
        return replace(check, value=NOT_A_NUMBER, message=message)
    return check_with_few_digits(replace(check, message=message))


def _without_counts_in_texts(result: ReleasedResult, policy: DisclosurePolicy) -> ReleasedResult:
    """Replace small counts in assumptions and warnings; in what the loader noted of its files, all small numbers."""
    is_about_files = result.analysis == FILES_ANALYSIS
    return replace(
        result,
        assumptions=tuple(_text(text, policy) for text in result.assumptions),
        warnings=tuple(_text(text, policy, every_number=is_about_files) for text in result.warnings),
    )


def _text(text: str, policy: DisclosurePolicy, *, every_number: bool = False) -> str:
    """Return a sentence without small counts, and with the others rounded."""
    found = without_small_counts(text, policy.hides, policy.minimum_cell, every_number=every_number)
    return with_rounded_numbers(found, policy.round_to, every_number=every_number)
