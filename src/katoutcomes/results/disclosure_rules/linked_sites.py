"""The counts of `compare_sites`: each site's patients, and what rests on all sites together.

Means that are pooled partially, the spread between sites and over-dispersed limits are made of every site. Two of them
beside the numbers of the sites that are shown would tell of those that are not, so all of them go where a site is
hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part

ANALYSIS = "compare_sites"
VERDICTS, PLACES = "site_verdicts", "funnel_places"
LIMITS, WIDE_LIMITS = "funnel_limits", "wide_funnel_limits"
PARTS: frozenset[str] = frozenset({VERDICTS, PLACES, LIMITS, WIDE_LIMITS})
_WIDE = "over-dispersed"
_CHANGE, _SHARE = "change", "reliable improvement"
_ADJUSTED = ("change, adjusted", "reliable improvement, standardized")
_POOLED, _BETWEEN = "change, adjusted and partially pooled", "between sites"
_OF_THE_MODEL = frozenset({*_ADJUSTED, _POOLED, f"{_BETWEEN}: mean", f"{_BETWEEN}: standard deviation"})

Values = Mapping[Key, int | None]


def sites_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what a number of the model of all sites rests on, None for every other estimate.

    It is not that of the site's patients with both scores: what rests on all sites may be hidden while these are shown.
    """
    # Models of repeated measures have a term of the same name for another number.
    if estimate.term not in _OF_THE_MODEL or estimate.measure == "mean change":
        return None
    return ("sites", estimate.term.split(": ")[0], estimate.subgroup, "", "")


def sites_part_key(part: Part, row: int) -> Key:
    """Return the key of a row: of its site, or of the limits that it belongs to.

    Examples
    --------
    >>> sites_part_key(Part("site_verdicts", ("group", "verdict", "n_patients"), (("site: A", "", 40),)), 0)
    ('sites', 'site_verdicts', 'site: A', '', '')
    """
    named = dict(zip(part.columns, part.rows[row], strict=True))
    name = str(named.get("name", "")) if part.name == PLACES else ""
    return ("sites", part.name, str(named.get("group", "")), name, "")


def follows_of_sites(values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what: a site's numbers together, and with any site what rests on all."""
    people = [key for key in values if key[0] == "analyzed" and key[3] == _CHANGE]
    counted = [key for key in values if key[0] == "counted" and key[3] == _SHARE and key[-1]]
    of_all = [key for key in values if key[0] == "sites" and key[1] in {_POOLED, _BETWEEN}]
    for key in people:
        own = [one for one in values if one[0] == "sites" and one[1] in _ADJUSTED and one[2] == key[-1]]
        verdict = ("sites", VERDICTS, key[-1], "", "")
        yield from ((key, one) for one in (*own, *of_all, verdict) if one in values)
        yield from ((one, other) for one in own for other in of_all if one[1] == _ADJUSTED[0])
    everywhere = [one for one in values if one[:2] == ("sites", WIDE_LIMITS) or one[0] == "lines"]
    everywhere += [one for one in values if one[:2] == ("sites", PLACES) and one[3] == _WIDE]
    for key in counted:
        own = [one for one in values if one[:2] == ("sites", PLACES) and one[2] == key[-1]]
        standardized = [one for one in values if one[:3] == ("sites", _ADJUSTED[1], key[-1])]
        yield from ((key, one) for one in (*own, *standardized, *everywhere))
    overall = [key for key in values if key[0] == "counted" and key[3] == _SHARE and not key[-1]]
    limits = [one for one in values if one[0] == "sites" and one[1] in {LIMITS, WIDE_LIMITS, PLACES}]
    yield from ((key, one) for key in overall for one in (*limits, *everywhere))


def sums_of_sites(values: Values) -> Iterator[Sum]:
    """Yield those with both scores as those in the model and the others, whose covariates are not known."""
    for key in values:
        if key[0] != "analyzed" or key[3] != _CHANGE:
            continue
        for term in (*_ADJUSTED, _POOLED, _BETWEEN):
            part = ("sites", term, key[-1], "", "")
            if part in values and values[part] != values[key]:
                yield Sum(key, (part,), has_remainder=True, give_up_first=(part,))
