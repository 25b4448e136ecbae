"""What somebody could still work out of a release: each hidden count with the least and the most that it can be."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from katoutcomes.results.disclosure import PUBLISHED, are_rounded, earlier_results, hiding_plan, opened_result
from katoutcomes.results.disclosure_policy import DEFAULT_POLICY, DisclosurePolicy
from katoutcomes.results.disclosure_rules.complementary import Limits, is_asked, limits_of_model, model_of
from katoutcomes.results.disclosure_rules.earlier_release import EARLIER
from katoutcomes.results.disclosure_rules.feasible_intervals import REST, Interval
from katoutcomes.results.disclosure_rules.report_counts import report_counts
from katoutcomes.results.disclosure_rules.report_names import BINS, COHORT, PAIRS, STAGES
from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.disclosure_rules.unknown_counts import settled
from katoutcomes.results.result import ResultRecord


@dataclass(frozen=True, slots=True)
class AuditedCount:
    """A hidden count and what it lies between.

    Attributes
    ----------
    count : str
        What is counted, in words; "…, less …" is what a sum leaves.
    low, high : float
        The least and the most that it can be, given everything that is shown; `high` may be infinite.
    is_too_close : bool
        Whether the interval lies within 1 and the minimum less 1, or is too narrow.
    """

    count: str
    low: float
    high: float
    is_too_close: bool


@dataclass(frozen=True, slots=True)
class DisclosureAudit:
    """What an attacker could still bound.

    Attributes
    ----------
    minimum_cell : int
        The smallest count that is shown.
    least_width : int
        How wide an interval must be.
    round_to : int
        Shown counts are rounded to the nearest multiple of this, and so tell an interval each.
    counts : tuple of AuditedCount
        Every hidden count, those that are too close first, then the narrowest first.
    """

    minimum_cell: int
    least_width: int
    round_to: int
    counts: tuple[AuditedCount, ...]

    @property
    def too_close(self) -> tuple[AuditedCount, ...]:
        """The counts that are bounded too closely; none after a release by `release`."""
        return tuple(one for one in self.counts if one.is_too_close)

    def to_json(self) -> str:
        """Return the audit as JSON text: sorted keys, null for an end that is infinite."""
        content = {
            "minimum_cell": self.minimum_cell,
            "least_width": self.least_width,
            "round_to": self.round_to,
            "n_hidden": len(self.counts),
            "n_too_close": len(self.too_close),
            "counts": [
                {
                    "count": one.count,
                    "low": _end(one.low),
                    "high": _end(one.high),
                    "is_too_close": one.is_too_close,
                }
                for one in self.counts
            ],
        }
        return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def to_text(self, most: int | None = None) -> str:
        """Return a plain table, with at most so many rows."""
        shown = self.counts if most is None else self.counts[:most]
        rows = [("least", "most", "hidden count"), *((_text(one.low), _text(one.high), one.count) for one in shown)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"{low:>{widths[0]}}  {high:>{widths[1]}}  {count}" for low, high, count in rows]
        left_out = len(self.counts) - len(shown)
        if left_out:
            lines.append(f"… and {left_out} more, all of them at least as wide.")
        verdict = f"{len(self.too_close)} of {len(self.counts)} hidden counts follow too closely from what is shown."
        return "\n".join([*lines, verdict])


def audit_release(
    results: Iterable[ResultRecord],
    policy: DisclosurePolicy = DEFAULT_POLICY,
    *,
    previous: Iterable[ResultRecord] | None = None,
) -> DisclosureAudit:
    """Return what could still be worked out of results once they are released.

    Parameters
    ----------
    results : iterable of Result or ReleasedResult
        What is to be released together, or has been. Of results that are not released yet all sums are known; of
        released ones those that can be read from them, and of rounded ones those that hold as they are shown. So ask
        before the release: counts that it rounds are taken for intervals.
    policy : DisclosurePolicy
        What they are or were released with.
    previous : iterable of ReleasedResult, optional
        What was released before.

    Returns
    -------
    DisclosureAudit
        Each hidden count with its feasible interval by linear programming, given all counts and sums that are shown.

    Raises
    ------
    DisclosureError
        As `release` raises.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> results = kat.Results.read("results.json")  # doctest: +SKIP
    >>> print(kat.audit_release(results, results.disclosure).to_text(20))  # doctest: +SKIP
    """
    earlier = earlier_results(policy, previous)
    ours = [result for result in results if result.provenance.source != PUBLISHED]
    opened = [opened_result(result, policy) for result in ours]
    limits = Limits(policy.minimum_cell, policy.zero_is_shown, policy.round_to)
    if are_rounded(ours):
        # Sums of rounded counts do not hold, so nothing is decided anew: what is hidden is what is not there.
        report = settled(report_counts(opened), zero_is_shown=limits.zero_is_shown, rounding=limits.rounding)
        hidden = frozenset(key for key, value in report.counts.values.items() if value is None)
    else:
        plan = hiding_plan(opened, policy, earlier)
        report, hidden = plan.report, plan.hidden.keys
    intervals = limits_of_model(model_of(report, limits, hidden))
    return DisclosureAudit(policy.minimum_cell, limits.least_width, policy.round_to, _audited(intervals, limits))


def _audited(intervals: dict[Key, Interval], limits: Limits) -> tuple[AuditedCount, ...]:
    found = [
        AuditedCount(in_words(key), interval.low, interval.high, limits.is_too_close(key, interval))
        for key, interval in intervals.items()
        if is_asked(key) and not _is_harmless_rest(key, interval, limits)
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_too_close, one.high - one.low, one.count)))


def _is_harmless_rest(key: Key, interval: Interval, limits: Limits) -> bool:
    """Return whether a key is what a sum leaves and certainly nobody or enough: that is no secret.

    Neither is that of rounded counts which may leave nobody: counts that leave few are hidden by their exact numbers.
    """
    is_nobody = interval.high <= 0 or (limits.rounding > 1 and interval.low <= 0)
    return key[0] == REST and (interval.low >= limits.minimum_cell or is_nobody)


def in_words(key: Key) -> str:
    """Return the name of a count for a reader.

    Examples
    --------
    >>> in_words(("pairs", "PHQ-9", "week 12", "site: North"))
    'with both scores, PHQ-9, week 12, site: North'
    >>> in_words(("describe", "PHQ-9", "counted", "", "", "sex: other", ""))
    'describe, PHQ-9, sex: other'
    """
    first = {PAIRS: "with both scores", COHORT: "patients of the cohort", STAGES: "flow", BINS: "bin of scores"}
    words: Sequence[str] = [first.get(word, word) for word in key if word and word not in {"counted", "analyzed"}]
    if key[0] == REST:
        words = [word for word in words if word != REST]
        place = words.index("less")
        return f"{', '.join(words[:place])}, less {', '.join(words[place + 1 :])}"
    return f"{words[0]}: {', '.join(words[1:])}" if key[0] == EARLIER else ", ".join(words)


def _end(value: float) -> int | None:
    return int(value) if math.isfinite(value) else None


def _text(value: float) -> str:
    return str(int(value)) if math.isfinite(value) else "any"
