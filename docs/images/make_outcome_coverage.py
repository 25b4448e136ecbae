"""Measure how often the 95 % intervals of `change_from_baseline` hold the truth, and draw it.

    python docs/images/make_outcome_coverage.py                    draws outcome_coverage.svg from outcome_coverage.json
    python docs/images/make_outcome_coverage.py --simulate 20000   measures anew first: minutes of CPU

Two kinds of synthetic scores, each with correlations of .2, .5 and .8 between baseline and follow-up and with 20, 50
and 200 pairs. Normal: mean 16 and SD 4.5, then 11 and 6. Skewed: whole scores from 0 to 27 that pile up at 0, whose
truth is known exactly because every pair of scores has a known probability. Closed intervals are computed for all
samples at once, the bootstrap for each of fewer samples (`--bootstrap`). Seeds are fixed. Shares of patients have
their own simulation; what it keeps in outcome_coverage.json under another name stays there.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from katoutcomes.kernels.change.pair_bootstrap import INTERVALS, STATISTICS, bootstrap_intervals
from katoutcomes.kernels.change.paired_effects import effect_values
from katoutcomes.kernels.change.superiority import superiority_limits
from katoutcomes.kernels.noncentral_t import noncentrality_limits

HERE = Path(__file__).resolve().parent
NUMBERS = HERE / "outcome_coverage.json"
FIGURE = HERE / "outcome_coverage.svg"
COMMAND = "python docs/images/make_outcome_coverage.py --simulate {} --bootstrap {}"
LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
CORRELATIONS = (0.2, 0.5, 0.8)
SAMPLE_SIZES = (20, 50, 200)
DISTRIBUTIONS = ("normal", "skewed")
MEANS, SDS = (16.0, 11.0), (4.5, 6.0)
LATENT_MEANS, LATENT_SDS = (16.0, 7.0), (4.5, 6.0)
"""Of the normal scores that are rounded and cut off at 0 and 27 to make the skewed ones."""
HIGHEST = 27
RESAMPLES = 1_000
CHUNK = 500
CLOSED = ("mean change", "Hodges-Lehmann", "d_z", "d_av", "d_rm", "delta_pre", "superiority", "percent change")
OFFERED = tuple(f"{name}, {kind}" for kind in INTERVALS for name in STATISTICS)
WITHIN = (0.935, 0.965)
"""Where the default intervals must stay under normality."""

Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Setting:
    """One kind of scores, one correlation, one sample size."""

    distribution: str
    correlation: float
    n_pairs: int

    @property
    def seed(self) -> list[int]:
        """Of the generator, other for each setting."""
        return [20261122, DISTRIBUTIONS.index(self.distribution), round(10 * self.correlation), self.n_pairs]


# --- scores and their truth ------------------------------------------------------------------------------------------


def cell_probabilities(correlation: float) -> np.ndarray:
    """Return the probability of each pair of skewed scores, shape (28, 28): rows are baseline scores."""
    from scipy.special import ndtr

    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.concatenate(([-np.inf], np.arange(HIGHEST) + 0.5, [np.inf]))
    first = np.clip((edges - LATENT_MEANS[0]) / LATENT_SDS[0], -9.0, 9.0)
    second = (edges - LATENT_MEANS[1]) / LATENT_SDS[1]
    table = np.zeros((HIGHEST + 1, HIGHEST + 1))
    for score, (low, high) in enumerate(pairwise(first)):
        z = low + (high - low) * (nodes + 1.0) / 2.0
        density = weights * (high - low) / 2.0 * np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
        below = ndtr((second - correlation * z[:, None]) / math.sqrt(1.0 - correlation**2))
        table[score] = density @ np.diff(below, axis=1)
    return table / table.sum()


def samples(setting: Setting, n_sets: int, rng: np.random.Generator) -> Pairs:
    """Return baseline and follow-up of many samples, each of shape (n_sets, n_pairs)."""
    shape = (n_sets, setting.n_pairs)
    if setting.distribution == "skewed":
        table = cell_probabilities(setting.correlation)
        cells = np.searchsorted(np.cumsum(table.ravel())[:-1], rng.random(shape), side="right")
        return (cells // table.shape[1]).astype(np.float64), (cells % table.shape[1]).astype(np.float64)
    z, noise = rng.standard_normal(shape), rng.standard_normal(shape)
    later = setting.correlation * z + math.sqrt(1.0 - setting.correlation**2) * noise
    return MEANS[0] + SDS[0] * z, MEANS[1] + SDS[1] * later


def truth(setting: Setting) -> dict[str, float]:
    """Return what each interval should hold."""
    from scipy.stats import norm

    if setting.distribution == "normal":
        covariance = setting.correlation * SDS[0] * SDS[1]
        moments = (MEANS[1] - MEANS[0], SDS[0] ** 2, SDS[1] ** 2, SDS[0] ** 2 + SDS[1] ** 2 - 2.0 * covariance)
        middle, better = moments[0], float(norm.cdf(-moments[0] / math.sqrt(moments[3])))
        baseline = MEANS[0]
    else:
        table, scores = cell_probabilities(setting.correlation), np.arange(HIGHEST + 1.0)
        change = scores[None, :] - scores[:, None]
        baseline, later = float(table.sum(axis=1) @ scores), float(table.sum(axis=0) @ scores)
        mean = later - baseline
        moments = (
            mean,
            float(table.sum(axis=1) @ (scores - baseline) ** 2),
            float(table.sum(axis=0) @ (scores - later) ** 2),
            float((table * (change - mean) ** 2).sum()),
        )
        better = float(table[change < 0].sum() + 0.5 * table[change == 0].sum())
        of_change = np.array([table[change == step].sum() for step in range(-HIGHEST, HIGHEST + 1)])
        of_sums = np.convolve(of_change, of_change)
        middle = float(np.searchsorted(np.cumsum(of_sums), 0.5) - 2 * HIGHEST) / 2.0
    effects = effect_values(*(np.array([moment]) for moment in moments))
    found = {name: float(value[0]) for name, value in effects.items()}
    return found | {
        "mean change": moments[0],
        "Hodges-Lehmann": middle,
        "superiority": better,
        "percent change": moments[0] / baseline,
    }


# --- intervals of all samples at once --------------------------------------------------------------------------------


def closed_limits(baseline: np.ndarray, follow_up: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the limits of every closed interval, each of shape (n_sets,), by the formulas of the kernels."""
    from scipy.special import stdtrit

    n_pairs = baseline.shape[1]
    df = n_pairs - 1.0
    change = follow_up - baseline
    mean = change.mean(axis=1)
    s0, s1, sd = (values.var(axis=1, ddof=1) for values in (baseline, follow_up, change))
    reach = float(stdtrit(df, 0.5 + LEVEL / 2.0)) * np.sqrt(sd / n_pairs)
    limits = {"mean change": (mean - reach, mean + reach)}
    limits["Hodges-Lehmann"] = rank_limits(change)
    limits["d_z"] = noncentral_limits(mean / np.sqrt(sd / n_pairs), n_pairs)
    effects = effect_values(mean, s0, s1, sd)
    for name, (log_variance, ratio) in denominators(s0, s1, sd, df).items():
        half = NORMAL_QUANTILE * np.sqrt(effects[name] ** 2 * log_variance + ratio / df)
        limits[name] = (effects[name] - half, effects[name] + half)
    better, worse = ((change * sign > 0).sum(axis=1).astype(np.float64) for sign in (-1.0, 1.0))
    limits["superiority"] = superiority_limits(better, worse, float(n_pairs), LEVEL)
    limits["percent change"] = relative_limits(baseline.mean(axis=1), mean, (s0, s1, sd), n_pairs)
    return limits


