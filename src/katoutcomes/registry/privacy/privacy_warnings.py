"""What is no direct identifier, but makes it easier to recognize somebody: warned of, counted, and kept.

The counts are for the people who keep the data. They stand in the load report and in no result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers import DOUBTS, Finding, normalized_words
from katoutcomes.registry.load_reports.load_report import PrivacyWarning
from katoutcomes.results.formatting import format_count

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.privacy.uniqueness import UniquenessReport
    from katoutcomes.registry.readers.sources import TableSource

SMALLEST_GROUP = 11
"""Fewer patients than this of one site or quarter are few: the smallest count that reports show by default."""
SHORTEST_FREE_TEXT = 20
"""Characters of a cell on average, above which a column with mostly different cells is read as free text."""
SHARE_DIFFERENT = 0.5
FEWEST_TEXTS = 5

WARNING_RULES: tuple[str, ...] = (
    "chart_number_key",
    "exact_time",
    "few_patients",
    "free_text",
    "rare_diagnosis",
    "rare_dose",
    "rare_route",
    "small_classes",
    "small_quarter",
    "small_site",
    "therapist",
)
"""Every rule that these functions warn of."""

_FEW_SEEN = "bit_count(bit_or(cast(1 as bigint) << (patient % 61))) < 5"

_STAFF = frozenset(
    {"therapist", "clinician", "provider", "practitioner", "facilitator", "counselor", "counsellor", "nurse"}
    | {"physician", "psychiatrist", "psychologist", "prescriber", "rater", "interviewer", "staff", "sitter"}
)


def text_warnings(engine: Engine, tables: Sequence[TableSource]) -> tuple[PrivacyWarning, ...]:
    """Return what the columns of the staged tables warn of: free text, and codes of those who treat.

    Parameters
    ----------
    engine : Engine
        Holds ``text_<table>`` for each table.
    tables : sequence of TableSource
        What has been staged.
    """
    found: list[PrivacyWarning] = []
    for table in tables:
        relation = f"text_{table.schema.name}"
        for column, shown in table.shown_names().items():
            known = table.schema.column(column)
            if known is not None and column != "site":  # the schema's other columns are codes, numbers and names
                continue
            if n_rows := _n_free_text(engine, relation, column):
                found.append(
                    PrivacyWarning(
                        "free_text",
                        table.file,
                        shown,
                        n_rows,
                        "cells are long and mostly different, like free text, which may name anybody"
                        + ("; not loaded: leave it out where the file is made." if known is None else "."),
                    )
                )
            if known is None and _STAFF & set(normalized_words(shown)):
                n_rows = int(engine.scalar(f"select count({column}) from {relation}"))
                text = "seems to say who treated; it is not loaded. With few therapists it points to their patients."
                found.append(PrivacyWarning("therapist", table.file, shown, n_rows, text))
    return tuple(found)


def doubt_warnings(findings: Sequence[Finding]) -> tuple[PrivacyWarning, ...]:
    """Return as warnings what the gate found and could not tell from something harmless."""
    return tuple(
        PrivacyWarning(found.rule, found.file, found.column, found.n_rows or 0, DOUBTS[found.rule])
        for found in findings
    )


def _n_free_text(engine: Engine, relation: str, column: str) -> int:
    counts = engine.fetch(
        f"select count({column}) as n_filled, count(distinct {column}) as n_different, "
        f"coalesce(avg(length({column})), 0) as mean_length from {relation}"
    )
    n_filled, n_different = int(counts["n_filled"][0]), int(counts["n_different"][0])
    is_long = float(counts["mean_length"][0]) > SHORTEST_FREE_TEXT
    return n_filled if is_long and n_filled >= FEWEST_TEXTS and n_different > SHARE_DIFFERENT * n_filled else 0


def registry_warnings(
    engine: Engine, files: dict[str, str], unique: UniquenessReport, *, is_rekeyed: bool
) -> tuple[PrivacyWarning, ...]:
    """Return what the accepted tables warn of.

    Parameters
    ----------
    engine : Engine
        Holds the accepted tables.
    files : dict of str to str
        How the input calls each table that it has.
    unique : UniquenessReport
        Of all patients.
    is_rekeyed : bool
        Whether the keys were replaced, so that they cannot be chart numbers.
    """
    keys_and_times = (*(() if is_rekeyed else _key_warnings(engine, files)), *_time_warnings(engine, files))
    if unique.n_patients < SMALLEST_GROUP:
        text = f"{format_count(unique.n_patients)} patients in all: so few are recognized by whatever is known of them."
        return (*keys_and_times, PrivacyWarning("few_patients", files["patients"], "", unique.n_patients, text))
    return (
        *keys_and_times,
        *_group_warnings(engine, files),
        *_dose_warnings(engine, files),
        *_class_warnings(files, unique),
    )


def _key_warnings(engine: Engine, files: dict[str, str]) -> Iterator[PrivacyWarning]:
    numbers = "regexp_full_match(patient_id, '[0-9]{6,10}')"
    if n_rows := int(engine.scalar(f"select count(*) from patients where {numbers}")):
        text = (
            "keys of 6 to 10 digits look like chart numbers, which a study key must not be; rekey_salt (--salt-file) "
            "replaces all keys."
        )
        yield PrivacyWarning("chart_number_key", files["patients"], "patient_id", n_rows, text)


def _time_warnings(engine: Engine, files: dict[str, str]) -> Iterator[PrivacyWarning]:
    for table in ("sessions", "scores"):
        if table not in files:
            continue
        if n_rows := int(engine.scalar(f"select count(minute) from {table}")):
            text = "exact times of day can be matched with a diary; they are needed for windows of hours only."
            yield PrivacyWarning("exact_time", files[table], "time", n_rows, text)


def _group_warnings(engine: Engine, files: dict[str, str]) -> Iterator[PrivacyWarning]:
    """Warn of sites, quarters and diagnoses with few patients."""
    for rule, column, what in (
        ("small_site", "site", "sites"),
        ("small_quarter", "index_quarter", "calendar quarters of the first dose"),
        ("rare_diagnosis", "diagnoses", "combinations of diagnoses"),
    ):
        row = engine.fetch(
            f"select count(*) as n_groups, coalesce(sum(k), 0) as n_patients from (select count(*) as k from patients "
            f"where {column} is not null group by {column} having count(*) < {SMALLEST_GROUP}) as small"
        )
        if n_groups := int(row["n_groups"][0]):
            text = f"{what} with fewer than {SMALLEST_GROUP} patients: {format_count(n_groups)}."
            yield PrivacyWarning(rule, files["patients"], column, int(row["n_patients"][0]), text)


def _dose_warnings(engine: Engine, files: dict[str, str]) -> Iterator[PrivacyWarning]:
    """Warn of routes and doses that fewer than five patients had."""
    for rule, column, what, advice in (
        ("rare_route", "route", "routes", ""),
        ("rare_dose", "dose_mg", "doses", "; rounding makes them common"),
    ):
        # Five different remainders are five different patients; only the few other values need to be counted.
        suspects = f"select {column} from sessions where {column} is not null group by {column} having {_FEW_SEEN}"
        row = engine.fetch(
            "select count(*) as n_values, coalesce(sum(n_rows), 0) as n_rows from (select count(*) as n_rows from "
            f"sessions where {column} in ({suspects}) group by {column} having count(distinct patient) < 5) as rare"
        )
        if n_values := int(row["n_values"][0]):
            text = f"{what} that fewer than five patients had: {format_count(n_values)}{advice}."
            yield PrivacyWarning(rule, files["sessions"], column, int(row["n_rows"][0]), text)


def _class_warnings(files: dict[str, str], unique: UniquenessReport) -> Iterator[PrivacyWarning]:
    if unique.n_below_5:
        yield PrivacyWarning("small_classes", files["patients"], "", unique.n_below_5, unique.to_text())
