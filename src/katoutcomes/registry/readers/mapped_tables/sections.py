"""The sections of a mapping file of format "tables", as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from katoutcomes.registry.readers.raw_rows import FileDialect

if TYPE_CHECKING:
    from katoutcomes.registry.readers.mapped_tables.date_formats import MomentForm
    from katoutcomes.registry.tables import TableSchema

ITEM = "{item}"
"""Stands in a column name for the number of an item."""
VISIT = "{visit}"
"""Stands in a column name for the visit."""


@dataclass(frozen=True, slots=True)
class ScoreSection:
    """Columns of a file that hold one score of each row.

    Attributes
    ----------
    instrument : str
        Id in the catalog.
    version, metric : str
        As in the table `scores`; ``""`` where not given.
    total : str
        Column of the total; ``""`` if there are only items.
    items : tuple of str
        Columns of the items, in the order of the instrument.
    item_values : mapping of str to str
        What an answer is written like, and which number it stands for; empty if answers are numbers already.
    moment : tuple of (str, str)
        Own columns of the score that say when: ``("date", column)``, ``("day", column)``, ``("time", column)``; those
        that are not there are taken from the row.
    visit_day : str
        Day of the visit where the columns are those of a visit with a fixed day; ``""`` otherwise.
    belongs_to_session : bool
        Whether the score is about the session of its row.
    """

    instrument: str
    version: str
    metric: str
    total: str
    items: tuple[str, ...]
    item_values: Mapping[str, str]
    moment: tuple[tuple[str, str], ...]
    visit_day: str
    belongs_to_session: bool

    def columns(self) -> tuple[str, ...]:
        """Return the columns of the file that the score needs."""
        total = (self.total,) if self.total else ()
        return (*total, *self.items, *(column for _, column in self.moment))


@dataclass(frozen=True, slots=True)
class FileSection:
    """What the mapping says about a file, or about several that are alike.

    Attributes
    ----------
    number : int
        Its place among the sections, from 1.
    names : tuple of str
        File names, or names of frames.
    dialect : FileDialect
        How they are written.
    schema : TableSchema or None
        The table that each of their rows makes a record of; None if only scores are read from them.
    columns : tuple of (str, tuple of str)
        Column of the file, and the columns of the schema that it fills.
    values : mapping of str to (mapping of str to str)
        By column of the schema: what the file writes, and what that means; ``""`` means unknown.
    constants : mapping of str to str
        Column of the schema and what it holds in every row.
    separators : mapping of str to str
        By column of the schema: what separates several codes in one cell.
    factors : mapping of str to Decimal
        By column of the schema: what its numbers are multiplied with.
    units : mapping of str to str
        By column of the schema: the unit that may stand behind its numbers.
    date_forms : tuple of MomentForm
        How dates are written, tried in order; empty: as the schema writes them.
    time_form : MomentForm or None
        How times are written; None: as the schema writes them.
    missing : frozenset of str
        What stands for "not known" in any column.
    missing_in : mapping of str to (frozenset of str)
        The same for one column of the file.
    leave_out : tuple of str
        Columns of the file that are known and not used.
    only_where : mapping of str to (frozenset of str)
        By column of the file: what it must hold for a row to be used.
    merges_equal_rows : bool
        Whether rows that make the same record make it once.
    scores : tuple of ScoreSection
        Scores that stand in columns of their own.
    """

    number: int
    names: tuple[str, ...]
    dialect: FileDialect
    schema: TableSchema | None
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    values: Mapping[str, Mapping[str, str]]
    constants: Mapping[str, str]
    separators: Mapping[str, str]
    factors: Mapping[str, Decimal]
    units: Mapping[str, str]
    date_forms: tuple[MomentForm, ...]
    time_form: MomentForm | None
    missing: frozenset[str]
    missing_in: Mapping[str, frozenset[str]]
    leave_out: tuple[str, ...]
    only_where: Mapping[str, frozenset[str]]
    merges_equal_rows: bool
    scores: tuple[ScoreSection, ...] = field(default=())

    def source_of(self, target: str) -> str:
        """Return the column of the file that fills a column of the schema, "" if none does."""
        return next((source for source, targets in self.columns if target in targets), "")

    def named_columns(self) -> tuple[str, ...]:
        """Return every column of the file that the section names, patterns of items as they are written."""
        named = [source for source, _ in self.columns]
        named += [*self.leave_out, *self.only_where, *self.missing_in]
        named += [column for score in self.scores for column in score.columns()]
        return tuple(dict.fromkeys(named))
