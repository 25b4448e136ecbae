"""The counts beside the bins of scores: who moved which way, and who stands at an end of the scale.

They count the same patients as the bins, cut differently, so the difference of two shown numbers is a count as well:
of 30 patients whose bins are lower than before and 33 who improved, three improved inside their bin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.result import ResultRecord

MOVED = "score change"
SUPERIORITY = "probability of superiority"
PAIR_COUNTS = "score_pair_counts"
_BESIDE = "beside the bins"
_ENDS = ("baseline score", "follow-up score")

Values = Mapping[Key, int | None]
Bin = Mapping[str, Cell]


def superiority_n_key(estimate: Estimate) -> Key | None:
    """Return the key of the probability of superiority, which is made of counts; None for every other estimate.

    Examples
    --------
    >>> superiority_n_key(Estimate(term="score change", measure="probability of superiority", visit="week 4"))
    ('moved', '', 'week 4', 'probability of superiority', '')
    """
    if estimate.measure != SUPERIORITY:
        return None
    return ("moved", "", estimate.visit, SUPERIORITY, estimate.subgroup)


def counts_beside_bins(result: ResultRecord, values: Values) -> Iterator[tuple[Key, int]]:
    """Yield what two shown counts leave between them: those counted by a share and not by the bins, or the reverse.

    Where an earlier release has left bins out nothing is yielded: the bins of that visit and group do not add up.
    """
    for part in result.parts:
        if part.name != PAIR_COUNTS:
            continue
        for (visit, group), bins in _bins(part).items():
            known = sum(int(one["n_patients"] or 0) for one in bins)
            for term, is_in in _OF_BINS.items():
                counted = values.get(("counted", "", visit, term, group))
                # Beside none, the bins themselves are what is left, and these are hidden where they are small.
                if not counted or values.get(("analyzed", "", visit, term.split(": ")[0], group)) != known:
                    continue
                for number, side in enumerate(is_in):
                    in_bins = sum(int(one["n_patients"] or 0) for one in bins if side(one, bins))
                    yield (_BESIDE, visit, group, term, f"bins {number}"), abs(counted - in_bins)


def follows_of_scores(values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what: a share with what it leaves beside the bins, superiority with its shares."""
    for key in values:
        if key[0] == _BESIDE:
            yield key, ("counted", "", key[1], key[3], key[2])
        elif key[0] == "moved":
            moved = [other for other in values if other[0] == "counted" and other[2] == key[2] and other[4] == key[4]]
            yield from ((other, key) for other in moved if other[3].startswith(f"{MOVED}: "))
            yield ("analyzed", "", key[2], MOVED, key[4]), key


def _bins(part: Part) -> dict[tuple[str, str], list[Bin]]:
    """Return the rows of the part by visit and group."""
    found: dict[tuple[str, str], list[Bin]] = {}
    for row in part.rows:
        named = dict(zip(part.columns, row, strict=True))
        found.setdefault((str(named["visit"]), str(named["group"])), []).append(named)
    return found


def _number(one: Bin, name: str) -> float:
    return float(one[name] or 0.0)


def _falls(one: Bin, _: list[Bin]) -> bool:
    return _number(one, "follow_up_low") < _number(one, "baseline_low")


def _stays(one: Bin, _: list[Bin]) -> bool:
    return _number(one, "follow_up_low") == _number(one, "baseline_low")


def _rises(one: Bin, _: list[Bin]) -> bool:
    return _number(one, "follow_up_low") > _number(one, "baseline_low")


def _is_at(column: str, *, lowest: bool) -> Callable[[Bin, list[Bin]], bool]:
    """Return whether a bin is the outermost that is in use."""

    def is_outermost(one: Bin, bins: list[Bin]) -> bool:
        ends = [_number(other, column) for other in bins]
        return _number(one, column) == (min(ends) if lowest else max(ends))

    return is_outermost


_OF_BINS: dict[str, tuple[Callable[[Bin, list[Bin]], bool], ...]] = {
    f"{MOVED}: improved": (_falls, _rises),
    f"{MOVED}: unchanged": (_stays,),
    f"{MOVED}: worse": (_falls, _rises),
    **{
        f"{term}: {place}": (_is_at(column, lowest=place == "lowest"),)
        for term, column in zip(_ENDS, ("baseline_low", "follow_up_low"), strict=True)
        for place in ("lowest", "highest")
    },
}
"""Which bins count nearly the same patients as a share. A result does not say which way is better: both are tried."""
