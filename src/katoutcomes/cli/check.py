"""`katoutcomes check`: load a folder, say what was accepted and what was not, and why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from katoutcomes.errors import DataError
    from katoutcomes.registry.load_reports.load_report import LoadReport


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check a folder of data and print the load report",
        description="Load a folder and print, for every file, rows in = rows accepted + rows rejected + rows left out, "
        "and every problem with its rule, column and row numbers, never with a value. Ends with 2 if a row was "
        "rejected or a file cannot be read, with 3 if the data hold what may identify a person.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="patients, sessions, scores, adverse_events")
    add_reading_options(parser)
    parser.add_argument("--json", metavar="FILE", help="write the load report as JSON, also when nothing was loaded")
    parser.add_argument("--html", metavar="FILE", help="write the load report as a page, also when nothing was loaded")
    parser.add_argument(
        "--rejects", metavar="FILE", help="write file, row, column and rule of every rejected row (CSV)"
    )
    parser.set_defaults(run=_run)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options that say how data are read; `check` and `report` share them."""
    parser.add_argument("--mapping", metavar="FILE", help="how files of another format become tables (TOML)")
    parser.add_argument(
        "--salt-file", metavar="FILE", help="a file whose content makes new keys of the keys; kept by you, never stored"
    )
    parser.add_argument(
        "--allow",
        metavar="RULE[:COLUMN]",
        action="append",
        default=[],
        help="let a rule of the privacy gate be broken, and log it; may be given several times",
    )
    parser.add_argument(
        "--prorating",
        metavar="ID=RULE",
        action="append",
        default=[],
        help="score incomplete questionnaires of a scale by a published rule, and count them, for example K10=alswh",
    )


def reading_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `read_registry` that the options stand for."""
    salt = None if options.salt_file is None else Path(options.salt_file).read_bytes().rstrip(b"\r\n")
    return {
        "mapping": options.mapping,
        "rekey_salt": salt,
        "allow": tuple(options.allow),
        "prorating": _prorating_rules(options.prorating),
    }


def _prorating_rules(texts: list[str]) -> dict[str, str]:
    """Return the rules for missing items that are asked for, by the scale that they are for."""
    from katoutcomes.errors import OptionError

    rules: dict[str, str] = {}
    for text in texts:
        scale, equals, rule = (part.strip() for part in text.partition("="))
        if not (scale and equals and rule):
            raise OptionError("--prorating must be ID=RULE, a scale and the name of one of its rules.")
        if rules.setdefault(scale, rule) != rule:
            raise OptionError(f"--prorating asks for two rules of {scale!r}.")
    return rules


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.cli.progress import terminal_progress
    from katoutcomes.errors import DataError
    from katoutcomes.registry.reading import read_registry

    refusal: DataError | None = None
    try:
        say = terminal_progress()
        report = read_registry(options.folder, progress=say, **reading_arguments(options)).load_report
    except DataError as problem:
        refusal = problem
        report = _refused_report(problem)
    _write(report, options)
    if refusal is not None:
        raise refusal
    print(report.to_text())
    return 2 if report.has_rejections else 0


def _refused_report(problem: DataError) -> LoadReport:
    """Return the report of a load that failed: how far it came, or why it did not begin."""
    from dataclasses import replace

    from katoutcomes.registry.load_reports.load_report import LoadReport

    if problem.load_report is not None:
        report: LoadReport = problem.load_report
        return replace(report, faults=("no patient is accepted, so there is nothing to analyze.",))
    faults = () if problem.findings else problem.faults or (str(problem),)
    return LoadReport(files=(), problems=(), faults=faults, findings=problem.findings)


def _write(report: LoadReport, options: argparse.Namespace) -> None:
    import json

    if options.json:
        text = json.dumps(report.to_dict(), ensure_ascii=False, indent=2)
        Path(options.json).write_text(text + "\n", encoding="utf-8")
    if options.html:
        Path(options.html).write_text(report.to_html(), encoding="utf-8")
    if options.rejects and report.rejected_rows is not None:
        report.write_rejects(options.rejects)
    elif options.rejects:
        print("katoutcomes: nothing was loaded, so there are no rejected rows to write.", file=sys.stderr)
