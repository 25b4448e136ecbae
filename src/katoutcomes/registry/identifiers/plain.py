"""Which columns are plain: one pass over the values that makes every later search in them needless.

A text column is plain if no cell is empty, long, or holds anything but letters, digits and underscores, and none looks
like an identifier. Numbers and dates that came as such are plain too, unless a whole number is long enough for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers.patterns import VALUE_RULES
from katoutcomes.registry.tables import LONGEST_KEY, table_schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_KINDS_OF_FEW_TEXTS = ("code", "codes", "term", "quarter")
_NAMES_OF_FEW_TEXTS = ("site", "instrument", "version", "metric")
_NOT_PLAIN = "[^0-9A-Za-z_]"
_ANYTHING = "'" + "|".join((_NOT_PLAIN, *(f"({pattern})" for pattern in VALUE_RULES.values()))).replace("'", "''") + "'"
"""A text that this matches is not plain."""
_LARGEST_PLAIN = 10**10 - 1
"""Of the rules for values none matches a number of ten digits."""
_ALWAYS_PLAIN = frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "DOUBLE", "DATE"})


def note_plain_columns(
    engine: Engine, table: str, columns: Mapping[str, tuple[str, str]], relation: str
) -> frozenset[str]:
    """Make the table ``plain_<table>``, which lists the plain columns.

    Columns that hold few different texts (codes and names) are searched text by text; the others, which are mostly
    keys, are searched together, and one by one only if anything is found.

    Parameters
    ----------
    engine : Engine
        Can read `relation`.
    table : str
        Name in the schema.
    columns : mapping of str to (str, str)
        For each column its SQL and its DuckDB type.
    relation : str
        Where its values are.

    Returns
    -------
    frozenset of str
        The plain columns.
    """
    import numpy as np

    texts = {name: cell for name, (cell, kind) in columns.items() if kind == "VARCHAR"}
    few = {name: cell for name, cell in texts.items() if _holds_few_texts(table, name)}
    many = {name: cell for name, cell in texts.items() if name not in few}
    found = engine.fetch(f"select {', '.join(_counts(columns, texts, many))} from {relation}")
    n_rows = int(found["n_rows"][0])
    plain = {name for name, (_, kind) in columns.items() if kind in _ALWAYS_PLAIN}
    plain |= {name for name in columns if f"large_{name}" in found and not found[f"large_{name}"][0]}
    plain |= _plain_texts(engine, few, relation, "distinct")
    short = {name: cell for name, cell in many.items() if _is_short(found, name)}
    plain |= _plain_texts(engine, short, relation, "all") if found["n_suspect"][0] else set(short)
    listed = sorted(plain)
    numbered = [name not in texts or name in few or bool(found[f"numbered_{name}"][0]) for name in listed]
    full = [name in texts and int(found[f"filled_{name}"][0]) == n_rows for name in listed]
    noted = {"is_numbered": np.array(numbered, dtype=bool), "is_full": np.array(full, dtype=bool)}
    engine.materialize_arrays(f"plain_{table}", {"name": np.array(listed, dtype=object), **noted})
    return frozenset(plain)


def _counts(columns: Mapping[str, tuple[str, str]], texts: Mapping[str, str], many: Mapping[str, str]) -> list[str]:
    """Return what is counted in one pass over all rows.

    The smallest text of a plain column shows whether any begins with a digit, because signs that sort before the digits
    are not plain. Underscores between texts that are searched together end a word in every rule.
    """
    together = f"regexp_matches(concat_ws('_', {', '.join(many.values())}), {_ANYTHING})" if many else "false"
    counts = ["count(*) as n_rows", f"count(case when {together} then 1 end) as n_suspect"]
    counts += [f"count({cell}) as filled_{name}" for name, cell in texts.items()]
    for name, cell in many.items():
        counts.append(f"coalesce(min({cell}) < ':', false) as numbered_{name}")
        counts.append(f"coalesce(min(strlen({cell})), 1) as shortest_{name}")
        counts.append(f"coalesce(max(strlen({cell})), 1) as longest_{name}")
    counts += [
        f"count(case when not {cell} between -{_LARGEST_PLAIN} and {_LARGEST_PLAIN} then 1 end) as large_{name}"
        for name, (cell, kind) in columns.items()
        if kind in ("BIGINT", "UBIGINT")
    ]
    return counts


def _is_short(found: Mapping[str, NDArray[Any]], name: str) -> bool:
    return int(found[f"shortest_{name}"][0]) > 0 and int(found[f"longest_{name}"][0]) <= LONGEST_KEY


def _plain_texts(engine: Engine, texts: Mapping[str, str], relation: str, which: str) -> set[str]:
    """Return the columns of which ``all`` or ``distinct`` texts are plain, by one query: the pattern is long."""
    if not texts:
        return set()
    listed = [f"(select {which} '{name}' as name, {cell} as cell from {relation})" for name, cell in texts.items()]
    is_not = f"cell = '' or strlen(cell) > {LONGEST_KEY} or regexp_matches(cell, {_ANYTHING})"
    # Counted instead of filtered: a filter would be applied before equal texts are taken together.
    texts_of_all = " union all ".join(listed)
    counted = f"select name, count(case when {is_not} then 1 end) as n from ({texts_of_all}) group by name"
    found = engine.fetch(counted)
    suspect = {str(name) for name, n in zip(found["name"], found["n"], strict=True) if n}
    return set(texts) - suspect


def _holds_few_texts(table: str, name: str) -> bool:
    column = table_schema(table).column(name)
    return column is not None and (column.kind in _KINDS_OF_FEW_TEXTS or name in _NAMES_OF_FEW_TEXTS)


def plain_columns(engine: Engine, table: str, *, is_numbered: bool | None = None) -> frozenset[str]:
    """Return the columns that are known to be plain; none where nobody has looked.

    Parameters
    ----------
    engine : Engine
        Holds the note.
    table : str
        Name in the schema.
    is_numbered : bool, optional
        Only those of which some cell (True), or none (False), begins with a digit.
    """
    if not engine.has(f"plain_{table}"):
        return frozenset()
    noted = engine.fetch(f"select name, is_numbered from plain_{table} order by name")
    return frozenset(
        str(name)
        for name, numbered in zip(noted["name"], noted["is_numbered"], strict=True)
        if is_numbered is None or bool(numbered) == is_numbered
    )


def full_columns(engine: Engine, table: str) -> frozenset[str]:
    """Return the plain columns of text that are known to be filled in every row."""
    if not engine.has(f"plain_{table}"):
        return frozenset()
    noted = engine.fetch(f"select name from plain_{table} where is_full order by name")
    return frozenset(str(name) for name in noted["name"])
