"""`katoutcomes instruments`: what the catalog knows about each scale."""

from __future__ import annotations

import argparse
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
    lines = [
        f"{entry.name} ({entry.id}): {entry.full_name}",
        f"  {entry.n_items} items of {entry.item_minimum} to {entry.item_maximum}, total {entry.minimum} to "
        f"{entry.maximum}, {entry.direction.replace('_', ' ')}, looks back {entry.recall_days} days, "
        f"{entry.rater}-rated",
        f"  licence: {entry.licence}",
        "  definition sets (* = used when none is named):",
    ]
    lines += [f"    {_definition_line(definition)}" for definition in entry.definition_sets]
    lines.append(
        "  reliability:" if entry.reliabilities else "  reliability: none with a checked source; pass your own"
    )
    lines += [f"    {known.value:g} {known.kind.replace('_', ' ')}: {known.source}" for known in entry.reliabilities]
    lines.append("  norms:" if entry.norms else "  norms: none with a checked source; pass your own")
    lines += [
        f"    functional {known.functional_mean:g} (SD {known.functional_sd:g}), dysfunctional "
        f"{known.dysfunctional_mean:g} (SD {known.dysfunctional_sd:g}): {known.source}"
        for known in entry.norms
    ]
    return "\n".join(lines)


def _definition_line(definition: DefinitionSet) -> str:
    mark = "*" if definition.is_default else " "
    if definition.bands:
        what = ", ".join(f"{band.low:g}-{band.high:g} {band.label}" for band in definition.bands)
    else:
        what = f"{definition.kind.replace('_', ' ')} {definition.value:g}"
    return f"{mark} {definition.id}: {what} [{definition.source}]"
