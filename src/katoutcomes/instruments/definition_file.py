"""From a TOML definition to an `Instrument`, strictly: what is not understood is refused, and all of it at once."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from katoutcomes.instruments.instrument import (
    DEFINITION_KINDS,
    RELIABILITY_KINDS,
    Band,
    DefinitionSet,
    Instrument,
    Norms,
    Reliability,
)
from katoutcomes.instruments.toml_table import TomlTable, parse_toml, raise_problems
from katoutcomes.vocabulary import DIRECTIONS, SCHEMA_VERSION

CONSTRUCTS: tuple[str, ...] = ("depression", "anxiety", "ptsd")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Scale:
    """Items, range and direction; `is_sound` says whether thresholds can be held against them."""

    n_items: int
    item_minimum: int
    item_maximum: int
    reverse_items: tuple[int, ...]
    safety_items: tuple[int, ...]
    minimum: int
    maximum: int
    direction: str
    is_sound: bool


def read_definition(text: str, file_name: str) -> Instrument:
    """Return the instrument that a TOML definition describes.

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
        If a key is unknown, missing or of the wrong type; if a number is out of its range; if bands overlap, leave a
        gap or do not cover the range; if the range of the total does not follow from the items; if a name stands
        twice, two sets of a kind are the default, or a source is missing. The message lists all of it, each with its
        place in the file.

    Examples
    --------
    >>> from importlib.resources import files
    >>> text = files("katoutcomes.instruments").joinpath("definitions", "phq9.toml").read_text("utf-8")
    >>> read_definition(text, "phq9.toml").maximum
    27
    """
    problems: list[str] = []
    top = TomlTable(parse_toml(text, file_name), "", problems)
    if top.text("schema_version") not in ("", SCHEMA_VERSION):
        top.note("schema_version", f"must be {SCHEMA_VERSION!r}, the layout that this version reads.")
    identifier = _read_identifier(top, file_name)
    scale = _read_scale(top)
    definition_sets = _read_definition_sets(top, identifier, scale)
    reliabilities = tuple(_read_reliability(table) for table in top.tables("reliability"))
    norms = tuple(_read_norms(table, scale) for table in top.tables("norms"))
    fields = {key: top.text(key) for key in ("name", "full_name", "licence")}
    lists = {key: top.texts(key) for key in ("aliases", "versions", "sources")}
    if top.has("sources") and not lists["sources"]:
        top.note("sources", "at least one source is needed.")
    construct = top.choice("construct", CONSTRUCTS)
    rater = top.choice("rater", ("self", "clinician"))
    recall_days = top.whole("recall_days")
    if recall_days < 0:
        top.note("recall_days", "must be 0 (no source says) or more.")
    top.finish()
    raise_problems(file_name, problems)
    return Instrument(
        id=identifier,
        name=fields["name"],
        full_name=fields["full_name"],
        aliases=lists["aliases"],
        construct=construct,
        rater=rater,
        n_items=scale.n_items,
        item_minimum=scale.item_minimum,
        item_maximum=scale.item_maximum,
        reverse_items=scale.reverse_items,
        minimum=scale.minimum,
        maximum=scale.maximum,
        direction=scale.direction,
        recall_days=recall_days,
        versions=lists["versions"],
        safety_items=scale.safety_items,
        licence=fields["licence"],
        definition_sets=definition_sets,
        reliabilities=tuple(reliability for reliability in reliabilities if reliability is not None),
        norms=tuple(norm for norm in norms if norm is not None),
        sources=lists["sources"],
    )


def _read_identifier(top: TomlTable, file_name: str) -> str:
    identifier = top.text("id")
    if identifier and not _NAME.fullmatch(identifier):
        top.note("id", "must be lower-case letters, digits and underscores, a letter first.")
    elif identifier and file_name != f"{identifier}.toml":
        top.note("id", f"the file must be named after it: {identifier}.toml.")
    return identifier


def _read_scale(top: TomlTable) -> _Scale:
    items, total = top.table("items"), top.table("total")
    scale = _Scale(
        n_items=items.whole("count"),
        item_minimum=items.whole("minimum"),
        item_maximum=items.whole("maximum"),
        reverse_items=items.wholes("reverse"),
        safety_items=items.wholes("safety"),
        minimum=total.whole("minimum"),
        maximum=total.whole("maximum"),
        direction=top.choice("direction", DIRECTIONS),
        is_sound=items.is_sound() and total.is_sound(),
    )
    items.finish()
    total.finish()
    if scale.is_sound:
        _check_scale(items, total, scale)
    return scale


def _check_scale(items: TomlTable, total: TomlTable, scale: _Scale) -> None:
    if scale.n_items < 1:
        items.note("count", "must be 1 or more.")
    if scale.item_maximum <= scale.item_minimum:
        items.note("maximum", "must be above the minimum of an item.")
    for key, numbers in (("reverse", scale.reverse_items), ("safety", scale.safety_items)):
        if any(not 1 <= number <= scale.n_items for number in numbers):
            items.note(key, f"names an item outside 1 to {scale.n_items}.")
    # Reversing an item maps its range onto itself, so the range of the total does not depend on the reverse keys.
    for key, stated, item_limit in (
        ("minimum", scale.minimum, scale.item_minimum),
        ("maximum", scale.maximum, scale.item_maximum),
    ):
        if stated != scale.n_items * item_limit:
            total.note(key, f"{scale.n_items} items of at {key} {item_limit} give {scale.n_items * item_limit}.")


def _read_definition_sets(top: TomlTable, identifier: str, scale: _Scale) -> tuple[DefinitionSet, ...]:
    found: list[DefinitionSet] = []
    for table in top.tables("definition_set"):
        definition = _read_definition_set(table, identifier, scale)
        if definition is None:
            continue
        if any(earlier.id == definition.id for earlier in found):
            table.note("name", f"{definition.id!r} is defined twice.")
        if definition.is_default and any(earlier.is_default and earlier.kind == definition.kind for earlier in found):
            table.note("default", f"a second default of the kind {definition.kind!r}; one is the most.")
        found.append(definition)
    return tuple(found)


def _read_definition_set(table: TomlTable, identifier: str, scale: _Scale) -> DefinitionSet | None:
    name = table.text("name")
    if name and not _NAME.fullmatch(name):
        table.note("name", "must be lower-case letters, digits and underscores, a letter first.")
    kind = table.choice("kind", DEFINITION_KINDS)
    is_default = table.flag("default", default=False)
    if is_default and not table.has("source"):
        table.note("default", "a default needs the source it was seen in.")
    source = table.text("source")
    bands: tuple[Band, ...] = ()
    value = math.nan
    if kind == "bands":
        bands = _read_bands(table, scale)
    else:
        value = table.number("value")
    table.finish()
    if not table.is_sound():
        return None
    if scale.is_sound:
        _check_value(table, kind, value, scale)
    return DefinitionSet(f"{identifier}/{name}", kind, value, bands, source, is_default)


def _check_value(table: TomlTable, kind: str, value: float, scale: _Scale) -> None:
    width = scale.maximum - scale.minimum
    if kind in ("caseness", "remission") and not scale.minimum <= value <= scale.maximum:
        table.note("value", f"must lie in the range {scale.minimum} to {scale.maximum}.")
    if kind == "reliable_change" and not 0.0 < value <= width:
        table.note("value", f"must be above 0 and at most {width}, the width of the scale.")
    if kind == "response" and not 0.0 < value <= 1.0:
        table.note("value", "must be a share above 0 and at most 1, not a percentage.")


def _read_bands(table: TomlTable, scale: _Scale) -> tuple[Band, ...]:
    rows = table.tables("bands")
    if not rows:
        table.note("bands", "at least one band is needed.")
    bands = []
    for row in rows:
        bands.append(Band(row.text("label"), row.whole("low"), row.whole("high")))
        row.finish()
    if rows and table.is_sound() and scale.is_sound:
        _check_bands(table, tuple(bands), scale)
    return tuple(bands)


def _check_bands(table: TomlTable, bands: tuple[Band, ...], scale: _Scale) -> None:
    if len({band.label for band in bands}) < len(bands):
        table.note("bands", "two bands have the same label.")
    if any(band.high < band.low for band in bands):
        table.note("bands", "a band ends below its start.")
        return
    ascending = bands if scale.direction == "higher_is_worse" else bands[::-1]
    if ascending != tuple(sorted(ascending, key=lambda band: band.low)):
        table.note("bands", "must go from the least to the most severe.")
        return
    if ascending[0].low != scale.minimum or ascending[-1].high != scale.maximum:
        table.note("bands", f"must cover the whole range, {scale.minimum} to {scale.maximum}.")
    for lower, upper in pairwise(ascending):
        if upper.low <= lower.high:
            table.note("bands", f"{lower.label!r} and {upper.label!r} overlap.")
        elif upper.low > lower.high + 1:
            table.note("bands", f"there is a gap between {lower.label!r} and {upper.label!r}.")


def _read_reliability(table: TomlTable) -> Reliability | None:
    value, kind, source = table.number("value"), table.choice("kind", RELIABILITY_KINDS), table.text("source")
    if not (math.isnan(value) or 0.0 < value < 1.0):
        table.note("value", "must lie between 0 and 1, both excluded.")
    table.finish()
    return Reliability(value, kind, source) if table.is_sound() else None


def _read_norms(table: TomlTable, scale: _Scale) -> Norms | None:
    populations = ["functional"]
    if table.has("dysfunctional_mean") or table.has("dysfunctional_sd"):
        populations.append("dysfunctional")
    means = {population: table.number(f"{population}_mean") for population in populations}
    sds = {population: table.number(f"{population}_sd") for population in populations}
    for population in populations:
        mean = means[population]
        if scale.is_sound and not (math.isnan(mean) or scale.minimum <= mean <= scale.maximum):
            table.note(f"{population}_mean", f"must lie in the range {scale.minimum} to {scale.maximum}.")
        if sds[population] <= 0.0:
            table.note(f"{population}_sd", "must be above 0.")
    source = table.text("source")
    table.finish()
    if not table.is_sound():
        return None
    return Norms(
        functional_mean=means["functional"],
        functional_sd=sds["functional"],
        dysfunctional_mean=means.get("dysfunctional", math.nan),
        dysfunctional_sd=sds.get("dysfunctional", math.nan),
        source=source,
    )
