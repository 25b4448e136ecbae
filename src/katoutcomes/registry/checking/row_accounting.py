"""Which rows of which file were accepted, rejected and left out; every row of every file is in one of the three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.load_reports.load_report import (
    MOST_ROWS_LISTED,
    FileCounts,
    Problem,
    RejectedRows,
    SourceFileCounts,
)
from katoutcomes.registry.tables import TABLES, TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.checking.rules import Rule
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.readers.conversion import LeftOut, SourceFile


@dataclass(frozen=True, slots=True)
class Accounting:
    """What became of every row.

    Attributes
    ----------
    files : tuple of FileCounts
        By table.
    source_files : tuple of SourceFileCounts
        By file.
    problems : tuple of Problem
        Broken rules.
    left_out_rows : tuple of Problem
        Rows that became no record.
    rejected_rows : RejectedRows
        All rejected rows.
    """

    files: tuple[FileCounts, ...]
    source_files: tuple[SourceFileCounts, ...]
    problems: tuple[Problem, ...]
    left_out_rows: tuple[Problem, ...]
    rejected_rows: RejectedRows


@dataclass(frozen=True, slots=True, eq=False)
class _Broken:
    """One line for each row and rule that it breaks: which group of rules, which file, which row."""

    group: NDArray[Any]
    file: NDArray[Any]
    row: NDArray[Any]


def count_rows(
    engine: Engine,
    rules: tuple[Rule, ...],
    rows_in: Mapping[str, int],
    files: Mapping[str, str],
    *,
    source_files: Sequence[SourceFile] = (),
    left_out: Sequence[LeftOut] = (),
) -> Accounting:
    """Count accepted and rejected rows and broken rules from the engine's tables.

    Parameters
    ----------
    engine : Engine
        Holds the accepted tables, `problems` and `problem_causes`, and ``origin_<table>`` for converted data.
    rules : tuple of Rule
        The rules by their number in `problems`.
    rows_in : mapping of str to int
        Rows of each table.
    files : mapping of str to str
        How the input calls each table that it has.
    source_files : sequence of SourceFile, optional
        The files that converted data come from; without them each table is a file of its own.
    left_out : sequence of LeftOut, optional
        Rows of these files from which no record was made.
    """
    given = tuple(schema for schema in TABLES if schema.name in files)
    groups = _rule_groups(rules)
    origins = {schema.name: _origin(schema, position, bool(source_files)) for position, schema in enumerate(given)}
    names = tuple(file.name for file in source_files) or tuple(files[schema.name] for schema in given)
    broken = _broken_rows(engine, given, origins, groups)
    causes = _causes(engine, given, origins, rules, groups)
    first_rules = {group: rules[number] for number, group in reversed(groups.items())}
    problems, starts = _problems(broken, first_rules, names, causes)
    counts = _table_counts(engine, rows_in, files)
    return Accounting(
        files=counts,
        source_files=(
            _source_counts(engine, given, broken, source_files, left_out)
            if source_files
            else tuple(SourceFileCounts(c.file, c.rows_in, c.rows_accepted, c.rows_rejected, 0) for c in counts)
        ),
        problems=problems,
        left_out_rows=tuple(_left_out_problem(rows) for rows in left_out if len(rows.row_numbers)),
        rejected_rows=_rejected_rows(broken, starts),
    )


def _table_counts(engine: Engine, rows_in: Mapping[str, int], files: Mapping[str, str]) -> tuple[FileCounts, ...]:
    counts = []
    for schema in TABLES:
        n_rows = rows_in[schema.name]
        accepted = int(engine.scalar(f"select count(*) from {schema.name}"))
        rejected = int(engine.scalar(f"select count(distinct input_row) from problems where file = {schema.number}"))
        if accepted + rejected != n_rows:
            raise AssertionError(f"{schema.name}: rows accepted and rejected do not add up to the rows read.")
        if schema.name in files:
            counts.append(FileCounts(schema.name, files[schema.name], n_rows, accepted, rejected))
    return tuple(counts)


def _rule_groups(rules: tuple[Rule, ...]) -> dict[int, int]:
    """Return for each rule number its group: the rules of one table, column and id, in the order of tables and checks.

    A rule may be judged in several relations; in the report it is one.
    """
    order = [schema.name for schema in TABLES]
    keys = dict.fromkeys((rule.table, rule.column, rule.id) for rule in rules)
    places = {key: place for place, key in enumerate(sorted(keys, key=lambda key: order.index(key[0])))}
    return {number: places[(rule.table, rule.column, rule.id)] for number, rule in enumerate(rules)}


def _origin(schema: TableSchema, position: int, is_converted: bool) -> str:
    """Return the SQL of a relation that says from which file and row each row of a table came."""
    if is_converted:
        return f"(select input_row as record, file as source, file_row from origin_{schema.name})"
    return (
        f"(select distinct input_row as record, {position} as source, input_row as file_row from problems "
        f"where file = {schema.number})"
    )


def _broken_rows(
    engine: Engine, given: tuple[TableSchema, ...], origins: dict[str, str], groups: dict[int, int]
) -> _Broken:
    import numpy as np

    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    group_of_rule = np.array([groups[number] for number in range(len(groups))], dtype=np.int32)
    for schema in given:
        rows = engine.fetch(
            f"select p.rule, o.source, o.file_row from problems as p inner join {origins[schema.name]} as o "
            f"on p.input_row = o.record where p.file = {schema.number} order by p.rule, o.source, o.file_row"
        )
        parts.append((group_of_rule[rows["rule"].astype(np.int64)], rows["source"], rows["file_row"]))
    group = np.concatenate([part[0] for part in parts])
    file = np.concatenate([part[1].astype(np.int32) for part in parts])
    row = np.concatenate([part[2].astype(np.int64) for part in parts])
    order = np.lexsort((row, file, group))
    group, file, row = group[order], file[order], row[order]
    is_new = np.ones(len(row), dtype=bool)
    is_new[1:] = (np.diff(group) != 0) | (np.diff(file) != 0) | (np.diff(row) != 0)
    return _Broken(group[is_new], file[is_new], row[is_new])


def _problems(
    broken: _Broken,
    rules: dict[int, Rule],
    names: tuple[str, ...],
    causes: dict[tuple[int, int], tuple[tuple[str, int], ...]],
) -> tuple[tuple[Problem, ...], NDArray[Any]]:
    """Return one problem for each group of rules and file, and where in `broken` each of them starts."""
    import numpy as np

    is_start = np.ones(len(broken.row), dtype=bool)
    is_start[1:] = (np.diff(broken.group) != 0) | (np.diff(broken.file) != 0)
    starts = np.flatnonzero(is_start)
    ends = np.append(starts, len(broken.row))[1:]
    problems = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        group, file = int(broken.group[start]), int(broken.file[start])
        rule = rules[group]
        first = tuple(broken.row[start : min(end, start + MOST_ROWS_LISTED)].tolist())
        found = causes.get((group, file), ())
        problems.append(
            Problem(rule.table, names[file], rule.column, rule.id, rule.description, end - start, first, found)
        )
    return tuple(problems), starts


def _causes(
    engine: Engine,
    given: tuple[TableSchema, ...],
    origins: dict[str, str],
    rules: tuple[Rule, ...],
    groups: dict[int, int],
) -> dict[tuple[int, int], tuple[tuple[str, int], ...]]:
    """Return the causes of each group of rules and file, in words, with the number of rows."""
    found: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for schema in given:
        counts = engine.fetch(
            "select p.rule, o.source, p.cause, count(distinct o.file_row) as n_rows from problem_causes as p "
            f"inner join {origins[schema.name]} as o on p.input_row = o.record where p.file = {schema.number} "
            "group by p.rule, o.source, p.cause order by p.rule, o.source, p.cause"
        )
        columns = (counts[name].tolist() for name in ("rule", "source", "cause", "n_rows"))
        for number, file, cause, n_rows in zip(*columns, strict=True):
            found.setdefault((groups[number], file), []).append((rules[number].causes[cause].text, n_rows))
    return {key: tuple(causes) for key, causes in found.items()}


def _rejected_rows(broken: _Broken, starts: NDArray[Any]) -> RejectedRows:
    import numpy as np

    problem = np.searchsorted(starts, np.arange(len(broken.row)), side="right").astype(np.int32) - 1
    order = np.lexsort((problem, broken.row, broken.file))
    return RejectedRows(broken.file[order], broken.row[order], problem[order])


def _left_out_problem(rows: LeftOut) -> Problem:
    first = tuple(int(row) for row in rows.row_numbers[:MOST_ROWS_LISTED])
    return Problem("", rows.file, rows.column, rows.rule, rows.description, len(rows.row_numbers), first)


def _source_counts(
    engine: Engine,
    given: tuple[TableSchema, ...],
    broken: _Broken,
    source_files: Sequence[SourceFile],
    left_out: Sequence[LeftOut],
) -> tuple[SourceFileCounts, ...]:
    """Return the counts of each original file of converted data.

    Raises
    ------
    AssertionError
        If the rows of a file are not accounted for one by one.
    """
    import numpy as np

    used = _rows_with_records(engine, given, len(source_files))
    unused = _rows_without_records(engine, given, source_files, left_out)
    rejected = np.unique(np.stack([broken.file.astype(np.int64), broken.row]), axis=1)
    n_rejected = np.bincount(rejected[0], minlength=len(source_files))
    counts = []
    for number, file in enumerate(source_files):
        if used[number] + unused[number] != file.rows_in:
            raise AssertionError(f"{file.name}: rows used and left out do not add up to the rows read.")
        accepted = int(used[number] - n_rejected[number])
        counts.append(SourceFileCounts(file.name, file.rows_in, accepted, int(n_rejected[number]), int(unused[number])))
    return tuple(counts)


def _union_of_origins(given: tuple[TableSchema, ...]) -> str:
    return " union ".join(f"select file, file_row from origin_{schema.name}" for schema in given)


def _rows_with_records(engine: Engine, given: tuple[TableSchema, ...], n_files: int) -> NDArray[Any]:
    import numpy as np

    counted = engine.fetch(
        f"select file, count(*) as n_rows from ({_union_of_origins(given)}) as used group by file order by file"
    )
    n_rows = np.zeros(n_files, dtype=np.int64)
    n_rows[counted["file"].astype(np.int64)] = counted["n_rows"]
    return n_rows


def _rows_without_records(
    engine: Engine, given: tuple[TableSchema, ...], source_files: Sequence[SourceFile], left_out: Sequence[LeftOut]
) -> NDArray[Any]:
    """Count the rows that were left out, each once, and not those of which another record was made."""
    import numpy as np

    names = [file.name for file in source_files]
    nothing = np.zeros(0, dtype=np.int64)
    file = [np.full(len(rows.row_numbers), names.index(rows.file), dtype=np.int64) for rows in left_out]
    row = [np.asarray(rows.row_numbers, dtype=np.int64) for rows in left_out]
    engine.materialize_arrays(
        "left_out_rows", {"file": np.concatenate([nothing, *file]), "file_row": np.concatenate([nothing, *row])}
    )
    counted = engine.fetch(
        "select l.file, count(*) as n_rows from (select distinct file, file_row from left_out_rows) as l "
        f"left join ({_union_of_origins(given)}) as used on l.file = used.file and l.file_row = used.file_row "
        "where used.file is null group by l.file order by l.file"
    )
    engine.drop("left_out_rows")
    n_rows = np.zeros(len(source_files), dtype=np.int64)
    n_rows[counted["file"].astype(np.int64)] = counted["n_rows"]
    return n_rows
