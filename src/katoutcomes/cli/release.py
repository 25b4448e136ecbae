"""`katoutcomes release`: the results of a run in, what may leave the clinic out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results
    from katoutcomes.results.disclosure_policy import DisclosurePolicy


def add_command(commands: Any) -> None:
    """Describe the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "release",
        help="hide small counts in results, so that they may leave the clinic",
        description="Write the results of a run without individual values and without small counts, or what would "
        "give them away. The file is all that a report needs. Ends with 4 if the results were released with a higher "
        "minimum before, or --audit finds that something still follows.",
    )
    parser.add_argument("results", metavar="RESULTS", help="what `katoutcomes run` wrote")
    parser.add_argument("--out", required=True, metavar="FILE", help="the file to hand on, such as released.json")
    parser.add_argument("--minimum-cell", type=int, metavar="N", help="smallest count shown; default: the plan's")
    parser.add_argument("--round-to", type=int, metavar="N", help="round every count shown to the nearest N, such as 5")
    parser.add_argument(
        "--previous",
        metavar="FILE",
        help="what was released before; what changed since by a few patients is hidden; default: the plan's",
    )
    parser.add_argument(
        "--audit",
        metavar="FILE",
        nargs="?",
        const="",
        help="print what somebody could still bound, the narrowest first; with FILE, write all of it as JSON",
    )
    parser.add_argument("--quiet", action="store_true", help="no last line")
    parser.set_defaults(run=_run)


_MOST_LINES = 25


def _run(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from katoutcomes.results.collection import Results, read_earlier

    results = Results.read(options.results)
    said = {"minimum_cell": options.minimum_cell, "round_to": options.round_to}
    policy = replace(results.disclosure, **{name: value for name, value in said.items() if value is not None})
    previous = read_earlier(options.previous, policy)
    released = results.release(policy, previous=previous)
    # Audited before anything is written: a release that says too much leaves no file.
    if options.audit is not None and not _audit(options, results, policy, previous):
        return 4
    released.write(options.out)
    if not options.quiet:
        print(f"Done. {options.out} {_how(policy, previous)}.")
    return 0


def _how(policy: DisclosurePolicy, previous: Results | None) -> str:
    """Return what is to be said of a release in its last line."""
    how = f"shows no count below {policy.minimum_cell}"
    if policy.round_to > 1:
        how = f"hides counts below {policy.minimum_cell} and rounds the others to the nearest {policy.round_to}"
    return how if previous is not None else f"{how}; no earlier release was given"


def _audit(options: argparse.Namespace, results: Results, policy: DisclosurePolicy, previous: Results | None) -> bool:
    """Print what could still be worked out, and return whether nothing of it is too close."""
    from katoutcomes.results.disclosure_audit import audit_release
    from katoutcomes.results.whole_files import write_whole

    audit = audit_release(results, policy, previous=previous)
    if options.audit:
        write_whole(options.audit, audit.to_json())
    print(audit.to_text(_MOST_LINES))
    return not audit.too_close
