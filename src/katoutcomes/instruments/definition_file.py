"""From a TOML definition to an `Instrument`, strictly: what is not understood is refused, and all of it at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from katoutcomes.instruments.instrument import USES, Instrument
from katoutcomes.instruments.loinc_tables import read_loinc
from katoutcomes.instruments.scale_tables import (
    NAME,
    ItemSet,
    Scale,
    check_total,
    plain,
    read_items,
    read_metrics,
    read_name,
    read_prorating,
    read_scoring,
)
from katoutcomes.instruments.threshold_tables import (
    read_definition_sets,
    read_norms,
    read_reliabilities,
    read_unverified,
)
from katoutcomes.instruments.toml_table import TomlTable, parse_toml, raise_problems
from katoutcomes.vocabulary import DIRECTIONS, SCHEMA_VERSION

CONSTRUCTS: tuple[str, ...] = (
    "depression",
    "anxiety",
    "ptsd",
    "obsessive_compulsive",
    "stress",
    "distress",
    "worry",
    "suicidality",
    "anhedonia",
    "insomnia",
    "pain",
    "somatic",
    "alcohol",
    "drugs",
    "wellbeing",
    "functioning",
    "quality_of_life",
    "global",
    "dissociation",
    "mystical",
    "ego_dissolution",
    "altered_state",
)
"""What a scale may measure, in the order of listings."""


def read_definition(text: str, file_name: str) -> Instrument:
    """Return the instrument that a TOML definition describes, without its sub-scales.

    Parameters
    ----------
    text : str
        The definition; its layout is described in the how-to page *Add an instrument*.
    file_name : str
        ``"<id>.toml"``; named in every message.

    Returns
    -------
    Instrument
        Immutable; with its definition sets in the order of the file.

    Raises
    ------
    DataError
        See `read_definitions`.

    Examples
    --------
    >>> from importlib.resources import files
    >>> text = files("katoutcomes.instruments").joinpath("definitions", "phq9.toml").read_text("utf-8")
    >>> read_definition(text, "phq9.toml").maximum
    27
    """
    return read_definitions(text, file_name)[0]


def read_definitions(text: str, file_name: str) -> tuple[Instrument, ...]:
    """Return the instrument that a TOML definition describes, and after it its sub-scales as instruments of their own.

    Parameters
    ----------
    text : str
        The definition; its layout is described in the how-to page *Add an instrument*.
    file_name : str
        ``"<id>.toml"``; named in every message.

    Returns
    -------
    tuple of Instrument
        The scale, then its sub-scales in the order of the file. A sub-scale numbers its items from 1; `item_numbers`
        says which items of the scale they are.

    Raises
    ------
    DataError
        If a key is unknown, missing or of the wrong type; if a number is out of its range; if bands overlap, leave a
        gap or do not cover the range; if the range of the total does not follow from the items and their scoring; if
        a metric does not map into the range; if a LOINC code has a wrong check digit or two meanings; if a sub-scale
        has items that the scale has not; if a name stands twice, two sets of a kind are the default, or a source is
        missing. The message lists all of it, each with its place in the file.
    """
    problems: list[str] = []
    top = TomlTable(parse_toml(text, file_name), "", problems)
    if top.text("schema_version") not in ("", SCHEMA_VERSION):
        top.note("schema_version", f"must be {SCHEMA_VERSION!r}, the layout that this version reads.")
    whole = _read_whole(top, file_name)
    found = [whole]
    for table in top.tables("subscale"):
        part = _read_part(table, whole)
        if any(part["id"] == earlier["id"] for earlier in found):
            table.note("id", f"{part['id']!r} stands twice in the file.")
        found.append(part)
    top.finish()
    raise_problems(file_name, problems)
    return tuple(Instrument(**{key: value for key, value in fields.items() if key != _ITEMS}) for fields in found)


_ITEMS = "item_set"
"""Where the fields of a scale keep its items until all of its sub-scales are read."""


def _read_whole(top: TomlTable, file_name: str) -> dict[str, Any]:
    """Return the fields of the scale of a file; they may hold placeholders where a problem is noted."""
    identifier = read_name(top, "id")
    if NAME.fullmatch(identifier) and file_name != f"{identifier}.toml":
        top.note("id", f"the file must be named after it: {identifier}.toml.")
    items = read_items(top.table("items"))
    total = top.table("total", is_required=False)
    recall_days = top.whole("recall_days")
    if recall_days < 0:
        top.note("recall_days", "must be 0 (no source says) or more.")
    fields: dict[str, Any] = {
        "rater": top.choice("rater", ("self", "clinician")),
        "recall_days": recall_days,
        "versions": top.texts("versions"),
        "licence": top.text("licence"),
    }
    fields |= _read_fields(top, total, items, identifier, inherited={"versions": fields["versions"]})
    total.finish()
    return fields


def _read_part(table: TomlTable, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a sub-scale; what it does not say itself is as in the scale of the file."""
    numbers = table.wholes("items")
    items: ItemSet = whole[_ITEMS]
    if items.is_sound and any(not 1 <= number <= items.n_items for number in numbers):
        table.note("items", f"names an item outside 1 to {items.n_items}, the items of the scale.")
    n_items = table.whole("count", default=len(numbers))
    if n_items != len(numbers) and (numbers or not 0 < n_items <= items.n_items):
        table.note("count", "says how many items there are where it is not known which; otherwise leave it out.")
    codes = whole["loinc"].items
    can_inherit = table.is_sound() and items.is_sound and bool(codes) and len(codes) == items.n_items
    inherited = {
        **{key: whole[key] for key in ("construct", "direction", "use", "sources")},
        "codes": tuple(codes[number - 1] for number in numbers) if can_inherit else (),
        "answers": whole["loinc"].answers if numbers else (),
    }
    fields = {key: whole[key] for key in ("rater", "recall_days", "versions", "licence")}
    # Without numbers there is nothing to add, so the sub-scale is read as one that has no items.
    fields |= _read_fields(table, table, items.part(numbers), read_name(table, "id"), inherited)
    table.finish()
    return {**fields, "n_items": n_items, "subscale_of": whole["id"], "item_numbers": numbers}


