"""`katoutcomes instruments`: what the catalog knows about each scale."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "instruments",
        help="list the scales of the catalog, or show one",
        description="List the scales of the catalog; with a name, show its range, thresholds and their sources.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="an id or a name, for example PHQ-9")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.instruments.catalog import instrument, instruments

    if options.name is None:
        print(_listing(instruments()))
    else:
        print(_details(instrument(options.name)))
    return 0


def _listing(known: tuple[Instrument, ...]) -> str:
    lines = [f"{'id':<8}{'name':<10}{'items':>5}  {'range':<8}{'direction':<18}{'rater':<11}construct"]
    for entry in known:
        span = f"{entry.minimum}-{entry.maximum}"
        direction = entry.direction.replace("_", " ")
        lines.append(
            f"{entry.id:<8}{entry.name:<10}{entry.n_items:>5}  {span:<8}{direction:<18}{entry.rater:<11}"
            f"{entry.construct}"
        )
    return "\n".join(lines)


def _details(entry: Instrument) -> str:
    from katoutcomes.results.formatting import format_number

    def plain(value: float) -> str:
        return format_number(value, 3, trailing_zeros=False)

    direction = entry.direction.replace("_", " ")
    lines = [
        f"{entry.name} ({entry.id}): {entry.full_name}",
        f"  items: {entry.n_items}, each {entry.item_minimum} to {entry.item_maximum}",
        f"  total: {entry.minimum} to {entry.maximum}, {direction}, {entry.rater}-rated",
        f"  looks back: {entry.recall_days} days",
        f"  licence: {entry.licence}",
        "  definition sets (* = used when none is named):",
    ]
    lines += [f"    {_definition_line(definition, plain)}" for definition in entry.definition_sets]
    lines.append(
        "  reliability:" if entry.reliabilities else "  reliability: none with a checked source; pass your own"
    )
    lines += [
        f"    {plain(known.value)} {known.kind.replace('_', ' ')}: {known.source}" for known in entry.reliabilities
    ]
    lines.append("  norms:" if entry.norms else "  norms: no checked source; pass your own")
    lines += [
        f"    functional {plain(known.functional_mean)} (SD {plain(known.functional_sd)}), dysfunctional "
        f"{plain(known.dysfunctional_mean)} (SD {plain(known.dysfunctional_sd)}): {known.source}"
        for known in entry.norms
    ]
    return "\n".join(lines)


def _definition_line(definition: DefinitionSet, plain: Callable[[float], str]) -> str:
    mark = "*" if definition.is_default else " "
    if definition.bands:
        what = ", ".join(f"{plain(band.low)} to {plain(band.high)} {band.label}" for band in definition.bands)
    else:
        what = f"{definition.kind.replace('_', ' ')} {plain(definition.value)}"
    return f"{mark} {definition.id}: {what} [{definition.source}]"
