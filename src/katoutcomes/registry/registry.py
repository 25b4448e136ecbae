"""The record that the load stage hands to the cohorts: checked tables, their digest and the load report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import require_option
from katoutcomes.registry.tables import TABLES, TableSchema, table_schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.engine import Engine
    from katoutcomes.registry.load_report import LoadReport

_ITEMS_A_NUMBER = 6
_ITEM_OFFSET = 200
"""Answers lie between -199 and 799, which a test holds against the catalog."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Registry:
    """Checked, day-offset tables of one clinic or of several.

    Attributes
    ----------
    engine : Engine
        Holds the tables `patients`, `sessions`, `scores` and `adverse_events` as ``docs/reference/schema.md`` describes
        them.
    digest : str
        SHA-256 of the accepted content, as hexadecimal digits. The order of rows and columns and the file format do
        not change it.
    load_report : LoadReport
        What was taken and what was rejected.
    is_synthetic : bool
        Whether the data were made by a program.
    patient_columns : tuple of str
        The ``eligible_*`` and ``covariate_*`` columns of the input, in that order, each sorted by name.
    has_minutes : bool
        Whether any session says at which time it began.
    settings : tuple of (str, str)
        Choices of the load that every result names: how keys were replaced, which rules of the privacy gate were
        allowed to be broken, which mapping was used.
    """

    engine: Engine
    digest: str
    load_report: LoadReport
    is_synthetic: bool
    patient_columns: tuple[str, ...]
    has_minutes: bool
    settings: tuple[tuple[str, str], ...] = ()

    def table(self, name: str) -> pd.DataFrame:
        """Return an accepted table as a data frame.

        Parameters
        ----------
        name : {"patients", "sessions", "scores", "adverse_events"}
            Which table.

        Returns
        -------
        DataFrame
            Keys as the input has them, one row an accepted row, sorted by the table's key. `day` counts from the
            patient's index day. Unknown values are NA.

        Raises
        ------
        OptionError
            If there is no table of that name.
        """
        import pandas as pd

        require_option("table", name, [schema.name for schema in TABLES])
        schema = table_schema(name)
        columns = self.engine.fetch(f"{keyed_query(self.engine, schema)} order by {schema.key}")
        return pd.DataFrame({label: _series(values) for label, values in columns.items()})

    def close(self) -> None:
        """Forget the data; nothing can be read from the registry afterwards."""
        self.engine.close()

    def __repr__(self) -> str:
        counts = ", ".join(f"{file.rows_accepted} {file.table}" for file in self.load_report.files)
        rejected = sum(file.rows_rejected for file in self.load_report.files)
        return f"<Registry{' (synthetic)' if self.is_synthetic else ''}: {counts}; {rejected} rows rejected>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{file.table}</th><td>{file.rows_in}</td><td>{file.rows_accepted}</td>"
            f"<td>{file.rows_rejected}</td></tr>"
            for file in self.load_report.files
        )
        caption = "Registry of synthetic data" if self.is_synthetic else "Registry"
        header = "".join(f"<th scope='col'>{name}</th>" for name in ("table", "rows in", "accepted", "rejected"))
        return f"<table><caption>{caption}</caption><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"


def _series(values: NDArray[Any]) -> pd.Series[Any]:
    """Return a column for people: whole numbers stay whole where some are unknown."""
    import numpy as np
    import pandas as pd

    unknown = np.ma.getmaskarray(values)
    if values.dtype.kind in "iu":
        whole = pd.Series(np.ma.getdata(values))
        return whole.astype("Int64").mask(unknown) if unknown.any() else whole.astype("int64")
    if values.dtype.kind == "f":
        return pd.Series(np.ma.filled(values.astype(np.float64), np.nan))
    return pd.Series([None if gone else value for value, gone in zip(np.ma.getdata(values), unknown, strict=True)])


