"""From the TOML of a mapping file to its sections; every problem is noted with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from katoutcomes.registry.readers.mapped_tables.cells import NUMBER_KINDS
from katoutcomes.registry.readers.mapped_tables.date_formats import MomentForm, moment_form
from katoutcomes.registry.readers.mapped_tables.score_sections import read_scores
from katoutcomes.registry.readers.mapped_tables.sections import ITEM, FileSection
from katoutcomes.registry.readers.raw_rows import DECIMALS, ENCODINGS, QUOTES, SEPARATORS, FileDialect
from katoutcomes.registry.tables import SCORES, TABLES, TableSchema, table_schema

if TYPE_CHECKING:
    from katoutcomes.instruments.toml_table import TomlTable
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile

_MOMENTS = ("patient_id", "day", "date", "time")
"""What a file that only holds scores may say of its rows besides the scores themselves."""


def read_sections(mapping: MappingFile) -> tuple[FileSection, ...]:
    """Return the sections of a mapping file of format "tables".

    Raises
    ------
    DataError
        With every problem of the file: unknown keys, tables or columns, what is said twice, what is missing.
    """
    top = mapping.table
    missing = frozenset(top.texts("missing", default=()))
    tables = top.tables("file")
    if not tables:
        top.note("file", "is missing; each file, sheet or frame has a [[file]] section.")
    sections = tuple(_file(table, number, missing) for number, table in enumerate(tables, start=1))
    _note_two_dialects(top, sections)
    mapping.finish()
    return sections


def _file(table: TomlTable, number: int, missing: frozenset[str]) -> FileSection:
    names = (table.text("name"),) if not table.has("names") else table.texts("names")
    for name in names:
        if "/" in name or "\\" in name:
            table.note("name", "must be the name of a file of the folder, without a path.")
    schema = table_schema(table.choice("table", _TABLE_NAMES, default="") or "scores") if _has_table(table) else None
    columns = _columns(table, schema)
    targets = tuple(target for _, filled in columns for target in filled)
    section = FileSection(
        number=number,
        names=names,
        dialect=_dialect(table),
        schema=schema,
        columns=columns,
        values=_values(table, targets),
        constants=_constants(table, schema, targets),
        separators=_by_target(table, "separators", targets),
        factors=_factors(table, targets),
        units=_units(table, schema, targets),
        date_forms=_date_forms(table),
        time_form=_time_form(table),
        missing=missing | frozenset(table.texts("missing", default=())),
        missing_in=_lists(table, "missing_in"),
        leave_out=table.texts("leave_out", default=()),
        only_where=_lists(table, "only_where"),
        merges_equal_rows=table.flag("merge_equal_rows", default=False),
        scores=read_scores(table, schema, targets),
    )
    _note_contradictions(table, section, targets)
    table.finish()
    return section


_TABLE_NAMES = tuple(schema.name for schema in TABLES)


def _has_table(table: TomlTable) -> bool:
    if table.has("table"):
        return table.choice("table", _TABLE_NAMES) in _TABLE_NAMES
    if not table.has("score"):
        listed = ", ".join(map(repr, _TABLE_NAMES))
        table.note("table", f"is missing: say which table the rows belong to ({listed}), or add a [[file.score]].")
    return False


def _dialect(table: TomlTable) -> FileDialect:
    plain = FileDialect()
    skip_rows = table.whole("skip_rows", default=0)
    if skip_rows < 0:
        table.note("skip_rows", "must be 0 or more.")
    return FileDialect(
        encoding=table.choice("encoding", ENCODINGS, default=plain.encoding),
        # A tab is blank, and a text must not be: so it has a name.
        separator={"tab": "\t"}.get(chosen := table.choice("separator", _SEPARATORS, default=","), chosen),
        decimal=table.choice("decimal", DECIMALS, default=plain.decimal),
        quote=table.choice("quote", QUOTES, default=plain.quote),
        skip_rows=max(skip_rows, 0),
        sheet=table.text("sheet", default=""),
    )


_SEPARATORS = (*(separator for separator in SEPARATORS if separator != "\t"), "tab")


def _columns(table: TomlTable, schema: TableSchema | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return which column of the file fills which columns of the schema; what is filled twice is a problem."""
    given = table.table("columns")
    found = []
    seen: dict[str, str] = {}
    for source in given.names():
        targets = _texts_of(given, source)
        for target in targets:
            if not _is_target(schema, target, source):
                allowed = _MOMENTS if schema is None else tuple(column.name for column in schema.columns)
                given.note(source, f"{target!r} is no column to fill here; there are {', '.join(allowed)}.")
            elif target in seen:
                given.note(source, f"{target!r} is filled by two columns.")
            seen[target] = source
        found.append((source, targets))
    return tuple(found)


def _texts_of(table: TomlTable, key: str) -> tuple[str, ...]:
    """Return a text, or a list of texts, as a tuple."""
    return table.texts(key) if table.holds_list(key) else (table.text(key),)


