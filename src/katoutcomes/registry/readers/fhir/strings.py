"""Strings of an export, all together: whether any of them needs a closer look, element by element."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers import holds_given_name
from katoutcomes.registry.identifiers.folding import OTHER_SIGN
from katoutcomes.registry.identifiers.patterns import ANYTHING, SHORTEST_IDENTIFIER
from katoutcomes.registry.readers.fhir.person_elements import element_name_rule
from katoutcomes.registry.tables import LOWEST_AGE_YEARS

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_FEW_TEXTS = 1000
_HARMLESS = re.compile(
    r"(?:[A-Za-z]+/)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID, or a reference to one
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
    r"|[A-Za-z/]+[0-9]{0,4}"
).fullmatch
_DATE = re.compile(r"((?:19|20)[0-9]{2})-?[0-9]{2}-?[0-9]{2}(?:T.*)?").fullmatch
_WORDS = re.compile(r"[^0-9:/{}\[\]]{4,60}").fullmatch
_NAME = re.compile(r"_?[A-Za-z][A-Za-z_]{1,30}").fullmatch
_NUMBER = re.compile(r"[0-9]{9,20}|[A-Z]{4}[0-9]{8}|[A-Z][0-9]{7,9}[A-Z]?").fullmatch


def is_suspect(strings: Iterable[str]) -> bool:
    """Return whether any string may be a name, a number of a person, or a date long before the others.

    Parameters
    ----------
    strings : iterable of str
        All different strings of a file.
    """
    years: list[int] = []
    for text in strings:
        if found := _DATE(text):
            years.append(int(found[1]))
        elif _may_be_of_a_person(text):
            return True
    return bool(years) and min(years) <= sorted(years)[len(years) // 2] - LOWEST_AGE_YEARS


def _may_be_of_a_person(text: str) -> bool:
    if _NUMBER(text) is not None or (_NAME(text) is not None and element_name_rule(text) is not None):
        return True
    return _WORDS(text) is not None and holds_given_name(text)


def may_hold_identifier(engine: Engine, texts: Iterable[str]) -> bool:
    """Return whether any text needs a closer look; the engine's regular expressions are many times as fast as ours."""
    import numpy as np

    suspects = [text for text in texts if len(text) >= SHORTEST_IDENTIFIER and not _HARMLESS(text)]
    anything = f"{ANYTHING}|{OTHER_SIGN}"
    if len(suspects) < _FEW_TEXTS:
        return re.search(anything, "\x1f".join(suspects)) is not None
    engine.materialize_arrays("fhir_texts", {"text": np.array(suspects, dtype=object)})
    written = anything.replace("'", "''")
    n_suspect = engine.scalar(f"select count(*) from fhir_texts where regexp_matches(text, '{written}')")
    engine.drop("fhir_texts")
    return bool(n_suspect)
