"""The door through which results leave a clinic: individual values stay behind, small counts are hidden.

What is hidden, and why, stands in docs/how_to/release_results.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import overload

from katoutcomes.errors import DisclosureError, OptionError
from katoutcomes.results.check import Check
from katoutcomes.results.disclosure_rules.adjusted_contrasts import leaves_few_out
from katoutcomes.results.disclosure_rules.counts_in_texts import without_small_counts
from katoutcomes.results.disclosure_rules.linked_counts import (
    BASELINE_TERMS,
    PAIR_COUNTS,
    counted_key,
    is_contrast,
    linked_counts,
    n_key,
    part_key,
    stem,
)
from katoutcomes.results.disclosure_rules.linked_shares import ANCHORS, SEVERITY_TRANSITIONS
from katoutcomes.results.disclosure_rules.linked_visits import is_of_hidden_cohort
from katoutcomes.results.disclosure_rules.merged_exclusions import merge_small_exclusions
from katoutcomes.results.disclosure_rules.part_counts import count_columns, require_whole_counts
from katoutcomes.results.disclosure_rules.printed_digits import check_with_few_digits, with_printed_digits
from katoutcomes.results.disclosure_rules.small_cells import Key, hidden_counts, is_small, marked_counts
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ReleasedResult, ResultRecord


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """What may leave.

    Attributes
    ----------
    minimum_cell : int
        The smallest count of people, events or rows that is shown; 1 hides nothing.
    zero_is_shown : bool
        Whether a count of 0 is shown.

    References
    ----------
    Centers for Medicare & Medicaid Services, cell size suppression policy: counts of 1 to 10 are neither shown nor
    derivable, which gives the minimum of 11. ResDAC, https://resdac.org/node/1506 (January 2024).

    Examples
    --------
    >>> DisclosurePolicy().minimum_cell
    11
    """

    minimum_cell: int = 11
    zero_is_shown: bool = True

    def __post_init__(self) -> None:
        if type(self.minimum_cell) is not int or self.minimum_cell < 1:
            raise OptionError("minimum_cell must be a whole number of at least 1; 11 is usual.")

    def hides(self, count: int | None) -> bool:
        """Return whether a count is too small to be shown."""
        return is_small(count, self.minimum_cell, zero_is_shown=self.zero_is_shown)


DEFAULT_POLICY = DisclosurePolicy()

FILES_ANALYSIS = "data_quality"
"""The analysis whose warnings quote the loader, which counts rows and patients."""

PUBLISHED = "published"
"""Source of results that quote published studies: what they show has left every clinic already."""


@overload
def release(result: ResultRecord, policy: DisclosurePolicy = ...) -> ReleasedResult: ...


@overload
def release(result: Sequence[ResultRecord], policy: DisclosurePolicy = ...) -> tuple[ReleasedResult, ...]: ...


def release(
    result: ResultRecord | Sequence[ResultRecord], policy: DisclosurePolicy = DEFAULT_POLICY
) -> ReleasedResult | tuple[ReleasedResult, ...]:
    """Return what may leave the clinic: no individual values, and no small count shown or left to be worked out.

    Parameters
    ----------
    result : Result, ReleasedResult or sequence of them
        What was found. A released result may be released again with the same or a higher minimum.
    policy : DisclosurePolicy
        What may leave.

    Returns
    -------
    ReleasedResult or tuple of ReleasedResult
        The same question, method, assumptions and verdict; every number has the digits that are printed, and the
        digest of the data is empty. Hidden estimates are NaN and marked `suppressed`; hidden counts of parts are None
        and listed in `suppressed`; bins of scores are left out; neighboring exclusions of the flow are merged.

    Raises
    ------
    DisclosureError
        If an estimate does not say on how many patients it rests, or a result was released with a higher minimum.

    Notes
    -----
    Sums are followed inside one result. Two results, or two reports of overlapping periods, can still be subtracted
    from each other; see docs/how_to/release_results.md.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=60)  # doctest: +SKIP
    >>> released = kat.release(kat.data_quality(registry))  # doctest: +SKIP
    >>> released.minimum_cell  # doctest: +SKIP
    11
    """
    if isinstance(result, ResultRecord):
        return _release_one(result, policy)
    return tuple(_release_one(one, policy) for one in result)


def require_released(results: Iterable[ResultRecord]) -> tuple[ReleasedResult, ...]:
    """Return the results, all of which must have been released.

    Raises
    ------
    DisclosureError
        If one has not been released; the message names the analyses.
    """
    all_results = tuple(results)
    released = tuple(result for result in all_results if isinstance(result, ReleasedResult))
    if len(released) < len(all_results):
        others = sorted({result.analysis for result in all_results if not isinstance(result, ReleasedResult)})
        raise DisclosureError(
            f"only released results leave the clinic; not released: {', '.join(others)}. "
            "Use katoutcomes.release(result) first."
        )
    return released


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Keys of the counts to hide, and of those among them that may be shown as "<11"."""

    keys: frozenset[Key]
    marked: frozenset[Key]


