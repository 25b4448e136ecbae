"""The digest of a registry: the same for the same accepted content, whatever the order of the rows or the format."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.checking.packed_items import KeptItems, kept_items, packed_items
from katoutcomes.registry.engines.numbered_keys import NumberedKeys, form_of, noted_form
from katoutcomes.registry.row_sums import Digit, sums_of_rows, word_query
from katoutcomes.registry.tables import PATIENTS, SCORES, TABLES, TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER")
_LARGEST_WORD = 2**62
"""Words are whole numbers below it, so that none overflows."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What of a table the digest is taken of.

    Attributes
    ----------
    schema : TableSchema
        Which table.
    relation : str
        What holds its rows.
    types : mapping of str to str
        DuckDB type of each column that counts, items apart.
    codes : mapping of str to (list of int, list of str)
        For each enumeration of the schema or the catalog the codes that occur, and their texts, in the texts' order.
    keys : NumberedKeys or None
        The form that all keys of the table have; None where they have no common one.
    items : tuple of Digit
        The words that hold items.
    """

    schema: TableSchema
    relation: str
    types: Mapping[str, str]
    codes: Mapping[str, tuple[list[int], list[str]]]
    keys: NumberedKeys | None = None
    items: tuple[Digit, ...] = ()


def registry_digest(engine: Engine) -> str:
    """Return the digest of everything that was accepted: equal content gives equal digests.

    The whole numbers and codes of a row become the digits of one or a few large numbers, whose bases are the ranges of
    the columns; items are such digits already, and keys of one form are numbers. Where that is the whole row, two sums
    of 64 bits are taken over hashes of its numbers (`sums_of_rows`). Otherwise numbers and texts become one text, and
    its 128-bit MD5 goes into an exclusive or. In both ways the order of the rows does not matter; keys are unique, so
    no row cancels another. The digest is the SHA-256 of the column names, their ranges, row counts and results of all
    tables; columns without any value do not count.

    That two different registries have one digest by accident has a chance far below 1 in 10^15. It is no protection
    against somebody who wants two registries to have the same one.
    """
    total = hashlib.sha256()
    for schema in TABLES:
        content = _content(engine, schema)
        asked = ", ".join(_ranges(content))
        found = engine.fetch(f"select count(*) as n_rows, {asked} from {content.relation}")
        names = sorted(name for name in content.types if found[f"n_{name}"][0])
        items = [word for word in content.items if found[f"n_{word.name}"][0]]
        listed = ",".join((*names, *(word.name for word in items)))
        total.update(f"{schema.name}\n{int(found['n_rows'][0])}\n{listed}\n".encode())
        if names:
            parts = _parts(content, names, items, found)
            total.update(f"{parts.bases}\n{_rows_digest(engine, content, parts, 'session' in names):032x}\n".encode())
    return total.hexdigest()


def _rows_digest(engine: Engine, content: _Content, parts: _Parts, has_sessions: bool) -> int:
    """Return 128 bits about the rows of a table, in any order."""
    if not parts.texts:
        return sums_of_rows(engine, content.relation, content.schema.code, parts.words)
    line = ", ".join((*parts.texts, *(f"cast({word_query(word)} as varchar)" for word in parts.words)))
    relation = _with_session_keys(content.relation) if has_sessions else content.relation
    return int(engine.scalar(f"select bit_xor(md5_number(concat_ws(chr(31), {line}))) from {relation}")) % 2**128


def _content(engine: Engine, schema: TableSchema) -> _Content:
    """Return what of a table the digest is taken of, as it is kept: columns that the input lacks are not there."""
    relation = schema.name if schema is PATIENTS else f"kept_{schema.name}"
    types = engine.query_types(f"select * from {relation}")
    del types[schema.code]  # it is the place of the row in its file, or follows from the keys of the patients
    codes = {
        name: _occurring(engine, relation, name)
        for name, kind in types.items()
        if kind.startswith("ENUM") and _is_of_catalog(schema, name)
    }
    keys = noted_form(engine, schema.name)
    if keys is None and schema.key in types:
        keys = _common_form(engine, relation, schema.key)
    if schema is not SCORES:
        return _Content(schema, relation, types, codes, keys)
    types = {name: kind for name, kind in types.items() if not name.startswith("items_")}
    return _Content(schema, relation, types, codes, keys, _item_words(kept_items(engine), codes["instrument"][1]))


def _common_form(engine: Engine, relation: str, key: str) -> NumberedKeys | None:
    """Return the form that all keys of a table have, which are kept as texts: what was rejected may have had others."""
    first = engine.fetch(f"select {key} as key from {relation} limit 1")["key"]
    form = form_of(str(first[0])) if len(first) else None
    if form is None or engine.scalar(f"select count(*) from {relation} where {form.number_of_any(key, -1)} = -1"):
        return None
    return form


def _item_words(items: KeptItems, accepted: list[str]) -> tuple[Digit, ...]:
    """Return the words of the items of the scales that were accepted.

    Scales of which every row was rejected are no content, but they may have decided how items are kept.
    """
    kept, packed = items.packed, packed_items([scale for scale in items.scales if scale.id in accepted])
    is_same = (packed.lowest, packed.highest) == (kept.lowest, kept.highest)
    values = {number: kept.item(number, "smallint") for number in range(1, kept.n_items + 1)}
    return tuple(
        Digit(word, word if is_same else packed.word(word, values), 1, packed.largest(word))
        for word in packed.words
        if not is_same or word in kept.words
    )


def _ranges(content: _Content) -> list[str]:
    """Return what is asked about the columns of a table before its rows are read."""
    asked = [f"count({name}) as n_{name}" for name in content.types]
    asked += [f"count(nullif({word.cell}, 0)) as n_{word.name}" for word in content.items]
    if content.keys is not None:
        asked.append(f"min({_key_number(content)}) as low_key, max({_key_number(content)}) as high_key")
    for name, kind in content.types.items():
        if kind in _WHOLE_TYPES or kind == "DOUBLE":
            asked += [f"min({name}) as low_{name}", f"max({name}) as high_{name}"]
        if kind == "DOUBLE":
            is_not_whole = f"{name} <> floor({name}) or abs({name}) >= 1e9"
            asked.append(f"count(case when {is_not_whole} then 1 end) as fractions_{name}")
    return asked


def _with_session_keys(relation: str) -> str:
    """Return a relation that names sessions by their keys, which do not depend on the order of rows."""
    return (
        f"(select t.* replace (s.session_id as session) from {relation} as t "
        "left join sessions as s on t.session = s.session) as keyed"
    )


def _key_number(content: _Content) -> str:
    """Return the SQL of the number of a key, which may be kept as a number or as a text."""
    key = content.schema.key
    return key if content.keys is None or content.types[key] in _WHOLE_TYPES else content.keys.number(key)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a row is made of, as SQL: texts and large numbers; and the ranges and codes to read the numbers with."""

    texts: list[str]
    words: list[list[Digit]]
    bases: str


