"""Which instruments there are, and which one a name means."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.definition_file import read_definitions
from katoutcomes.instruments.instrument import Instrument

AMBIGUOUS_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bdi": ("BDI-II (1996)", "BDI-IA (1978)", "BDI (1961)", "BDI short form"),
        "beck": ("BDI-II (depression)", "BAI (anxiety)", "BHS (hopelessness)"),
        "caps": ("CAPS-5 (DSM-5)", "CAPS-IV (DSM-IV)", "the Cardiff Anomalous Perceptions Scale"),
        "gad": ("GAD-7", "GAD-2", "the diagnosis"),
        "ham": ("HAM-A (anxiety)", "HAM-D (depression)"),
        "hamd": ("HAM-D with 6, 7, 17, 21 or 24 items",),
        "hamilton": ("HAM-A (anxiety)", "HAM-D (depression)"),
        "pcl": ("PCL-5 (DSM-5, 20 items)", "PCL-C, PCL-M, PCL-S (DSM-IV, 17 items)", "PCL-6 (abbreviated PCL-C)"),
        "phq": ("PHQ-9", "PHQ-8", "PHQ-2", "PHQ-15 (somatic symptoms)"),
        "qids": ("QIDS-SR16 (self-report)", "QIDS-C16 (clinician)"),
    }
)
"""Names that papers use for several scales whose scores cannot be told apart by their range. Keys as `name_key`."""


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
    """Return every instrument of the catalog, in the order of their names.

    Returns
    -------
    tuple of Instrument
        Immutable records, read once from the definition files that come with the package.

    Raises
    ------
    DataError
        If a definition file breaks a rule, or two instruments share a name.

    Examples
    --------
    >>> [instrument.name for instrument in instruments()]
    ['BDI-II', 'GAD-7', 'HAM-A', 'MADRS', 'PCL-5', 'PHQ-9']
    """
    folder = files("katoutcomes.instruments").joinpath("definitions")
    files_read = [
        read_definitions(entry.read_text("utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return tuple(scale for scales in sorted(files_read, key=lambda scales: scales[0].name) for scale in scales)


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
        If no instrument has the name; the message lists what there is. If papers use the name for several scales,
        such as ``"PCL"``; the message asks which is meant, because a score of 40 is legal in each of them.

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
    by_key = index_names(instruments())
    if key in by_key:
        return by_key[key]
    listed = ", ".join(f"{known.name} ({known.id})" for known in instruments())
    if key in AMBIGUOUS_NAMES:
        meanings = "; ".join(AMBIGUOUS_NAMES[key])
        raise OptionError(
            f"which scale is meant by {name!r}? It may be {meanings}. Name it in full; the catalog has {listed}."
        )
    raise OptionError(f"no instrument is called {name!r}; the catalog has {listed}.")


@cache
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
                raise DataError(f"{scale.id}.toml: {spelling!r} is a name of several scales.")
            if by_key.setdefault(key, scale) is not scale:
                raise DataError(f"{scale.id}.toml: {spelling!r} already means {by_key[key].name}.")
    return MappingProxyType(by_key)
