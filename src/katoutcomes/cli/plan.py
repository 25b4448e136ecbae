"""`katoutcomes plan`: a commented plan to copy and change."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "plan",
        help="print a commented plan to copy and change, or check one",
        description="Print the plan of the usual report or, with --study, that of a study. With --check nothing is "
        "printed but what is wrong with a plan.",
    )
    parser.add_argument("--study", action="store_true", help="the plan of a study")
    parser.add_argument("--out", metavar="FILE", help="write it into a file that is not there yet")
    parser.add_argument("--check", metavar="FILE", help="read a plan and say what is wrong with it, without any data")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from katoutcomes.errors import OptionError
    from katoutcomes.plans.plan import DEFAULT_PLAN, STUDY_PLAN, AnalysisPlan, plan_text
    from katoutcomes.results.whole_files import write_whole

    if options.check is not None:
        plan = AnalysisPlan.read(options.check)
        print(f"{Path(options.check).name} is a plan of {', '.join(analysis.name for analysis in plan.analyses)}.")
        return 0
    text = plan_text(STUDY_PLAN if options.study else DEFAULT_PLAN)
    if options.out is None:
        print(text, end="")
        return 0
    if Path(options.out).exists():
        raise OptionError(f"{options.out} is there already, and a plan is nothing to write over.")
    write_whole(options.out, text)
    return 0
