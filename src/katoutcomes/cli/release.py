"""`katoutcomes release`: the results of a run in, what may leave the clinic out."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "release",
        help="hide small counts in results, so that they may leave the clinic",
        description="Write the results of a run without individual values and without small counts, or what would "
        "give them away. The file is all that a report needs. Ends with 4 if the results were released with a higher "
        "minimum before.",
    )
    parser.add_argument("results", metavar="RESULTS", help="what `katoutcomes run` wrote")
    parser.add_argument("--out", required=True, metavar="FILE", help="the file to hand on, such as released.json")
    parser.add_argument("--minimum-cell", type=int, metavar="N", help="smallest count shown; default: the plan's")
    parser.add_argument("--quiet", action="store_true", help="no last line")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from katoutcomes.results.collection import Results

    results = Results.read(options.results)
    policy = results.disclosure
    if options.minimum_cell is not None:
        policy = replace(policy, minimum_cell=options.minimum_cell)
    results.release(policy).write(options.out)
    if not options.quiet:
        print(f"Done. {options.out} shows no count below {policy.minimum_cell}.")
    return 0
