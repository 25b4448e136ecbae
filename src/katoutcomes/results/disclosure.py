"""The door through which results leave a clinic: individual values stay behind, small counts are hidden.

What is hidden, and why, stands in docs/how_to/release_results.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import overload

from katoutcomes.errors import DisclosureError
from katoutcomes.results.disclosure_policy import DEFAULT_POLICY, DisclosurePolicy
from katoutcomes.results.disclosure_rules.complementary import HiddenCounts, Limits, hidden_in_report
from katoutcomes.results.disclosure_rules.declared_counts import require_declared
from katoutcomes.results.disclosure_rules.earlier_release import with_earlier_release, with_rounded_release
from katoutcomes.results.disclosure_rules.hidden_numbers import (
    HiddenNumbers,
    without_hidden_numbers,
    without_small_exclusions,
)
from katoutcomes.results.disclosure_rules.linked_counts import require_known_numbers
from katoutcomes.results.disclosure_rules.part_counts import require_whole_counts
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts, report_counts
from katoutcomes.results.disclosure_rules.small_cells import Key, marked_counts
from katoutcomes.results.disclosure_rules.unknown_counts import settled
from katoutcomes.results.result import ReleasedResult, ResultRecord

__all__ = [
    "DEFAULT_POLICY",
    "PUBLISHED",
    "DisclosurePolicy",
    "HidingPlan",
    "are_rounded",
    "earlier_results",
    "hiding_plan",
    "opened_result",
    "release",
    "require_released",
]

PUBLISHED = "published"
"""Source of results that quote published studies: what they show has left every clinic already."""


@overload
def release(
    result: ResultRecord, policy: DisclosurePolicy = ..., *, previous: Iterable[ResultRecord] | None = ...
) -> ReleasedResult: ...


@overload
def release(
    result: Sequence[ResultRecord], policy: DisclosurePolicy = ..., *, previous: Iterable[ResultRecord] | None = ...
) -> tuple[ReleasedResult, ...]: ...


def release(
    result: ResultRecord | Sequence[ResultRecord],
    policy: DisclosurePolicy = DEFAULT_POLICY,
    *,
    previous: Iterable[ResultRecord] | None = None,
) -> ReleasedResult | tuple[ReleasedResult, ...]:
    """Return what may leave the clinic: no individual values, and no small count shown or left to be worked out.

    Parameters
    ----------
    result : Result, ReleasedResult or sequence of them
        What was found. A released result may be released again with the same or a higher minimum.
    policy : DisclosurePolicy
        What may leave.
    previous : iterable of ReleasedResult, optional
        What was released before, of the last quarter for example. What changed since by 1 to 10 is hidden.

    Returns
    -------
    ReleasedResult or tuple of ReleasedResult
        The same question, method, assumptions and verdict; every number has the digits that are printed, and the
        digest of the data is empty. Hidden estimates are NaN and marked `suppressed`; estimates that stay although it
        is hidden of how many patients they are have None for `n_patients`; hidden counts of parts are None and listed
        in `suppressed`; bins of scores are left out; neighboring exclusions of the flow are merged.

    Raises
    ------
    DisclosureError
        If an estimate does not say on how many patients it rests, an analysis has not declared what it counts, a result
        was released with a higher minimum or another rounding, `previous` holds what was not released, or is not given
        although the policy names it.

    Notes
    -----
    Results that are released in one call are held against each other and against `previous`: the feasible interval of
    every hidden count, given everything that is shown, lies neither within 1 to 10 nor is it narrower than 5
    (`audit_release` prints it). Results released in two calls can be subtracted from each other, so release what you
    send together.

    What is hidden is decided by the exact counts, also where the policy rounds those that are shown. Then shares and
    their intervals are made of the rounded counts, standard errors and limits of everything else are what the fewest
    patients who round alike would give, and degrees of freedom, test statistics and p-values are left out.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=60)  # doctest: +SKIP
    >>> released = kat.release(kat.data_quality(registry))  # doctest: +SKIP
    >>> released.minimum_cell  # doctest: +SKIP
    11
    """
    earlier = earlier_results(policy, previous)
    if isinstance(result, ResultRecord):
        return _released_together((result,), policy, earlier)[0]
    return _released_together(tuple(result), policy, earlier)


def earlier_results(policy: DisclosurePolicy, previous: Iterable[ResultRecord] | None) -> tuple[ReleasedResult, ...]:
    """Return what was released before, nothing where neither the caller nor the policy names anything.

    Raises
    ------
    DisclosureError
        If the policy names an earlier release and it is not given, or holds what was not released.
    """
    if previous is not None:
        given = tuple(previous)
        released = tuple(result for result in given if isinstance(result, ReleasedResult))
        if len(released) < len(given) or not given:
            raise DisclosureError(
                "the earlier release was not released, or holds nothing: give the file that "
                "`katoutcomes release` wrote then."
            )
        return released
    if policy.previous:
        name = PurePath(policy.previous).name
        raise DisclosureError(
            f"the plan names an earlier release, {name}, and nothing leaves without it: give it as "
            "previous=katoutcomes.Results.read(...), on the command line with --previous FILE."
        )
    return ()


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


def _released_together(
    results: Sequence[ResultRecord], policy: DisclosurePolicy, earlier: Sequence[ReleasedResult]
) -> tuple[ReleasedResult, ...]:
    """Release results of one report: what one of them hides must not follow from another."""
    opened = [opened_result(result, policy) for result in results]
    places = [place for place, result in enumerate(opened) if result.provenance.source != PUBLISHED]
    if are_rounded([results[place] for place in places]):
        if earlier:
            raise DisclosureError("counts that were rounded cannot be held against an earlier release any more.")
        return tuple(opened)
    plan = hiding_plan([opened[place] for place in places], policy, earlier)
    for place, result, hidden in zip(places, plan.results, plan.hidden_in_results(), strict=True):
        opened[place] = without_hidden_numbers(result, hidden, policy)
    return tuple(opened)


def are_rounded(results: Sequence[ResultRecord]) -> bool:
    """Return whether results have been released with rounded counts.

    Raises
    ------
    DisclosureError
        If some of them have been and others not: their sums cannot be followed together.
    """
    rounded = [isinstance(result, ReleasedResult) and result.round_to > 1 for result in results]
    if any(rounded) and not all(rounded):
        raise DisclosureError("some of the results have rounded counts and others not; release all of them at once.")
    return any(rounded)


@dataclass(frozen=True, slots=True)
class HidingPlan:
    """What a release hides, and what it was decided on.

    Attributes
    ----------
    results : tuple of ReleasedResult
        With small exclusions of the flow merged, and nothing hidden yet.
    report : ReportCounts
        Everything that they and the release before count.
    hidden : HiddenCounts
        What is hidden of it.
    limits : Limits
        What may not follow.
    marked : frozenset of Key
        Hidden counts that are shown as "<11".
    """

    results: tuple[ReleasedResult, ...]
    report: ReportCounts
    hidden: HiddenCounts
    limits: Limits
    marked: frozenset[Key]

    def hidden_in_results(self) -> Iterator[HiddenNumbers]:
        """Yield what is hidden in each result, under its own names."""
        for names in self.report.names:
            yield HiddenNumbers(
                keys=frozenset(key for key, name in names.items() if name in self.hidden.keys),
                marked=frozenset(key for key, name in names.items() if name in self.marked),
                alone=frozenset(key for key, name in names.items() if name in self.hidden.numbers_alone),
            )


def hiding_plan(
    results: Sequence[ReleasedResult], policy: DisclosurePolicy, earlier: Sequence[ReleasedResult]
) -> HidingPlan:
    """Return what is hidden of results that leave together after an earlier release."""
    for result in results:
        require_declared(result)
        for part in result.parts:
            require_whole_counts(part)
    merged = tuple(without_small_exclusions(result, policy) for result in results)
    report = report_counts(merged)
    ours = [result for result in earlier if result.provenance.source != PUBLISHED]
    if are_rounded(ours):
        round_to = (policy.round_to, max(result.round_to for result in ours))
        report = with_rounded_release(report, report_counts(ours), round_to, policy.minimum_cell)
    elif ours:
        report = with_earlier_release(report, report_counts(ours))
    limits = Limits(policy.minimum_cell, policy.zero_is_shown)
    report = settled(report, zero_is_shown=policy.zero_is_shown)
    hidden = hidden_in_report(report, limits)
    marked = marked_counts(report.counts, hidden.keys, policy.minimum_cell) if policy.marks_small else frozenset()
    return HidingPlan(merged, report, hidden, limits, marked)


def opened_result(result: ResultRecord, policy: DisclosurePolicy) -> ReleasedResult:
    """Return a result without individual values and digest, everything else as it was found."""
    if result.provenance.source != PUBLISHED:
        require_known_numbers(result)
    if isinstance(result, ReleasedResult) and policy.minimum_cell < result.minimum_cell:
        raise DisclosureError(
            f"{result.analysis} was released with a minimum cell of {result.minimum_cell}; "
            f"a lower one ({policy.minimum_cell}) needs the result itself."
        )
    is_published = result.provenance.source == PUBLISHED
    if isinstance(result, ReleasedResult) and result.round_to > 1 and not is_published:
        _require_same_rounding(result, policy)
    return ReleasedResult(
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
        round_to=1 if is_published else policy.round_to,
    )


def _require_same_rounding(result: ReleasedResult, policy: DisclosurePolicy) -> None:
    """Raise unless a result whose counts are rounded is released as it was: its sums do not hold any more."""
    if (policy.minimum_cell, policy.round_to) != (result.minimum_cell, result.round_to):
        raise DisclosureError(
            f"the counts of {result.analysis} were rounded to the nearest {result.round_to} and released with a "
            f"minimum cell of {result.minimum_cell}; another rounding or minimum needs the result itself."
        )