def denominators(s0: np.ndarray, s1: np.ndarray, sd: np.ndarray, df: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the variance of log s, and s_d²/s², of the three effects with delta-method intervals."""
    s01 = (s0 + s1 - sd) / 2.0
    product = np.sqrt(s0 * s1)
    apart = product - s01
    square = (s0 + s1) / 2.0
    slope = (0.5 / sd - 0.25 * s01 / (apart * s0), 0.5 / sd - 0.25 * s01 / (apart * s1), -1.0 / sd + 0.5 / apart)
    spread = ((2 * s0**2, 2 * s01**2, 2 * s0 * s01), (2 * s01**2, 2 * s1**2, 2 * s1 * s01))
    spread += ((2 * s0 * s01, 2 * s1 * s01, s0 * s1 + s01**2),)
    of_d_rm = sum(slope[i] * spread[i][j] * slope[j] for i in range(3) for j in range(3)) / df
    return {
        "d_av": ((s0**2 + s1**2 + 2 * s01**2) / (8.0 * df * square**2), sd / square),
        "d_rm": (of_d_rm, 2.0 * apart / product),
        "delta_pre": (np.full_like(s0, 0.5 / df), sd / s0),
    }


def noncentral_limits(statistics: np.ndarray, n_pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of d_z: exact ones on a grid of t, and a cubic spline between them."""
    from scipy.interpolate import CubicSpline

    low, high = float(statistics.min()), float(statistics.max())
    grid = np.linspace(low, high, 200)
    exact = np.array([noncentrality_limits(t, n_pairs - 1.0, LEVEL) for t in grid])
    root = math.sqrt(n_pairs)
    lower, upper = (CubicSpline(grid, exact[:, column])(statistics) / root for column in (0, 1))
    return lower, upper


def rank_limits(changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of the Hodges-Lehmann estimate: exact without ties below 50 pairs, else by the normal place."""
    from katoutcomes.kernels.change.rank_change import _order_of_limit

    n_sets, n_pairs = changes.shape
    exact, approximate = (_order_of_limit(n_pairs, LEVEL, is_exact=is_exact) for is_exact in (True, False))
    first, second = np.tril_indices(n_pairs)
    n_means = first.size
    places = sorted({exact - 1, approximate - 1, n_means - exact, n_means - approximate})
    lower, upper = np.empty(n_sets), np.empty(n_sets)
    for start in range(0, n_sets, CHUNK):
        some = changes[start : start + CHUNK]
        means = np.partition((some[:, first] + some[:, second]) / 2.0, places, axis=1)
        sizes = np.sort(np.abs(some), axis=1)
        is_exact = (np.diff(sizes, axis=1) > 0).all(axis=1) & (sizes[:, 0] > 0) & (n_pairs < 50)
        lower[start : start + CHUNK] = np.where(is_exact, means[:, exact - 1], means[:, approximate - 1])
        upper[start : start + CHUNK] = np.where(is_exact, means[:, n_means - exact], means[:, n_means - approximate])
    return lower, upper


def relative_limits(
    before: np.ndarray, change: np.ndarray, variances: tuple[np.ndarray, np.ndarray, np.ndarray], n_pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return Fieller's limits of the mean change over the mean baseline."""
    from scipy.special import stdtrit

    s0, s1, sd = variances
    reach = float(stdtrit(n_pairs - 1.0, 0.5 + LEVEL / 2.0)) ** 2 / n_pairs
    square = before**2 - reach * s0
    linear = before * change - reach * (s1 - s0 - sd) / 2.0
    root = np.sqrt(np.maximum(0.0, linear**2 - square * (change**2 - reach * sd)))
    return (linear - root) / square, (linear + root) / square


# --- coverage --------------------------------------------------------------------------------------------------------


def coverage(setting: Setting, n_sets: int, n_bootstrap: int) -> dict[str, float]:
    """Return the share of samples whose interval holds the truth, by the name of the interval."""
    rng = np.random.default_rng(setting.seed)
    known = truth(setting)
    baseline, follow_up = samples(setting, n_sets, rng)
    limits = closed_limits(baseline, follow_up)
    found = {name: float(((low <= known[name]) & (known[name] <= high)).mean()) for name, (low, high) in limits.items()}
    for kind in INTERVALS:
        held = dict.fromkeys(STATISTICS, 0)
        for one in range(n_bootstrap):
            intervals = bootstrap_intervals(
                baseline[one], follow_up[one], rng=rng, n_resamples=RESAMPLES, conf_level=LEVEL, method=kind
            )
            for name, interval in intervals.items():
                held[name] += interval.conf_low <= known[name] <= interval.conf_high
        if n_bootstrap:
            found |= {f"{name}, {kind}": count / n_bootstrap for name, count in held.items()}
    return found


def measure(n_sets: int, n_bootstrap: int, distributions: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    """Simulate the settings and keep the numbers beside those of the others."""
    kept = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}
    rows = {(row["distribution"], row["n_pairs"], row["correlation"]): row for row in kept.get("settings", ())}
    for distribution in distributions:
        for n_pairs in sizes:
            for correlation in CORRELATIONS:
                setting = Setting(distribution, correlation, n_pairs)
                fields = {"distribution": distribution, "n_pairs": n_pairs, "correlation": correlation}
                counts = {"n_sets": n_sets} | ({"n_bootstrap": n_bootstrap} if n_bootstrap else {})
                before = rows.get((distribution, n_pairs, correlation), {})  # bootstraps that are not asked for stay
                row = before | fields | counts | coverage(setting, n_sets, n_bootstrap)
                rows[distribution, n_pairs, correlation] = row
                print(row, flush=True)  # noqa: T201 - minutes pass
    ordered = [rows[key] for key in sorted(rows)]
    command = COMMAND.format(n_sets, ordered[0].get("n_bootstrap", 0))
    kept |= {"command": command, "settings": ordered}
    NUMBERS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8", newline="\n")


COLORS, MARKERS = ("#00588A", "#E07B00", "#1F1F1F"), ("o", "s", "^")


def draw() -> None:
    """Draw the kept numbers: an interval a line, a panel for each kind of scores and sample size."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = json.loads(NUMBERS.read_text("utf-8"))["settings"]
    names = (*CLOSED, *OFFERED)
    with mpl.rc_context({"svg.hashsalt": "outcome_coverage", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8.6, 7.6), layout="constrained", facecolor="white")
        panels = figure.subplots(len(DISTRIBUTIONS), len(SAMPLE_SIZES), sharex=True, sharey=True)
        for distribution, line in zip(DISTRIBUTIONS, panels, strict=True):
            for n_pairs, axes in zip(SAMPLE_SIZES, line, strict=True):
                draw_panel(
                    axes, [r for r in rows if (r["distribution"], r["n_pairs"]) == (distribution, n_pairs)], names
                )
                axes.set_title(f"{distribution} scores, {n_pairs} pairs", fontsize=9, loc="left")
        panels[0][0].set_yticks(range(len(names)), names, fontsize=7.5)
        panels[0][0].set_ylim(len(names) - 0.5, -0.5)
        panels[0][0].set_xlim(84.0, 100.0)
        for axes in panels[-1]:
            axes.set_xlabel("intervals that hold the truth, %", fontsize=8)
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
        figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


def draw_panel(axes: object, rows: list[dict[str, float]], names: tuple[str, ...]) -> None:
    """Draw one panel."""
    axes.axvspan(100 * WITHIN[0], 100 * WITHIN[1], color="0.92", lw=0)
    axes.axvline(100 * LEVEL, color="0.5", lw=0.8)
    axes.axvline(92.0, color="0.5", lw=0.8, ls=":")
    axes.axhline(len(CLOSED) - 0.5, color="0.8", lw=0.6)
    for row, color, marker, shift in zip(rows, COLORS, MARKERS, (-0.22, 0.0, 0.22), strict=False):
        places = [place for place, name in enumerate(names) if name in row]
        values = [max(84.3, 100 * row[names[place]]) for place in places]
        heights = [place + shift for place in places]
        axes.plot(values, heights, marker, color=color, ms=3.2, label=f"correlation {row['correlation']}")
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw, and measure first if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulate", type=int, metavar="SETS", help="samples for each setting")
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="SETS", help="samples that are bootstrapped")
    parser.add_argument("--distribution", choices=DISTRIBUTIONS, action="append")
    parser.add_argument("--pairs", type=int, choices=SAMPLE_SIZES, action="append")
    chosen = parser.parse_args()
    if chosen.simulate:
        distributions = tuple(chosen.distribution or DISTRIBUTIONS)
        measure(chosen.simulate, chosen.bootstrap, distributions, tuple(chosen.pairs or SAMPLE_SIZES))
    draw()


if __name__ == "__main__":
    main()
