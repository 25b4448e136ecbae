"""Which columns are plain: one pass over the values that makes every later search in them needless.

A text column is plain if no cell is empty, long, or holds anything but letters, digits and underscores, and none looks
like an identifier. Numbers and dates that came as such are plain too, unless a whole number is long enough for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.patterns import VALUE_RULES
from katoutcomes.registry.tables import LONGEST_KEY

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

_NOT_PLAIN = "[^0-9A-Za-z_]"
_LARGEST_PLAIN = 10**10 - 1
"""Of the rules for values none matches a number of ten digits."""
_ALWAYS_PLAIN = frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "DOUBLE", "DATE"})


def note_plain_columns(
    engine: Engine, table: str, columns: Mapping[str, tuple[str, str]], relation: str
) -> frozenset[str]:
    """Make the table ``plain_<table>``, which lists the plain columns.

    In a plain column the smallest text shows whether any begins with a digit: signs that sort before digits are not
    plain.

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

    tests = {name: test for name, (cell, kind) in columns.items() if (test := _is_not_plain(cell, kind))}
    texts = [name for name, (_, kind) in columns.items() if kind == "VARCHAR"]
    counts = [f"count(case when {test} then 1 end) as {name}" for name, test in tests.items()]
    counts += [f"count({columns[name][0]}) as filled_{name}" for name in texts]
    counts += [f"coalesce(min({columns[name][0]}) < ':', false) as numbered_{name}" for name in texts]
    found = engine.fetch(f"select count(*) as n_rows, {', '.join(counts)} from {relation}") if counts else {}
    unsure = {name for name, (_, kind) in columns.items() if name not in tests and kind not in _ALWAYS_PLAIN}
    plain = sorted(name for name in columns if name not in unsure and not (name in tests and found[name][0]))
    numbered = [name not in texts or bool(found[f"numbered_{name}"][0]) for name in plain]
    full = [name in texts and found[f"filled_{name}"][0] == found["n_rows"][0] for name in plain]
    noted = {"is_numbered": np.array(numbered, dtype=bool), "is_full": np.array(full, dtype=bool)}
    engine.materialize_arrays(f"plain_{table}", {"name": np.array(plain, dtype=object), **noted})
    return frozenset(plain)


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


def _is_not_plain(cell: str, kind: str) -> str:
    """Return the SQL that is true where a cell keeps its column from being plain; "" where that cannot be told."""
    if kind == "VARCHAR":
        anything = "|".join((_NOT_PLAIN, *(f"({pattern})" for pattern in VALUE_RULES.values()))).replace("'", "''")
        return f"{cell} = '' or strlen({cell}) > {LONGEST_KEY} or regexp_matches({cell}, '{anything}')"
    return f"not {cell} between -{_LARGEST_PLAIN} and {_LARGEST_PLAIN}" if kind in ("BIGINT", "UBIGINT") else ""
