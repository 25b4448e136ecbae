"""`katoutcomes simulate`: write the tables of a synthetic clinic whose truth is known."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate",
        help="write the tables of a synthetic clinic",
        description="Write the tables of a synthetic clinic whose true effect is known. The same seed gives the same "
        "bytes.",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where to write; made if it is not there")
    parser.add_argument("--seed", required=True, type=int, help="seed of the random numbers, 0 or more")
    parser.add_argument("--patients", type=int, default=600, metavar="N", help="patients who enroll (default 600)")
    parser.add_argument(
        "--scenario",
        default="effect",
        help="null, effect, mnar, unmeasured_confounding or effect_mnar (default effect)",
    )
    parser.add_argument(
        "--mechanism", default="booked", help="booked, start, curved_booked or curved_start (default booked)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from katoutcomes.workflows.synthetic_clinic import write_synthetic_clinic

    written = write_synthetic_clinic(
        options.out,
        seed=options.seed,
        n_patients=options.patients,
        scenario=options.scenario,
        mechanism=options.mechanism,
    )
    print("Wrote " + ", ".join(path.name for path in written))
    return 0
