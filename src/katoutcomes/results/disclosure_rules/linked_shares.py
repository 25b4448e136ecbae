"""Sums between shares of individual change that go across definition sets, and those of a matrix of severity bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part

ANCHORS = "anchors"
SEVERITY_TRANSITIONS = "severity_transitions"
PARTS: frozenset[str] = frozenset({ANCHORS, SEVERITY_TRANSITIONS})
ANALYSES: frozenset[str] = frozenset(
    {"clinical_significance", "clinical_significance_sensitivity", "severity_transitions", "nhs_outcomes"}
)

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


NHS = "nhs_talking_therapies"
"""`definition_set` of the shares on two measures together."""
_NHS_FINISHED, _NHS_SCORED, _NHS_CASES = "counted", "scored on both measures", "at caseness at baseline"
_NHS_DENOMINATORS: Mapping[str, str] = MappingProxyType(
    {_NHS_SCORED: _NHS_FINISHED, "recovery": _NHS_CASES, "reliable recovery": _NHS_CASES}
)


def is_of_service(estimate: Estimate) -> bool:
    """Return whether an estimate is a share on two measures together, by the rules of a service."""
    return estimate.definition_set == NHS


def service_n_key(estimate: Estimate) -> Key:
    """Return the key of the denominator of such a share: those counted, those scored, or those at caseness."""
    return _service_key(_NHS_DENOMINATORS.get(estimate.term, _NHS_SCORED), estimate)


def service_counted_key(estimate: Estimate) -> Key:
    """Return the key of what such a share counts, which may be the denominator of another."""
    return _service_key(estimate.term, estimate)


def _service_key(term: str, estimate: Estimate) -> Key:
    return ("counted", NHS, estimate.visit, term, estimate.subgroup)


def sums_of_shares(values: Values) -> Iterator[Sum]:
    """Yield the sums of these analyses that are neither inside one definition set nor between two of one term."""
    counted = [key for key in values if key[0] == "counted"]
    for whole in counted:
        for part in counted:
            is_known = values[whole] is not None and values[part] is not None
            if is_known and (whole[2], whole[4]) == (part[2], part[4]) and _holds(whole, part):
                yield _nested(values, whole, part)


def _holds(whole: Key, part: Key) -> bool:
    """Return whether the second of two counts is part of the first, over the names of their definition sets.

    ``"r = 0.89"`` counts who improved reliably, ``"r = 0.89, cut-off c"`` those of them who recovered.
    """
    is_narrower = (whole[3], part[3]) == ("reliable improvement", "recovered") and part[1].startswith(f"{whole[1]}, ")
    return is_narrower or (whole[3], part[3]) in _HOLDS


def sums_of_matrix(part: Part, values: Values) -> Iterator[Sum]:
    """Yield the cells of all patients, of each direction of a move, of each band at baseline and at the visit.

    How many started in a band stands in other tables; it is no total here, but it may be known.
    """
    lines: dict[tuple[str, ...], list[Key]] = {}
    for row in range(len(part.rows)):
        key = own_part_key(part, row)
        if key not in values:
            continue
        _, visit, before, after, group = key
        term = str(part.rows[row][part.columns.index("term")])
        for line in (("analyzed", ""), ("counted", term), ("at baseline", before), ("at the visit", after)):
            lines.setdefault((*line, visit, group), []).append(key)
    for (what, term, visit, group), members in lines.items():
        yield Sum(_total(values, what, term, visit, group), tuple(members), is_listed=False)


def _total(values: Values, what: str, term: str, visit: str, group: str) -> Key | None:
    """Return the share's count, or its denominator, that cells of the matrix add up to; None where there is none."""
    wanted = (visit, term or "same band", group)
    return next((key for key in values if key[0] == what and key[2:] == wanted), None)


def _nested(values: Values, one: Key, other: Key) -> Sum:
    """Return the larger of two counts as the smaller and a rest; the second is given up."""
    is_swapped = (values[one] or 0) < (values[other] or 0)
    whole, part = (other, one) if is_swapped else (one, other)
    is_equal = values[one] == values[other]
    return Sum(whole, (part,), has_remainder=not is_equal, give_up_first=(other,))
