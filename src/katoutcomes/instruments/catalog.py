"""Which instruments there are, and which one a name or a LOINC code means."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.ambiguous_names import AMBIGUOUS_NAMES, AmbiguousName
from katoutcomes.instruments.definition_file import read_definitions
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.loinc_codes import LoincMeaning

__all__ = [
    "AMBIGUOUS_NAMES",
    "AmbiguousName",
    "index_codes",
    "index_names",
    "instrument",
    "instrument_by_loinc",
    "instruments",
    "name_key",
    "subscales",
]

_CLOSE_NAMES = 3


def name_key(name: str) -> str:
    """Return what is left of a name when case, accents and punctuation are ignored.

    Examples
    --------
    >>> name_key("Montgomery–Åsberg Depression Rating Scale")
    'montgomeryasbergdepressionratingscale'
    >>> name_key("PHQ-9") == name_key("phq 9")
    True
    """
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in decomposed if character.isalnum())


@cache
def instruments() -> tuple[Instrument, ...]:
    """Return every instrument of the catalog, in the order of their names, sub-scales after their scale.

    Returns
    -------
    tuple of Instrument
        Immutable records, read once from the definition files that come with the package.

    Raises
    ------
    DataError
        If a definition file breaks a rule.

    Examples
    --------
    >>> [scale.name for scale in instruments() if scale.id in ("gad7", "madrs", "phq9")]
    ['GAD-7', 'MADRS', 'PHQ-9']
    """
    folder = files("katoutcomes.instruments").joinpath("definitions")
    files_read = [
        read_definitions(entry.read_text("utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    files_read.sort(key=lambda scales: (scales[0].name.casefold(), scales[0].id))
    return tuple(scale for scales in files_read for scale in scales)


def subscales(scale: Instrument) -> tuple[Instrument, ...]:
    """Return the sub-scales of a scale of the catalog, in the order of its definition; empty if it has none."""
    return tuple(part for part in instruments() if part.subscale_of == scale.id)


def instrument(name: str) -> Instrument:
    """Return the instrument that a name means.

    Parameters
    ----------
    name : str
        Its id (``"phq9"``), its name (``"PHQ-9"``), its full name or one of its aliases. Case, accents, spaces and
        punctuation do not matter.

    Returns
    -------
    Instrument
        The scale, with its cited definition sets.

    Raises
    ------
    OptionError
        If no instrument has the name; the message lists those with a name like it. If papers use the name for
        several scales, such as ``"PCL"``; the message asks which is meant, because a score of 40 is legal in each of
        them, and lists those that the catalog has.
    DataError
        If two instruments share a name.

    Examples
    --------
    >>> instrument("phq 9").name
    'PHQ-9'
    >>> instrument("PHQ-9").definition("caseness").id
    'phq9/nhs_talking_therapies_caseness'
    >>> instrument("PCL")
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: which scale is meant by 'PCL'? It may be PCL-5 (DSM-5, 20 items); ...
    """
    key = name_key(name)
    found = _names().get(key)
    if found is not None:
        return found
    if key in AMBIGUOUS_NAMES:
        raise OptionError(_question(name, AMBIGUOUS_NAMES[key]))
    raise OptionError(_unknown(name, key))


def _question(name: str, ambiguous: AmbiguousName) -> str:
    known = {scale.id: scale for scale in instruments()}
    listed = _listed([known[identifier] for identifier in ambiguous.candidates if identifier in known])
    return f"which scale is meant by {name!r}? It may be {'; '.join(ambiguous.meanings)}. " + (
        f"Name it in full; the catalog has {listed}." if listed else "The catalog has none of them."
    )


def _unknown(name: str, key: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, list(_names()), n=2 * _CLOSE_NAMES, cutoff=0.7)
    alike = list(dict.fromkeys(_names()[spelling] for spelling in close))[:_CLOSE_NAMES]
    hint = f"; did you mean {_listed(alike)}?" if alike else "."
    return (
        f"no instrument is called {name!r}{hint} The catalog has {len(instruments())}; `katoutcomes instruments` "
        "lists them."
    )


def _listed(scales: Iterable[Instrument]) -> str:
    return ", ".join(f"{scale.name} ({scale.id})" for scale in scales)


@cache
def _names() -> Mapping[str, Instrument]:
    return index_names(instruments())


def index_names(known: tuple[Instrument, ...]) -> Mapping[str, Instrument]:
    """Return every spelling, as `name_key`, with the one instrument that it means.

    Raises
    ------
    DataError
        If two instruments share a spelling, or one uses a name that papers use for several scales.
    """
    by_key: dict[str, Instrument] = {}
    for scale in known:
        for spelling in (scale.id, scale.name, scale.full_name, *scale.aliases):
            key = name_key(spelling)
            if key in AMBIGUOUS_NAMES:
                raise DataError(f"{scale.id}: {spelling!r} is a name of several scales.")
            if by_key.setdefault(key, scale) is not scale:
                raise DataError(f"{scale.id}: {spelling!r} already means {by_key[key].name}.")
    return MappingProxyType(by_key)


def instrument_by_loinc(code: str) -> LoincMeaning:
    """Return what a LOINC code stands for.

    Parameters
    ----------
    code : str
        For example ``"44261-6"``.

    Returns
    -------
    LoincMeaning
        The scale, and whether the code is its total, one of its items or its panel.

    Raises
    ------
    OptionError
        If the code is none of the catalog's; if it is one that is easily taken for another, with the reason; if it is
        the panel of several scales.

    Examples
    --------
    >>> meaning = instrument_by_loinc("44260-8")
    >>> meaning.instrument.name, meaning.kind, meaning.item_number
    ('PHQ-9', 'item', 9)
    """
    meanings = _codes().get(code, ())
    if len(meanings) == 1:
        return meanings[0]
    if meanings:
        listed = _listed(meaning.instrument for meaning in meanings)
        raise OptionError(f"the LOINC code {code!r} is a panel of several scales: {listed}; use the codes of one.")
    for scale in instruments():
        for refused, reason in scale.loinc.refused:
            if refused == code:
                raise OptionError(f"the LOINC code {code!r} does not belong to the {scale.name}: {reason}")
    raise OptionError(f"no instrument of the catalog has the LOINC code {code!r}.")


@cache
def _codes() -> Mapping[str, tuple[LoincMeaning, ...]]:
    return index_codes(instruments())


def index_codes(known: tuple[Instrument, ...]) -> Mapping[str, tuple[LoincMeaning, ...]]:
    """Return every LOINC code with what it stands for; only a panel may stand for several scales.

    An item means that of the scale it was written for: the sub-scales share its code.

    Raises
    ------
    DataError
        If a code has two meanings.
    """
    found: dict[str, tuple[LoincMeaning, ...]] = {}
    for scale in sorted(known, key=lambda scale: scale.subscale_of != ""):
        items = enumerate(scale.loinc.items, start=1)
        meanings = [
            *((code, LoincMeaning(scale, "total")) for code in scale.loinc.total),
            *((code, LoincMeaning(scale, "panel")) for code in scale.loinc.panel),
            *((code, LoincMeaning(scale, "item", number)) for number, code in items if code),
        ]
        for code, meaning in meanings:
            earlier = found.get(code, ())
            if meaning.kind == "item" and any(_is_item_of_parent(meaning, other) for other in earlier):
                continue
            if any((meaning.kind, other.kind) != ("panel", "panel") for other in earlier):
                raise DataError(f"{scale.id}: the LOINC code {code} already means another score.")
            found[code] = (*earlier, meaning)
    return MappingProxyType(found)


def _is_item_of_parent(item: LoincMeaning, other: LoincMeaning) -> bool:
    scale = item.instrument
    return (
        other.kind == "item"
        and other.instrument.id == scale.subscale_of
        and other.item_number == scale.item_numbers[item.item_number - 1]
    )
