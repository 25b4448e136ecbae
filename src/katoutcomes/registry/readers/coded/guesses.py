"""What codes and their titles seem to mean, for drafts of mapping files. Every guess is to be confirmed by a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.registry.identifiers import holds_identifier
from katoutcomes.registry.identifiers.addresses import pruned_address
from katoutcomes.registry.mapping.words import CODE_WORDS, COLUMN_WORDS, normalized
from katoutcomes.registry.readers.raw_tables import WORKBOOK_ENDINGS, read_raw

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.readers.raw_rows import RawTable

CONFIRM = "# CONFIRM:"
"""Begins the comment of every guess."""

FEWEST_PATIENTS = 2
"""A code that fewer patients have is counted and not shown, unless it is one of a public system."""

PUBLIC_SYSTEMS: frozenset[str] = frozenset(
    (
        "LOINC",
        "http://loinc.org",
        "http://snomed.info/sct",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://www.ama-assn.org/go/cpt",
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://www.whocc.no/atc",
        "http://hl7.org/fhir/sid/ndc",
    )
)
"""Code systems that anybody can look up: a code of theirs names no patient, however rare it is."""

_KIND_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "integration": ("integration", "integrative"),
        "preparation": ("prep", "preparation", "preparatory"),
        "screening": ("intake", "screening", "evaluation", "eligibility"),
        "follow_up": ("follow", "followup"),
        "dosing": ("ketamine", "esketamine", "spravato", "kap", "dosing", "infusion", "lozenge"),
    }
)
_ROUTE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "intramuscular": ("im", "intramuscular"),
        "intravenous": ("iv", "intravenous", "infusion"),
        "intranasal": ("nasal", "intranasal", "nose"),
        "sublingual": ("sl", "sublingual", "lozenge", "troche", "buccal"),
    }
)
_CODE = re.compile(r"[A-Za-z0-9._-]{1,32}")


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of codes and titles, in lower case."""
    return frozenset(word for text in texts for word in normalized(text).split("_") if word)


def guessed_kind(texts: Iterable[str]) -> str:
    """Return the session kind whose words stand in a code or title, ``""`` if there is none.

    Examples
    --------
    >>> guessed_kind(["KAP-INTEGRATION"]), guessed_kind(["Ketamine infusion"]), guessed_kind(["X1"])
    ('integration', 'dosing', '')
    """
    return _guess(_KIND_WORDS, texts)


def guessed_route(texts: Iterable[str]) -> str:
    """Return the route whose words stand in a code or title, ``""`` if there is none."""
    return _guess(_ROUTE_WORDS, texts)


def _guess(words: Mapping[str, tuple[str, ...]], texts: Iterable[str]) -> str:
    seen = words_of(texts)
    return next((meaning for meaning, known in words.items() if seen & set(known)), "")


def guessed_scale(texts: Iterable[str]) -> Instrument | None:
    """Return the scale whose name a code or title begins with, None if there is none.

    Examples
    --------
    >>> guessed_scale(["MADRS-TOTAL"]).name, guessed_scale(["Body weight"])
    ('MADRS', None)
    """
    for text in texts:
        parts = re.split(r"[\s_:/-]+", text)
        for n_parts in range(len(parts), 0, -1):
            try:
                return instrument("".join(parts[:n_parts]))
            except OptionError:
                continue
    return None


def is_shown(system: str, code: str, n_patients: int) -> bool:
    """Whether a draft may show a code: it has the form of one, and is public or not that of one patient."""
    is_clean = not holds_identifier(code) and not holds_identifier(pruned_address(system))
    is_common = n_patients >= FEWEST_PATIENTS or system in PUBLIC_SYSTEMS
    return is_common and _CODE.fullmatch(code) is not None and is_clean


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    Examples
    --------
    >>> counted(1, "line"), counted(2, "row")
    ('1 line', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def section(name: str, values: Mapping[str, str], why: str, *, is_sure: bool) -> str:
    """Return an array-of-tables section with its reason; one that is not sure is commented out.

    Examples
    --------
    >>> print(section("route", {"route": '"intravenous"'}, "its code says so", is_sure=False))
    # CONFIRM: its code says so
    # [[route]]
    # route = "intravenous"
    """
    lines = [f"[[{name}]]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join([f"{CONFIRM} {why}", *(lines if is_sure else [f"# {line}" for line in lines])])


def draft_patients(folder: Path, engine: Engine, *, keys: tuple[str, ...], names: frozenset[str]) -> str:
    """Return a draft of the section about the clinic's own file of patients.

    Parameters
    ----------
    folder : Path
        Where it may be.
    engine : Engine
        Reads the headings.
    keys : tuple of str
        What its column of keys may be called.
    names : frozenset of str
        File names, in lower case and without their ending, that are something else.
    """
    endings = (".csv", ".parquet", *WORKBOOK_ENDINGS)
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in endings):
        if path.stem.lower() in names:
            continue
        raw = read_raw(engine, path, "raw_draft")
        known = {normalized(name): name for name in raw.columns if not holds_identifier(name)}
        key = next((known[word] for word in (*keys, *COLUMN_WORDS["patients"]["patient_id"]) if word in known), None)
        if not raw.faults and key is not None:
            text = _patients_section(engine, raw, key, known)
            engine.drop("raw_draft")
            return text
        engine.drop("raw_draft")
    return (
        f"{CONFIRM} there is no table about patients here. Age band, sex and program come from a file of your own:\n"
        '# [patients]\n# file = "patients.csv"\n# key = "'
        + keys[0]
        + '"\n# [patients.columns]\n# age_band = "age_band"\n# program_booked = "program"'
    )


def _patients_section(engine: Engine, raw: RawTable, key: str, known: Mapping[str, str]) -> str:
    named = {}
    for column, words in COLUMN_WORDS["patients"].items():
        found = next((known[word] for word in (column, *words) if word in known), None)
        if found is not None and found != key and column not in ("patient_id", "date", "day", "time"):
            named[column] = found
    lines = [
        f"{CONFIRM} a table with a column of keys; its other columns were recognized by their names.",
        "[patients]",
        f"file = {quoted(raw.file)}",
        f"key = {quoted(key)}",
        "",
        "[patients.columns]",
        *(f"{column} = {quoted(name)}" for column, name in named.items()),
    ]
    for column in (column for column in named if column in CODE_WORDS):
        lines += _values_section(engine, column, f"c{raw.columns.index(named[column]) + 1}")
    return "\n".join(lines)


def _values_section(engine: Engine, column: str, place: str) -> list[str]:
    """Decode the cells that are known words; the others are counted and never shown."""
    cells = engine.fetch(f"select distinct {place} as cell from raw_draft where {place} is not null order by cell")
    meanings = {str(cell): CODE_WORDS[column].get(normalized(str(cell))) for cell in cells["cell"]}
    known = {cell: meaning for cell, meaning in meanings.items() if meaning is not None}
    if known and all(cell == meaning for cell, meaning in known.items()) and len(known) == len(meanings):
        return []
    n_others = len(meanings) - len(known)
    why = f"{n_others} other values are not decoded, and their rows would be rejected" if n_others else "by their words"
    decoded = [f"{quoted(cell)} = {quoted(meaning)}" for cell, meaning in known.items()]
    return ["", f"{CONFIRM} what the values of {column} mean; {why}.", f"[patients.values.{column}]", *decoded]
