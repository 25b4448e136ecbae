"""`katoutcomes simulate-study`: what the two comparisons do when the truth is known, and what a study could find."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

_SECONDS_BETWEEN_LINES = 5.0


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate-study",
        help="bias, coverage and power of the two comparisons when the truth is known",
        description="Simulate studies of synthetic patients whose true effect is known, run the defaults of the two "
        "comparisons on each, and write bias, coverage, type I error and power as a table and a figure. Finished "
        "pieces stay in the folder: a run that was stopped goes on from there and gives the same bytes.",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where pieces, tables and the figure go")
    parser.add_argument("--quick", action="store_true", help="10 studies a cell, 100 resamples: seconds, for a try")
    parser.add_argument("--replicates", type=int, metavar="N", help="studies a cell (default 2000)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--patients", type=int, nargs="+", metavar="N", help="patients of a study (default 300)")
    size.add_argument("--patients-per-arm", type=int, nargs="+", metavar="N", help="half of them: about half book")
    parser.add_argument("--effect", type=float, metavar="POINTS", help="true difference, such as -2; below 0")
    parser.add_argument(
        "--missing", type=float, metavar="SHARE", help="share without a score at the visit, such as 0.4"
    )
    parser.add_argument("--exposures", nargs="+", metavar="NAME", help="time_zero, later (default both)")
    parser.add_argument("--clinics", nargs="+", metavar="NAME", help="linear, curved (default both)")
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="of those of `simulate` (default null effect)")
    parser.add_argument("--bootstraps", type=int, metavar="N", help="resamples a study (default 400)")
    parser.add_argument("--seed", type=int, default=20261122, help="seed of the random numbers (default 20261122)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; the result is the same")
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="stop then; the same command goes on")
    parser.add_argument("--quiet", action="store_true", help="no progress and no table")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.workflows.simulate_study import QUICK_BOOTSTRAPS, QUICK_REPLICATES, QUICK_TRUTH, simulate_study

    quick = {"n_replicates": QUICK_REPLICATES, "n_bootstrap": QUICK_BOOTSTRAPS, "n_truth": QUICK_TRUTH}
    sizes = options.patients or [2 * number for number in options.patients_per_arm or ()]
    given = {
        "n_replicates": options.replicates,
        "n_patients": sizes or None,
        "n_bootstrap": options.bootstraps,
        "exposures": options.exposures,
        "clinics": options.clinics,
        "scenarios": options.scenarios,
    }
    choices: dict[str, Any] = quick if options.quick else {}
    choices = choices | {name: value for name, value in given.items() if value is not None}
    study = simulate_study(
        options.out,
        effect=options.effect,
        missing_share=options.missing,
        seed=options.seed,
        n_workers=options.workers,
        stop_after_seconds=None if options.stop_after is None else 60.0 * options.stop_after,
        progress=None if options.quiet else _progress(),
        **choices,
    )
    if study is None:
        print("Not finished: the same command goes on from here.")
        return 0
    if not options.quiet:
        print(study)
        print(f"Wrote simulation_study.json, .csv, .md, .svg and .png in {options.out}")
    return 0


def _progress() -> Callable[[int, int], None] | None:
    """Return a function that says now and then how far the studies are; None where the error stream is no terminal."""
    if not sys.stderr.isatty():
        return None
    last = time.monotonic()

    def say(done: int, n_all: int) -> None:
        nonlocal last
        if done == n_all or time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(f"{done:,} of {n_all:,} studies …", file=sys.stderr, flush=True)

    return say
