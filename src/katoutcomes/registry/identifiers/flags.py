"""Names of columns as evidence, unless the cells say that nothing of the kind is there: flags, counts, few codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.given_names import GIVEN_NAMES
from katoutcomes.registry.identifiers.names import CODED_RULES, SMALL_NUMBER_RULES, name_rule

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_YES_OR_NO = "0 1 0.0 1.0 y n t f yes no true false ja nein oui non si na n/a none unknown missing checked unchecked"
_FLAGS = frozenset(_YES_OR_NO.split(" "))
_SMALL_NUMBER = re.compile(r"[0-9]{1,2}([.]0+)?")
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,19}")
_MOST_CODES = 12
_FEWEST_ROWS_A_CODE = 2
_MOST_NUMBERS = 100


def evident_name_rules(engine: Engine, table: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a table whose names announce an identifier that may really be there.

    Parameters
    ----------
    engine : Engine
        Holds the table.
    table : str
        A table of text columns.
    columns : mapping of str to str
        Engine column to the column's own name.

    Returns
    -------
    dict of str to str
        Engine column to rule id. A column without any cell is among them: its name says what it is made for.
    """
    named = {column: rule for column, name in columns.items() if (rule := name_rule(name)) is not None}
    return {column: rule for column, rule in named.items() if not _is_harmless(engine, table, column, rule)}


def _is_harmless(engine: Engine, table: str, column: str, rule: str) -> bool:
    found = engine.fetch(
        f"select v, count(*) as n_rows from (select {column} as v from {table} where {column} is not null) as filled "
        f"group by v order by v limit {_MOST_NUMBERS + 1}"
    )
    texts = [str(text) for text in found["v"]]
    if not texts or len(texts) > _MOST_NUMBERS:
        return False
    if all(text.lower() in _FLAGS for text in texts):
        return True
    if rule in SMALL_NUMBER_RULES and all(_SMALL_NUMBER.fullmatch(text) for text in texts):
        return True
    is_closed = len(texts) <= _MOST_CODES and sum(found["n_rows"].tolist()) >= _FEWEST_ROWS_A_CODE * len(texts)
    return rule in CODED_RULES and is_closed and all(_is_code(text) for text in texts)


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and GIVEN_NAMES.isdisjoint(re.split("[0-9_-]+", text))
