"""The sections of a mapping file for Mirah's outcomes export, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.readers.raw_rows import ENCODINGS, SEPARATORS, FileDialect

ID_COLUMN = "id"
PATIENT_COLUMN = "patient_id"
MNEMONIC_COLUMN = "questionnaire_mnemonic"
DOMAIN_COLUMN = "score_domain"
START_COLUMN = "treatment_start_date"
BASELINE_DAYS_COLUMN = "days_between_treatment_start_and_baseline"

NEEDED_COLUMNS: tuple[str, ...] = (ID_COLUMN, PATIENT_COLUMN, MNEMONIC_COLUMN, DOMAIN_COLUMN)
"""Columns of the documented header without which a row cannot be read."""

DOMAINS: tuple[str, ...] = ("raw", "normed", "interpreted")
"""What `DOMAIN_COLUMN` holds. Only raw scores are the instrument's own."""


@dataclass(frozen=True, slots=True)
class MeasurementSetting:
    """One of the scores that a row holds.

    Attributes
    ----------
    name : str
        ``"intake"``, ``"current"``, …; part of the key of the score.
    value_column : str
        Column that holds the score.
    days_column : str
        Column that holds the calendar days after the start of treatment; ``""`` where `date_column` says when.
    date_column : str
        Column that holds the date.
    """

    name: str
    value_column: str
    days_column: str
    date_column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it needs."""
        when = (START_COLUMN, self.days_column) if self.days_column else (self.date_column,)
        return (self.value_column, *when)


@dataclass(frozen=True, slots=True)
class ScaleSetting:
    """What a questionnaire's unique code means."""

    mnemonic: str
    instrument: str
    version: str
    metric: str


@dataclass(frozen=True, slots=True)
class MirahSettings:
    """Everything that a mapping file says about an outcomes export.

    Attributes
    ----------
    data : tuple of str
        Names of the exports.
    sessions, patients : str
        Names of tables of the schema with the same patient ids; ``""`` for none.
    dialect : FileDialect
        How the exports are written.
    site_column : str
        Column that names the site; ``""`` for none.
    measurements : tuple of MeasurementSetting
        Scores of a row.
    scales : tuple of ScaleSetting
        Questionnaires that are read.
    """

    data: tuple[str, ...]
    sessions: str
    patients: str
    dialect: FileDialect
    site_column: str
    measurements: tuple[MeasurementSetting, ...]
    scales: tuple[ScaleSetting, ...]

    def columns(self) -> tuple[str, ...]:
        """Return every column of an export that is read."""
        site = (self.site_column,) if self.site_column else ()
        return tuple(
            dict.fromkeys((*NEEDED_COLUMNS, *site, *(name for part in self.measurements for name in part.columns)))
        )


def read_settings(table: TomlTable) -> MirahSettings:
    """Read section ``[mirah]``; problems are noted in the table, and the caller raises them."""
    mirah = table.table("mirah")
    settings = MirahSettings(
        data=mirah.texts("data"),
        sessions=mirah.text("sessions", default=""),
        patients=mirah.text("patients", default=""),
        dialect=FileDialect(
            encoding=mirah.choice("encoding", ENCODINGS, default="utf-8"),
            separator=mirah.choice("separator", SEPARATORS, default=","),
        ),
        site_column=mirah.text("site_column", default=""),
        measurements=tuple(_measurement(entry) for entry in mirah.tables("measurement")),
        scales=tuple(_scale(entry) for entry in mirah.tables("scale")),
    )
    mirah.finish()
    for key, found in (("data", settings.data), ("measurement", settings.measurements), ("scale", settings.scales)):
        if not found:
            mirah.note(key, "at least one is needed.")
    if len({scale.mnemonic for scale in settings.scales}) < len(settings.scales):
        mirah.note("scale", "names a mnemonic twice.")
    if len({part.name for part in settings.measurements}) < len(settings.measurements):
        mirah.note("measurement", "names a measurement twice.")
    return settings


def _measurement(table: TomlTable) -> MeasurementSetting:
    found = MeasurementSetting(
        name=table.text("name"),
        value_column=table.text("value_column"),
        days_column=table.text("days_column", default=""),
        date_column=table.text("date_column", default=""),
    )
    if bool(found.days_column) == bool(found.date_column):
        table.note("days_column", "exactly one of days_column and date_column is needed.")
    table.finish()
    return found


def _scale(table: TomlTable) -> ScaleSetting:
    found = ScaleSetting(
        mnemonic=table.text("mnemonic"),
        instrument=table.text("instrument"),
        version=table.text("version", default=""),
        metric=table.text("metric", default=""),
    )
    problem = ""
    try:
        instrument(found.instrument)
    except OptionError as error:
        problem = str(error) if found.instrument else ""
    if problem:
        table.note("instrument", problem)
    table.finish()
    return found