def _is_target(schema: TableSchema | None, target: str, source: str) -> bool:
    if ITEM in target or ITEM in source:
        is_item = target == f"item_{ITEM}" and source.count(ITEM) == 1
        return is_item and schema is SCORES
    return target in _MOMENTS if schema is None else schema.column(target) is not None


def _values(table: TomlTable, targets: tuple[str, ...]) -> Mapping[str, Mapping[str, str]]:
    given = table.table("values", is_required=False)
    found = {}
    for target in given.names():
        decoding = given.table(target)
        _note_target(given, target, targets)
        found[target] = {code: decoding.text(code, may_be_empty=True) for code in decoding.names()}
    return found


def _constants(table: TomlTable, schema: TableSchema | None, targets: tuple[str, ...]) -> Mapping[str, str]:
    given = table.table("constants", is_required=False)
    for name in given.names():
        if schema is None or schema.column(name) is None:
            given.note(name, "is no column of the table.")
        elif name in targets:
            given.note(name, "is filled by a column of the file already.")
    return {name: given.text(name) for name in given.names()}


def _by_target(table: TomlTable, key: str, targets: tuple[str, ...]) -> Mapping[str, str]:
    given = table.table(key, is_required=False)
    for target in given.names():
        _note_target(given, target, targets)
    return {target: given.text(target) for target in given.names()}


def _factors(table: TomlTable, targets: tuple[str, ...]) -> Mapping[str, Decimal]:
    found = {}
    given = table.table("factors", is_required=False)
    for target in given.names():
        _note_target(given, target, targets)
        text = given.text(target)
        try:
            found[target] = Decimal(text)
        except InvalidOperation:
            found[target] = Decimal("NaN")
        if not found[target].is_finite() or found[target] <= 0:
            given.note(target, 'must be a number above 0, written as a text such as "1000".')
            found[target] = Decimal(1)
    return found


def _units(table: TomlTable, schema: TableSchema | None, targets: tuple[str, ...]) -> Mapping[str, str]:
    """Return the unit that may stand behind the numbers of a column."""
    found = _by_target(table, "units", targets)
    for target, unit in found.items():
        column = None if schema is None else schema.column(target)
        if column is not None and column.kind not in NUMBER_KINDS:
            table.note("units", f"{target!r} is no column of numbers.")
        if re.search("[0-9.,]", unit):
            table.note("units", f"the unit of {target!r} must not hold a digit, a point or a comma.")
    return found


def _note_target(given: TomlTable, target: str, targets: tuple[str, ...]) -> None:
    if target not in targets:
        given.note(target, "is filled by no column of the file.")


def _date_forms(table: TomlTable) -> tuple[MomentForm, ...]:
    """Return the ways in which dates are written: one, or several that are tried in order."""
    key = "date_format"
    texts = table.texts(key) if table.holds_list(key) else tuple(filter(None, [table.text(key, default="")]))
    found = []
    for text in texts:
        form = moment_form(text)
        if isinstance(form, str):
            table.note(key, form)
        elif not form.has_date:
            table.note(key, "must name a day.")
        else:
            found.append(form)
    return tuple(found)


def _time_form(table: TomlTable) -> MomentForm | None:
    text = table.text("time_format", default="")
    if not text:
        return None
    form = moment_form(text)
    if isinstance(form, str):
        table.note("time_format", form)
        return None
    if form.has_date:
        table.note("time_format", "must name a time and no day.")
    return form


def _lists(table: TomlTable, key: str) -> Mapping[str, frozenset[str]]:
    given = table.table(key, is_required=False)
    return {name: frozenset(given.texts(name)) for name in given.names()}


def _note_contradictions(table: TomlTable, section: FileSection, targets: tuple[str, ...]) -> None:
    used = {source for source, _ in section.columns}
    for column in section.leave_out:
        if column in used:
            table.note("leave_out", f"column {column!r} is used and left out.")
    filled = {*targets, *section.constants}
    schema = section.schema
    keys = [] if schema is None else [column.name for column in schema.columns if column.is_required]
    generated = () if schema is None or schema.key == "patient_id" else (schema.key,)
    for name in keys if schema is not None else ["patient_id"]:
        if name not in filled and name not in generated:
            table.note("columns", f"no column and no constant fills {name!r}, which is needed.")
    if "item_" in " ".join(targets) and any(re.fullmatch(r"item_[0-9]+", target) for target in targets):
        _note_mixed_items(table, targets)


def _note_mixed_items(table: TomlTable, targets: tuple[str, ...]) -> None:
    if f"item_{ITEM}" in targets:
        table.note("columns", "items are named one by one and by a pattern.")


def _note_two_dialects(top: TomlTable, sections: tuple[FileSection, ...]) -> None:
    """Note a file that stands in several sections, which differ in how they say it is written."""
    seen: dict[tuple[str, str], FileDialect] = {}
    for section in sections:
        for name in section.names:
            place = (name, section.dialect.sheet)
            if seen.setdefault(place, section.dialect) != section.dialect:
                top.note("file", f"{name!r} stands in two sections that say differently how it is written.")
