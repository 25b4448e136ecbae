"""The published studies as records, read strictly from `studies.toml`."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from katoutcomes.instruments.toml_table import TomlTable, parse_toml, raise_problems
from katoutcomes.vocabulary import MEASURES, SCHEMA_VERSION

FILE_NAME = "studies.toml"


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """One number of a study.

    Attributes
    ----------
    name : str
        What it is, in a few words.
    measure : str
        A key of `vocabulary.MEASURES`, or ``""`` for a number that the vocabulary does not cover.
    instrument : str
        As the study names it; ``""`` where it rests on several or on none.
    value : float
        The number; NaN where the study states a finding without one.
    n_patients : int or None
        How many patients it rests on; None where that was not seen.
    description : str
        What must be known to read it.
    """

    name: str
    measure: str
    instrument: str
    value: float
    n_patients: int | None
    description: str


@dataclass(frozen=True, slots=True)
class PublishedStudy:
    """One study: what was done, in how many, for how long, what was printed and what was not seen.

    Attributes
    ----------
    name, citation, doi : str
        First author and year; authors, year and journal; the DOI without a prefix, ``""`` where there is none.
    instruments : tuple of str
        Scales that the study is about, as it names them.
    design, follow_up, not_known : str
        One clause each.
    n_treated, n_analyzed : int or None
        Patients; None where the number was not seen.
    estimates, figures : tuple of PublishedNumber
        Numbers that the package's vocabulary covers, and the others.
    """

    name: str
    citation: str
    doi: str
    instruments: tuple[str, ...]
    design: str
    follow_up: str
    not_known: str
    n_treated: int | None
    n_analyzed: int | None
    estimates: tuple[PublishedNumber, ...]
    figures: tuple[PublishedNumber, ...]


def studies_text() -> str:
    """Return the text of `studies.toml`."""
    return files("katoutcomes.evidence").joinpath(FILE_NAME).read_text("utf-8")


def studies_digest() -> str:
    """Return the SHA-256 of the text of `studies.toml`, as hexadecimal digits."""
    return hashlib.sha256(studies_text().encode("utf-8")).hexdigest()


@cache
def published_studies() -> tuple[PublishedStudy, ...]:
    """Return the studies that come with the package, in the order of the file."""
    return read_studies(studies_text(), FILE_NAME)


def read_studies(text: str, file_name: str) -> tuple[PublishedStudy, ...]:
    """Return the studies of a TOML document.

    Parameters
    ----------
    text : str
        The document, laid out as `studies.toml`.
    file_name : str
        Named in every message.

    Raises
    ------
    DataError
        If a key is unknown, missing or of the wrong type, a share lies outside 0 to 1, a count exceeds its patients,
        or a name stands twice. The message lists all of it.
    """
    problems: list[str] = []
    top = TomlTable(parse_toml(text, file_name), "", problems)
    top.choice("schema_version", (SCHEMA_VERSION,))
    found = tuple(_read_study(table) for table in top.tables("study"))
    names = [study.name for study in found]
    if len(set(names)) < len(names):
        top.note("study", "two studies have the same name.")
    top.finish()
    raise_problems(file_name, problems)
    return found


def _read_study(table: TomlTable) -> PublishedStudy:
    study = PublishedStudy(
        name=table.text("name"),
        citation=table.text("citation"),
        doi=table.text("doi", may_be_empty=True),
        instruments=table.texts("instruments"),
        design=table.text("design"),
        follow_up=table.text("follow_up"),
        not_known=table.text("not_known"),
        n_treated=_patients(table, "n_treated"),
        n_analyzed=_patients(table, "n_analyzed"),
        estimates=tuple(_read_estimate(row) for row in table.tables("estimate")),
        figures=tuple(_read_figure(row) for row in table.tables("figure")),
    )
    table.finish()
    return study


def _read_estimate(row: TomlTable) -> PublishedNumber:
    measure = row.choice("measure", MEASURES)
    n_patients = _patients(row, "n_patients")
    # Where a paper prints both counts the share is kept as the counts, so that nothing is lost to rounding.
    value = _share_of_counts(row, n_patients) if row.has("count") else row.number("value")
    if measure == "proportion" and not 0.0 <= value <= 1.0:
        row.note("value", "a share lies between 0 and 1.")
    number = PublishedNumber(
        name=row.text("name"),
        measure=measure,
        instrument=row.text("instrument") if row.has("instrument") else "",
        value=value,
        n_patients=n_patients,
        description=row.text("description"),
    )
    row.finish()
    return number


def _share_of_counts(row: TomlTable, n_patients: int | None) -> float:
    count = row.whole("count")
    if not n_patients or not 0 <= count <= n_patients:
        row.note("count", "must lie between 0 and n_patients.")
        return math.nan
    return count / n_patients


def _read_figure(row: TomlTable) -> PublishedNumber:
    number = PublishedNumber(
        name=row.text("name"),
        measure="",
        instrument="",
        value=row.number("value") if row.has("value") else math.nan,
        n_patients=_patients(row, "n_patients"),
        description=row.text("description"),
    )
    row.finish()
    return number


def _patients(table: TomlTable, key: str) -> int | None:
    if not table.has(key):
        return None
    number = table.whole(key)
    if number < 1:
        table.note(key, "must be 1 or more.")
    return number
