"""`katoutcomes instruments`: what the catalog knows about each scale."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "instruments",
        help="list the scales of the catalog, or show one",
        description="List the scales of the catalog; with a name, show its items, range, thresholds and their sources.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="an id or a name, for example PHQ-9")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.cli.instrument_text import details, listing
    from katoutcomes.instruments.catalog import instrument, instruments, subscales

    if options.name is None:
        print(_as_json([_summary(entry) for entry in instruments()]) if options.json else listing(instruments()))
        return 0
    entry = instrument(options.name)
    print(_as_json(_everything(entry)) if options.json else details(entry, subscales(entry)))
    return 0


def _summary(entry: Instrument) -> dict[str, Any]:
    keys = ("id", "name", "full_name", "subscale_of", "construct", "use", "rater", "n_items", "minimum", "maximum")
    return {**{key: getattr(entry, key) for key in keys}, "direction": entry.direction, "licence": entry.licence}


def _everything(entry: Instrument) -> dict[str, Any]:
    from dataclasses import asdict

    from katoutcomes.instruments.catalog import subscales

    return {**asdict(entry), "subscales": [part.id for part in subscales(entry)]}


def _as_json(value: Any) -> str:
    import json

    return json.dumps(_without_nan(value), indent=2, ensure_ascii=False, allow_nan=False)


def _without_nan(value: Any) -> Any:
    """Return the value with null for NaN, "does not apply", which JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
