"""Visits that count from a dose after the first: what must be said of them, and where they may not stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError

if TYPE_CHECKING:
    from katoutcomes.estimands.visit_window import VisitWindow


def anchored_warnings(visits: Sequence[VisitWindow]) -> tuple[str, ...]:
    """Return a sentence for each visit whose days count from a dose after the first.

    Examples
    --------
    >>> from katoutcomes.estimands.visit_window import DEFAULT_VISITS
    >>> anchored_warnings(DEFAULT_VISITS)
    ()
    """
    return tuple(
        f"The days of {visit.name!r} count from {_the(visit.anchor)}, after time zero: only who stayed in care until "
        "then can have a score there. It describes these patients and is no comparison from time zero."
        for visit in visits
        if visit.is_anchored_later
    )


def require_common_days(visit: VisitWindow) -> None:
    """Raise `DesignError` if groups that were fixed at time zero are to be compared at a visit that not all can reach.

    Raises
    ------
    DesignError
        If the days of the visit count from a dose after the first.
    """
    if visit.is_anchored_later:
        raise DesignError(
            f"the days of {visit.name!r} count from {_the(visit.anchor)}, which lies after time zero. Who of each "
            "group came that far is a result of the treatment, so the groups are no longer those of time zero and "
            "their difference is biased. Compare at a visit that counts from the first dose; "
            "change_from_baseline(data, by=...) describes those who came that far."
        )


def _the(anchor: str) -> str:
    return anchor if anchor.startswith("dose") else f"the {anchor}"
