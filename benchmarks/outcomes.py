"""What outcomes cost: the bootstrap of an effect size and the first table of a paper, as ratios measured in one run.

    python benchmarks/outcomes.py [--repeats 3]

Synthetic patients; CPU time, one thread, imports not counted; each figure is the median of the repeats. The peers:
scipy.stats.bootstrap (BCa, paired, with a vectorized statistic and `batch` so that it fits into memory) and, where it
is installed, tableone (`pip install --group bench`), without p-values, which cost it more. "Plain NumPy" are the same
means, standard deviations, quartiles and counts in a loop over groups and variables, without the differences between
groups. A function that is added to `JOBS` is measured with the others.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402 - threads are set before numpy is imported
import statistics  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import katoutcomes as kat  # noqa: E402
from katoutcomes.kernels.change.pair_bootstrap import bootstrap_intervals  # noqa: E402

Row = tuple[str, float, str, str]
"""What was measured, the figure, its unit, the limit."""
RESAMPLES = 5_000
NUMBERS = ("age", "trials", "dose")
CATEGORIES = ("sex", "site", "smoker")


def cpu_seconds(job: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return statistics.median(times)


def peak_megabytes(job: Callable[[], object]) -> float:
    """Return the most memory that a job held at once, arrays included."""
    tracemalloc.start()
    job()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def whole_pairs(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return baseline and follow-up scores from 0 to 27."""
    rng = np.random.default_rng(seed)
    before = np.clip(np.round(rng.normal(16.0, 4.5, n)), 0, 27)
    return before, np.clip(np.round(0.5 * before + rng.normal(3.0, 5.0, n)), 0, 27)


def bootstrap_of_d_z(repeats: int) -> list[Row]:
    """Measure 5,000 BCa bootstraps of d_z of 10,000 patients; ours gives four further statistics by the way."""
    from scipy import stats

    scores = whole_pairs(10_000)

    def ours() -> object:
        return bootstrap_intervals(*scores, rng=np.random.default_rng(1), n_resamples=RESAMPLES, conf_level=0.95)

    def d_z(before: np.ndarray, after: np.ndarray, axis: int = -1) -> np.ndarray:
        change = after - before
        return change.mean(axis=axis) / change.std(axis=axis, ddof=1)

    def peer() -> object:
        return stats.bootstrap(
            scores,
            d_z,
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            method="BCa",
            batch=100,
            rng=np.random.default_rng(1),
        )

    spent, of_peer = cpu_seconds(ours, repeats), cpu_seconds(peer, 1)
    return [
        ("BCa bootstrap of d_z, 10,000 pairs, 5,000 samples", 1000.0 * spent, "ms", ""),
        ("  scipy.stats.bootstrap", 1000.0 * of_peer, "ms", ""),
        ("  times faster", of_peer / spent, "x", "at least 8"),
        ("  memory held at once", peak_megabytes(ours), "MB", "at most 200"),
    ]


def clinic(n: int, seed: int = 2) -> pd.DataFrame:
    """Return patients with what a first table describes."""
    rng = np.random.default_rng(seed)
    before, after = whole_pairs(n, seed)
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "visit": "week 12",
            "before": before,
            "score": after,
            "arm": np.where(rng.random(n) < 0.5, "usual", "program"),
            "age": np.round(rng.normal(44.0, 12.0, n)),
            "trials": rng.integers(0, 6, n).astype(float),
            "dose": rng.normal(60.0, 12.0, n),
            "sex": rng.choice(["f", "m"], n),
            "site": rng.choice(list("abcdef"), n),
            "smoker": rng.integers(0, 2, n),
        }
    )


def analysis_set(frame: pd.DataFrame) -> kat.AnalysisSet:
    """Return the same as an analysis set."""
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        treatment="arm",
        comparator="usual",
        treatment_known_by_day=0,
        covariates=[*NUMBERS, *CATEGORIES],
        visits={"week 12": 84},
    )


def plain_numpy(data: kat.AnalysisSet) -> list[object]:
    """Describe the same variables of the same groups with NumPy alone."""
    columns = {name: data.variable(name).values for name in ("arm", *NUMBERS, *CATEGORIES)}  # noqa: PD011
    columns["before"] = data.baseline
    found: list[object] = []
    for mask in (np.ones(data.n_patients, dtype=bool), columns["arm"] == 0, columns["arm"] == 1):
        for name in ("before", *NUMBERS):
            values = columns[name][mask]
            found.append((values.mean(), values.std(ddof=1), *np.quantile(values, (0.25, 0.5, 0.75))))
        found += [np.unique(columns[name][mask], return_counts=True) for name in CATEGORIES]
    return found