def _read_fields(
    table: TomlTable, total: TomlTable, items: ItemSet, identifier: str, inherited: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields that a scale and a sub-scale have alike; `total` is where the range of the total stands."""
    use = table.choice("use", USES, default=inherited.get("use", "outcome"))
    scale = _read_scale(table, total, items, use, inherited)
    sources = table.texts("sources", default=inherited.get("sources"))
    if table.has("sources") and not sources:
        table.note("sources", "at least one source is needed.")
    return {
        _ITEMS: items,
        "id": identifier,
        "name": table.text("name"),
        "full_name": table.text("full_name"),
        "aliases": table.texts("aliases"),
        "construct": table.choice("construct", CONSTRUCTS, default=inherited.get("construct")),
        "n_items": items.n_items,
        "item_minimum": items.minimum,
        "item_maximum": items.maximum,
        "item_ranges": items.ranges,
        "reverse_items": items.reverse,
        "safety_items": items.safety,
        "safety_at_least": items.safety_at_least,
        "minimum": scale.minimum,
        "maximum": scale.maximum,
        "direction": scale.direction,
        "use": use,
        "scoring": scale.scoring,
        "metrics": read_metrics(table.tables("metric"), scale),
        "prorating": read_prorating(table.tables("prorating"), scale),
        "loinc": read_loinc(
            table.table("loinc", is_required=False),
            items,
            inherited_items=inherited.get("codes", ()),
            inherited_answers=inherited.get("answers", ()),
        ),
        "definition_sets": read_definition_sets(table.tables("definition_set"), identifier, scale),
        "reliabilities": read_reliabilities(table.tables("reliability")),
        "norms": read_norms(table.tables("norms"), scale),
        "unverified": read_unverified(table.tables("unverified")),
        "sources": sources,
    }


def _read_scale(table: TomlTable, total: TomlTable, items: ItemSet, use: str, inherited: Mapping[str, Any]) -> Scale:
    """Return scoring, range and direction, with a note of what does not fit together."""
    scoring_table = table.table("scoring", is_required=False)
    scoring = read_scoring(scoring_table, items, inherited.get("versions", ()))
    has_total = total.has("minimum") or total.has("maximum")
    minimum = plain(total.number("minimum", default=None if has_total else math.nan))
    maximum = plain(total.number("maximum", default=None if has_total else math.nan))
    chosen = table.choice("direction", DIRECTIONS, default=inherited.get("direction"))
    if chosen == "higher_is_more" and use in ("outcome", "global_change"):
        table.note("direction", f"'higher_is_more' says neither better nor worse, so it cannot be of the use {use!r}.")
    is_known = has_total != math.isnan(minimum + maximum)
    can_lack_total = scoring.kind == "none"
    is_sound = items.is_sound and scoring_table.is_sound() and is_known and chosen in DIRECTIONS
    is_sound = is_sound and (has_total or can_lack_total)
    scale = Scale(items, scoring, minimum, maximum, chosen, is_sound)
    if scoring_table.is_sound() and is_known:
        check_total(total, scale, use)
    return scale
