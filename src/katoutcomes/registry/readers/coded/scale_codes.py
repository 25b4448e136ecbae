"""Which code means which part of which scale: those of the catalog, and those that a mapping file adds.

Hospital formats name a questionnaire, its items and its total by codes. The catalog knows the LOINC codes that were
seen in a source; a clinic's own codes stand in the ``[[scale]]`` sections of its mapping file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.toml_table import TomlTable

LOINC = "LOINC"

Code = tuple[str, str]
"""System and code."""


@dataclass(frozen=True, slots=True)
class ScaleCode:
    """A part of a scale that a code stands for.

    Attributes
    ----------
    instrument : str
        Id of the scale.
    part : {"total", "item", "panel"}
        What of it.
    number : int
        Number of the item, from 1; 0 otherwise.
    """

    instrument: str
    part: str
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ScaleCodes:
    """What codes mean. A code is a pair of system and code; the system of LOINC is ``"LOINC"``.

    Attributes
    ----------
    parts : mapping of (str, str) to tuple of ScaleCode
        A code may be an item of several scales, such as the first two of the PHQ-9.
    answers : mapping of (str, str, str) to int
        Scale, system and answer code to the number the answer stands for.
    refused : mapping of (str, str) to str
        Codes that are easily taken for one of these, and why they are something else.
    versions, metrics : mapping of str to str
        Scale to the version and the metric that the mapping file names for it.
    n_items : mapping of str to int
        Scale to its number of items.
    alone : frozenset of str
        Scales that items may be without a panel or a total that says so: those that are no part of another scale, and
        those that the mapping file names. The first eight items of a PHQ-9 are not quietly a PHQ-8.
    """

    parts: Mapping[Code, tuple[ScaleCode, ...]]
    answers: Mapping[tuple[str, str, str], int]
    refused: Mapping[Code, str]
    versions: Mapping[str, str]
    metrics: Mapping[str, str]
    n_items: Mapping[str, int]
    alone: frozenset[str]

    def answer(self, scale: str, codes: Iterable[Code]) -> int | None:
        """Return the number that the first known of several answer codes stands for, None if none is known."""
        found = (self.answers.get((scale, system, code)) for system, code in codes)
        return next((number for number in found if number is not None), None)


@dataclass(frozen=True, slots=True)
class _Entry:
    """The codes of one scale under one system."""

    scale: Instrument
    system: str
    total: tuple[str, ...]
    panel: tuple[str, ...]
    items: tuple[str, ...]
    answers: tuple[tuple[str, int], ...]
    answer_system: str


def read_scale_codes(table: TomlTable) -> ScaleCodes:
    """Return the codes of the catalog and of the ``[[scale]]`` sections of a mapping file.

    Parameters
    ----------
    table : TomlTable
        The top of the mapping file. What is wrong with a section is noted there.

    Examples
    --------
    >>> codes = read_scale_codes(TomlTable({}, "", []))
    >>> [part for part in codes.parts["LOINC", "44254-1"] if part.instrument == "phq9"]
    [ScaleCode(instrument='phq9', part='item', number=4)]
    >>> codes.answer("phq9", [("LOINC", "LA6570-1")])
    2
    """
    entries = [_catalog_entry(scale) for scale in instruments()]
    versions: dict[str, str] = {}
    metrics: dict[str, str] = {}
    for section in table.tables("scale"):
        entry = _read_entry(section, versions, metrics)
        section.finish()
        if entry is not None:
            entries.append(entry)
    named = {entry.scale.id for entry in entries[len(instruments()) :]}
    parts: dict[Code, dict[ScaleCode, None]] = {}
    for entry in entries:
        for code, meaning in _meanings(entry):
            parts.setdefault((entry.system, code), {})[meaning] = None
    _refuse_two_meanings(table, parts)
    return ScaleCodes(
        parts={code: tuple(meanings) for code, meanings in parts.items()},
        answers={
            (entry.scale.id, entry.answer_system, code): number for entry in entries for code, number in entry.answers
        },
        refused=_refused(),
        versions=versions,
        metrics=metrics,
        n_items={scale.id: scale.n_items for scale in instruments()},
        alone=frozenset(scale.id for scale in instruments() if not scale.subscale_of) | named,
    )


def _catalog_entry(scale: Instrument) -> _Entry:
    codes = scale.loinc
    return _Entry(scale, LOINC, codes.total, codes.panel, codes.items, codes.answers, LOINC)


def _refused() -> dict[Code, str]:
    """Return the codes that are refused, but for those that mean something else in the catalog itself."""
    known = {code for scale in instruments() for code in (*scale.loinc.total, *scale.loinc.panel, *scale.loinc.items)}
    return {
        (LOINC, code): reason for scale in instruments() for code, reason in scale.loinc.refused if code not in known
    }


def _read_entry(section: TomlTable, versions: dict[str, str], metrics: dict[str, str]) -> _Entry | None:
    """Read one ``[[scale]]`` section; None if it is not sound."""
    name = section.text("instrument")
    system = section.text("system", default=LOINC)
    total = section.texts("total", default=())
    panel = section.texts("panel", default=())
    items = section.texts("items", may_be_empty=True, default=())
    answer_system = section.text("answer_system", default=system)
    answers = section.wholes_by_name("answers")
    version, metric = section.text("version", default=""), section.text("metric", default="")
    if not section.is_sound():
        return None
    scale = _instrument(section, name)
    if scale is None:
        return None
    if len(items) not in (0, scale.n_items):
        section.note(
            "items", f"must name the codes of all {scale.n_items} items in their order, '' where there is none."
        )
    if version:
        versions[scale.id] = version
    if metric:
        metrics[scale.id] = metric
    return _Entry(scale, system, total, panel, items, answers, answer_system)


def _instrument(section: TomlTable, name: str) -> Instrument | None:
    try:
        return instrument(name)
    except OptionError as error:
        section.note("instrument", str(error))
    return None


def _meanings(entry: _Entry) -> list[tuple[str, ScaleCode]]:
    scale = entry.scale.id
    whole = [(code, ScaleCode(scale, "total")) for code in entry.total]
    whole += [(code, ScaleCode(scale, "panel")) for code in entry.panel]
    return whole + [(code, ScaleCode(scale, "item", n)) for n, code in enumerate(entry.items, start=1) if code]


def _refuse_two_meanings(table: TomlTable, parts: Mapping[Code, Iterable[ScaleCode]]) -> None:
    """Note codes that would be the total of two scales, or two different parts of one."""
    for (_, code), meanings in parts.items():
        totals = {meaning.instrument for meaning in meanings if meaning.part == "total"}
        scales = [meaning.instrument for meaning in meanings]
        if len(totals) > 1 or len(set(scales)) < len(scales) or (totals and any(m.part == "item" for m in meanings)):
            table.note("scale", f"code {code!r} means two things; name each code once.")
