"""The names of definition sets and methods as a reader sees them: words, never ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.instrument import DefinitionSet

_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "jacobson_truax": "Jacobson and Truax",
        "gulliksen_lord_novick": "Gulliksen, Lord and Novick",
        "hsu_linn_lord": "Hsu, Linn and Lord",
        "edwards_nunnally": "Edwards and Nunnally",
        "nunnally_kotsch": "Nunnally and Kotsch",
        "hageman_arrindell": "Hageman and Arrindell",
        "growth_model": "growth model",
        "cut_off_only": "cut-off only",
    }
)
_PHRASES: tuple[tuple[str, str], ...] = (
    ("nhs talking therapies", "NHS Talking Therapies"),
    ("measurement based", "measurement-based"),
    ("mcid share", "minimal important difference as a share of the baseline"),
    ("anchor mcid low", "minimal important difference, lower end"),
    ("anchor mcid high", "minimal important difference, upper end"),
    ("mcid", "minimal important difference"),
    ("substantial$", "substantial difference"),
    (r"(\d+) percent", r"\1%"),
    ("united states", "United States"),
    ("germany", "Germany"),
    ("morin", "Morin"),
    ("st patricks", "St. Patrick's"),
    ("dsm4 checklist", "DSM-IV checklist:"),
    ("national center", "National Center for PTSD:"),
    ("immpact", "IMMPACT:"),
    ("crufad", "CRUfAD"),
    ("apa handbook", "handbook of the APA:"),
    ("abs bands", "ABS bands"),
    ("oasis d", "OASIS-D"),
)
"""What stands in ids and how it is written; the longer one first."""
_AUTHORS: Mapping[str, str] = MappingProxyType(
    {"who": "WHO", "oasis_d": "OASIS-D", "lang_stein": "Lang and Stein", "national_center": "National Center for PTSD"}
)
_AUTHOR_AND_YEAR = re.compile(r"(?P<author>[a-z_]+?)_(?P<year>(?:19|20)\d\d)(?:_(?P<rest>.+))?$")


def definition_set(identifier: str) -> DefinitionSet | None:
    """Return the definition set with this id from the catalog; None for one that is not in it."""
    try:
        scale = instrument(identifier.split("/", 1)[0])
    except OptionError:
        return None
    return next((known for known in scale.definition_sets if known.id == identifier), None)


def definition_words(identifier: str) -> str:
    """Return the id of a definition set or of a method as words.

    Authors are spelled as the source of the definition set spells them.

    Examples
    --------
    >>> definition_words("phq9/nhs_talking_therapies_reliable_change"), definition_words("hsu_linn_lord")
    ('NHS Talking Therapies reliable change', 'Hsu, Linn and Lord')
    >>> definition_words("phq9/bauer_staeb_2021_mcid")
    'Bauer-Staeb 2021, minimal important difference'
    """
    if identifier in _METHODS:
        return _METHODS[identifier]
    tail = identifier.rpartition("/")[2]
    found = _AUTHOR_AND_YEAR.match(tail)
    if found is None:
        return _phrased(tail)
    author = f"{_spelled(found['author'], identifier)} {found['year']}"
    return f"{author}, {_phrased(found['rest'])}" if found["rest"] else author


def _phrased(name: str) -> str:
    words = name.replace("_", " ")
    for phrase, written in _PHRASES:
        words = re.sub(rf"\b{phrase}(?!\w)", written, words)
    return words


def _spelled(author: str, identifier: str) -> str:
    """Return an author as the source begins, where it begins with that author; else every word with a capital."""
    if author in _AUTHORS:
        return _AUTHORS[author]
    known = definition_set(identifier) if "/" in identifier else None
    start = "" if known is None else known.source[: len(author)]
    same = re.sub(r"[^a-z]", "_", start.lower()) == author
    return start if same else author.replace("_", " ").title()


def capitalized_definition(identifier: str) -> str:
    """Return the same as a heading, with its first letter in upper case.

    Examples
    --------
    >>> capitalized_definition("phq9/measurement_based_care_response"), capitalized_definition("cut_off_only")
    ('Measurement-based care response', 'Cut-off only')
    """
    words = definition_words(identifier)
    return words[:1].upper() + words[1:]
