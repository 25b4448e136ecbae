"""The cost of the main job, as ratios to a yardstick measured in the same run.

    python benchmarks/main_job.py [repeats]

Each line is a whole process: CPU seconds (user and system), the median of the repeats, and the ratio to the yardstick,
which is importing the libraries that the job needs and doing nothing with them. Absolute times belong to the machine;
ratios travel.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "import duckdb, jinja2, matplotlib.figure, numpy, pandas, scipy.stats, statsmodels.api"
COUNT_MODULES = "import katoutcomes, sys; print(len(sys.modules))"


def cpu_seconds(command: list[str]) -> float:
    """Return user and system seconds of one finished process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main(repeats: int) -> None:
    """Measure every job `repeats` times, in turn, and print the medians."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as out:
        report = [python, "-m", "katoutcomes.cli.main", "report", "--data", "data/sample", "--out", out]
        jobs = {
            "yardstick: import the libraries": [python, "-c", LIBRARIES],
            "import katoutcomes": [python, "-c", "import katoutcomes"],
            "katoutcomes --help": [python, "-m", "katoutcomes.cli.main", "--help"],
            "katoutcomes check data/sample": [python, "-m", "katoutcomes.cli.main", "check", "data/sample"],
            "katoutcomes report data/sample": report,
        }
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(repeats):
            for name, command in jobs.items():
                times[name].append(cpu_seconds(command))
    yardstick = statistics.median(next(iter(times.values())))
    print(f"{'job':<36}{'CPU s':>8}{'ratio':>8}")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:<36}{median:>8.2f}{median / yardstick:>8.2f}")
    modules = subprocess.run([python, "-c", COUNT_MODULES], check=True, capture_output=True, text=True, cwd=ROOT)
    print(f"modules after `import katoutcomes`: {modules.stdout.strip()} (limit 220)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
