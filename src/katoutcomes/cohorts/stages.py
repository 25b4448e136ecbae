"""The SQL stages of a cohort: which file makes which table, under names that belong to one cohort."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engine import stage_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.registry.table_engine import TableEngine

_PACKAGE = "katoutcomes.cohorts"


@dataclass(frozen=True, slots=True, eq=False)
class CohortTables:
    """The tables of one cohort inside a registry's engine.

    Attributes
    ----------
    engine : TableEngine
        The registry's engine.
    prefix : str
        What the names of the tables begin with. It follows from the definition alone, so two cohorts of one registry
        share a table only if they are the same cohort.
    """

    engine: TableEngine
    prefix: str

    def name(self, table: str) -> str:
        """Return the full name of one of the cohort's tables."""
        return f"{self.prefix}_{table}"

    def make(self, table: str, stage: str, **values: float | str) -> str:
        """Materialize a table from a stage and return its full name."""
        self.engine.materialize(self.name(table), stage_text(_PACKAGE, stage, **values))
        return self.name(table)

    def fetch(self, stage: str, **values: float | str) -> dict[str, NDArray[Any]]:
        """Return the columns of a stage."""
        return self.engine.fetch(stage_text(_PACKAGE, stage, **values))

    def count(self, stage: str, **values: float | str) -> int:
        """Return the one number of a stage."""
        return int(self.engine.scalar(stage_text(_PACKAGE, stage, **values)))


def cohort_tables(engine: TableEngine, definition: CohortDefinition) -> CohortTables:
    """Return the (still empty) set of tables that belongs to a definition."""
    text = json.dumps(definition.to_dict(), sort_keys=True)
    return CohortTables(engine, f"cohort_{hashlib.sha256(text.encode('utf-8')).hexdigest()[:16]}")
