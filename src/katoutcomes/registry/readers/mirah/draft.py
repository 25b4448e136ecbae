"""`draft`: the sections of a mapping file for Mirah's outcomes export, each guess explained and to be confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError
from katoutcomes.instruments.catalog import index_names, instruments, name_key
from katoutcomes.registry.readers.mirah.settings import BASELINE_DAYS_COLUMN, MNEMONIC_COLUMN, NEEDED_COLUMNS
from katoutcomes.registry.readers.raw_tables import RawTable, read_raw

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

MARK = "# CONFIRM:"
"""Begins the comment of every guess."""

_MEASUREMENTS = (("intake", ("intake", "baseline")), ("current", ("current", "latest")))


def draft(folder: Path, engine: Engine) -> str:
    """Draft the sections of a mapping file from the header and the questionnaires of an outcomes export.

    Parameters
    ----------
    folder : Path
        Holds the export as CSV; it may hold ``sessions.csv`` and ``patients.csv`` with the columns of the schema.
    engine : Engine
        Where the files are read.

    Returns
    -------
    str
        TOML. Every guess has a comment that begins with ``# CONFIRM:`` and says why; nothing of a patient is in it.

    Raises
    ------
    DataError
        If no CSV file of the folder has the documented header.
    """
    raws = [read_raw(engine, path, f"raw_{number}") for number, path in enumerate(sorted(folder.glob("*.csv")))]
    exports = [raw for raw in raws if set(NEEDED_COLUMNS) <= set(raw.columns) and not raw.faults]
    if not exports:
        listed = ", ".join(repr(name) for name in NEEDED_COLUMNS)
        raise DataError(f"rule missing_column: no CSV file of the folder has the columns {listed}.")
    there = {raw.file for raw in raws}
    lines = ["[mirah]", f"data = {json.dumps([raw.file for raw in exports])}"]
    lines += [f'{name} = "{name}.csv"' for name in ("sessions", "patients") if f"{name}.csv" in there]
    if "organization_id" in exports[0].columns:
        lines.append(f'site_column = "organization_id"  {MARK} an organization is often a site')
    lines += ["", *_measurements(exports[0].columns)]
    for mnemonic in _mnemonics(engine, exports):
        lines += _scale(mnemonic)
    engine.drop(*(raw.name for raw in raws))
    return "\n".join(lines) + "\n"


def _measurements(columns: tuple[str, ...]) -> list[str]:
    lines = []
    for name, words in _MEASUREMENTS:
        about = [column for column in columns if any(word in column.lower() for word in words)]
        values = [column for column in about if "value" in column or "score" in column]
        days = [column for column in about if "days" in column]
        dates = [column for column in about if "date" in column and column not in days]
        if not values:
            lines += [f"{MARK} which column holds the {name} value? No heading says so.", ""]
            continue
        lines += ["[[mirah.measurement]]", f'name = "{name}"']
        lines.append(f"value_column = {json.dumps(values[0])}  {MARK} by its name")
        if days:
            why = "documented" if days[0] == BASELINE_DAYS_COLUMN else "by its name; days after treatment_start_date?"
            lines.append(f"days_column = {json.dumps(days[0])}  {MARK} {why}")
        elif dates:
            lines.append(f"date_column = {json.dumps(dates[0])}  {MARK} by its name")
        else:
            lines.append(f"{MARK} which column says when? days_column (days after treatment_start_date) or date_column")
        lines.append("")
    return lines


def _mnemonics(engine: Engine, exports: list[RawTable]) -> list[str]:
    """Return the codes of the questionnaires, which say nothing about a patient."""
    found: set[str] = set()
    for raw in exports:
        cell = f"c{raw.columns.index(MNEMONIC_COLUMN) + 1}"
        query = (
            f"select distinct {cell} as name from {raw.name} where regexp_full_match({cell}, '[A-Za-z0-9_.-]{{1,40}}')"
        )
        found |= set(engine.fetch(f"{query} order by name")["name"].tolist())
    return sorted(found)


def _scale(mnemonic: str) -> list[str]:
    scale = index_names(instruments()).get(name_key(mnemonic))
    if scale is None:
        return [
            f"{MARK} questionnaire {json.dumps(mnemonic)} is not read; is it in the catalog under another name?",
            "",
        ]
    lines = ["[[mirah.scale]]", f"mnemonic = {json.dumps(mnemonic)}"]
    lines.append(f"instrument = {json.dumps(scale.name)}  {MARK} the code is a name of it")
    if scale.versions:
        lines.append(f"version = {json.dumps(scale.versions[0])}  {MARK} one of {', '.join(scale.versions)}")
    if len(scale.metrics) > 1:
        listed = ", ".join(metric.name for metric in scale.metrics)
        lines.append(f"metric = {json.dumps(scale.metrics[0].name)}  {MARK} one of {listed}")
    return [*lines, ""]
