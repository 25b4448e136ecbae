"""`katoutcomes report`: a folder of data or a file of released results in, the report, its figures and tables out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from katoutcomes.cli.check import add_reading_options, reading_arguments

if TYPE_CHECKING:
    from katoutcomes.workflows.outcome_report import WrittenReport


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="write the outcome report of a folder of data",
        description="Write report.html, summary.json, summary.md, figures/ and tables/. With --data: read, analyze and "
        "release first. With --from: of released results alone, without any patient's data; everything else was "
        "decided when they were made. Ends with 4 if the results were not released.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", metavar="FOLDER", help="patients, sessions, scores, adverse_events")
    source.add_argument("--from", dest="released", metavar="FILE", help="what `katoutcomes release` wrote")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where to write; made if it is not there")
    add_reading_options(parser)
    parser.add_argument("--plan", metavar="FILE", help="an analysis plan (TOML); default: the built-in plan")
    parser.add_argument("--minimum-cell", type=int, metavar="N", help="smallest count shown; default: the plan's")
    parser.add_argument("--strict", action="store_true", help="end with code 2 if any row was rejected")
    parser.add_argument("--quiet", action="store_true", help="no progress and no last line")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.workflows.outcome_report import outcome_report

    if options.released is not None:
        return _run_from_released(options)
    written = outcome_report(
        options.data,
        options.out,
        plan=options.plan,
        minimum_cell=options.minimum_cell,
        progress=None if options.quiet else show_steps,
        **reading_arguments(options),
    )
    if not options.quiet:
        print(_last_lines(written))
    return 2 if options.strict and written.has_rejections else 0


def _run_from_released(options: argparse.Namespace) -> int:
    from katoutcomes.errors import OptionError
    from katoutcomes.report.write import write_report
    from katoutcomes.results.collection import Results

    given = [f"--{name.replace('_', '-')}" for name in _OF_DATA if getattr(options, name)]
    if given:
        raise OptionError(f"{', '.join(given)}: belongs to --data; released results are shown as they are.")
    page = write_report(Results.read(options.released), options.out)[0]
    if not options.quiet:
        print(f"Done. Open {page}")
    return 0


_OF_DATA = ("mapping", "salt_file", "allow", "prorating", "plan", "minimum_cell", "strict")
"""Options that say how data are read and analyzed."""


def show_steps(step: int, n_steps: int, what: str) -> None:
    """Print a step, its number and what is done in it on the standard error."""
    print(f"[{step:2d}/{n_steps}] {what} …", file=sys.stderr, flush=True)


def _last_lines(written: WrittenReport) -> str:
    lines = []
    if written.has_rejections:
        lines.append("Some rows were rejected: `katoutcomes check` on the same folder says which and why.")
    lines.append(f"Done. Open {written.report}")
    return "\n".join(lines)
