"""`katoutcomes report`: a folder of data or a file of released results in, the report, its figures and tables out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from katoutcomes.cli.check import add_reading_options, reading_arguments

if TYPE_CHECKING:
    from pathlib import Path

    from katoutcomes.estimands.quarters import QuarterSpan
    from katoutcomes.workflows.outcome_report import WrittenReport


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="write the outcome report of a folder of data",
        description="Write report.html, report.pdf, summary.json, summary.md, figures/, tables/ and manifest.sha256. "
        "With --data: read, analyze and release first. With --from: of released results alone, without any patient's "
        "data; everything else was decided when they were made. Ends with 2 if a limit of quality of the plan is not "
        "kept, with 4 if the results were not released. report.pdf needs: pip install 'katoutcomes[report]'.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", metavar="FOLDER", help="patients, sessions, scores, adverse_events")
    source.add_argument("--from", dest="released", metavar="FILE", help="what `katoutcomes release` wrote")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where to write; made if it is not there")
    add_reading_options(parser)
    parser.add_argument("--plan", metavar="FILE", help="an analysis plan (TOML); default: the built-in plan")
    add_quarter_options(parser)
    parser.add_argument("--paper", choices=("A4", "Letter"), default="A4", help="of report.pdf; default: A4")
    parser.add_argument("--minimum-cell", type=int, metavar="N", help="smallest count shown; default: the plan's")
    parser.add_argument("--round-to", type=int, metavar="N", help="round every count shown to the nearest N, such as 5")
    parser.add_argument(
        "--previous",
        metavar="FILE",
        help="what was released of the quarter before; what changed since by a few patients is hidden; default: the "
        "plan's",
    )
    parser.add_argument(
        "--write-released", metavar="FILE", help="also write what is released, for --previous of the next report"
    )
    parser.add_argument("--strict", action="store_true", help="end with code 2 if any row was rejected")
    parser.add_argument("--quiet", action="store_true", help="no progress and no last line")
    parser.set_defaults(run=_run)


def add_quarter_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options that choose quarters; `run` and `report` share them."""
    parser.add_argument(
        "--quarter", metavar="YYYYQn", help="only patients whose first dose lies in this quarter or in those before it"
    )
    parser.add_argument(
        "--previous-quarters", type=int, default=8, metavar="N", help="how many quarters before it; default: 8"
    )


def quarters_of(options: argparse.Namespace) -> QuarterSpan | None:
    """Return the quarters that the options name, None for all."""
    if options.quarter is None:
        return None
    from katoutcomes.estimands.quarters import Quarter, QuarterSpan

    return QuarterSpan(Quarter.of(options.quarter), options.previous_quarters)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.workflows.outcome_report import outcome_report

    if options.released is not None:
        return _run_from_released(options)
    written = outcome_report(
        options.data,
        options.out,
        plan=options.plan,
        minimum_cell=options.minimum_cell,
        round_to=options.round_to,
        previous=options.previous,
        released=options.write_released,
        quarters=quarters_of(options),
        paper=options.paper,
        progress=None if options.quiet else show_steps,
        **reading_arguments(options),
    )
    if not options.quiet:
        print(_last_lines(written))
    for gate in written.failed_gates:
        print(f"katoutcomes: {gate}", file=sys.stderr)
    return 2 if written.failed_gates or (options.strict and written.has_rejections) else 0


def _run_from_released(options: argparse.Namespace) -> int:
    from katoutcomes.errors import OptionError
    from katoutcomes.plans.gates import failed_gates
    from katoutcomes.report.write import write_report
    from katoutcomes.results.collection import Results

    given = [f"--{name.replace('_', '-')}" for name in _OF_DATA if _is_given(getattr(options, name))]
    if given:
        raise OptionError(f"{', '.join(given)}: belongs to --data; released results are shown as they are.")
    results = Results.read(options.released)
    files = write_report(results, options.out, paper=options.paper)
    if not options.quiet:
        print(_done(files))
    return 2 if failed_gates(results) else 0


_OF_DATA = (
    *("mapping", "salt_file", "allow", "prorating", "plan", "strict", "quarter"),
    *("minimum_cell", "round_to", "previous", "write_released"),
)
"""Options that say how data are read, analyzed and released."""


def _is_given(option: object) -> bool:
    """Return whether an option stands on the command line; a 0 does."""
    return option is not None and option is not False and option != []


def show_steps(step: int, n_steps: int, what: str) -> None:
    """Print a step, its number and what is done in it on the standard error."""
    print(f"[{step:2d}/{n_steps}] {what} …", file=sys.stderr, flush=True)


def _last_lines(written: WrittenReport) -> str:
    lines = []
    if written.has_rejections:
        lines.append("Some rows were rejected: `katoutcomes check` on the same folder says which and why.")
    lines.append(_done(written.files))
    return "\n".join(lines)


def _done(files: tuple[Path, ...]) -> str:
    """Return which page to open, and why there is no PDF where there is none."""
    has_pdf = any(path.name == "report.pdf" for path in files)
    without = "" if has_pdf else " There is no report.pdf: pip install 'katoutcomes[report]' brings what it needs."
    return f"Done. Open {files[0]}{without}"
