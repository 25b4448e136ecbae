"""`katoutcomes compare`: which numbers changed between two runs."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compare",
        help="say which numbers changed between two runs",
        description="Compare the results of two runs, or two releases: numbers, texts, verdicts and checks. Ends with "
        "0 if they are the same, with 2 if they differ. Other data, settings or software are named, and are no "
        "difference by themselves.",
    )
    parser.add_argument("first", metavar="A.json", help="what `katoutcomes run` or `katoutcomes release` wrote")
    parser.add_argument("second", metavar="B.json", help="the same of another run")
    parser.add_argument(
        "--tolerance",
        default="last digits",
        metavar="NAME",
        help='"none", "last digits" (default), "iterative fit" or "as printed"',
    )
    parser.add_argument("--quiet", action="store_true", help="nothing but the exit code")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.results.run_comparison import compare_runs

    found = compare_runs(options.first, options.second, tolerance=options.tolerance)
    if not options.quiet:
        print(found.to_text())
    return 0 if found.is_same else 2