def _release_one(result: ResultRecord, policy: DisclosurePolicy) -> ReleasedResult:
    if isinstance(result, ReleasedResult) and policy.minimum_cell < result.minimum_cell:
        raise DisclosureError(
            f"{result.analysis} was released with a minimum cell of {result.minimum_cell}; "
            f"a lower one ({policy.minimum_cell}) needs the result itself."
        )
    is_published = result.provenance.source == PUBLISHED
    released = ReleasedResult(
        analysis=result.analysis,
        title=result.title,
        estimand=result.estimand,
        method=result.method,
        estimates=result.estimates,
        # All candidates for few data can be tried until one gives the digest.
        provenance=result.provenance if is_published else replace(result.provenance, digest=""),
        parts=result.parts,
        assumptions=result.assumptions,
        checks=result.checks,
        warnings=result.warnings,
        minimum_cell=policy.minimum_cell,
    )
    return released if is_published else _without_small_cells(released, policy)


def _without_small_cells(result: ReleasedResult, policy: DisclosurePolicy) -> ReleasedResult:
    """Hide what is small and what would give it away, in estimates, parts, checks and texts."""
    for part in result.parts:
        require_whole_counts(part)
    merged = _without_small_exclusions(result, policy)
    counts = linked_counts(merged)
    keys = hidden_counts(counts, policy.minimum_cell, zero_is_shown=policy.zero_is_shown)
    hidden = _Hidden(keys, marked_counts(counts, keys, policy.minimum_cell))
    estimates = tuple(_hidden(estimate, hidden) for estimate in merged.estimates)
    estimates = _hidden_contrasts(estimates, hidden, policy)
    return replace(
        _without_counts_in_texts(merged, policy),
        estimates=tuple(with_printed_digits(estimate) for estimate in estimates),
        parts=tuple(_hidden_part(part, hidden) for part in merged.parts),
        checks=tuple(_hidden_check(check, estimates, policy) for check in merged.checks),
    )


def _without_small_exclusions(result: ReleasedResult, policy: DisclosurePolicy) -> ReleasedResult:
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


def _hidden(estimate: Estimate, hidden: _Hidden) -> Estimate:
    """Return the estimate without what must not be shown: everything, or everything but its denominator."""
    people, counted = n_key(estimate), counted_key(estimate)
    if people in hidden.keys:
        # The mark speaks of n where n is hidden: a large n, hidden for the sake of another, must not read "<11".
        return _emptied(estimate, hides_n=True, is_below=people in hidden.marked)
    if counted in hidden.keys:
        return _emptied(estimate, hides_n=False, is_below=counted in hidden.marked)
    return estimate


def _emptied(estimate: Estimate, *, hides_n: bool, is_below: bool = False) -> Estimate:
    if estimate.suppressed and not (hides_n and estimate.n_patients is not None):
        return estimate
    return replace(
        estimate,
        estimate=NOT_A_NUMBER,
        std_error=NOT_A_NUMBER,
        df=NOT_A_NUMBER,
        conf_low=NOT_A_NUMBER,
        conf_high=NOT_A_NUMBER,
        conf_level=NOT_A_NUMBER,
        statistic=NOT_A_NUMBER,
        p_value=NOT_A_NUMBER,
        n_patients=None if hides_n else estimate.n_patients,
        n_observations=None if hides_n else estimate.n_observations,
        suppressed=True,
        below_minimum=is_below,
    )


def _hidden_contrasts(
    estimates: tuple[Estimate, ...], hidden: _Hidden, policy: DisclosurePolicy
) -> tuple[Estimate, ...]:
    """Hide the contrasts that rest on few patients or on a group that is hidden."""
    return tuple(
        _emptied(estimate, hides_n=True)
        if is_contrast(estimate)
        and (
            policy.hides(estimate.n_patients)
            or _gives_away_group(estimate, estimates)
            or leaves_few_out(estimate, estimates, policy.hides)
            or is_of_hidden_cohort(estimate, hidden.keys)
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


_SHOWN_ROWS_ALONE = frozenset({PAIR_COUNTS, SEVERITY_TRANSITIONS, ANCHORS})
"""Parts whose hidden rows are left out."""


def _hidden_part(part: Part, hidden: _Hidden) -> Part:
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


def _without_hidden_rows(part: Part, hidden: _Hidden) -> Part:
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
    message = without_small_counts(check.message, policy.hides, policy.minimum_cell)
    if any(estimate.suppressed for estimate in estimates):
        return replace(check, value=NOT_A_NUMBER, limit=NOT_A_NUMBER, message=message)
    if check.name in TELLING_CHECKS:
        return replace(check, value=NOT_A_NUMBER, message=message)
    return check_with_few_digits(replace(check, message=message))


def _without_counts_in_texts(result: ReleasedResult, policy: DisclosurePolicy) -> ReleasedResult:
    """Replace small counts in assumptions and warnings; in what the loader noted of its files, all small numbers."""
    is_about_files = result.analysis == FILES_ANALYSIS
    hides, minimum = policy.hides, policy.minimum_cell
    return replace(
        result,
        assumptions=tuple(without_small_counts(text, hides, minimum) for text in result.assumptions),
        warnings=tuple(
            without_small_counts(text, hides, minimum, every_number=is_about_files) for text in result.warnings
        ),
    )
