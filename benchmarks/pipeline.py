"""From Parquet to an analysis set: CPU time and peak memory as ratios to two yardsticks measured in the same run.

    python benchmarks/pipeline.py [--patients 100000] [--repeats 3] [--memory-limit 2GB] [--only katoutcomes]

Yardsticks: the same work as vectorised pandas (`pandas_twin.py`), and the floor: DuckDB decodes and hashes every column
of the same files once. Each is a process of its own. Absolute times belong to the machine; ratios travel.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TABLES = ("patients", "sessions", "scores")
CPU_BOUNDS = {"twin": 1.2, "floor": 12.0}
MEMORY_BOUND = 0.5


def run_katoutcomes(folder: Path, memory_limit: str | None) -> dict[str, float]:
    """Read, select and align with katoutcomes; return what the twin must agree with."""
    import katoutcomes as kat
    from katoutcomes.registry.engines.engine import Engine

    temp = str(folder / "spill") if memory_limit else None
    registry = kat.read_registry(folder, engine=Engine(memory_limit=memory_limit, temp_directory=temp))
    data = kat.select_cohort(registry).analysis_set()
    registry.close()
    return summary(data.baseline, data.scores)


def run_twin(folder: Path, _: str | None) -> dict[str, float]:
    """Do the same with pandas."""
    from pandas_twin import analysis_arrays

    arrays = analysis_arrays(folder)
    return summary(arrays["baseline"], arrays["scores"])


def run_floor(folder: Path, _: str | None) -> dict[str, float]:
    """Decode and hash every column once."""
    import duckdb

    connection = duckdb.connect()
    for name in TABLES:
        path = str(folder / f"{name}.parquet")
        columns = [row[0] for row in connection.execute("describe select * from read_parquet(?)", [path]).fetchall()]
        hashed = ", ".join(f"max(hash({column}))" for column in columns)
        connection.execute(f"select {hashed} from read_parquet(?)", [path]).fetchall()  # noqa: S608
    return {}


JOBS = {"katoutcomes": run_katoutcomes, "twin": run_twin, "floor": run_floor}


def summary(baseline: Any, scores: Any) -> dict[str, float]:
    """Return counts and exact sums, in which two ways of doing the same work must agree."""
    import numpy as np

    change = scores - baseline[:, None]
    return {
        "n_patients": float(len(baseline)),
        "sum_of_baseline": float(np.nansum(baseline)),
        **{f"sum_of_scores_{i}": float(np.nansum(scores[:, i])) for i in range(scores.shape[1])},
        **{f"sum_of_change_{i}": float(np.nansum(change[:, i])) for i in range(scores.shape[1])},
    }


def measure(job: str, folder: Path, memory_limit: str | None) -> tuple[float, float, dict[str, float]]:
    """Return CPU seconds and peak MiB of a job in a process of its own, and what it found."""
    command = [sys.executable, __file__, "--child", job, str(folder)]
    if memory_limit and job == "katoutcomes":
        command += ["--memory-limit", memory_limit]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    found = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{job} failed with {process.returncode}.")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(found)


def report(times: dict[str, list[tuple[float, float]]], n_patients: int) -> None:
    """Print medians and ratios."""
    cpu = {job: statistics.median(seconds for seconds, _ in runs) for job, runs in times.items()}
    peak = {job: statistics.median(mib for _, mib in runs) for job, runs in times.items()}
    print(f"{n_patients} patients{'CPU s':>14}{'peak MiB':>12}")
    for job in times:
        print(f"{job:<18}{cpu[job]:>12.2f}{peak[job]:>12.0f}")
    for yardstick, bound in CPU_BOUNDS.items():
        if yardstick in cpu and "katoutcomes" in cpu:
            ratio = cpu["katoutcomes"] / cpu[yardstick]
            print(f"CPU / {yardstick}: {ratio:.2f} (bound {bound:g})")
    if {"twin", "katoutcomes"} <= set(peak):
        print(f"peak memory / twin: {peak['katoutcomes'] / peak['twin']:.2f} (bound {MEMORY_BOUND:g} at a million)")


def main() -> None:
    """Measure every job in turn and print the medians."""
    options = arguments()
    if options.child and options.child[0] == "data":
        from pipeline_data import write_clinic

        write_clinic(Path(options.child[1]), options.patients)
        return
    if options.child:
        print(json.dumps(JOBS[options.child[0]](Path(options.child[1]), options.memory_limit)))
        return
    jobs = [options.only] if options.only else list(JOBS)
    size = ["--patients", str(options.patients)]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(options.folder or made)
        folder.mkdir(exist_ok=True)
        if not (folder / "scores.parquet").is_file():
            # In a process of its own: a child's peak of memory begins with that of the process that starts it.
            subprocess.run([sys.executable, __file__, "--child", "data", str(folder), *size], check=True)
        times: dict[str, list[tuple[float, float]]] = {job: [] for job in jobs}
        answers = {}
        for _ in range(options.repeats):
            for job in jobs:
                seconds, mib, found = measure(job, folder, options.memory_limit)
                times[job].append((seconds, mib))
                answers[job] = found
    report(times, options.patients)
    if {"twin", "katoutcomes"} <= set(answers) and answers["twin"] != answers["katoutcomes"]:
        raise SystemExit(f"the twin does not agree:\n{answers['katoutcomes']}\n{answers['twin']}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-limit", default=None, help="of the engine, for example 2GB; it spills beyond it")
    parser.add_argument("--folder", default=None, help="keep the files there, or use those that are there")
    parser.add_argument("--only", choices=list(JOBS), default=None)
    parser.add_argument("--child", nargs=2, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
