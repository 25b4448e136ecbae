"""Whatever stands in a definition file, reading it gives instruments or a `DataError`, never another exception."""

from __future__ import annotations

import copy
import json
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katoutcomes.errors import DataError
from katoutcomes.instruments.definition_file import read_definitions

FOLDER = files("katoutcomes.instruments").joinpath("definitions")
NAMES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))
DOCUMENTS = {name: tomllib.loads(FOLDER.joinpath(name).read_text("utf-8")) for name in NAMES}

LEAVES = st.one_of(
    st.integers(-5, 120),
    st.integers(10**9, 10**12),
    st.floats(-5, 120, allow_nan=False),
    st.sampled_from(["", " ", "sum", "mean", "none", "domains", "categories", "higher_is_more", "44261-6", "x"]),
    st.booleans(),
)
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=3),
    st.dictionaries(st.sampled_from(["kind", "items", "minimum", "factor", "z"]), LEAVES, max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["kind", "items", "values", "z"]), LEAVES, max_size=2), max_size=2),
)


def _toml(value: Any) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _text(document: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {_toml(value)}" for key, value in document.items())


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, entry in inner for place in ((*path, key), *_places(entry, (*path, key)))]


def _changed(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> None:
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value


@pytest.mark.parametrize("name", NAMES)
def test_writing_a_definition_on_single_lines_changes_nothing(name: str) -> None:
    text = FOLDER.joinpath(name).read_text("utf-8")
    assert repr(read_definitions(_text(DOCUMENTS[name]), name)) == repr(read_definitions(text, name))


@settings(max_examples=200)
@given(st.sampled_from(NAMES), st.data())
def test_a_spoiled_definition_is_refused_or_read_and_nothing_else(name: str, data: st.DataObject) -> None:
    document = copy.deepcopy(DOCUMENTS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(document)))
        _changed(document, place, data.draw(st.one_of(st.none(), VALUES)))
    try:
        found = read_definitions(_text(document), name)
    except DataError as error:
        message = str(error)
    else:
        message = ""
    assert not message or message.startswith(f"{name} has ")
    if message:
        return
    for scale in found:
        assert scale.id
        assert scale.scoring.kind == "none" or scale.minimum < scale.maximum