def first_table(repeats: int) -> list[Row]:
    """Measure `describe` of 100,000 patients in two cohorts against plain NumPy and tableone."""
    frame = clinic(100_000)
    data = analysis_set(frame)
    spent = cpu_seconds(lambda: kat.describe(data), repeats)
    plain = cpu_seconds(lambda: plain_numpy(data), repeats)
    rows: list[Row] = [
        ("first table, 100,000 patients, 7 variables", 1000.0 * spent, "ms", ""),
        ("  times plain NumPy", spent / plain, "x", "at most 3"),
    ]
    try:
        from tableone import TableOne
    except ImportError:
        return [*rows, ("  tableone is not installed, left out", float("nan"), "", "")]
    shown = ["before", *NUMBERS, *CATEGORIES]

    def peer() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return TableOne(
                frame[[*shown, "arm"]], columns=shown, categorical=list(CATEGORIES), groupby="arm", pval=False, smd=True
            )

    of_peer = cpu_seconds(peer, 1)
    return [*rows, ("  times faster than tableone", of_peer / spent, "x", "at least 10")]


def change(repeats: int) -> list[Row]:
    """Measure the whole of `change_from_baseline`, by formulas, of 100,000 patients."""
    data = analysis_set(clinic(100_000))
    spent = cpu_seconds(lambda: kat.change_from_baseline(data), repeats)
    return [("change from baseline, 100,000 patients, 3 groups", 1000.0 * spent, "ms", "")]


def classes_one_by_one(baseline: list[float], follow_up: list[float], arm: list[float], index: object) -> object:
    """Class every patient in a loop, as a script for one patient does, and count the classes by arm."""
    counts: dict[tuple[float, str], int] = {}
    weight, other, constant, error, limit, cut_off = index  # type: ignore[misc]
    for before, after, group in zip(baseline, follow_up, arm, strict=True):
        found = (weight * after + other * before + constant) / error
        words = ["better" if found < -limit else "worse" if found > limit else "same"]
        if words[0] == "better" and before > cut_off > after:
            words.append("recovered")
        if words[0] == "worse" and before < cut_off < after:
            words.append("harmed")
        points = after - before
        words.append("service better" if points <= -6 else "service worse" if points >= 6 else "service same")
        if before >= 10:
            words.append("case")
            if after < 10:
                words += ["recovery", "reliable recovery"] if points <= -6 else ["recovery"]
        if before > 0:
            words.append("response defined")
            if after <= before / 2:
                words.append("response")
        if after <= 4:
            words.append("remission")
        for word in words:
            counts[group, word] = counts.get((group, word), 0) + 1
    return counts


def clinical_significance(repeats: int) -> list[Row]:
    """Measure the classes of 100,000 patients against a loop over patients that counts the same."""
    from katoutcomes.analyses.steps.significance.methods import classed_patients
    from katoutcomes.analyses.steps.significance.reliable_change_rule import RuleChoices, reliable_change_rule
    from katoutcomes.analyses.steps.significance.shares import counted_shares

    data = analysis_set(clinic(100_000))
    rule, window = reliable_change_rule(data, RuleChoices()), data.visits[0]
    definitions = [
        one
        for kind in ("response", "remission", "caseness", "reliable_change")
        for one in data.instrument.definitions(kind)
        if one.is_default
    ]
    groups = [group.mask for group in (*data.groups(None), *data.groups("arm"))]

    def ours() -> object:
        methods = [classed_patients(data, window, "jacobson_truax", rule, None)]
        shares = counted_shares(data, window, methods=methods, definitions=definitions)
        return [share.counts(mask) for share in shares for mask in groups]

    lists = [values.tolist() for values in (data.baseline, data.scores[:, 0], data.variable("arm").values)]  # noqa: PD011
    index = (1.0, -1.0, 0.0, (rule.threshold or 0.0) / 1.959963984540054, 1.959963984540054, rule.cut_off.value)
    spent, of_loop = cpu_seconds(ours, repeats), cpu_seconds(lambda: classes_one_by_one(*lists, index), 1)
    whole = cpu_seconds(lambda: kat.clinical_significance(data), repeats)
    return [
        ("classes of 100,000 patients, 13 shares, 3 groups", 1000.0 * spent, "ms", ""),
        ("  a loop over patients", 1000.0 * of_loop, "ms", ""),
        ("  times faster", of_loop / spent, "x", "at least 20"),
        ("  clinical_significance, all of it", 1000.0 * whole, "ms", ""),
    ]


JOBS: tuple[Callable[[int], list[Row]], ...] = (bootstrap_of_d_z, first_table, change, clinical_significance)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    print(f"{'job':<54}{'figure':>10}    limit")
    for job in JOBS:
        for name, figure, unit, limit in job(chosen.repeats):
            print(f"{name:<54}{figure:>10.1f} {unit:<3}{limit}")


if __name__ == "__main__":
    main()
