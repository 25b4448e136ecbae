"""What a report costs: the sample clinic, and 5,000 patients over 8 quarters, each in a process of its own.

`python benchmarks/report.py` prints CPU seconds, peak memory and the ratio of the two. The bounds of the project: the
sample within 15 CPU-seconds and 500 MB, the large clinic within 3 times of that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
CPU_SECONDS, MEGABYTES, TIMES = 15.0, 500.0, 3.0
COMMAND = [sys.executable, "-m", "katoutcomes.cli.main"]


def cost(arguments: list[str]) -> tuple[float, float]:
    """Return the CPU seconds and the peak memory in MB of one command."""
    process = os.fork()
    if not process:
        os.execv(sys.executable, [*COMMAND, *arguments])  # noqa: S606 - our own command
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit(f"the command failed: {arguments[0]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024.0


def measured(name: str, data: Path, room: Path, n_runs: int) -> tuple[float, float]:
    """Print and return the least CPU time and the peak memory of a report over several runs."""
    runs = [
        cost(["report", "--data", str(data), "--out", str(room / f"{name}{run}"), "--quiet"]) for run in range(n_runs)
    ]
    seconds, megabytes = min(run[0] for run in runs), max(run[1] for run in runs)
    print(f"{name:8s} {seconds:6.1f} CPU-s  {megabytes:6.0f} MB")
    return seconds, megabytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        simulate = [*COMMAND, "simulate", "--out", str(room / "data"), "--patients", str(options.patients)]
        subprocess.run([*simulate, "--seed", "1"], check=True, stdout=subprocess.DEVNULL)
        seconds, megabytes = measured("sample", SAMPLE, room, options.runs)
        large, large_megabytes = measured("large", room / "data", room, options.runs)
    print(
        f"sample against its bounds: {seconds / CPU_SECONDS:.2f} of the time, {megabytes / MEGABYTES:.2f} of the memory"
    )
    print(f"large against the sample:  {large / seconds:.2f} times the time (bound {TIMES:g}), ", end="")
    print(f"{large_megabytes / megabytes:.2f} times the memory")


if __name__ == "__main__":
    main()
