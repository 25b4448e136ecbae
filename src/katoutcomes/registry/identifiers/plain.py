"""Which columns are plain: one pass over the values that makes every later search in them needless.

A text column is plain if no cell is empty, long, or holds anything but letters, digits and underscores, and none looks
like an identifier. Numbers and dates that came as such are plain too, unless a whole number is long enough for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engines.key_numbers import NO_KEY, read_key_numbers
from katoutcomes.registry.engines.numbered_keys import NumberedKeys, form_of
from katoutcomes.registry.identifiers.patterns import ANYTHING, SHORTEST_IDENTIFIER, compiled_anything
from katoutcomes.registry.tables import LONGEST_KEY, table_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_KINDS_OF_FEW_TEXTS = ("code", "codes", "term", "quarter")
_NAMES_OF_FEW_TEXTS = ("site", "instrument", "version", "metric")
_NEVER_PLAIN = ("date", "time")
"""Kinds whose cells hold hyphens or colons."""
_MOST_FEW_TEXTS = 1000
"""So many different texts are searched one by one in the process, which is quicker than to prepare a query."""
_SIGNS = "[^0-9A-Za-z_]"
_PATTERN = f"{_SIGNS}|{ANYTHING}"
"""A text that this matches is not plain."""
_COMPILED_SIGNS = re.compile(_SIGNS)
_LARGEST_PLAIN = 10**10 - 1
"""Of the rules for values none matches a number of ten digits."""
_MANY_ROWS = 50_000
"""From so many rows on it pays to find out whether keys are numbered, for which each column is searched by itself."""
_ALWAYS_PLAIN = frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "DOUBLE", "DATE"})


@dataclass(frozen=True, slots=True)
class PlainColumns:
    """What was found out about the columns of a table when it was read.

    Attributes
    ----------
    names : frozenset of str
        The plain columns.
    full : frozenset of str
        Those of them that are texts and filled in every row.
    numbered : mapping of str to NumberedKeys
        Those of them that hold keys of one form, with the form.
    numbers : mapping of str to ndarray of int32
        The numbers of these keys, as far as they were read, in the order of the rows.
    searched : frozenset of str
        Columns of few different texts, none of which looks like an identifier.
    """

    names: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    numbered: Mapping[str, NumberedKeys] = field(default_factory=dict)
    numbers: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    searched: frozenset[str] = frozenset()


def note_plain_columns(
    engine: Engine, table: str, columns: Mapping[str, tuple[str, str]], relation: str, *, in_order: bool = False
) -> frozenset[str]:
    """Find the plain columns of a table, and note them in the engine for `plain_columns`.

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
    in_order : bool, default False
        Whether rows are numbered as they lie there, so that the numbers of keys can be read beside.

    Returns
    -------
    frozenset of str
        The plain columns.
    """
    texts = {name: cell for name, (cell, kind) in columns.items() if kind == "VARCHAR"}
    few = {name: cell for name, cell in texts.items() if _is_of(table, name, _KINDS_OF_FEW_TEXTS, _NAMES_OF_FEW_TEXTS)}
    many = {name: cell for name, cell in texts.items() if name not in few and not _is_of(table, name, _NEVER_PLAIN)}
    forms = _possible_forms(engine, table, many, relation)
    short_forms = {name: (many[name], form) for name, form in forms.items() if _needs_no_search(form)}
    numbers = read_key_numbers(engine, relation, short_forms) if in_order else {}
    numbered = {name: forms.pop(name) for name in numbers}
    texts, many = ({name: cell for name, cell in cells.items() if name not in numbers} for cells in (texts, many))
    counts = _counts(columns, texts, {name: cell for name, cell in many.items() if name not in forms})
    counts += [f"count(case when {_is_odd(many[name], form)} then 1 end) as odd_{name}" for name, form in forms.items()]
    found = engine.fetch(f"select {', '.join(counts)} from {relation}")
    odd = {name: many[name] for name in forms if found[f"odd_{name}"][0]}
    forms = {name: form for name, form in forms.items() if name not in odd}
    found |= engine.fetch(f"select {', '.join(_lengths(odd))} from {relation}") if odd else {}
    plain = {name for name, (_, kind) in columns.items() if kind in _ALWAYS_PLAIN}
    plain |= {name for name in columns if f"large_{name}" in found and not found[f"large_{name}"][0]}
    plain_of_few, searched = _search_few(engine, few, relation)
    plain |= plain_of_few
    short = {name: cell for name, cell in many.items() if name not in forms and _is_short(found, name)}
    suspect = short if found["n_suspect"][0] else {name: cell for name, cell in short.items() if name in odd}
    plain |= forms.keys() | (short.keys() - suspect.keys()) | _plain_of_suspects(engine, suspect, relation)
    full = {name for name in plain & texts.keys() if found[f"filled_{name}"][0] == found["n_rows"][0]}
    full |= {name for name, values in numbers.items() if (values != NO_KEY).all()}
    plain |= numbers.keys()
    numbered |= {name: form for name, form in forms.items() if _begin_alike(engine, many[name], form, relation)}
    known = PlainColumns(frozenset(plain), frozenset(full), numbered, numbers, frozenset(searched))
    engine.notes[f"plain_{table}"] = known
    return frozenset(plain)


def _possible_forms(engine: Engine, table: str, texts: Mapping[str, str], relation: str) -> dict[str, NumberedKeys]:
    """Return the columns of keys that may be numbered, with the form of their first cell."""
    keys = {name: cell for name, cell in texts.items() if _is_of(table, name, ("key",))}
    n_rows = int(engine.scalar(f"select count(*) from {relation}")) if keys else 0
    if n_rows < _MANY_ROWS:
        return {}
    engine.expect_rows(n_rows)
    cells = ", ".join(f"{cell} as {name}" for name, cell in keys.items())
    first = engine.fetch(f"select {cells} from {relation} limit 1")
    found = {name: form_of(str(first[name][0])) for name in keys if len(str(first[name][0])) <= LONGEST_KEY}
    return {name: form for name, form in found.items() if form is not None}


def _is_odd(cell: str, form: NumberedKeys) -> str:
    """Return the SQL that is true where a key has another form, its beginning apart, or is not plain."""
    if _needs_no_search(form):
        return f"not {cell} glob '{form.alike}'"
    return f"regexp_matches({cell}, {_quoted(f'{form.unlike}|{_PATTERN}')})"


def _needs_no_search(form: NumberedKeys) -> bool:
    """Return whether the form alone has to be asked: no rule for values looks for one sign and nine digits at most."""
    return len(form.beginning) <= 1


def _begin_alike(engine: Engine, cell: str, form: NumberedKeys, relation: str) -> bool:
    """Return whether keys begin as their form does: texts between two that begin alike begin like them."""
    # By itself, because a Parquet file often knows the answer.
    ends = engine.fetch(f"select min({cell}) as first, max({cell}) as last from {relation}")
    return all(str(end[0]).startswith(form.beginning) for end in ends.values())


def _counts(columns: Mapping[str, tuple[str, str]], texts: Mapping[str, str], together: Mapping[str, str]) -> list[str]:
    """Return what is counted in one pass over all rows."""
    counts = ["count(*) as n_rows", f"count(case when {_match_together(together)} then 1 end) as n_suspect"]
    counts += [f"count({cell}) as filled_{name}" for name, cell in texts.items()]
    counts += _lengths(together)
    counts += [
        f"count(case when not {cell} between -{_LARGEST_PLAIN} and {_LARGEST_PLAIN} then 1 end) as large_{name}"
        for name, (cell, kind) in columns.items()
        if kind in ("BIGINT", "UBIGINT")
    ]
    return counts


def _lengths(texts: Mapping[str, str]) -> list[str]:
    """Return the lengths of the shortest and the longest text of each column, as SQL."""
    found = (("min", "shortest"), ("max", "longest"))
    return [
        f"coalesce({which}(strlen({cell})), 1) as {label}_{name}"
        for name, cell in texts.items()
        for which, label in found
    ]


def _match_together(texts: Mapping[str, str]) -> str:
    """Return the SQL that is true where any of some cells is not plain.

    Underscores between texts that are searched together end a word in every rule.
    """
    return f"regexp_matches(concat_ws('_', {', '.join(texts.values())}), {_quoted(_PATTERN)})" if texts else "false"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def _is_short(found: Mapping[str, NDArray[Any]], name: str) -> bool:
    return int(found[f"shortest_{name}"][0]) > 0 and int(found[f"longest_{name}"][0]) <= LONGEST_KEY


def _search_few(engine: Engine, texts: Mapping[str, str], relation: str) -> tuple[set[str], set[str]]:
    """Return the plain ones among columns that hold few different texts, and those that hold nothing to be found."""
    if not texts:
        return set(), set()
    listed = [
        f"(select distinct '{name}' as name, {cell} as cell from {relation} limit {_MOST_FEW_TEXTS + 1})"
        for name, cell in texts.items()
    ]
    found = engine.fetch(" union all ".join(listed))
    held: dict[str, list[str]] = {name: [] for name in texts}
    for name, cell in zip(found["name"].tolist(), found["cell"].tolist(), strict=True):
        if cell is not None:
            held[name].append(cell)
    many = {name: texts[name] for name, cells in held.items() if len(cells) >= _MOST_FEW_TEXTS}
    plain = {name for name, cells in held.items() if name not in many and all(map(_is_plain, cells))}
    searched = {name for name, cells in held.items() if name not in many and all(map(_is_harmless, cells))}
    return plain | _plain_texts(engine, many, relation, "distinct"), searched


def _is_harmless(text: str) -> bool:
    """Return whether no rule for values finds anything in a text, however it is trimmed."""
    if not (text.isascii() and text.isprintable()):
        return False
    return not any(
        compiled_anything().search(part) for part in {text, text.strip()} if len(part) >= SHORTEST_IDENTIFIER
    )


def _is_plain(text: str) -> bool:
    if not 0 < len(text) <= LONGEST_KEY or _COMPILED_SIGNS.search(text) is not None:
        return False
    return len(text) < SHORTEST_IDENTIFIER or compiled_anything().search(text) is None


def _plain_of_suspects(engine: Engine, texts: Mapping[str, str], relation: str) -> set[str]:
    """Return the plain ones among columns of which some are not: signs are looked for first, which is quick."""
    if not texts:
        return set()
    signs = (
        f"count(case when regexp_matches({cell}, '{_SIGNS}') then 1 end) as {name}" for name, cell in texts.items()
    )
    found = engine.fetch(f"select {', '.join(signs)} from {relation}")
    without = {name: cell for name, cell in texts.items() if not found[name][0]}
    if without and not engine.scalar(f"select count(*) from {relation} where {_match_together(without)}"):
        return set(without)
    return _plain_texts(engine, without, relation, "all")


def _plain_texts(engine: Engine, texts: Mapping[str, str], relation: str, which: str) -> set[str]:
    """Return the columns of which ``all`` or ``distinct`` texts are plain, by one query: the pattern is long."""
    if not texts:
        return set()
    listed = [f"(select {which} '{name}' as name, {cell} as cell from {relation})" for name, cell in texts.items()]
    is_not = f"cell = '' or strlen(cell) > {LONGEST_KEY} or regexp_matches(cell, {_quoted(_PATTERN)})"
    # Counted instead of filtered: a filter would be applied before equal texts are taken together.
    texts_of_all = " union all ".join(listed)
    counted = f"select name, count(case when {is_not} then 1 end) as n from ({texts_of_all}) group by name"
    found = engine.fetch(counted)
    suspect = {str(name) for name, n in zip(found["name"], found["n"], strict=True) if n}
    return set(texts) - suspect


def _is_of(table: str, name: str, kinds: tuple[str, ...], names: tuple[str, ...] = ()) -> bool:
    column = table_schema(table).column(name)
    return column is not None and (column.kind in kinds or name in names)


def plain_columns(engine: Engine, table: str) -> PlainColumns:
    """Return what is known of the columns of a table; nothing where nobody has looked."""
    noted = engine.notes.get(f"plain_{table}")
    return noted if isinstance(noted, PlainColumns) else PlainColumns()


def take_plain_columns(engine: Engine, table: str) -> PlainColumns:
    """Return what is known of the columns of a table, which is noted no longer: the numbers of keys fill memory."""
    known = plain_columns(engine, table)
    engine.notes.pop(f"plain_{table}", None)
    return known
