"""The SQL stages of a cohort: which file makes which table, under names that belong to one cohort."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engines.stage_texts import stage_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.registry.engines.table_engine import TableEngine
    from katoutcomes.registry.registry import Registry

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
    recipes : dict of str to (str, dict)
        By table, the stage that made it and the stage's values.
    set_aside : set of str
        Tables that were dropped to make room, or not made so far; `name` makes them.
    """

    engine: TableEngine
    prefix: str
    recipes: dict[str, tuple[str, dict[str, float | str]]] = field(default_factory=dict, repr=False)
    set_aside: set[str] = field(default_factory=set, repr=False)

    def name(self, table: str) -> str:
        """Return the full name of one of the cohort's tables, which is made if it was set aside."""
        if table in self.set_aside:
            stage, values = self.recipes[table]
            for value in values.values():
                if isinstance(value, str) and value.startswith(f"{self.prefix}_"):
                    self.name(value.removeprefix(f"{self.prefix}_"))
            self.make(table, stage, **values)
        return f"{self.prefix}_{table}"

    def make(self, table: str, stage: str, **values: float | str) -> str:
        """Materialize a table from a stage and return its full name."""
        self.set_aside.discard(table)
        self.recipes[table] = (stage, values)
        self.engine.materialize(self.name(table), stage_text(_PACKAGE, stage, **values))
        return self.name(table)

    def make_once(self, table: str, stage: str, **values: float | str) -> str:
        """Give a stage that is read once, or is worked out at once, a full name: a view where the engine has such."""
        self.set_aside.discard(table)
        self.recipes[table] = (stage, values)
        name = f"{self.prefix}_{table}"
        getattr(self.engine, "show_once", self.engine.materialize)(name, stage_text(_PACKAGE, stage, **values))
        return name

    def make_later(self, table: str, stage: str, **values: float | str) -> None:
        """Note how a table is made that few ask for; `name` makes it for the first who does."""
        self.recipes[table] = (stage, values)
        self.set_aside.add(table)

    def put_aside(self, *tables: str) -> None:
        """Drop tables that fill memory and are seldom asked for again; who asks gets them made anew."""
        there = [table for table in tables if table in self.recipes and table not in self.set_aside]
        dropped = {table for table in there if self.engine.set_aside(self.name(table))}
        self.set_aside.update(dropped)
        if dropped and hasattr(self.engine, "give_back"):
            self.engine.give_back()

    def fetch(self, stage: str, **values: float | str) -> dict[str, NDArray[Any]]:
        """Return the columns of a stage."""
        return self.engine.fetch(stage_text(_PACKAGE, stage, **values))

    def fetch_numbers(self, stage: str, **values: float | str) -> dict[str, NDArray[Any]]:
        """Return the columns of a stage of numbers, quicker from an engine that knows how."""
        fetch: Callable[[str], dict[str, NDArray[Any]]] = getattr(self.engine, "fetch_numbers", self.engine.fetch)
        return fetch(stage_text(_PACKAGE, stage, **values))

    def fetch_rows(self, table: str, *, in_order: bool = True) -> dict[str, Any]:
        """Return a table of one row a patient, and what the registry knows of these patients, without their keys.

        Rows come in the order of patients unless that does not matter. Columns of few different texts come as
        `CodedTexts` from an engine that knows them.
        """
        fetch = getattr(self.engine, "fetch_coded", self.engine.fetch)
        made = self.name(table)
        known = [f"p.{name}" for name in self.engine.columns("patients") if name not in ("patient", "patient_id")]
        cells = ", ".join([*known, *(f"a.{name}" for name in self.engine.columns(made))])
        query = f"select {cells} from {made} as a inner join patients as p on p.patient = a.patient"  # noqa: S608
        columns: dict[str, Any] = fetch(f"{query} order by a.patient nulls last" if in_order else query)
        return columns

    def count(self, stage: str, **values: float | str) -> int:
        """Return the one number of a stage."""
        return int(self.engine.scalar(stage_text(_PACKAGE, stage, **values)))


def cohort_tables(registry: Registry, definition: CohortDefinition) -> CohortTables:
    """Return the set of tables that belongs to a definition: empty, or that of the same cohort selected before."""
    text = json.dumps(definition.to_dict(), sort_keys=True)
    prefix = f"cohort_{hashlib.sha256(text.encode('utf-8')).hexdigest()[:16]}"
    engine = registry.engine
    # A copy of a registry may ask another engine, with tables of its own; these keep it, so its id stays taken.
    tables: CohortTables = registry.stages.setdefault((prefix, id(engine)), CohortTables(engine, prefix))
    return tables
