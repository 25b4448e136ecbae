"""`katoutcomes map`: draft the mapping file of a folder of exports."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "map",
        help="draft a mapping file for a folder of exports",
        description="Look at the column names and the forms of the cells of a folder, and draft a mapping file that "
        "explains each guess. No cell is shown but known code words.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the exports: CSV, Parquet, Excel, NDJSON")
    parser.add_argument("--out", metavar="FILE", help="where to write; must not be there yet; default: the terminal")
    parser.add_argument("--format", metavar="FORMAT", help="tables, redcap, fhir, omop or mirah; default: found out")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from katoutcomes.cli.progress import terminal_progress
    from katoutcomes.errors import OptionError
    from katoutcomes.registry.mapping.draft import NEEDS_NO_MAPPING, draft_mapping

    text = draft_mapping(options.folder, format_name=options.format, progress=terminal_progress())
    if options.out is None:
        print(text, end="")
        return 0
    if Path(options.out).exists():
        raise OptionError(
            f"{options.out} is there already, and nothing was written; name another file, or remove it first."
        )
    Path(options.out).write_text(text, encoding="utf-8", newline="\n")
    if NEEDS_NO_MAPPING in text:
        print(f"No mapping may be needed: katoutcomes check {options.folder} reads these files as they are.")
    n_open = sum("please check" in line or "CONFIRM" in line for line in text.splitlines()[2:])
    asks = "1 line says" if n_open == 1 else f"{n_open} lines say"
    print(f"Wrote {options.out}. Read every line; {asks} “please check” or “CONFIRM”.")
    is_found = Path(options.out) == Path(options.folder) / "mapping.toml"  # the load finds it there by itself
    print(f"Then: katoutcomes check {options.folder}" + ("" if is_found else f" --mapping {options.out}"))
    return 0
