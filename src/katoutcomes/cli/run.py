"""`katoutcomes run`: a plan and a folder of data in, one file of results out, which stays in the clinic."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from katoutcomes.cli.check import add_reading_options, reading_arguments
from katoutcomes.cli.report import add_quarter_options, quarters_of, show_steps


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="answer the questions of a plan; the results stay in the clinic",
        description="Answer every question of a plan and write the results into one JSON file. It holds small counts "
        "and stays in the clinic; `katoutcomes release` makes of it what may leave.",
    )
    parser.add_argument("plan", metavar="PLAN", nargs="?", help="an analysis plan (TOML); default: the built-in plan")
    parser.add_argument("--data", required=True, metavar="FOLDER", help="patients, sessions, scores, adverse_events")
    parser.add_argument("--out", required=True, metavar="FILE", help="the file of results, such as results.json")
    add_reading_options(parser)
    add_quarter_options(parser)
    parser.add_argument("--strict", action="store_true", help="end with code 2 if any row was rejected")
    parser.add_argument("--quiet", action="store_true", help="no progress and no last line")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.workflows.outcome_report import run_plan

    found = run_plan(
        options.plan,
        options.data,
        options.out,
        quarters=quarters_of(options),
        progress=None if options.quiet else show_steps,
        **reading_arguments(options),
    )
    if not options.quiet:
        if found.has_rejections:
            print("Some rows were rejected: `katoutcomes check` on the same folder says which and why.")
        print(f"Done. {options.out} holds small counts and stays in the clinic.")
    for gate in found.failed_gates:
        print(f"katoutcomes: {gate}", file=sys.stderr)
    return 2 if found.failed_gates or (options.strict and found.has_rejections) else 0
