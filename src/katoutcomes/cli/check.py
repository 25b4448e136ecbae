"""`katoutcomes check`: load a folder, say what was accepted and what was not, and why."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check a folder of data and print the load report",
        description="Load a folder and print, for every table, rows in = rows accepted + rows rejected, and every "
        "problem with its rule, column and row numbers. Ends with 2 if a row was rejected, with 3 if the data hold "
        "what may identify a person.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="patients, sessions, scores, adverse_events")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.registry.reading import read_registry

    report = read_registry(options.folder).load_report
    print(report.to_text())
    return 2 if report.has_rejections else 0
