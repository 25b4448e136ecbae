"""The cost of the repeated-measures model, as ratios of CPU time measured in the same run, one thread.

    python benchmarks/mmrm.py [--repeats 5] [--figure mmrm.svg] [--without-r]

Synthetic patients in two arms, with a baseline score, drop-out and gaps; every fit is unstructured with Kenward-Roger's
degrees of freedom. The peers are statsmodels MixedLM (only a random intercept: it has no unstructured covariance) and,
where Rscript and its package nlme are present, nlme::gls with corSymm and varIdent. Imports are not counted. Each
figure is the median of the repeats; the two peers run `--slow-repeats` times.

The kept figure: python benchmarks/mmrm.py --figure docs/images/mmrm_speed.svg
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402 - threads are set before numpy is imported
import shutil  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import katoutcomes as kat  # noqa: E402
from katoutcomes.kernels.mmrm.fit import fit_repeated_measures  # noqa: E402
from katoutcomes.kernels.mmrm.inference import linear_tests  # noqa: E402
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate  # noqa: E402
from katoutcomes.kernels.mmrm.repeated_measures import repeated_measures  # noqa: E402
from katoutcomes.kernels.mmrm.sandwich import PatientData  # noqa: E402

GLS = """
suppressPackageStartupMessages(library(nlme))
d <- read.csv(commandArgs(trailingOnly = TRUE)[1])
d$visit_name <- factor(d$visit)
spent <- system.time(gls(
  score ~ visit_name * (arm + baseline), data = d, correlation = corSymm(form = ~ visit | patient),
  weights = varIdent(form = ~ 1 | visit_name)
))
cat(spent[["user.self"]] + spent[["sys.self"]])
"""


def patients(
    n: int, n_visits: int, n_covariates: int, seed: int, *, absent: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return covariates (arm first) and scores, NaN where a patient dropped out or missed a visit.

    With `absent` (patients x visits) who is absent is not drawn but taken from there, again and again.
    """
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % 2
    z = np.column_stack([arm, *(rng.standard_normal(n) for _ in range(n_covariates - 1))]).astype(np.float64)
    lag = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))
    factor = np.linalg.cholesky(0.6**lag + 0.2 * np.eye(n_visits))
    y = 20.0 + z.sum(axis=1)[:, None] + 5.0 * rng.standard_normal((n, n_visits)) @ factor.T
    if absent is not None:
        y[np.resize(absent, y.shape)] = np.nan
        return z, y
    last = np.where(rng.random(n) < 0.2, rng.integers(1, n_visits, n), n_visits)
    y[np.arange(n_visits) >= last[:, None]] = np.nan
    y[rng.random(y.shape) < 0.05] = np.nan
    return z, y


def full_design(n_visits: int, n_covariates: int) -> np.ndarray:
    """Return the design in which every visit has its own intercept and slopes."""
    width = 1 + n_covariates
    table = np.zeros((n_visits, n_visits * width, width))
    for visit in range(n_visits):
        table[visit, visit * width + np.arange(width), np.arange(width)] = 1.0
    return table


