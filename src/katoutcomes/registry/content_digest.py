"""The digest of a registry: the same for the same accepted content, whatever the order of the rows or the format."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from katoutcomes.registry.tables import SCORES, TABLES, TableSchema

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

_LANES = ("first", "second")
_WEIGHT_BITS = 26
_NUMBER_BITS = 30
_UNKNOWN = 2**_NUMBER_BITS - 1
"""Stands for an unknown number; no accepted whole number has ten digits."""
_COLUMNS_A_SUM = 32
"""So many products of a weight and a number add up to less than 2 to the power of 62."""
_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER")


def registry_digest(engine: Engine) -> str:
    """Return the digest of everything that was accepted: equal content gives equal digests.

    Each row becomes a text: its key and other texts, and two sums of its numbers with weights that the column names
    give. The 128-bit MD5 of each row goes into an exclusive or, so that the order of the rows does not matter; keys are
    unique, so no row cancels another. The digest is the SHA-256 of the column names, row counts and results of all
    tables; columns without any value do not count.

    That two different registries have one digest by accident has a chance below 1 in 10^15. It is no protection against
    somebody who wants two registries to have the same one.
    """
    total = hashlib.sha256()
    for schema in TABLES:
        types = engine.query_types(f"select * from {schema.name}")
        del types[schema.code]  # it is the place of the row in its file, or follows from the keys of the patients
        counted = [f"count({name}) as {name}" for name in types]
        doubles = [name for name, kind in types.items() if kind == "DOUBLE"]
        counted += [f"count(case when {_is_not_whole(name)} then 1 end) as fractions_{name}" for name in doubles]
        found = engine.fetch(f"select count(*) as n_rows, {', '.join(counted)} from {schema.name}")
        names = sorted(name for name in types if found[name][0])
        total.update(f"{schema.name}\n{int(found['n_rows'][0])}\n{','.join(names)}\n".encode())
        if names:
            fractions = {name for name in doubles if found[f"fractions_{name}"][0]}
            line = _line(engine, schema, {name: types[name] for name in names}, fractions)
            relation = _with_session_keys(schema) if "session" in names else schema.name
            rows = int(engine.scalar(f"select bit_xor(md5_number({line})) from {relation}"))
            total.update(f"{rows % 2**128:032x}\n".encode())
    return total.hexdigest()


def _is_not_whole(name: str) -> str:
    return f"{name} <> floor({name}) or abs({name}) >= 1e9"


def _with_session_keys(schema: TableSchema) -> str:
    """Return a relation that names sessions by their keys, which do not depend on the order of rows."""
    return (
        f"(select t.* replace (s.session_id as session) from {schema.name} as t "
        "left join sessions as s on t.session = s.session) as keyed"
    )


def _line(engine: Engine, schema: TableSchema, types: dict[str, str], fractions: set[str]) -> str:
    """Return the SQL of a row's text."""
    numbers: dict[str, str] = {}
    texts: list[str] = []
    for name, kind in types.items():
        if kind.startswith("ENUM") and _is_of_catalog(schema, name):
            numbers[name] = _number_of_code(engine, name, kind)
        elif kind in _WHOLE_TYPES and name != "session":
            numbers[name] = f"coalesce({name}, {_UNKNOWN})"
        elif kind == "DOUBLE" and name not in fractions:
            numbers[name] = f"coalesce(cast({name} as integer), {_UNKNOWN})"
        else:
            texts.append(f"coalesce({_canonical(name, kind)}, '')")
    names = list(numbers)
    parts = [
        f"cast({_weighted_sum(schema, lane, {name: numbers[name] for name in names[first : first + _COLUMNS_A_SUM]})} "
        "as varchar)"
        for first in range(0, len(names), _COLUMNS_A_SUM)
        for lane in _LANES
    ]
    return " || chr(31) || ".join(texts + parts)


def _is_of_catalog(schema: TableSchema, name: str) -> bool:
    """Return whether the texts of an enumeration are the schema's or the catalog's, so that a query may name them."""
    column = schema.column(name)
    return schema is SCORES or (column is not None and column.kind == "code")


def _weighted_sum(schema: TableSchema, lane: str, numbers: dict[str, str]) -> str:
    return " + ".join(
        f"cast({number} as bigint) * {_hashed(f'{lane}/{schema.name}/{name}', _WEIGHT_BITS)}"
        for name, number in numbers.items()
    )


def _number_of_code(engine: Engine, name: str, kind: str) -> str:
    """Return the SQL of a number for each value of an enumeration that depends on its text alone."""
    values = engine.fetch(f"select unnest(enum_range(cast(null as {kind}))) as v")["v"]
    cases = " ".join(f"when {_quoted(text)} then {_hashed(text, _NUMBER_BITS)}" for text in sorted(values))
    return f"case {name} {cases} else {_UNKNOWN} end"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _hashed(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") % (1 << bits)


def _canonical(name: str, kind: str) -> str:
    """Return the SQL that writes a value in one way only; seventeen digits name a double exactly."""
    if kind != "DOUBLE":
        return f"cast({name} as varchar)"
    whole = f"{name} = floor({name}) and abs({name}) < 1e15"
    return f"case when {whole} then cast(cast({name} as bigint) as varchar) else printf('%.17g', {name}) end"