def keyed_query(engine: Engine, schema: TableSchema, further: str = "") -> str:
    """Return the query of an accepted table with the keys of the input instead of the engine's integers.

    Parameters
    ----------
    engine : Engine
        Holds the tables.
    schema : TableSchema
        Which of them.
    further : str
        SQL of further columns, with a comma before each.
    """
    cells = []
    join = ""
    for name in engine.columns(schema.name):
        if name == schema.code:
            continue
        if name == "patient":
            cells.append("p.patient_id")
            join += " inner join patients as p on t.patient = p.patient"
        elif name == "session":
            cells.append("s.session_id")
            join += " left join sessions as s on t.session = s.session"
        else:
            cells.append(f"t.{name}")
    return f"select {', '.join(cells)}{further} from {schema.name} as t{join}"


def registry_digest(engine: Engine) -> str:
    """Return the digest of everything that was accepted: equal content gives equal digests.

    Each row is written as text: its columns in the order of their names, separated by the unit separator (which no
    accepted value holds); columns without any value are left out. The 128-bit MD5 of each row goes into an exclusive
    or, so that the order of the rows does not matter; keys are unique, so no row cancels another. The digest is the
    SHA-256 of the column names, row counts and results of all tables. That two registries share it by accident has a
    chance of about 1 in 10^38; it does not protect against somebody who forges rows on purpose.
    """
    total = hashlib.sha256()
    for schema in TABLES:
        types = engine.query_types(f"select * from {schema.name}")
        del types[schema.code]  # it is the place of the row in its file, or follows from the keys of the patients
        counted = ", ".join(f"count({name}) as {name}" for name in types)
        filled = engine.fetch(f"select {counted} from {schema.name}")
        names = sorted((name for name in types if filled[name][0]), key=_natural_order)
        total.update(f"{schema.name}\n{','.join(names)}\n".encode())
        if names:
            line = " || chr(31) || ".join(_line_parts(names, types))
            relation = _with_session_keys(schema) if "session" in names else schema.name
            n_rows = engine.scalar(f"select count(*) from {schema.name}")
            rows = int(engine.scalar(f"select bit_xor(md5_number({line})) from {relation}"))
            total.update(f"{n_rows}\n{rows % 2**128:032x}\n".encode())
    return total.hexdigest()


def _with_session_keys(schema: TableSchema) -> str:
    """Return a relation that names sessions by their keys, which do not depend on the order of rows."""
    return (
        f"(select t.* replace (s.session_id as session) from {schema.name} as t "
        "left join sessions as s on t.session = s.session) as keyed"
    )


def _natural_order(name: str) -> tuple[str, int]:
    """Sort ``item_10`` after ``item_9``."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdigit() else (name, 0)


def _line_parts(names: list[str], types: dict[str, str]) -> list[str]:
    """Return the SQL of the parts of a row's text; six items are written as one number."""
    items = [name for name in names if name.startswith("item_")]
    packs = [items[first : first + _ITEMS_A_NUMBER] for first in range(0, len(items), _ITEMS_A_NUMBER)]
    parts = [f"coalesce({_canonical(name, types[name])}, '')" for name in names if name not in items]
    return parts + [
        f"cast({' + '.join(_packed(name, place) for place, name in enumerate(pack))} as varchar)" for pack in packs
    ]


def _packed(item: str, place: int) -> str:
    """Return an item as three digits of a number: 0 where it is unknown, so no other answer may become 0."""
    return f"coalesce({item} + {_ITEM_OFFSET}, 0) * cast({1000**place} as bigint)"


def _canonical(name: str, kind: str) -> str:
    """Return the SQL that writes a value in one way only; seventeen digits name a double exactly."""
    if kind != "DOUBLE":
        return f"cast({name} as varchar)"
    whole = f"{name} = floor({name}) and abs({name}) < 1e15"
    return f"case when {whole} then cast(cast({name} as bigint) as varchar) else printf('%.17g', {name}) end"