def cpu_seconds(job: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of some runs, after one that is not counted where there are several."""
    if repeats > 1:
        job()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return statistics.median(times)


def from_arrays(z: np.ndarray, y: np.ndarray, table: np.ndarray) -> None:
    """Fit, and test every coefficient."""
    found = repeated_measures(PatientData(z, y), table, df_method="kenward-roger-linear")
    if found is None or found.model is None:
        raise RuntimeError("the model did not converge.")
    linear_tests(found.model, np.eye(table.shape[1]))


def tidy(z: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Return a row for every score."""
    n, n_visits = y.shape
    frame = pd.DataFrame(
        {
            "patient": np.repeat(np.arange(n), n_visits),
            "visit": np.tile(np.arange(1, n_visits + 1), n),
            "score": y.reshape(-1),
            "baseline": np.repeat(z[:, 1], n_visits),
            "arm": np.repeat(np.where(z[:, 0] > 0.5, "B", "A"), n_visits),
        }
    )
    return frame.dropna().reset_index(drop=True)


def from_frame(frame: pd.DataFrame) -> None:
    """Run the whole way from a tidy data frame to a Result."""
    data = kat.AnalysisSet.from_frame(
        frame,
        patient="patient",
        visit="visit",
        score="score",
        baseline="baseline",
        instrument="PHQ-9",
        treatment="arm",
        comparator="A",
        treatment_known_by_day=0,
    )
    kat.mmrm(data)


def bounded(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same patients with a baseline and scores that a PHQ-9 can have."""
    z = z.copy()
    z[:, 1] = np.clip(np.round(14.0 + 4.0 * z[:, 1]), 0, 27)
    return z, np.clip(np.round(y - 8.0), 0, 27)


def mixed_model(frame: pd.DataFrame) -> None:
    """Fit statsmodels MixedLM with a random intercept."""
    import statsmodels.formula.api as smf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smf.mixedlm("score ~ C(visit) * (C(arm) + baseline)", frame, groups=frame["patient"]).fit(reml=True)


def gls_seconds(frame: pd.DataFrame, repeats: int) -> float | None:
    """Return the CPU time of nlme::gls, without starting R and reading the file; None where R or nlme is not there."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    times = []
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder) / "scores.csv", Path(folder) / "gls.R"
        frame.to_csv(table, index=False)
        script.write_text(GLS, encoding="utf-8")
        for _ in range(repeats):
            done = subprocess.run([rscript, str(script), str(table)], capture_output=True, text=True, check=False)
            if done.returncode:
                return None
            times.append(float(done.stdout))
    return statistics.median(times)


def against_peers(repeats: int, slow_repeats: int, *, with_r: bool) -> list[tuple[str, float, float, str]]:
    """Return rows (what, CPU time, ratio to this package, limit) for the two peers."""
    rows = []
    for name, n in (("statsmodels MixedLM (random intercept), 10,000 x 4", 10_000), ("nlme::gls, 1,000 x 4", 1_000)):
        z, y = bounded(*patients(n, 4, 2, seed=n))
        frame, table = tidy(z, y), full_design(4, 2)
        if "MixedLM" in name:
            peer: float | None = cpu_seconds(lambda frame=frame: mixed_model(frame), slow_repeats)
        else:
            peer = gls_seconds(frame, slow_repeats) if with_r else None
        if peer is None:
            print(f"{name}: no Rscript with nlme, left out")
            continue
        arrays = cpu_seconds(lambda z=z, y=y, table=table: from_arrays(z, y, table), repeats)
        whole = cpu_seconds(lambda frame=frame: from_frame(frame), repeats)
        rows += [
            (f"{name}", peer, 1.0, ""),
            ("  from arrays, Kenward-Roger", arrays, peer / arrays, "at least 300"),
            ("  from a data frame to a Result", whole, peer / whole, "at least 100"),
        ]
    return rows


def against_copying(repeats: int) -> list[tuple[str, float, float, str]]:
    """Return rows for a million patients with eight visits: copying the input, and the whole model."""
    z, y = patients(1_000_000, 8, 5, seed=8)
    table = full_design(8, 5)
    source = np.column_stack((z, y))
    touched = np.zeros_like(source)
    copying, fitting = [], []
    from_arrays(z, y, table)
    for _ in range(repeats):  # in turn, so that both see the machine as it is
        copying.append(cpu_seconds(lambda: np.copyto(touched, source), 1))
        fitting.append(cpu_seconds(lambda: from_arrays(z, y, table), 1))
    copied, fitted = statistics.median(copying), statistics.median(fitting)
    return [
        ("np.copyto of 1,000,000 x 13 numbers", copied, 1.0, ""),
        ("  the model, 1,000,000 x 8, from arrays", fitted, fitted / copied, "at most 12"),
    ]


def by_size(repeats: int) -> list[tuple[int, float, float, int]]:
    """Return (patients, CPU time of the pass over the data, CPU time of the fit, patterns) for eight visits.

    Every number of patients has the patterns of the first thousand, because the fit's cost depends on their number.
    """
    rows = []
    table = full_design(8, 5)
    absent = np.isnan(patients(1_000, 8, 5, seed=8)[1])
    for n in (1_000, 10_000, 100_000, 1_000_000):
        z, y = patients(n, 8, 5, seed=8, absent=absent)
        found = aggregate(z, y)
        rows.append(
            (
                n,
                cpu_seconds(lambda z=z, y=y: aggregate(z, y), repeats),
                cpu_seconds(lambda found=found: fit_repeated_measures(found, table), 3 * repeats),
                len(found.group),
            )
        )
    return rows


def many_patterns() -> tuple[int, float]:
    """Return the number of patterns and the CPU time of a fit of 12 visits with every pattern there can be."""
    z, y = patients(100_000, 12, 2, seed=12)
    rng = np.random.default_rng(13)
    y = np.where(np.isnan(y), 20.0 + rng.standard_normal(y.shape) * 5.0, y)
    y[rng.random(y.shape) < 0.5] = np.nan
    every = (np.arange(1, 4096)[:, None] >> np.arange(12)) & 1
    y[:4095] = np.where(every == 1, 20.0 + 5.0 * rng.standard_normal((4095, 12)), np.nan)
    found = aggregate(z, y)
    return len(found.group), cpu_seconds(lambda: fit_repeated_measures(found, full_design(12, 2)), 1)


def draw(path: Path, peers: list[tuple[str, float, float, str]], sizes: list[tuple[int, float, float, int]]) -> None:
    """Draw the CPU times: this package and its peers, and the two parts of the work by the number of patients."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "mmrm_speed", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(9.0, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.3, 1.0))
        names = [row[0] if row[3] == "" else row[0].strip() for row in peers][::-1]
        colors = ["#8a8a8a" if row[3] == "" else "#1b6ca8" for row in peers][::-1]
        bars = left.barh(range(len(names)), [1000.0 * row[1] for row in peers][::-1], color=colors)
        left.bar_label(bars, [f"{1000.0 * row[1]:,.0f}" for row in peers][::-1], padding=3, fontsize=8)
        left.set_yticks(range(len(names)), names, fontsize=8)
        left.set_xscale("log")
        left.set_xlim(1.0, 1000.0 * max(row[1] for row in peers) * 6.0)
        left.set_xlabel("CPU time (ms)")
        n = [row[0] for row in sizes]
        right.loglog(n, [1000.0 * row[1] for row in sizes], marker="o", color="#c2571a", label="one pass over the data")
        right.loglog(n, [1000.0 * row[2] for row in sizes], marker="s", color="#1b6ca8", label="fit")
        right.set_xlabel("patients (8 visits)")
        right.set_ylabel("CPU time (ms)")
        right.legend(frameon=False)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slow-repeats", type=int, default=5)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--without-r", action="store_true")
    chosen = parser.parse_args()
    copying = against_copying(max(chosen.repeats, 5))
    sizes = by_size(chosen.repeats)
    n_patterns, seconds = many_patterns()
    peers = against_peers(chosen.repeats, chosen.slow_repeats, with_r=not chosen.without_r)
    print(f"{'job':<56}{'CPU ms':>10}{'ratio':>9}  limit")
    for name, spent, ratio, limit in (*peers, *copying):
        print(f"{name:<56}{1000.0 * spent:>10.1f}{ratio:>9.1f}  {limit}")
    print(f"\n{'patients x 8 visits':<24}{'patterns':>10}{'pass, ms':>10}{'fit, ms':>10}")
    for n, reading, fitting, n_patterns_of in sizes:
        print(f"{n:<24,}{n_patterns_of:>10}{1000.0 * reading:>10.1f}{1000.0 * fitting:>10.1f}")
    print(f"\n{n_patterns:,} patterns at 12 visits: fit {1000.0 * seconds:.0f} ms")
    if chosen.figure is not None:
        draw(chosen.figure, peers, sizes)


if __name__ == "__main__":
    main()
