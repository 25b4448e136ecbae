"""The record that the load stage hands to the cohorts: checked tables, their digest and the load report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import require_option
from katoutcomes.registry.tables import TABLES, TableSchema, table_schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.table_engine import TableEngine
    from katoutcomes.registry.load_reports.load_report import LoadReport


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Registry:
    """Checked, day-offset tables of one clinic or of several.

    Attributes
    ----------
    engine : TableEngine
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
    stages : dict
        What the cohorts of this registry have made, by cohort and engine: two selections of one cohort have the same
        tables, and each has to know which of them the other put aside.
    """

    engine: TableEngine
    digest: str
    load_report: LoadReport
    is_synthetic: bool
    patient_columns: tuple[str, ...]
    has_minutes: bool
    settings: tuple[tuple[str, str], ...] = ()
    stages: dict[tuple[str, int], Any] = field(default_factory=dict)

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
        files = self.load_report.files
        counts = ", ".join(_counted(file.rows_accepted, file.table.replace("_", " ")) for file in files)
        rejected = _counted(sum(file.rows_rejected for file in files), "rows")
        return f"<Registry{' (synthetic)' if self.is_synthetic else ''}: {counts}; {rejected} rejected>"

    if not TYPE_CHECKING:  # a type checker has to find unknown names by itself

        def __getattr__(self, name: str) -> Any:
            # Asked for only if there is no such attribute: mostly by an analysis that was given the wrong thing.
            advice = 'analyses of scores take an AnalysisSet, kat.select_cohort(registry).analysis_set("PHQ-9")'
            raise AttributeError(f"a Registry has no {name!r}; {advice}.")

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


def keyed_query(engine: TableEngine, schema: TableSchema, further: str = "") -> str:
    """Return the query of an accepted table with the keys of the input instead of the engine's integers.

    Parameters
    ----------
    engine : TableEngine
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


def _counted(number: int, plural: str) -> str:
    return f"{number} {plural.removesuffix('s') if number == 1 else plural}"
