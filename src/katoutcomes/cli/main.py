"""`katoutcomes`: the entry point, its exit codes and what it says when something goes wrong.

Exit codes: 0 ok; 1 error, wrong usage included; 2 the data break a rule of quality; 3 the data hold what may identify a
person; 4 an output would breach disclosure control.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from katoutcomes import errors
from katoutcomes._version import __version__
from katoutcomes.cli import check, compare, instruments, plan, release, report, run, simulate, simulate_study
from katoutcomes.cli import map as map_files

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_CODES: tuple[tuple[type[errors.KatOutcomesError], int], ...] = (
    (errors.IdentifierError, 3),
    (errors.DisclosureError, 4),
    (errors.DataError, 2),
    (errors.KatOutcomesError, EXIT_ERROR),
)
"""Which error ends the program with which code; the first that fits counts."""


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors end with 1, because 2 means "data quality" here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_ERROR, f"{self.prog}: error: {message}\n")


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="katoutcomes",
        description="Honest outcome studies of ketamine-assisted therapy. A research and reporting tool, "
        "not a monitoring or medical device.",
        epilog="To begin: katoutcomes check FOLDER, then katoutcomes report --data FOLDER --out out. An export that "
        "looks different: katoutcomes map FOLDER --out FOLDER/mapping.toml. COMMAND --help says more. "
        "Exit codes: 0 ok, 1 error, 2 data quality, 3 privacy, 4 disclosure control.",
    )
    parser.add_argument("--version", action="version", version=f"katoutcomes {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in (report, plan, run, release, compare, check, map_files, instruments, simulate, simulate_study):
        command.add_command(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except errors.KatOutcomesError as problem:
        print(f"katoutcomes: {problem}", file=sys.stderr)
        return next(code for kind, code in EXIT_CODES if isinstance(problem, kind))
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - so that closing it says nothing
        return EXIT_OK
    except OSError as problem:
        # The name of the file is the user's own word; the system's message may be shown, the content never.
        print(f"katoutcomes: {problem.strerror}: {problem.filename}", file=sys.stderr)
        return EXIT_ERROR
    return code


if __name__ == "__main__":
    sys.exit(main())
