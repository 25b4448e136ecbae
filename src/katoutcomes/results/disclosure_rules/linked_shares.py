"""Sums between shares of individual change that go across definition sets, and those of a matrix of severity bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.part import Part

ANCHORS = "anchors"
SEVERITY_TRANSITIONS = "severity_transitions"
PARTS: frozenset[str] = frozenset({ANCHORS, SEVERITY_TRANSITIONS})
ANALYSES: frozenset[str] = frozenset({"clinical_significance", "severity_transitions", "nhs_outcomes"})

Values = Mapping[Key, int | None]

_HOLDS: tuple[tuple[str, str], ...] = (
    ("moved to the functional side", "recovered"),
    ("moved to the dysfunctional side", "harmed"),
)
"""Who came over a cut-off, and who did so by more than error: the second is part of the first, across methods."""


def own_part_key(part: Part, row: int) -> Key:
    """Return the key of a row of these parts: the patients of a mean change, or a cell of the matrix."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    visit, group = str(named["visit"]), str(named["group"])
    if part.name == ANCHORS:
        return ("analyzed", str(named["definition_set"]), visit, "change", group)
    return ("cell", visit, str(named["baseline_band"]), str(named["follow_up_band"]), group)


def sums_of_shares(values: Values) -> Iterator[Sum]:
    """Yield the sums of these analyses that are neither inside one definition set nor between two of one term."""
    for key in values:
        if key[0] != "counted":
            continue
        for whole, part in _HOLDS:
            if key[3] == whole:
                smaller = [
                    other
                    for other in values
                    if other[0] == "counted" and other[3] == part and other[2] == key[2] and other[4] == key[4]
                ]
                yield from (_nested(values, key, other) for other in smaller)


def _nested(values: Values, one: Key, other: Key) -> Sum:
    """Return the larger of two counts as the smaller and a rest; the second is given up."""
    is_swapped = (values[one] or 0) < (values[other] or 0)
    whole, part = (other, one) if is_swapped else (one, other)
    is_equal = values[one] == values[other]
    return Sum(whole, (part,), has_remainder=not is_equal, give_up_first=(other,))
