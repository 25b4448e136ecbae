"""The tables of a definition file that say how to read a total: definition sets, reliabilities, norms."""

from __future__ import annotations

import math
from itertools import pairwise

from katoutcomes.instruments.instrument import (
    DEFINITION_KINDS,
    DEFINITION_UNITS,
    RELIABILITY_KINDS,
    Band,
    DefinitionSet,
    Norms,
    Reliability,
    Unverified,
)
from katoutcomes.instruments.scale_tables import Scale, is_possible_total, plain, read_name
from katoutcomes.instruments.toml_table import TomlTable


def read_definition_sets(rows: tuple[TomlTable, ...], identifier: str, scale: Scale) -> tuple[DefinitionSet, ...]:
    """Return the definition sets of a scale in the order of the file."""
    found: list[DefinitionSet] = []
    for table in rows:
        definition = _read_definition_set(table, identifier, scale)
        if definition is None:
            continue
        if any(earlier.id == definition.id for earlier in found):
            table.note("name", f"{definition.id!r} is defined twice.")
        if definition.is_default and any(earlier.is_default and earlier.kind == definition.kind for earlier in found):
            table.note("default", f"a second default of the kind {definition.kind!r}; one is the most.")
        found.append(definition)
    return tuple(found)


def _read_definition_set(table: TomlTable, identifier: str, scale: Scale) -> DefinitionSet | None:
    name = read_name(table)
    kind = table.choice("kind", DEFINITION_KINDS)
    is_default = table.flag("default", default=False)
    if is_default and not table.has("source"):
        table.note("default", "a default needs the source it was seen in.")
    source = table.text("source")
    bands: tuple[Band, ...] = ()
    value, unit = math.nan, ""
    if kind == "bands":
        bands = _read_bands(table, scale)
    else:
        value = plain(table.number("value"))
    if kind in ("response", "mcid"):
        unit = table.choice("unit", DEFINITION_UNITS[1:], default="")
    table.finish()
    if not table.is_sound():
        return None
    definition = DefinitionSet(f"{identifier}/{name}", kind, value, bands, source, is_default, unit)
    if scale.is_sound and not scale.has_total:
        table.note("kind", "a scale without a total has no definition sets.")
    elif scale.is_sound:
        _check_value(table, definition, scale)
    return definition


def _check_value(table: TomlTable, definition: DefinitionSet, scale: Scale) -> None:
    width = scale.maximum - scale.minimum
    value = definition.value
    if definition.kind in ("caseness", "remission", "response_score") and not scale.minimum <= value <= scale.maximum:
        table.note("value", f"must lie in the range {scale.range_text}.")
    elif definition.kind in ("response", "mcid") and definition.is_share and not 0.0 < value <= 1.0:
        table.note("value", "must be a share above 0 and at most 1, not a percentage.")
    elif (
        definition.kind in ("response", "mcid", "reliable_change")
        and not definition.is_share
        and not 0 < value <= width
    ):
        table.note("value", f"must be above 0 and at most {width:g}, the width of the scale.")


def _read_bands(table: TomlTable, scale: Scale) -> tuple[Band, ...]:
    rows = table.tables("bands")
    if not rows:
        table.note("bands", "at least one band is needed.")
    bands = []
    for row in rows:
        bands.append(Band(row.text("label"), plain(row.number("low")), plain(row.number("high"))))
        row.finish()
    if rows and table.is_sound() and scale.is_sound and scale.has_total:
        _check_bands(table, tuple(bands), scale)
    return tuple(bands)


def _check_bands(table: TomlTable, bands: tuple[Band, ...], scale: Scale) -> None:
    if len({band.label for band in bands}) < len(bands):
        table.note("bands", "two bands have the same label.")
    if any(band.high < band.low for band in bands):
        table.note("bands", "a band ends below its start.")
        return
    ascending = bands[::-1] if scale.direction == "higher_is_better" else bands
    if ascending != tuple(sorted(ascending, key=lambda band: band.low)):
        table.note("bands", "must go from the least to the most severe.")
        return
    if ascending[0].low != scale.minimum or ascending[-1].high != scale.maximum:
        table.note("bands", f"must cover the whole range, {scale.range_text}.")
    elif not all(is_possible_total(scale, end) for band in bands for end in (band.low, band.high)):
        table.note("bands", f"must start and end at totals that there are: steps of {scale.scoring.step:g}.")
    for lower, upper in pairwise(ascending):
        if upper.low - lower.high < scale.scoring.step - 1e-9:
            table.note("bands", f"{lower.label!r} and {upper.label!r} overlap.")
        elif upper.low - lower.high > scale.scoring.step + 1e-9:
            table.note("bands", f"there is a gap between {lower.label!r} and {upper.label!r}.")


def read_reliabilities(rows: tuple[TomlTable, ...]) -> tuple[Reliability, ...]:
    """Return the reliabilities of a scale; the first is used where none is named."""
    found = []
    for table in rows:
        value, kind, source = table.number("value"), table.choice("kind", RELIABILITY_KINDS), table.text("source")
        if not (math.isnan(value) or 0.0 < value < 1.0):
            table.note("value", "must lie between 0 and 1, both excluded.")
        table.finish()
        if table.is_sound():
            found.append(Reliability(value, kind, source))
    return tuple(found)


def read_norms(rows: tuple[TomlTable, ...], scale: Scale) -> tuple[Norms, ...]:
    """Return the norms of a scale; the first are used where none are named."""
    return tuple(norms for norms in (_read_norms(table, scale) for table in rows) if norms is not None)


def _read_norms(table: TomlTable, scale: Scale) -> Norms | None:
    populations = ["functional"]
    if table.has("dysfunctional_mean") or table.has("dysfunctional_sd"):
        populations.append("dysfunctional")
    means = {population: table.number(f"{population}_mean") for population in populations}
    sds = {population: table.number(f"{population}_sd") for population in populations}
    for population in populations:
        mean = means[population]
        if scale.is_sound and not (math.isnan(mean) or scale.minimum <= mean <= scale.maximum):
            table.note(f"{population}_mean", f"must lie in the range {scale.range_text}.")
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


def read_unverified(rows: tuple[TomlTable, ...]) -> tuple[Unverified, ...]:
    """Return what circulates and was not seen in a source."""
    found = []
    for table in rows:
        found.append(Unverified(table.text("kind"), table.text("text")))
        table.finish()
    return tuple(found)
