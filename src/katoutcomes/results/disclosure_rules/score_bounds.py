"""What bins of scores tell of shares of change: those in a bin that certainly improved are among the improved.

Bins and shares count the same patients, cut differently. They add up to no sum, but a share is at least what the shown
bins certainly hold of it, and those with both scores hold the share and all shown bins that are certainly not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from katoutcomes.results.disclosure_rules.linked_counts import part_key
from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

_BINS = "score_pair_counts"
_THRESHOLD = "reliable change threshold"
_FELL, _SAME, _ROSE = "fell", "same", "rose"
_CLASSES: Mapping[str, tuple[str, str, str]] = {
    "change_from_baseline": ("score change: improved", "score change: unchanged", "score change: worse"),
    "clinical_significance": ("reliable improvement", "no reliable change", "reliable deterioration"),
}
"""Analysis → the names of those who improved, stayed and got worse."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A count that holds several others, with a rest that nobody is told.

    Attributes
    ----------
    whole : Key
        What holds them.
    parts : tuple of Key
        Counts no patient of which is in two of them.
    """

    whole: Key
    parts: tuple[Key, ...]


def at_least_of_bins(
    results: Sequence[ResultRecord], names: Sequence[Mapping[Key, Key]], values: Mapping[Key, int | None]
) -> Iterator[AtLeast]:
    """Yield what the bins of scores of each result tell of its shares and of those with both scores."""
    for result, named in zip(results, names, strict=True):
        parts = [part for part in result.parts if part.name == _BINS]
        if not parts:
            continue
        for (visit, group), bins in _bins(parts[0], named).items():
            pairs: Key = ("pairs", result.estimand.endpoint.instrument, visit, group)
            if pairs not in values:
                continue
            yield AtLeast(pairs, tuple(key for key, _, _ in bins))
            for definition_set, threshold in _thresholds(result).items():
                yield from _of_classes(result, (definition_set, visit, group), threshold, bins, named)


Bin = tuple[Key, float, float]
"""Name of a bin, and the least and the most that a score in it can have changed."""


def _bins(part: Part, named: Mapping[Key, Key]) -> dict[tuple[str, str], list[Bin]]:
    column = part.columns.index("n_patients")
    found: dict[tuple[str, str], list[Bin]] = {}
    for row, cells in enumerate(part.rows):
        one = dict(zip(part.columns, cells, strict=True))
        key = named.get(part_key(part, row, column))
        if key is None:
            continue
        least = float(one["follow_up_low"] or 0) - float(one["baseline_high"] or 0)
        most = float(one["follow_up_high"] or 0) - float(one["baseline_low"] or 0)
        found.setdefault((str(one["visit"]), str(one["group"])), []).append((key, least, most))
    return found


def _thresholds(result: ResultRecord) -> dict[str, float]:
    """Return the change that counts for each definition set; any change at all for the change from baseline."""
    if result.analysis == "change_from_baseline":
        return {"": 0.0}
    found = {one.definition_set: one.estimate for one in result.estimates if one.term == _THRESHOLD}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _of_classes(
    result: ResultRecord, where: tuple[str, str, str], threshold: float, bins: Sequence[Bin], named: Mapping[Key, Key]
) -> Iterator[AtLeast]:
    """Yield, for each class of change, the bins that are certainly in it, and those that certainly are not."""
    definition_set, visit, group = where
    pairs: Key = ("pairs", result.estimand.endpoint.instrument, visit, group)
    improved, same, worse = _CLASSES.get(result.analysis, ("", "", ""))
    is_higher_better = _is_higher_better(result)
    if not improved or is_higher_better is None:
        return
    directions = {same: _SAME, improved: _ROSE if is_higher_better else _FELL}
    directions[worse] = _FELL if is_higher_better else _ROSE
    for term, direction in directions.items():
        key = named.get(("counted", definition_set, visit, term, group))
        if key is None:
            continue
        inside = tuple(name for name, least, most in bins if _is_surely(direction, least, most, threshold))
        outside = tuple(name for name, least, most in bins if _is_surely_not(direction, least, most, threshold))
        if inside:
            yield AtLeast(key, inside)
        if outside:
            yield AtLeast(pairs, (key, *outside))


def _is_surely(direction: str, least: float, most: float, threshold: float) -> bool:
    if direction == _FELL:
        return most < -threshold
    if direction == _ROSE:
        return least > threshold
    return (least == most == 0.0) if threshold == 0.0 else (-threshold < least and most < threshold)


def _is_surely_not(direction: str, least: float, most: float, threshold: float) -> bool:
    others = {_FELL, _SAME, _ROSE} - {direction}
    return any(_is_surely(other, least, most, threshold) for other in others)


def _is_higher_better(result: ResultRecord) -> bool | None:
    """Return the direction of the instrument, None where it is not in the catalog."""
    from katoutcomes.errors import KatOutcomesError
    from katoutcomes.instruments.catalog import instrument

    try:
        direction = instrument(result.estimand.endpoint.instrument).direction
    except KatOutcomesError:
        return None
    return {"higher_is_better": True, "higher_is_worse": False}.get(direction)