def _parts(content: _Content, names: list[str], items: list[Digit], found: Mapping[str, NDArray[Any]]) -> _Parts:
    """Return what the rows of a table are made of."""
    numbers: list[Digit] = []
    texts: list[str] = []
    bases: list[str] = []
    for name in names:
        kind, is_known = content.types[name], found[f"n_{name}"][0] == found["n_rows"][0]
        if name in content.codes:
            codes, meanings = content.codes[name]
            places = " ".join(f"when {code} then {place}" for place, code in enumerate(codes))
            place = f"enum_code({name})" if codes == [*range(len(codes))] else f"case enum_code({name}) {places} end"
            numbers.append(Digit(name, place, 0, len(codes) - 1, is_known))
            bases.append(f"{name}={','.join(meanings)}")
        elif name == content.schema.key and content.keys is not None:
            low, high = int(found["low_key"][0]), int(found["high_key"][0])
            numbers.append(Digit(name, _key_number(content), low, high, is_known))
            bases.append(f"{name}={content.keys.beginning}{low}..{high} of {content.keys.n_digits}")
        elif (kind in _WHOLE_TYPES and name != "session") or (kind == "DOUBLE" and not found[f"fractions_{name}"][0]):
            low, high = int(found[f"low_{name}"][0]), int(found[f"high_{name}"][0])
            numbers.append(Digit(name, name, low, high, is_known))
            bases.append(f"{name}={low}..{high}")
        else:
            texts.append(f"coalesce({_canonical(name, kind)}, '')")
    bases += [f"{word.name}={word.high}" for word in items]
    return _Parts(texts, _words([*numbers, *items]), ";".join(bases))


def _words(numbers: list[Digit]) -> list[list[Digit]]:
    """Return the digits of as few numbers as hold all of the given ones."""
    words: list[list[Digit]] = []
    size = _LARGEST_WORD
    for number in numbers:
        size *= number.n_values
        if size >= _LARGEST_WORD:
            words.append([number])
            size = number.n_values
        else:
            words[-1].append(number)
    return words


def _is_of_catalog(schema: TableSchema, name: str) -> bool:
    """Return whether the texts of an enumeration are the schema's or the catalog's, so that a query may name them."""
    column = schema.column(name)
    return schema is SCORES or (column is not None and column.kind == "code")


def _occurring(engine: Engine, relation: str, name: str) -> tuple[list[int], list[str]]:
    """Return the codes of an enumeration that occur and their texts, in the order of the texts."""
    found = engine.fetch(
        f"select enum_code({name}) as code, cast({name} as varchar) as v from "
        f"(select distinct {name} from {relation} where {name} is not null) as occurring order by v"
    )
    return found["code"].tolist(), [str(text) for text in found["v"]]


def _canonical(name: str, kind: str) -> str:
    """Return the SQL that writes a value in one way only; seventeen digits name a double exactly."""
    if kind != "DOUBLE":
        return f"cast({name} as varchar)"
    whole = f"{name} = floor({name}) and abs({name}) < 1e15"
    return f"case when {whole} then cast(cast({name} as bigint) as varchar) else printf('%.17g', {name}) end"
