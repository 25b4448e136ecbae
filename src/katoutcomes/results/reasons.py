"""Why a result is to be read with caution: what its failed checks mean, each reason once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from katoutcomes.results.result import ResultRecord


def failed_reasons(result: ResultRecord) -> tuple[str, ...]:
    """Return what the failed checks of a result mean, one sentence each.

    Sentences that differ in nothing but the visit are one sentence that names all of these visits.
    """
    visits = dict.fromkeys(estimate.visit for estimate in result.estimates if estimate.visit)
    return joined_by_visit((check.message for check in result.checks if not check.passed), visits)


def joined_by_visit(messages: Iterable[str], visits: Iterable[str]) -> tuple[str, ...]:
    """Return messages, each once, those that differ by the name of a visit alone as one.

    Parameters
    ----------
    messages : iterable of str
        Sentences about one visit each, or about none.
    visits : iterable of str
        Names of visits.

    Examples
    --------
    >>> joined_by_visit(
    ...     ["Few were seen at week 4.", "Scores differ.", "Few were seen at week 12."], ["week 4", "week 12"]
    ... )
    ('Few were seen at week 4 and week 12.', 'Scores differ.')
    """
    longest_first = sorted(visits, key=len, reverse=True)
    named: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        visit = next((one for one in longest_first if f"at {one}" in message), "")
        before, _, after = message.partition(f"at {visit}") if visit else (message, "", "")
        of_these = named.setdefault((before, after), [])
        if visit not in of_these:
            of_these.append(visit)
    return tuple(
        f"{before}at {listed(found)}{after}" if found != [""] else before for (before, after), found in named.items()
    )


def listed(names: list[str]) -> str:
    """Return names as "a", "a and b" or "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
